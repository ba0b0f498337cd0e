#include "action.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "base/banned.h"

static const char *const kind_names[] = {
    [AGENT_KIND_ISOLATE] = "isolate",     [AGENT_KIND_RELEASE] = "release",
    [AGENT_KIND_PREFLIGHT] = "preflight", [AGENT_KIND_COLLECT] = "collect",
    [AGENT_KIND_SCAN] = "scan",           [AGENT_KIND_REMEDIATE] = "remediate"};

static const char *const status_names[] = {
    [AGENT_PENDING] = "Pending",     [AGENT_IN_PROGRESS] = "InProgress",
    [AGENT_SUCCEEDED] = "Succeeded", [AGENT_FAILED] = "Failed",
    [AGENT_TIMED_OUT] = "TimeOut",   [AGENT_CANCELLED] = "Cancelled",
};

static bool index_of(const char *const *names, int count, cd_str name, int *ret_index)
{
  for (int i = 1; i < count; i++) {
    if (cd_str_eq_cstr(name, names[i])) {
      *ret_index = i;
      return true;
    }
  }
  return false;
}

bool agent_kind_is_job(agent_kind kind)
{
  return kind == AGENT_KIND_COLLECT || kind == AGENT_KIND_SCAN || kind == AGENT_KIND_REMEDIATE;
}

const char *agent_kind_name(agent_kind kind)
{
  return kind_names[kind];
}

bool agent_kind_from_name(cd_str name, agent_kind *ret_kind)
{
  int i = 0;
  if (!index_of(kind_names, AGENT_KIND_COUNT, name, &i))
    return false;
  *ret_kind = (agent_kind)i;
  return true;
}

const char *agent_action_status_name(agent_action_status status)
{
  return status_names[status];
}

bool agent_action_status_from_name(cd_str name, agent_action_status *ret_status)
{
  int i = 0;
  if (!index_of(status_names, 7, name, &i))
    return false;
  *ret_status = (agent_action_status)i;
  return true;
}

bool agent_action_ended(const agent_action *a)
{
  return a->status != AGENT_PENDING && a->status != AGENT_IN_PROGRESS;
}

void agent_action_free(agent_action *a)
{
  if (a == NULL)
    return;
  free(a->comment);
  free(a->params);
  free(a->terms);
  free(a->provider);
  free(a->sentence);
  free(a->result);
  free(a);
}

bool agent_text_set(char **field, cd_str text)
{
  char *copy = cd_str_dup(text);
  if (copy == NULL)
    return false;
  free(*field);
  *field = copy;
  return true;
}

void agent_reason_add(cd_buf *reasons, const char *id, const char *reason)
{
  static const char more[] = "; ...";
  size_t need = strlen(id) + strlen(reason) + 4 + sizeof(more);
  if (cd_str_ends(cd_buf_view(reasons), CD_STR("; ...")))
    return;
  if (reasons->len + need > reasons->max) {
    cd_buf_add_cstr(reasons, more);
    return;
  }
  cd_buf_addf(reasons, "%s%s: %s", reasons->len > 0 ? "; " : "", id, reason);
}

static void write_requestor(const agent_action *a, cd_jw *w)
{
  cd_jw_obj(w, "requestor");
  cd_jw_cstr(w, "source", a->console ? "console" : "local");
  cd_jw_cstr(w, "user", a->user);
  if (!a->console) {
    cd_jw_u64(w, "user_id", a->user_id);
    cd_jw_u64(w, "pid", a->process_id);
  }
  cd_jw_end_obj(w);
}

void agent_action_write(const agent_action *a, cd_jw *w, const char *key)
{
  bool ended = agent_action_ended(a);
  cd_jw_obj(w, key);
  cd_jw_cstr(w, "id", a->id);
  cd_jw_cstr(w, "kind", agent_kind_name(a->kind));
  cd_jw_cstr(w, "status", agent_action_status_name(a->status));
  cd_jw_cstr(w, "comment", a->comment);
  write_requestor(a, w);
  cd_jw_time(w, "created", a->created_ms);
  cd_jw_time(w, "started", a->started_ms);
  cd_jw_time(w, "ended", a->ended_ms);
  cd_jw_raw(w, "params", cd_str_from(a->params));
  cd_jw_u64(w, "generation", a->generation);
  cd_jw_cstr(w, "outcome", ended ? cd_code_name(a->outcome) : NULL);
  cd_jw_cstr(w, "sentence", a->sentence);
  cd_jw_cstr(w, "provider", a->provider);
  cd_jw_raw(w, "result", cd_str_from(a->result));
  cd_jw_end_obj(w);
}
