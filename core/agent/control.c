/* The control socket: who may connect, one request per connection, and those who wait for an
 * action. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "control_private.h"
#include "ipc/message.h"
#include "protocol/secret.h"

#include "base/banned.h"

void control_warn(agent *a, const char *fmt, ...)
{
  va_list args;
  char line[CD_LOG_LINE_MAX];
  if (a->control == NULL || !agent_rate_ok(&a->control->warnings, CONTROL_WARNINGS_PER_SECOND))
    return;
  unsigned dropped = agent_rate_dropped(&a->control->warnings);
  if (dropped > 0)
    cd_log(CD_AREA_CONTROL, CD_LOG_WARN, "%u lines about local requests were dropped", dropped);
  va_start(args, fmt);
  (void)vsnprintf(line, sizeof(line), fmt, args);
  va_end(args);
  cd_log(CD_AREA_CONTROL, CD_LOG_WARN, "%s", line);
}

static void forget(control_client *c)
{
  agent_control *control = c->agent->control;
  for (int i = 0; control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
    if (control->clients[i] == c)
      control->clients[i] = NULL;
  }
}

static void forget_request(control_client *c)
{
  if (c->request != NULL)
    cd_wipe(c->request, c->request_len);
  free(c->request);
  c->request = NULL;
}

static void on_handle_closed(control_client *c)
{
  if (--c->open_handles > 0)
    return;
  forget_request(c);
  free(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
  on_handle_closed(handle->data);
}

static void on_link_closed(ipc_link *link, cd_code code, const char *sentence)
{
  control_client *c = link->owner;
  c->gone = true;
  if (code != CD_OK)
    control_warn(c->agent, "user=%s pid=%llu: %s", c->who.user,
                 (unsigned long long)c->who.process_id, sentence);
  forget(c);
  uv_close((uv_handle_t *)&c->timer, on_timer_closed);
  on_handle_closed(c);
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  control_client *c = link->owner;
  cd_err err = {0};
  if (frame->type != IPC_REQUEST || c->answered || c->request != NULL || c->waits_for[0] != '\0') {
    (void)cd_fail(&err, CD_E_INVALID, "one request is expected, and nothing else");
    control_refuse(c, &err);
    return;
  }
  (void)uv_timer_stop(&c->timer);
  control_request(c, frame->payload);
}

static const ipc_link_events link_events = {
    .on_frame = on_frame, .on_handle = NULL, .on_closed = on_link_closed};

static void on_silent(uv_timer_t *timer)
{
  control_client *c = timer->data;
  cd_err err = {0};
  (void)cd_fail(&err, CD_E_DEADLINE, "no request came within %d ms", CONTROL_REQUEST_MS);
  control_refuse(c, &err);
}

static void send_and_finish(control_client *c, cd_buf *text)
{
  cd_err err = {0};
  if (c->answered)
    return;
  c->answered = true;
  cd_code rc = cd_buf_status(text, "the answer", &err);
  if (rc == CD_OK)
    rc = ipc_link_send(&c->link, IPC_RESPONSE, 0, cd_buf_view(text), &err);
  if (rc != CD_OK)
    control_warn(c->agent, "user=%s: cannot answer: %s", c->who.user, err.text);
  ipc_link_finish(&c->link);
}

void control_answer(control_client *c, cd_str result_json)
{
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_buf_add_cstr(&text, "{\"ok\":true,\"result\":");
  cd_buf_add_str(&text, result_json);
  cd_buf_add_char(&text, '}');
  send_and_finish(c, &text);
  cd_buf_release(&text);
}

void control_refuse(control_client *c, const cd_err *err)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err none = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "ok", false);
  cd_jw_obj(&w, "error");
  cd_jw_cstr(&w, "status", cd_code_name(err->code));
  cd_jw_cstr(&w, "sentence", err->text);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "the refusal", &none) != CD_OK)
    cd_log(CD_AREA_CONTROL, CD_LOG_ERROR, "%s", none.text);
  send_and_finish(c, &text);
  cd_buf_release(&text);
}

void control_event(control_client *c, cd_str event_json)
{
  cd_err err = {0};
  if (!c->answered && ipc_link_send(&c->link, IPC_EVENT, 0, event_json, &err) != CD_OK)
    control_warn(c->agent, "user=%s: cannot tell an event: %s", c->who.user, err.text);
}

/* A directory service may be slow, or cut off by the very isolation that is to be released. */
static void look_up_in_pool(uv_work_t *work)
{
  control_client *c = work->data;
  const char *group = c->agent->config.local_group;
  pf_peer_name(&c->looked_up);
  if (group[0] != '\0')
    c->lookup_rc = pf_peer_in_group(&c->looked_up, group, &c->member, &c->lookup_err);
}

static void on_looked_up(uv_work_t *work, int status)
{
  control_client *c = work->data;
  (void)status;
  if (c->agent->control != NULL)
    c->agent->control->lookups--;
  if (!c->gone && !c->answered && !c->served) {
    (void)uv_timer_stop(&c->timer);
    c->who = c->looked_up;
    control_looked_up(c, (cd_str){c->request, c->request_len});
  }
  forget_request(c);
  on_handle_closed(c);
}

/* Whoever has a code may use it, whoever he is: he goes by his number. */
static void on_lookup_late(uv_timer_t *timer)
{
  control_client *c = timer->data;
  cd_err err = {0};
  if (c->coded) {
    c->served = true;
    control_looked_up(c, (cd_str){c->request, c->request_len});
    return;
  }
  (void)cd_fail(&err, CD_E_DEADLINE,
                "who user '%s' is could not be found out within %d ms; nothing was done",
                c->who.user, CONTROL_LOOKUP_MS);
  control_refuse(c, &err);
}

cd_code control_look_up(control_client *c, cd_str payload, cd_err *err)
{
  agent_control *control = c->agent->control;
  if (control->lookups >= CONTROL_LOOKUPS_MAX)
    return cd_fail(err, CD_E_UNAVAILABLE,
                   "%u users are being looked up already; nothing was done, try again later",
                   control->lookups);
  c->request = cd_str_dup(payload);
  c->request_len = payload.len;
  if (c->request == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the request");
  c->lookup.data = c;
  c->looked_up = c->who;
  int uv = uv_queue_work(c->agent->loop, &c->lookup, look_up_in_pool, on_looked_up);
  if (uv != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "cannot queue work: %s", uv_strerror(uv));
  c->open_handles++;
  control->lookups++;
  (void)uv_timer_start(&c->timer, on_lookup_late, CONTROL_LOOKUP_MS, 0);
  return CD_OK;
}

/* Whoever is being closed has left, and may have been told so: his place is free before on_closed
 * comes. */
static bool is_taken(const control_client *place)
{
  return place != NULL && !ipc_link_is_closing(&place->link);
}

static control_client **free_place(agent_control *control)
{
  for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
    if (!is_taken(control->clients[i]))
      return &control->clients[i];
  }
  return NULL;
}

/* People without rights can take some of the places, never all: administrators always get in. */
static bool may_have_place(const agent_control *control, const pf_identity *who)
{
  unsigned same = 0;
  unsigned others = 0;
  if (who->administrator)
    return true;
  for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
    const control_client *c = control->clients[i];
    if (!is_taken(c) || c->who.administrator)
      continue;
    others++;
    if (c->who.user_id == who->user_id)
      same++;
  }
  return same < CONTROL_CLIENTS_OF_USER_MAX && others < CONTROL_CLIENTS_MAX / 2;
}

static cd_code admit(agent *a, control_client *c, cd_err *err)
{
  control_client **place = free_place(a->control);
  cd_code rc = pf_peer_of(&c->link.pipe, &c->who, err);
  if (rc != CD_OK)
    return rc;
  if (place == NULL || !may_have_place(a->control, &c->who))
    return cd_fail(err, CD_E_LIMIT, "user '%s' or all users together have too many open",
                   c->who.user);
  rc = ipc_link_start(&c->link, err);
  if (rc == CD_OK)
    *place = c;
  return rc;
}

static control_client *make_client(agent *a)
{
  cd_err err = {0};
  control_client *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return NULL;
  c->agent = a;
  if (ipc_link_init(&c->link, a->loop, false, CONTROL_REQUEST_MAX, &link_events, c, &err) !=
      CD_OK) {
    free(c);
    return NULL;
  }
  (void)uv_timer_init(a->loop, &c->timer);
  c->timer.data = c;
  c->open_handles = 2;
  return c;
}

static void on_connection(uv_stream_t *server, int status)
{
  agent *a = server->data;
  cd_err err = {0};
  if (status != 0) {
    control_warn(a, "a connection failed: %s", uv_strerror(status));
    return;
  }
  control_client *c = make_client(a);
  if (c == NULL) {
    cd_log(CD_AREA_CONTROL, CD_LOG_ERROR, "no memory for a connection");
    return;
  }
  int uv = uv_accept(server, (uv_stream_t *)&c->link.pipe);
  cd_code rc = uv != 0 ? cd_fail_os(&err, CD_E_IO, -uv, "%s", uv_strerror(uv)) : admit(a, c, &err);
  if (rc != CD_OK) {
    control_warn(a, "a connection was turned away: %s", err.text);
    ipc_link_close(&c->link);
    return;
  }
  (void)uv_timer_start(&c->timer, on_silent, CONTROL_REQUEST_MS, 0);
}

cd_code agent_control_start(agent *a, cd_err *err)
{
  agent_control *control = calloc(1, sizeof(*control));
  if (control == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the control socket");
  int uv = uv_pipe_init(a->loop, &control->server, 0);
  if (uv != 0) {
    free(control);
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "cannot make the control socket: %s",
                      uv_strerror(uv));
  }
  control->server.data = a;
  a->control = control;
  cd_code rc = pf_peer_listen(&control->server, a->options.control_socket, 16, on_connection, err);
  if (rc != CD_OK)
    agent_control_stop(a);
  return rc;
}

static void on_server_closed(uv_handle_t *handle)
{
  free((agent_control *)handle);
}

void agent_control_stop(agent *a)
{
  agent_control *control = a->control;
  if (control == NULL)
    return;
  for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
    if (control->clients[i] != NULL)
      ipc_link_close(&control->clients[i]->link);
    control->clients[i] = NULL;
  }
  a->control = NULL;
  uv_close((uv_handle_t *)&control->server, on_server_closed);
}

/* ---- those who wait ---- */

static bool waits(const control_client *c, const char *id)
{
  return c != NULL && cd_str_eq_cstr(cd_str_from(id), c->waits_for);
}

void agent_control_action(agent *a, const agent_action *action)
{
  char event[160];
  cd_buf text = CD_BUF_INIT(sizeof(event));
  cd_buf_addf(&text, "{\"event\":\"action\",\"id\":\"%s\",\"status\":\"%s\"}", action->id,
              agent_action_status_name(action->status));
  for (int i = 0; a->control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
    control_client *c = a->control->clients[i];
    if (!waits(c, action->id))
      continue;
    if (agent_action_ended(action))
      control_answer_action(c, action);
    else
      control_event(c, cd_buf_view(&text));
  }
  cd_buf_release(&text);
}

void agent_control_step(agent *a, const char *action_id, const char *step, uint64_t done,
                        uint64_t total, cd_str what)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "event", "step");
  cd_jw_cstr(&w, "step", step);
  cd_jw_u64(&w, "done", done);
  cd_jw_u64(&w, "total", total);
  if (what.len > 0)
    cd_jw_str(&w, "what", what);
  else
    cd_jw_null(&w, "what");
  cd_jw_end_obj(&w);
  bool good = cd_jw_done(&w, "an event", &err) == CD_OK;
  for (int i = 0; good && a->control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
    if (waits(a->control->clients[i], action_id))
      control_event(a->control->clients[i], cd_buf_view(&text));
  }
  cd_buf_release(&text);
}
