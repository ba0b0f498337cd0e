/* verify: what the kernel holds, and probes that must fail because of it.
 *
 * Each probe goes to an address that nobody has, and has a counter of its own in the rules, right
 * before the drop that everything else meets too. It counts as blocked if this device itself
 * refused it and that counter moved. */
#include "isolate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "coverage.h"
#include "evidence.h"
#include "locals.h"
#include "nft.h"
#include "packets.h"
#include "stacked.h"
#include "support/json.h"
#include "targets.h"

enum { WAIT_MS = 300 };

/* A DNS query for the root's name servers: what dns4 and dns6 would send to a foreign resolver. */
static const unsigned char query[] = {0xc0, 0xd1, 0x01, 0x00, 0, 1, 0, 0, 0,
                                      0,    0,    0,    0,    0, 2, 0, 1};

typedef struct trial {
  iso_target target;
  iso_addr used;            /* where it was sent in the end */
  char device[IF_NAMESIZE]; /* through which interface; empty: by the routes */
  const char *skipped;      /* why nothing was sent */
  const char *excused;      /* why it need not be blocked, if it was not; it counts as not probed */
  iso_seen seen;
  uint64_t before;
  uint64_t after;
  bool has_counter;
  iso_outcome outcome;
  const char *note;
} trial;

typedef struct verification {
  const iso_plugin *self;
  const iso_params *params;
  iso_holding holding;
  iso_locals locals;
  iso_counters before;
  iso_counters after;
  trial trials[ISO_TARGETS];
  unsigned blocked;
  unsigned passed;
} verification;

static void set_address(struct sockaddr_storage *to, const iso_addr *a, uint16_t port,
                        unsigned scope)
{
  *to = (struct sockaddr_storage){0};
  if (a->family == 6) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    six->sin6_scope_id = scope;
    memcpy(&six->sin6_addr, a->bytes, sizeof(six->sin6_addr));
    return;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)to;
  four->sin_family = AF_INET;
  four->sin_port = htons(port);
  memcpy(&four->sin_addr, a->bytes, sizeof(four->sin_addr));
}

static void start(trial *t, const iso_addr *a, const iso_link *link)
{
  static const sup_probe_kind kinds[] = {
      [ISO_TCP] = SUP_PROBE_TCP, [ISO_UDP] = SUP_PROBE_UDP, [ISO_ICMP] = SUP_PROBE_ICMP};
  t->used = *a;
  t->device[0] = '\0';
  if (link != NULL)
    (void)snprintf(t->device, sizeof(t->device), "%s", link->name);
  sup_probe *p = &t->seen.first;
  *p = (sup_probe){.kind = kinds[t->target.protocol],
                   .payload = query,
                   .payload_len = sizeof(query),
                   .device = link != NULL ? t->device : NULL,
                   .fd = -1};
  set_address(&p->to, a, t->target.port, link != NULL ? link->index : 0);
  sup_probe_start(p);
}

static bool found_way(const trial *t)
{
  return !iso_is_unroutable(t->seen.first.os_error);
}

/* By the routes first; where there is none, straight out of an interface: IPv4 takes any address
 * for on-link then, for IPv6 there is the link-local one. */
static void start_somehow(trial *t, const iso_locals *locals)
{
  const iso_target *target = &t->target;
  if (target->addr.family == 0 && target->on_link.family == 0) {
    t->skipped = "the exclusions let through what it would send, to every address that nobody has";
    t->excused = t->skipped;
    return;
  }
  if (iso_locals_has(locals, &target->addr) || iso_locals_has(locals, &target->on_link)) {
    t->skipped = "this device has the address that it would send to";
    return;
  }
  const iso_addr *straight = target->family == 6 ? &target->on_link : &target->addr;
  if (target->addr.family != 0)
    start(t, &target->addr, NULL);
  if (target->addr.family != 0 && found_way(t))
    return;
  for (size_t i = 0; i < locals->link_count && straight->family != 0; i++) {
    start(t, straight, &locals->links[i]);
    if (found_way(t))
      return;
  }
  if (t->seen.first.kind == SUP_PROBE_NONE)
    t->skipped = "there is no interface that could send it";
}

static void wait_all(verification *v, uint64_t deadline_ms)
{
  sup_probe probes[ISO_TARGETS];
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    probes[i] = v->trials[i].seen.first;
    if (v->trials[i].skipped != NULL)
      probes[i].fd = -1;
  }
  sup_probe_wait(probes, ISO_TARGETS, deadline_ms);
  for (size_t i = 0; i < ISO_TARGETS; i++)
    v->trials[i].seen.first = probes[i];
}

static void take_counters(verification *v)
{
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    trial *t = &v->trials[i];
    char name[ISO_COUNTER_NAME];
    (void)snprintf(name, sizeof(name), "probe_%s", t->target.name);
    t->has_counter = iso_counters_get(&v->before, name, &t->before) &&
                     iso_counters_get(&v->after, name, &t->after);
    t->seen.counted = t->has_counter && t->after > t->before;
  }
}

/* Where connect() left open what became of the packet, a SYN of our own tells. */
static bool send_syns(verification *v)
{
  bool sent = false;
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    trial *t = &v->trials[i];
    if (t->skipped != NULL || !iso_needs_syn(&t->seen.first, t->seen.counted))
      continue;
    t->seen.syn = t->seen.first;
    t->seen.syn.kind = SUP_PROBE_SYN;
    sup_probe_start(&t->seen.syn);
    sent = true;
  }
  return sent;
}

static cordon_status run_trials(verification *v, const sup_call *call, sup_err *err)
{
  cordon_status status = iso_take_counters(&v->holding, &v->before, err);
  if (status != CORDON_OK)
    return status;
  for (size_t i = 0; i < ISO_TARGETS; i++)
    start_somehow(&v->trials[i], &v->locals);
  wait_all(v, sup_call_until(call, WAIT_MS));
  status = iso_take_counters(&v->holding, &v->after, err);
  if (status != CORDON_OK)
    return status;
  take_counters(v);
  if (!send_syns(v))
    return CORDON_OK;
  status = iso_take_counters(&v->holding, &v->after, err);
  if (status == CORDON_OK)
    take_counters(v);
  return status;
}

/* A family that nothing can be sent over needs no proof, and gives none. What passed always counts.
 */
static void excuse_families(verification *v)
{
  static const char *const no_sender[2] = {
      "no interface of this device that is up has an IPv4 address",
      "no interface of this device that is up has an IPv6 address that it may send from"};
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    trial *t = &v->trials[i];
    size_t f = t->target.family == 6 ? 1 : 0;
    if (!v->locals.can_send[f])
      t->excused = no_sender[f];
  }
}

static bool is_proven(const verification *v, uint8_t family)
{
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    if (v->trials[i].target.family == family && v->trials[i].outcome == ISO_BLOCKED)
      return true;
  }
  return false;
}

/* What the exclusions let through need not be blocked, but something of its family must be. */
static bool is_excused(const verification *v, const trial *t)
{
  bool can_send = v->locals.can_send[t->target.family == 6 ? 1 : 0];
  return t->excused != NULL && (!can_send || is_proven(v, t->target.family));
}

/* The first probe that should have been blocked and proves nothing; NULL if there is none. DNS
 * proves no more than any other UDP, so that it may be left open by the one that is blocked. */
static const trial *find_unproven(const verification *v)
{
  const trial *udp = NULL;
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    const trial *t = &v->trials[i];
    bool is_dns = t->target.port == 53;
    if (t->target.protocol == ISO_UDP && !is_dns)
      udp = t;
    bool follows = is_dns && udp != NULL && udp->target.family == t->target.family &&
                   udp->outcome == ISO_BLOCKED;
    if (t->outcome == ISO_INCONCLUSIVE && !is_excused(v, t) && !follows)
      return t;
  }
  return NULL;
}

static const char *why_unproven(const trial *t)
{
  return t->note != NULL ? t->note : "it gave no answer";
}

static void judge_trials(verification *v)
{
  excuse_families(v);
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    trial *t = &v->trials[i];
    t->note = t->skipped;
    t->outcome = t->skipped != NULL ? ISO_INCONCLUSIVE : iso_judge(&t->seen, &t->note);
    if (t->outcome != ISO_PASSED && t->skipped == NULL && !t->has_counter)
      t->note = "its counter is missing in the rules";
    v->blocked += t->outcome == ISO_BLOCKED;
    v->passed += t->outcome == ISO_PASSED;
  }
}

static void add_trial(cJSON *probes, const trial *t)
{
  char text[ISO_ADDR_TEXT];
  char target[128];
  const iso_addr *a = t->used.family != 0 ? &t->used : &t->target.addr;
  const char *address = a->family != 0 ? iso_addr_text(a, text) : "none";
  const char *zone = t->device[0] != '\0' ? "%" : "";
  if (t->target.protocol == ISO_ICMP)
    (void)snprintf(target, sizeof(target), "%s%s%s", address, zone, t->device);
  else
    (void)snprintf(target, sizeof(target), a->family == 6 ? "[%s%s%s]:%u" : "%s%s%s:%u", address,
                   zone, t->device, t->target.port);
  cJSON *probe = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(probe, "name", t->target.name);
  sup_json_add_text(probe, "target", target);
  (void)cJSON_AddStringToObject(probe, "outcome", iso_outcome_name(t->outcome));
  (void)cJSON_AddNumberToObject(probe, "counter_before", (double)t->before);
  (void)cJSON_AddNumberToObject(probe, "counter_after", (double)t->after);
  if (t->note != NULL)
    (void)cJSON_AddStringToObject(probe, "note", t->note);
  (void)cJSON_AddItemToArray(probes, probe);
}

static void add_not_probed(cJSON *result, const verification *v)
{
  cJSON *list = cJSON_AddArrayToObject(result, "not_probed");
  for (size_t i = 0; i < ISO_TARGETS && v->holding.frame.table; i++) {
    const trial *t = &v->trials[i];
    char text[256];
    if (t->outcome != ISO_INCONCLUSIVE || t->excused == NULL)
      continue;
    (void)snprintf(text, sizeof(text), "%s: %s", t->target.name, t->excused);
    (void)cJSON_AddItemToArray(list, cJSON_CreateString(text));
  }
  iso_coverage_add(list);
}

static cordon_status answer(const verification *v, const sup_call *call, bool holds, sup_err *err)
{
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddBoolToObject(result, "holds", holds);
  sup_json_add_text(result, "digest", v->holding.digest[0] != '\0' ? v->holding.digest : NULL);
  cJSON *probes = cJSON_AddArrayToObject(result, "probes");
  for (size_t i = 0; i < ISO_TARGETS && v->holding.frame.table; i++)
    add_trial(probes, &v->trials[i]);
  cJSON *counters = cJSON_AddObjectToObject(result, "counters");
  for (size_t i = 0; i < v->after.count; i++) {
    if (strncmp(v->after.items[i].name, "dropped_", 8) == 0)
      (void)cJSON_AddNumberToObject(counters, v->after.items[i].name,
                                    (double)v->after.items[i].packets);
  }
  add_not_probed(result, v);
  cJSON *details = cJSON_AddObjectToObject(result, "details");
  (void)cJSON_AddStringToObject(details, "state", iso_state_name(v->holding.state));
  if (v->holding.note != NULL)
    (void)cJSON_AddStringToObject(details, "note", v->holding.note);
  iso_add_console_dropped(details, &v->after);
  iso_coverage_add_flowtables(details);
  iso_packets_add(v->self->host, details);
  iso_stacked_add(v->self->host, call, details);
  iso_guard_add(&v->self->guard, v->holding.guard, details);
  if (v->params->strict)
    iso_strict_add(&v->holding.strict, details);
  iso_services_add(v->params, details);
  cordon_status status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

/* Everything that stands against it, the worst first. CORDON_OK: it holds. */
static cordon_status judge_all(const verification *v, sup_err *err)
{
  bool whole = v->holding.state == ISO_ISOLATED;
  const trial *unproven = find_unproven(v);
  if (v->holding.state == ISO_RELEASED)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "there are no rules of ours: the device is not isolated");
  if (v->passed > 0)
    return sup_fail(err, CORDON_E_UNVERIFIED, "%u of %d probes got past the rules%s%s", v->passed,
                    ISO_TARGETS, whole ? "" : ": ", whole ? "" : v->holding.note);
  if (!whole)
    return sup_fail(err, CORDON_E_UNVERIFIED, "the rules are not whole: %s", v->holding.note);
  if (v->holding.strict.uncovered[0] != '\0')
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "strict does not cover the link '%s' yet; the rules of the rest are in place",
                    v->holding.strict.uncovered);
  if (v->locals.link_count == 0)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "no network interface of this device is up, so nothing could be probed; the "
                    "rules are in place");
  if (v->blocked == 0)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "no probe was counted by our rules, so none shows that they hold%s%s%s%s; the "
                    "rules are in place",
                    unproven != NULL ? ": " : "", unproven != NULL ? unproven->target.name : "",
                    unproven != NULL ? ": " : "", unproven != NULL ? why_unproven(unproven) : "");
  if (unproven != NULL)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the probe %s shows nothing: %s; the rules are in place", unproven->target.name,
                    why_unproven(unproven));
  return CORDON_OK;
}

static cordon_status conclude(const verification *v, const sup_call *call, sup_err *err)
{
  sup_err against = {0};
  cordon_status verdict = judge_all(v, &against);
  cordon_status status = answer(v, call, verdict == CORDON_OK, err);
  if (status == CORDON_OK && verdict != CORDON_OK)
    *err = against;
  return status == CORDON_OK ? verdict : status;
}

static cordon_status verify_with(iso_plugin *self, const sup_call *call, iso_params *p,
                                 const char *tag, verification *v, sup_err *err)
{
  v->self = self;
  v->params = p;
  iso_expected expected = {.tag = tag, .strict = p->strict, .params = p};
  cordon_status status = iso_examine(self, &expected, &v->holding, err);
  if (status == CORDON_OK)
    status = iso_locals_read(&v->locals, err);
  if (status != CORDON_OK)
    return status;
  iso_target targets[ISO_TARGETS];
  iso_targets_choose(p, targets);
  for (size_t i = 0; i < ISO_TARGETS; i++)
    v->trials[i].target = targets[i];
  if (v->holding.frame.table) {
    status = run_trials(v, call, err);
    judge_trials(v);
  }
  return status == CORDON_OK ? conclude(v, call, err) : status;
}

cordon_status iso_verify(iso_plugin *self, const sup_call *call, sup_err *err)
{
  iso_params p = {0};
  sup_text rules = SUP_TEXT_INIT(ISO_RULESET_ROOM);
  char tag[ISO_TAG_LEN + 1] = "";
  cordon_status status = iso_read_request(self, call, &p, &rules, tag, err);
  sup_text_release(&rules);
  verification *v = status == CORDON_OK ? calloc(1, sizeof(*v)) : NULL;
  if (v != NULL) {
    status = verify_with(self, call, &p, tag, v, err);
    iso_locals_release(&v->locals);
  } else if (status == CORDON_OK) {
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to verify");
  }
  free(v);
  iso_params_release(&p);
  return status;
}
