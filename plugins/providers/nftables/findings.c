/* What a survey means: findings with a name and one sentence each, and lists of what would be cut.
 * Pure functions. */
#include "survey.h"

#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "support/json.h"
#include "support/text.h"

enum { FINDINGS_MAX = 48, SENTENCE_MAX = 480, SERVICES_SHOWN_MAX = 64 };

/* The findings of one result. */
typedef struct findings {
  cJSON *list;
  unsigned count;
  unsigned left;
} findings;

static const char *const severities[] = {"info", "warn", "refuse"};
enum { INFO, WARN, REFUSE };

static cJSON *add(findings *f, const char *check, int severity, const sup_text *sentence)
{
  if (f->count == FINDINGS_MAX) {
    f->left++;
    return NULL;
  }
  f->count++;
  cJSON *item = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(item, "check", check);
  (void)cJSON_AddStringToObject(item, "severity", severities[severity]);
  sup_json_add_text(item, "sentence", sup_text_get(sentence));
  (void)cJSON_AddItemToArray(f->list, item);
  return item;
}

static void add_endpoint(sup_text *t, const iso_endpoint *e)
{
  char text[ISO_ADDR_TEXT];
  (void)iso_addr_text(&e->addr, text);
  sup_text_addf(t, e->addr.family == 6 ? "[%s]:%u" : "%s:%u", text, e->port);
}

/* ---- the consoles ---- */

static size_t count_ways(const iso_survey *s, iso_way way)
{
  size_t count = 0;
  for (size_t i = 0; i < s->params->console_count; i++)
    count += s->paths[i].way == way ? 1 : 0;
  return count;
}

static void find_tunnel(const iso_survey *s, const iso_path *p, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  char outer[ISO_ADDR_TEXT] = "";
  if (p->outer.family != 0)
    (void)iso_addr_text(&p->outer, outer);
  sup_text_add(&t, "the console at ");
  add_endpoint(&t, &p->to);
  sup_text_addf(&t, " is reached through %s%s%s%s%s, and the tunnel's own packets ", p->tunnel,
                p->interface[0] != '\0' ? " on " : "", p->interface, outer[0] != '\0' ? " to " : "",
                outer);
  sup_text_add(&t,
               p->way == ISO_WAY_CUT ? "would be cut" : "may be cut: where they go cannot be told");
  bool certain = p->way == ISO_WAY_CUT && count_ways(s, ISO_WAY_OPEN) == 0 &&
                 count_ways(s, ISO_WAY_DOUBTFUL) == 0;
  cJSON *item = add(f, "console_tunnel", certain ? REFUSE : WARN, &t);
  char address[ISO_ADDR_TEXT];
  if (item != NULL) {
    (void)cJSON_AddStringToObject(item, "address", iso_addr_text(&p->to.addr, address));
    (void)cJSON_AddNumberToObject(item, "port", p->to.port);
  }
  sup_text_release(&t);
}

static void find_consoles(const iso_survey *s, findings *f)
{
  for (size_t i = 0; i < s->params->console_count; i++) {
    if (s->paths[i].way == ISO_WAY_CUT || s->paths[i].way == ISO_WAY_DOUBTFUL)
      find_tunnel(s, &s->paths[i], f);
  }
  if (s->params->console_count == 0 || count_ways(s, ISO_WAY_NONE) < s->params->console_count ||
      strstr(s->unread, "routes") != NULL)
    return;
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  sup_text_add(&t, "no route leads to the console at ");
  add_endpoint(&t, &s->paths[0].to);
  if (s->params->console_count > 1)
    sup_text_addf(&t, " or to its %zu other addresses", s->params->console_count - 1);
  sup_text_add(&t, " now, so whether it stays reachable cannot be told");
  (void)add(f, "console_route", INFO, &t);
  sup_text_release(&t);
}

/* ---- containers, guests ---- */

static const iso_bridge *first_bridge_with_ports(const iso_survey *s)
{
  for (size_t i = 0; i < s->bridge_count; i++) {
    if (s->bridges[i].ports > 0)
      return &s->bridges[i];
  }
  return NULL;
}

static bool add_hosts(const iso_survey *s, sup_text *t)
{
  bool any = false;
  for (int o = 1; o < ISO_OWNER_COUNT; o++) {
    if (s->owners.seen[o][0] == '\0' || !iso_owner_hosts((iso_owner)o))
      continue;
    sup_text_addf(t, "; %s is here, by %s", iso_owner_name((iso_owner)o), s->owners.seen[o]);
    any = true;
  }
  return any;
}

static void find_containers(const iso_survey *s, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  sup_text products = SUP_TEXT_INIT(256);
  const iso_bridge *b = first_bridge_with_ports(s);
  bool forwards = s->forwards4 || s->forwards6;
  bool hosts = add_hosts(s, &products);
  if (b != NULL || (forwards && hosts)) {
    sup_text_addf(&t, "this device forwards for containers or guests (forwarding is %s",
                  forwards ? "on" : "off");
    if (b != NULL)
      sup_text_addf(&t, "; bridge %s has %u interface%s", b->name, b->ports,
                    b->ports == 1 ? "" : "s");
    sup_text_add(&t, sup_text_get(&products));
    sup_text_add(&t, "): what it routes for them would be cut, what is bridged past its own "
                     "addresses would not");
    (void)add(f, "container_host", WARN, &t);
  }
  sup_text_release(&products);
  sup_text_release(&t);
}

/* ---- owners of rules ---- */

static void find_owner(const iso_survey *s, iso_owner o, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  if (iso_owner_is_ebpf(o))
    sup_text_addf(&t,
                  "%s moves packets with eBPF on this device (by %s), which may pass below the "
                  "rules of an isolation",
                  iso_owner_name(o), s->owners.seen[o]);
  else
    sup_text_addf(&t,
                  "%s has rules on this device (by %s): both hold, so that what it drops the "
                  "console loses as well",
                  iso_owner_name(o), s->owners.seen[o]);
  (void)add(f, "foreign_firewall", iso_owner_is_ebpf(o) ? WARN : INFO, &t);
  sup_text_release(&t);
}

static void find_owned(const iso_owned *o, size_t left, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  sup_text_addf(&t,
                "the nftables table '%s' belongs to a program that runs (netlink port %u) and that "
                "alone may change it",
                o->name, o->port);
  if (left > 0)
    sup_text_addf(&t, "; so do %zu others", left);
  (void)add(f, "foreign_firewall", WARN, &t);
  sup_text_release(&t);
}

static void find_owners(const iso_survey *s, findings *f)
{
  for (int o = 1; o < ISO_OWNER_COUNT; o++) {
    if (s->owners.seen[o][0] != '\0')
      find_owner(s, (iso_owner)o, f);
  }
  for (size_t i = 0; i < s->owners.owned_count; i++)
    find_owned(&s->owners.owned[i], i + 1 == s->owners.owned_count ? s->owners.owned_left : 0, f);
}

/* ---- sessions ---- */

static void find_sessions(const iso_survey *s, findings *f)
{
  for (size_t i = 0; i < s->session_count; i++) {
    const iso_session *session = &s->sessions[i];
    char remote[ISO_ADDR_TEXT];
    sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
    sup_text_addf(&t, "a session over %s from %s is in use on port %u", session->kind,
                  iso_addr_text(&session->remote, remote), session->port);
    if (session->user[0] != '\0')
      sup_text_addf(&t, ", of user %s", session->user);
    sup_text_add(&t, ", and would be cut");
    if (i + 1 == s->session_count && s->sessions_left > 0)
      sup_text_addf(&t, "; so would %zu others", s->sessions_left);
    (void)add(f, "session_in_use", WARN, &t);
    sup_text_release(&t);
  }
}

/* ---- excluded services ---- */

static void find_not_running(const iso_group *g, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  if (g->place_count == 0) {
    sup_text_addf(&t,
                  "the excluded service %s is not running, or there is none of that name: it "
                  "passes once it starts",
                  g->name);
    (void)add(f, "service_not_running", WARN, &t);
  }
  sup_text_release(&t);
}

static void find_of_users(const iso_group *g, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  if (iso_group_acts_for_users(g->name)) {
    sup_text_addf(&t,
                  "the excluded service %s runs what users tell it to: whatever they start there "
                  "passes",
                  g->name);
    (void)add(f, "service_of_users", WARN, &t);
  }
  sup_text_release(&t);
}

static void find_more(const iso_group *g, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  if (g->more_places)
    sup_text_addf(&t, "more than %d slices have a service %s: the rest of them is cut",
                  ISO_GROUP_PLACES, g->name);
  else if (g->place_count > 1)
    sup_text_addf(&t, "%zu slices have a service %s: all of them pass", g->place_count, g->name);
  if (t.len > 0)
    (void)add(f, "service_not_alone", WARN, &t);
  sup_text_release(&t);
}

static void find_below(const iso_group *g, findings *f)
{
  sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
  if (g->more_below) {
    sup_text_addf(&t,
                  "the excluded service %s has more groups of its own making than can be looked "
                  "at: open connections of the rest would be ended",
                  g->name);
    (void)add(f, "service_too_many_groups", WARN, &t);
  }
  sup_text_release(&t);
}

static void find_services(const iso_params *p, findings *f)
{
  if (p->groups_note[0] != '\0') {
    sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
    sup_text_addf(&t, "not all excluded services can be told: %s", p->groups_note);
    (void)add(f, "service_not_seen", WARN, &t);
    sup_text_release(&t);
  }
  for (size_t i = 0; i < p->group_count; i++) {
    find_not_running(&p->groups[i], f);
    find_of_users(&p->groups[i], f);
    find_more(&p->groups[i], f);
    find_below(&p->groups[i], f);
  }
}

/* ---- lists ---- */

static void add_whose(cJSON *item, const iso_whose *w)
{
  sup_json_add_text(item, "user", w->user);
  if (w->process[0] != '\0') {
    sup_json_add_text(item, "process", w->process);
    (void)cJSON_AddNumberToObject(item, "pid", w->pid);
  }
  if (w->unit[0] != '\0')
    sup_json_add_text(item, "unit", w->unit);
}

static const char *protocol_name(uint8_t protocol)
{
  return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "raw";
}

static void list_connections(const iso_survey *s, cJSON *cut)
{
  cJSON *list = cJSON_AddArrayToObject(cut, "connections");
  for (size_t i = 0; i < s->cut_count; i++) {
    const iso_cut *c = &s->cuts[i];
    char remote[ISO_ADDR_TEXT];
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "protocol", protocol_name(c->protocol));
    (void)cJSON_AddStringToObject(item, "direction", c->in ? "in" : "out");
    (void)cJSON_AddStringToObject(item, "remote", iso_addr_text(&c->remote, remote));
    (void)cJSON_AddNumberToObject(item, "port", c->port);
    (void)cJSON_AddNumberToObject(item, "count", c->count);
    add_whose(item, &c->whose);
    (void)cJSON_AddItemToArray(list, item);
  }
  (void)cJSON_AddNumberToObject(cut, "connections_left_out", s->connections - s->grouped);
}

static void list_services(const iso_survey *s, cJSON *cut)
{
  cJSON *list = cJSON_AddArrayToObject(cut, "services");
  unsigned left = 0;
  int count = 0;
  for (size_t i = 0; i < s->service_count; i++) {
    const iso_service *v = &s->services[i];
    if (v->connections == 0)
      continue;
    if (count++ >= SERVICES_SHOWN_MAX) {
      left++;
      continue;
    }
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "protocol", "tcp");
    (void)cJSON_AddNumberToObject(item, "port", v->port);
    (void)cJSON_AddNumberToObject(item, "connections", v->connections);
    add_whose(item, &v->whose);
    (void)cJSON_AddItemToArray(list, item);
  }
  (void)cJSON_AddNumberToObject(cut, "services_left_out", left);
}

static void list_guests(const iso_survey *s, cJSON *cut)
{
  cJSON *list = cJSON_AddArrayToObject(cut, "guests");
  for (size_t i = 0; i < s->bridge_count; i++) {
    const iso_bridge *b = &s->bridges[i];
    if (b->ports == 0)
      continue;
    cJSON *item = cJSON_CreateObject();
    sup_json_add_text(item, "bridge", b->name);
    (void)cJSON_AddNumberToObject(item, "count", b->ports);
    sup_json_add_text(item, "interfaces", b->port_names);
    (void)cJSON_AddItemToArray(list, item);
  }
  (void)cJSON_AddNumberToObject(cut, "guests_left_out", (double)s->bridges_left);
}

static void list_paths(const iso_survey *s, cJSON *result)
{
  static const char *const ways[] = {[ISO_WAY_NONE] = "none",
                                     [ISO_WAY_OPEN] = "open",
                                     [ISO_WAY_DOUBTFUL] = "doubtful",
                                     [ISO_WAY_CUT] = "cut"};
  cJSON *list = cJSON_AddArrayToObject(result, "paths");
  for (size_t i = 0; i < s->params->console_count; i++) {
    const iso_path *p = &s->paths[i];
    char address[ISO_ADDR_TEXT];
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "address", iso_addr_text(&p->to.addr, address));
    (void)cJSON_AddNumberToObject(item, "port", p->to.port);
    (void)cJSON_AddStringToObject(item, "way", ways[p->way]);
    if (p->interface[0] != '\0')
      sup_json_add_text(item, "interface", p->interface);
    (void)cJSON_AddItemToArray(list, item);
  }
}

void iso_findings_add(const iso_survey *s, cJSON *result)
{
  findings f = {.list = cJSON_AddArrayToObject(result, "findings")};
  find_consoles(s, &f);
  find_sessions(s, &f);
  find_containers(s, &f);
  find_owners(s, &f);
  find_services(s->params, &f);
  if (s->unread[0] != '\0') {
    sup_text t = SUP_TEXT_INIT(SENTENCE_MAX);
    sup_text_addf(&t, "what an isolation would meet could not be read in full: not its %s",
                  s->unread);
    (void)add(&f, "not_seen", INFO, &t);
    sup_text_release(&t);
  }
  (void)cJSON_AddNumberToObject(result, "findings_left_out", f.left);
  cJSON *cut = cJSON_AddObjectToObject(result, "would_cut");
  list_connections(s, cut);
  list_services(s, cut);
  list_guests(s, cut);
  list_paths(s, result);
}
