/* What may be asked over the control socket, by whom, and the answers. docs/ipc.md is the contract.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "control_private.h"
#include "control_read.h"
#include "platform/system.h"
#include "protocol/secret.h"

#include "base/banned.h"

/* A method reads its params whole, or fails; it answers, or leaves a client that waits. */
typedef cd_code (*method_fn)(control_client *c, cd_json *params, cd_err *err);

static cd_code finish_answer(control_client *c, cd_jw *w, cd_buf *text, cd_err *err)
{
  cd_code rc = cd_jw_done(w, "the answer", err);
  if (rc == CD_OK)
    control_answer(c, cd_buf_view(text));
  cd_buf_release(text);
  return rc;
}

/* ---- status, plugins ---- */

static void write_agent(const agent *a, cd_jw *w)
{
  char boot[PF_BOOT_ID_MAX] = "";
  cd_err err = {0};
  if (pf_boot_id(boot, &err) != CD_OK)
    cd_log(CD_AREA_CONTROL, CD_LOG_WARN, "%s", err.text);
  cd_jw_obj(w, "agent");
  cd_jw_cstr(w, "version", CORDON_VERSION);
  cd_jw_u64(w, "pid", (uint64_t)uv_os_getpid());
  cd_jw_time(w, "started", a->started_ms);
  cd_jw_cstr(w, "boot_id", boot[0] != '\0' ? boot : NULL);
  cd_jw_bool(w, "journal_was_damaged", a->damaged);
  agent_restored_describe(&a->restored, w, "restored");
  cd_jw_end_obj(w);
}

static cd_code method_status(control_client *c, cd_json *params, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CONTROL_ANSWER_MAX);
  cd_jw w;
  cd_code rc = cd_json_done(params, err);
  if (rc != CD_OK)
    return rc;
  /* Others see what is known: they cannot make plugins work. */
  if (c->who.administrator)
    agent_probes_refresh(c->agent->probes,
                         agent_state_in_force(c->agent->isolate) ? 1u << AGENT_CAP_ISOLATE : 0);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  write_agent(c->agent, &w);
  agent_remote_write(c->agent->remote, &w);
  agent_probes_write(c->agent->probes, &w);
  agent_notice_write(c->agent->notice, &w);
  cd_jw_arr(&w, "states");
  agent_state_write(c->agent->isolate, &w);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  return finish_answer(c, &w, &text, err);
}

static void write_hosts(const agent_plugin *p, cd_jw *w)
{
  cd_jw_arr(w, "hosts");
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    int pid = 0;
    unsigned running = 0;
    bool resident = false;
    if (!agent_supervisor_describe(p, (agent_capability)cap, &pid, &running, &resident))
      continue;
    cd_jw_obj(w, NULL);
    cd_jw_cstr(w, "capability", agent_capability_name((agent_capability)cap));
    cd_jw_u64(w, "pid", (uint64_t)pid);
    cd_jw_u64(w, "running", running);
    cd_jw_bool(w, "resident", resident);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
}

static void write_strikes(const agent_supervisor *s, const agent_plugin *p, cd_jw *w)
{
  unsigned total = 0;
  bool quarantined[AGENT_CAP_COUNT] = {false};
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    unsigned strikes = 0;
    agent_supervisor_strikes(s, p, (agent_capability)cap, &strikes, &quarantined[cap]);
    total += strikes;
  }
  cd_jw_u64(w, "strikes", total);
  cd_jw_arr(w, "quarantined");
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    if (quarantined[cap])
      cd_jw_cstr(w, NULL, agent_capability_name((agent_capability)cap));
  }
  cd_jw_end_arr(w);
}

static void write_plugin(const agent_supervisor *s, const agent_plugin *p, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "id", p->manifest.id);
  cd_jw_cstr(w, "version", p->manifest.version);
  cd_jw_arr(w, "provides");
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    if ((p->manifest.provides & (1u << cap)) != 0)
      cd_jw_cstr(w, NULL, agent_capability_name((agent_capability)cap));
  }
  cd_jw_end_arr(w);
  cd_jw_cstr(w, "library", p->library);
  cd_jw_cstr(w, "digest", p->digest_text[0] != '\0' ? p->digest_text : NULL);
  bool distrusted = agent_supervisor_distrusts(s, p);
  cd_jw_bool(w, "trusted", p->usable && !distrusted);
  cd_jw_cstr(w, "reason",
             distrusted  ? "its library is distrusted by configuration or policy"
             : p->usable ? NULL
                         : p->reason);
  write_strikes(s, p, w);
  write_hosts(p, w);
  cd_jw_end_obj(w);
}

static cd_code method_plugins(control_client *c, cd_json *params, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CONTROL_ANSWER_MAX);
  cd_jw w;
  const agent_supervisor *s = &c->agent->supervisor;
  cd_code rc = cd_json_done(params, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "plugins");
  for (unsigned i = 0; i < s->registry.count; i++)
    write_plugin(s, s->registry.plugins[i], &w);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  return finish_answer(c, &w, &text, err);
}

static cd_code method_unquarantine(control_client *c, cd_json *params, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(256);
  cd_jw w;
  char plugin[AGENT_ID_MAX] = "";
  unsigned lifted = 0;
  cd_code rc = control_unquarantine_read(params, plugin, err);
  if (rc != CD_OK)
    return rc;
  rc = agent_supervisor_pardon(&c->agent->supervisor, plugin, &lifted, err);
  if (rc != CD_OK)
    return rc;
  cd_log(CD_AREA_CONTROL, CD_LOG_INFO, "user=%s lifted %u quarantines of plugin=%s", c->who.user,
         lifted, plugin);
  agent_state_unblocked(c->agent->isolate);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "lifted", lifted);
  cd_jw_end_obj(&w);
  return finish_answer(c, &w, &text, err);
}

/* ---- actions ---- */

typedef struct listing {
  cd_jw *w;
  cd_buf *text;
  bool more;
} listing;

/* A page is bounded by its bytes too; who wants the rest asks with `before`. */
static void list_action(void *context, const agent_action *a)
{
  listing *l = context;
  if (l->more || l->text->len > CONTROL_ANSWER_MAX / 2) {
    l->more = true;
    return;
  }
  agent_action brief = *a;
  brief.result = NULL;
  brief.params = NULL;
  agent_action_write(&brief, l->w, NULL);
}

static cd_code method_actions(control_client *c, cd_json *params, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CONTROL_ANSWER_MAX);
  cd_jw w;
  unsigned limit = 0;
  char before[CD_ID_SIZE] = "";
  cd_code rc = control_actions_read(params, &limit, before, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, &text);
  listing l = {.w = &w, .text = &text};
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "actions");
  rc = agent_journal_actions(c->agent->journal, limit, before[0] != '\0' ? before : NULL,
                             list_action, &l, err);
  cd_jw_end_arr(&w);
  cd_jw_bool(&w, "more", l.more);
  cd_jw_end_obj(&w);
  if (rc != CD_OK) {
    cd_buf_release(&text);
    return rc;
  }
  return finish_answer(c, &w, &text, err);
}

void control_answer_action(control_client *c, const agent_action *a)
{
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX - 64);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  agent_action_write(a, &w, "action");
  cd_jw_end_obj(&w);
  c->waits_for[0] = '\0';
  if (finish_answer(c, &w, &text, &err) != CD_OK)
    control_refuse(c, &err);
}

cd_code control_answer_id(control_client *c, const char *id, cd_err *err)
{
  agent_action *a = NULL;
  cd_code rc = agent_journal_action(c->agent->journal, id, &a, err);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, rc, "there is no action '%s'", id);
  if (rc == CD_OK)
    control_answer_action(c, a);
  agent_action_free(a);
  return rc;
}

static cd_code method_action(control_client *c, cd_json *params, cd_err *err)
{
  char id[CD_ID_SIZE] = "";
  cd_code rc = control_action_read(params, id, err);
  return rc != CD_OK ? rc : control_answer_id(c, id, err);
}

/* ---- policy ---- */

static cd_code method_policy(control_client *c, cd_json *params, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CONTROL_ANSWER_MAX);
  cd_jw w;
  cd_code rc = cd_json_done(params, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, &text);
  agent_policy_write(c->agent->policy, &w);
  return finish_answer(c, &w, &text, err);
}

/* ---- enrolment ---- */

/* Stands where an action's id stands for those who wait for one. */
static const char enrolment[] = "enrolment";

static cd_code method_enroll(control_client *c, cd_json *params, cd_err *err)
{
  control_enrolment wish = {0};
  cd_code rc = control_enroll_read(params, &wish, err);
  if (rc == CD_OK)
    rc = agent_remote_enrol(c->agent->remote, &wish, err);
  /* An installer that asked shows nobody the answer. */
  if (rc != CD_OK) {
    cd_log(CD_AREA_CONTROL, CD_LOG_WARN, "not enrolled: %s", err->text);
    return rc;
  }
  cd_log(CD_AREA_CONTROL, CD_LOG_INFO, "an enrolment was asked for by user=%s pid=%llu",
         c->who.user, (unsigned long long)c->who.process_id);
  (void)cd_str_copy(c->waits_for, sizeof(c->waits_for), cd_str_from(enrolment));
  return CD_OK;
}

static void tell_enrolled(control_client *c, const cd_err *why, const char *device)
{
  cd_buf text = CD_BUF_INIT(1024);
  cd_jw w;
  cd_err err = {0};
  if (why != NULL) {
    control_refuse(c, why);
    return;
  }
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "device", device);
  cd_jw_end_obj(&w);
  if (finish_answer(c, &w, &text, &err) != CD_OK)
    control_refuse(c, &err);
}

void agent_control_enrolled(agent *a, const cd_err *why, const char *device)
{
  for (int i = 0; a->control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
    control_client *c = a->control->clients[i];
    if (c != NULL && cd_str_eq_cstr(cd_str_from(c->waits_for), enrolment))
      tell_enrolled(c, why, device);
  }
}

/* ---- the door ---- */

static const struct {
  const char *name;
  method_fn run;
  bool anyone; /* else administrators and the configured group */
  bool admins; /* not even that group */
  bool coded;  /* anyone with a release code */
} methods[] = {
    {"status", method_status, true, false, false},
    {"plugins", method_plugins, false, false, false},
    {"actions", method_actions, false, false, false},
    {"action", method_action, false, false, false},
    {"isolate", control_isolate, false, false, false},
    {"preflight", control_preflight, false, false, false},
    {"renew", control_renew, false, false, false},
    {"release", control_release, false, false, true},
    /* A package holds what only an administrator may read. */
    {"collect", control_collect, false, true, false},
    {"scan", control_scan, false, true, false},
    {"remediate", control_remediate, false, true, false},
    {"cancel", control_cancel, false, true, false},
    {"package", control_package, false, true, false},
    {"forget", control_forget, false, true, false},
    {"unquarantine", method_unquarantine, false, false, false},
    {"policy", method_policy, false, false, false},
    /* Whoever enrols a device decides who rules it from then on. */
    {"enroll", method_enroll, false, true, false},
};

/* Who may isolate and release here is configuration and policy; everything else is in the table. */
static agent_who who_may(const control_client *c, size_t method)
{
  if (methods[method].run == control_isolate || methods[method].run == control_renew)
    return c->agent->config.local_isolate;
  if (methods[method].run == control_release)
    return c->agent->config.local_release;
  return methods[method].admins ? AGENT_WHO_ADMINISTRATORS : AGENT_WHO_GROUP;
}

static cd_code refuse_all(const control_client *c, size_t method, cd_err *err)
{
  control_warn(c->agent, "user=%s pid=%llu may not ask for '%s': nobody may", c->who.user,
               (unsigned long long)c->who.process_id, methods[method].name);
  return cd_fail(err, CD_E_DENIED,
                 "nobody may ask for '%s' on this device: it is left to the console (`cordon local "
                 "policy` says who decided so)",
                 methods[method].name);
}

static cd_code check_allowed(const control_client *c, size_t method, cd_err *err)
{
  agent_who who = who_may(c, method);
  bool group_may = who == AGENT_WHO_GROUP || who == AGENT_WHO_CODE; /* agent_code_guard() */
  const char *group = c->agent->config.local_group;
  if (who == AGENT_WHO_NOBODY)
    return refuse_all(c, method, err);
  if (methods[method].anyone || c->who.administrator || c->coded || (c->member && group_may))
    return CD_OK;
  if (c->lookup_rc != CD_OK) {
    *err = c->lookup_err;
    return c->lookup_rc;
  }
  control_warn(c->agent, "user=%s pid=%llu may not ask for '%s'", c->who.user,
               (unsigned long long)c->who.process_id, methods[method].name);
  return cd_fail(err, CD_E_DENIED, "user '%s' may not ask for '%s': only administrators%s%s may",
                 c->who.user, methods[method].name,
                 group[0] != '\0' && group_may ? " and members of group " : "",
                 group_may ? group : "");
}

static cd_code find_method(cd_str name, size_t *ret_method, cd_err *err)
{
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    if (cd_str_eq_cstr(name, methods[i].name)) {
      *ret_method = i;
      return CD_OK;
    }
  }
  return cd_fail(err, CD_E_UNSUPPORTED, "there is no method '%.*s'", CD_STR_ARG(name));
}

/* Everybody but administrators is looked up first, where it matters who asks. */
static bool needs_lookup(const control_client *c, size_t method, bool looked_up)
{
  return !methods[method].anyone && !c->who.administrator && !looked_up;
}

static void serve(control_client *c, cd_str payload, bool looked_up)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str name = {0};
  cd_json params = {0};
  size_t method = 0;
  cd_code rc = control_request_read(payload, &doc, &name, &params, &err);
  if (rc == CD_OK)
    rc = find_method(name, &method, &err);
  c->coded = rc == CD_OK && methods[method].coded && cd_json_has(&params, "code");
  if (rc == CD_OK && needs_lookup(c, method, looked_up)) {
    rc = control_look_up(c, payload, &err);
    if (rc != CD_E_UNAVAILABLE || !c->coded)
      goto done;
    rc = CD_OK;
  }
  if (rc == CD_OK)
    rc = check_allowed(c, method, &err);
  if (rc == CD_OK)
    rc = methods[method].run(c, &params, &err);
done:
  if (rc != CD_OK) {
    c->waits_for[0] = '\0';
    control_refuse(c, &err);
  }
  cd_json_free(doc);
}

void control_wipe(cd_str secret)
{
  if (secret.len > 0)
    cd_wipe((void *)(uintptr_t)secret.ptr, secret.len);
}

/* A request may hold a secret, and its bytes lie in the link's buffer until others overwrite them.
 */
void control_request(control_client *c, cd_str payload)
{
  serve(c, payload, false);
  control_wipe(payload);
}

void control_looked_up(control_client *c, cd_str payload)
{
  serve(c, payload, true);
  control_wipe(payload);
}
