#include "notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal_notice.h"

#include "base/banned.h"

#define PARAMS_MAX 1024u
#define REASONS_MAX 1024u

struct agent_notice {
  agent_supervisor *sup;
  agent_journal *journal;
  const agent_config *config;
  agent_noticed last;          /* what people know */
  char event[AGENT_EVENT_MAX]; /* what is being told; empty: nothing */
  const char *next;            /* what is to be told after that, NULL: nothing */
  unsigned provider;           /* to ask next */
  agent_plugin *asked;
  bool counted; /* told and failed are of the last notice */
  uint64_t told;
  uint64_t failed;
  cd_buf reasons; /* why nobody was told */
};

static void ask_next(agent_notice *n);
static void begin(agent_notice *n, const char *event);

cd_code agent_notice_new(agent_supervisor *sup, agent_journal *journal, const agent_config *config,
                         agent_notice **ret_notice, cd_err *err)
{
  agent_notice *n = calloc(1, sizeof(*n));
  if (n == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for notices");
  n->sup = sup;
  n->journal = journal;
  n->config = config;
  cd_buf_init(&n->reasons, REASONS_MAX);
  cd_code rc = agent_journal_noticed(journal, AGENT_CAP_ISOLATE, &n->last, err);
  if (rc != CD_OK) {
    agent_notice_free(n);
    return rc;
  }
  *ret_notice = n;
  return CD_OK;
}

void agent_notice_free(agent_notice *n)
{
  if (n == NULL)
    return;
  cd_buf_release(&n->reasons);
  free(n);
}

/* ---- one notice ---- */

static void over(agent_notice *n)
{
  cd_err err = {0};
  const char *next = n->next;
  (void)cd_str_copy(n->last.event, sizeof(n->last.event), cd_str_from(n->event));
  n->last.at_ms = cd_wall_ms();
  if (agent_journal_notice(n->journal, AGENT_CAP_ISOLATE, &n->last, &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
  if (n->counted)
    cd_log(CD_AREA_AGENT, n->failed > 0 ? CD_LOG_WARN : CD_LOG_INFO,
           "notice '%s': told in %llu sessions, not in %llu", n->event, (unsigned long long)n->told,
           (unsigned long long)n->failed);
  else
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "notice '%s': nobody was told: %s", n->event,
           cd_buf_cstr(&n->reasons));
  n->event[0] = '\0';
  n->next = NULL;
  if (next != NULL && !cd_str_eq_cstr(cd_str_from(next), n->last.event))
    begin(n, next);
}

static bool read_result(agent_notice *n, cd_str text, cd_err *err)
{
  cd_json_doc *doc = NULL;
  if (cd_json_parse(text, CD_RESULT_MAX, "the result of notify", &doc, err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "told", UINT32_MAX, &n->told);
  cd_json_u64(&root, "failed", UINT32_MAX, &n->failed);
  n->counted = cd_json_status(&root, err) == CD_OK;
  cd_json_free(doc);
  return n->counted;
}

static void on_end(void *owner, const agent_op_end *end)
{
  agent_notice *n = owner;
  cd_err err = {0};
  if (n->sup->stopping)
    return;
  if (cd_code_ok(end->status) && read_result(n, end->result, &err)) {
    over(n);
    return;
  }
  agent_reason_add(&n->reasons, n->asked->manifest.id,
                   cd_code_ok(end->status) ? err.text : end->sentence);
  ask_next(n);
}

static const agent_op_events events = {.on_progress = NULL, .on_record = NULL, .on_end = on_end};

static cd_code write_params(const agent_notice *n, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "event", n->event);
  if (n->config->notify_contact[0] != '\0')
    cd_jw_cstr(&w, "contact", n->config->notify_contact);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the parameters of notify", err);
}

static cd_code ask(agent_notice *n, cd_err *err)
{
  agent_op *op = NULL;
  cd_buf params = CD_BUF_INIT(PARAMS_MAX);
  cd_code rc = write_params(n, &params, err);
  if (rc == CD_OK) {
    agent_op_order order = {
        .function = AGENT_FN_RUN, .params = cd_buf_view(&params), .events = &events, .owner = n};
    rc = agent_supervisor_run(n->sup, n->asked, AGENT_CAP_NOTIFY, &order, &op, err);
  }
  cd_buf_release(&params);
  return rc;
}

static void ask_next(agent_notice *n)
{
  for (;;) {
    const char *id = NULL;
    bool more = false;
    cd_err err = {0};
    n->asked = agent_supervisor_provider(n->sup, AGENT_CAP_NOTIFY, n->provider++, &id, &more);
    if (!more) {
      if (n->reasons.len == 0)
        cd_buf_add_cstr(&n->reasons, "the configuration names no provider of notify");
      over(n);
      return;
    }
    if (n->asked == NULL || !n->asked->usable)
      agent_reason_add(&n->reasons, id,
                       n->asked == NULL ? "it is not installed, or does not provide this"
                                        : n->asked->reason);
    else if (ask(n, &err) == CD_OK)
      return;
    else
      agent_reason_add(&n->reasons, id, err.text);
  }
}

static void begin(agent_notice *n, const char *event)
{
  (void)cd_str_copy(n->event, sizeof(n->event), cd_str_from(event));
  n->provider = 0;
  n->counted = false;
  n->told = 0;
  n->failed = 0;
  cd_buf_reset(&n->reasons);
  ask_next(n);
}

/* ---- when ---- */

/* Only what is both wanted and enforced is told; NULL while it is not settled. */
static const char *event_of(const cd_values *v)
{
  if (v->wanted == CD_WANTED_ISOLATED && v->enforced == CD_ENFORCED_ISOLATED)
    return "isolated";
  if (v->wanted == CD_WANTED_RELEASED && v->enforced == CD_ENFORCED_RELEASED)
    return "released";
  return NULL;
}

void agent_notice_values(agent_notice *n, const cd_values *values)
{
  const char *event = event_of(values);
  if (event == NULL || n->sup->stopping)
    return;
  if (n->event[0] != '\0') {
    n->next = event;
    return;
  }
  cd_str known = cd_str_from(n->last.event);
  /* That a device is as it always was is no news. */
  bool always = known.len == 0 && cd_str_eq_cstr(CD_STR("released"), event);
  if (n->config->notify_enabled && !always && !cd_str_eq_cstr(known, event))
    begin(n, event);
}

void agent_notice_write(const agent_notice *n, cd_jw *w)
{
  if (n->last.event[0] == '\0') {
    cd_jw_null(w, "notice");
    return;
  }
  cd_jw_obj(w, "notice");
  cd_jw_cstr(w, "event", n->last.event);
  cd_jw_time(w, "at", n->last.at_ms);
  if (n->counted && n->event[0] == '\0') {
    cd_jw_u64(w, "told", n->told);
    cd_jw_u64(w, "failed", n->failed);
  } else {
    cd_jw_null(w, "told");
    cd_jw_null(w, "failed");
  }
  bool why = n->reasons.len > 0 && !n->counted && n->event[0] == '\0';
  cd_jw_cstr(w, "sentence", why ? cd_buf_cstr(&n->reasons) : NULL);
  cd_jw_end_obj(w);
}
