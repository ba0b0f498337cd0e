#include "preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define LIST_MAX 1024u

static const char *const severities[] = {"info", "warn", "refuse", NULL};
static const char *const ways[] = {"none", "open", "doubtful", "cut", NULL};

agent_preflight *agent_preflight_new(void)
{
  agent_preflight *p = calloc(1, sizeof(*p));
  if (p != NULL)
    cd_buf_init(&p->would_cut, PREFLIGHT_CUT_MAX);
  return p;
}

void agent_preflight_free(agent_preflight *p)
{
  if (p == NULL)
    return;
  cd_buf_release(&p->would_cut);
  free(p);
}

/* ---- the provider's ---- */

static void read_about(cd_json *obj, agent_endpoint *ret_about)
{
  cd_str address = {0};
  uint64_t port = 0;
  if (!cd_json_opt_str(obj, "address", AGENT_ADDRESS_MAX - 1, &address))
    return;
  cd_json_u64(obj, "port", 65535, &port);
  (void)cd_str_copy(ret_about->address, sizeof(ret_about->address), address);
  ret_about->port = (uint16_t)port;
}

static void read_finding(cd_json *obj, preflight_finding *f)
{
  cd_str check = {0};
  cd_str sentence = {0};
  int severity = 0;
  cd_json_str(obj, "check", AGENT_CHECK_MAX - 1, &check);
  cd_json_enum(obj, "severity", severities, &severity);
  cd_json_str(obj, "sentence", PREFLIGHT_SENTENCE_MAX - 1, &sentence);
  if (check.ptr != NULL && !agent_check_valid(check))
    cd_json_bad(obj, "check", "is no name of a check");
  f->severity = (preflight_severity)severity;
  (void)cd_str_copy(f->check, sizeof(f->check), check);
  (void)cd_str_copy(f->sentence, sizeof(f->sentence), sentence);
  read_about(obj, &f->about);
}

static void read_findings(cd_json *root, agent_preflight *p)
{
  cd_json list = {0};
  if (cd_json_opt_arr(root, "findings", LIST_MAX, &list)) {
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      cd_json item = {0};
      preflight_finding f = {0};
      cd_json_at_obj(&list, i, &item);
      read_finding(&item, &f);
      if (p->count < PREFLIGHT_FINDINGS_MAX)
        p->findings[p->count++] = f;
      else
        p->left_out++;
    }
  }
  uint64_t left = 0;
  (void)cd_json_opt_u64(root, "findings_left_out", UINT32_MAX, &left);
  p->left_out += left;
}

static void read_paths(cd_json *root, agent_preflight *p)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "paths", PREFLIGHT_PATHS_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    int way = 0;
    preflight_path *path = &p->paths[p->path_count++];
    cd_json_at_obj(&list, i, &item);
    read_about(&item, &path->to);
    cd_json_enum(&item, "way", ways, &way);
    path->way = (preflight_way)way;
  }
}

/* An object of lists and numbers; more than there is room for is left out whole. */
static void read_cut(cd_json *root, agent_preflight *p)
{
  cd_json cut = {0};
  if (!cd_json_opt_obj(root, "would_cut", &cut))
    return;
  cd_json_print(&cut, &p->would_cut);
  if (p->would_cut.failed) {
    cd_buf_reset(&p->would_cut);
    cd_buf_add_cstr(&p->would_cut, "{\"too_long\":true}");
  }
}

static void copy(agent_preflight *to, const agent_preflight *from)
{
  for (unsigned i = 0; i < from->count && to->count < PREFLIGHT_FINDINGS_MAX; i++)
    to->findings[to->count++] = from->findings[i];
  to->left_out += from->left_out;
  memcpy(to->paths, from->paths, sizeof(to->paths));
  to->path_count = from->path_count;
  cd_buf_reset(&to->would_cut);
  cd_buf_add_str(&to->would_cut, cd_buf_view(&from->would_cut));
}

cd_code agent_preflight_read(agent_preflight *p, cd_str result, cd_err *err)
{
  cd_json_doc *doc = NULL;
  bool dry = false;
  agent_preflight *fresh = agent_preflight_new();
  if (fresh == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the preflight");
  cd_code rc = cd_json_parse(result, CD_RESULT_MAX, "the result of the dry run", &doc, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_json_bool(&root, "dry_run", &dry);
    read_findings(&root, fresh);
    read_paths(&root, fresh);
    read_cut(&root, fresh);
    if (!dry)
      cd_json_bad(&root, "dry_run", "must be true");
    rc = cd_json_status(&root, err);
  }
  if (rc == CD_OK)
    copy(p, fresh);
  cd_json_free(doc);
  agent_preflight_free(fresh);
  return rc;
}

/* ---- the agent's ---- */

void agent_preflight_add(agent_preflight *p, const char *check, preflight_severity severity,
                         const char *fmt, ...)
{
  va_list args;
  if (p->count == PREFLIGHT_FINDINGS_MAX) {
    p->left_out++;
    return;
  }
  preflight_finding *f = &p->findings[p->count++];
  *f = (preflight_finding){.severity = severity};
  (void)cd_str_copy(f->check, sizeof(f->check), cd_str_from(check));
  va_start(args, fmt);
  (void)vsnprintf(f->sentence, sizeof(f->sentence), fmt, args);
  va_end(args);
  cd_str cut = cd_str_from(f->sentence);
  f->sentence[cd_str_utf8_cut(cut, cut.len)] = '\0';
}

static bool same(const agent_endpoint *a, const agent_endpoint *b)
{
  return a->port == b->port && cd_str_eq_cstr(cd_str_from(a->address), b->address);
}

static bool is_among(const agent_endpoint *e, const agent_endpoint *list, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    if (same(e, &list[i]))
      return true;
  }
  return false;
}

void agent_preflight_way(agent_preflight *p, const agent_endpoint *used, unsigned count)
{
  unsigned cut = 0;
  bool other = false; /* one of those used may well stay */
  for (unsigned i = 0; i < p->path_count; i++) {
    const preflight_path *path = &p->paths[i];
    if (!is_among(&path->to, used, count))
      continue;
    cut += path->way == PREFLIGHT_WAY_CUT ? 1 : 0;
    other = other || path->way == PREFLIGHT_WAY_OPEN || path->way == PREFLIGHT_WAY_DOUBTFUL;
  }
  for (unsigned i = 0; i < p->count; i++) {
    preflight_finding *f = &p->findings[i];
    if (!cd_str_eq_cstr(cd_str_from(f->check), "console_tunnel") || f->about.port == 0)
      continue;
    if (!is_among(&f->about, used, count))
      f->severity = PREFLIGHT_INFO;
    else
      f->severity = cut > 0 && !other ? PREFLIGHT_REFUSE : PREFLIGHT_WARN;
  }
}

/* ---- the judgement ---- */

static bool is_named(const agent_checks *list, const char *check)
{
  for (unsigned i = 0; i < list->count; i++) {
    if (cd_str_eq_cstr(cd_str_from(check), list->names[i]))
      return true;
  }
  return false;
}

static preflight_severity by_policy(const preflight_finding *f, const agent_config *config,
                                    bool console)
{
  if (is_named(&config->preflight_refuse, f->check))
    return PREFLIGHT_REFUSE;
  if (is_named(&config->preflight_warn, f->check))
    return PREFLIGHT_WARN;
  return f->severity == PREFLIGHT_REFUSE && !console ? PREFLIGHT_WARN : f->severity;
}

void agent_preflight_judge(agent_preflight *p, const agent_config *config,
                           const preflight_order *order)
{
  p->refused = false;
  for (unsigned i = 0; i < p->count; i++) {
    preflight_finding *f = &p->findings[i];
    f->severity = by_policy(f, config, order->console);
    p->refused = p->refused || f->severity == PREFLIGHT_REFUSE;
  }
  if (order->force)
    agent_preflight_overlook(p);
}

void agent_preflight_overlook(agent_preflight *p)
{
  p->forced = p->refused;
  p->refused = false;
  for (unsigned i = 0; i < p->count; i++) {
    if (p->findings[i].severity == PREFLIGHT_REFUSE)
      p->findings[i].severity = PREFLIGHT_WARN;
  }
}

void agent_preflight_reason(const agent_preflight *p, cd_buf *out)
{
  bool first = true;
  for (unsigned i = 0; i < p->count; i++) {
    const preflight_finding *f = &p->findings[i];
    if (f->severity != PREFLIGHT_REFUSE)
      continue;
    cd_buf_addf(out, "%s%s: %s", first ? "" : "; ", f->check, f->sentence);
    first = false;
  }
}

static void write_finding(const preflight_finding *f, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "check", f->check);
  cd_jw_cstr(w, "severity", severities[f->severity]);
  cd_jw_cstr(w, "sentence", f->sentence);
  cd_jw_end_obj(w);
}

void agent_preflight_write(const agent_preflight *p, cd_jw *w)
{
  cd_jw_obj(w, "preflight");
  cd_jw_cstr(w, "verdict", p->refused ? "refuse" : p->forced ? "forced" : "go");
  cd_jw_arr(w, "findings");
  for (unsigned i = 0; i < p->count; i++)
    write_finding(&p->findings[i], w);
  cd_jw_end_arr(w);
  cd_jw_u64(w, "findings_left_out", p->left_out);
  cd_jw_raw(w, "would_cut", cd_buf_view(&p->would_cut));
  cd_jw_end_obj(w);
}
