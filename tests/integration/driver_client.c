/* The control socket: requests, events, answers, and looking into them. */
#include "driver.h"

#include "base/limits.h"
#include "ipc/message.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 2048

/* ---- looking into JSON ---- */

static void as_text(const cJSON *node, char out[TEXT_MAX])
{
  if (cJSON_IsString(node)) {
    (void)snprintf(out, TEXT_MAX, "%s", node->valuestring);
    return;
  }
  char *printed = cJSON_PrintUnformatted(node);
  (void)snprintf(out, TEXT_MAX, "%s", printed != NULL ? printed : "");
  cJSON_free(printed);
}

const char *driver_at(const cJSON *json, const char *path)
{
  static char texts[8][TEXT_MAX];
  static unsigned turn;
  char *out = texts[turn++ % 8];
  char name[128];
  out[0] = '\0';
  while (json != NULL && *path != '\0') {
    size_t len = strcspn(path, ".");
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
    json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, (int)strtol(name, NULL, 10))
                               : cJSON_GetObjectItemCaseSensitive(json, name);
    path += len;
    path += *path == '.' ? 1 : 0;
  }
  if (json != NULL)
    as_text(json, out);
  return out;
}

void driver_reply_release(driver_reply *r)
{
  cJSON_Delete(r->result);
  for (unsigned i = 0; i < r->event_count; i++)
    cJSON_Delete(r->events[i]);
  cd_buf_release(&r->data);
  *r = (driver_reply){0};
}

/* ---- one call ---- */

static void take_response(driver_reply *r, cJSON *whole)
{
  cJSON *error = cJSON_GetObjectItemCaseSensitive(whole, "error");
  ck_assert_msg(!r->came, "two responses came");
  r->came = true;
  r->ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(whole, "ok"));
  (void)snprintf(r->status, sizeof(r->status), "%s", driver_at(error, "status"));
  (void)snprintf(r->sentence, sizeof(r->sentence), "%s", driver_at(error, "sentence"));
  r->result = cJSON_DetachItemFromObjectCaseSensitive(whole, "result");
  cJSON_Delete(whole);
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  driver_call *call = link->owner;
  if (frame->type == IPC_DATA) {
    call->reply.data.max = 2 * CD_FRAME_PAYLOAD_MAX;
    cd_buf_add_str(&call->reply.data, frame->payload);
    return;
  }
  cJSON *json = cJSON_ParseWithLength(frame->payload.ptr, frame->payload.len);
  ck_assert_msg(json != NULL, "the agent sent something that is no JSON");
  if (frame->type == IPC_RESPONSE) {
    take_response(&call->reply, json);
    return;
  }
  ck_assert_int_eq(frame->type, IPC_EVENT);
  ck_assert_msg(!call->reply.came, "an event came after the response");
  if (call->reply.event_count < DRIVER_EVENTS_MAX)
    call->reply.events[call->reply.event_count++] = json;
  else
    cJSON_Delete(json);
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  driver_call *call = link->owner;
  call->closed = true;
}

static const ipc_link_events link_events = {.on_frame = on_frame, .on_closed = on_closed};

static void on_connected(uv_connect_t *connect, int status)
{
  driver_call *call = connect->data;
  cd_err err = {0};
  if (status == UV_ECANCELED)
    return;
  if (status != 0 || ipc_link_start(&call->link, &err) != CD_OK ||
      ipc_link_send(&call->link, IPC_REQUEST, 0, cd_str_from(call->request), &err) != CD_OK) {
    call->failed = true;
    ipc_link_close(&call->link);
  }
}

driver_call *driver_ask_raw(driver *d, const char *request)
{
  cd_err err = {0};
  driver_call *call = calloc(1, sizeof(*call));
  ck_assert_ptr_nonnull(call);
  call->d = d;
  call->request = cd_str_dup(cd_str_from(request));
  call->connect.data = call;
  cd_code rc =
      ipc_link_init(&call->link, &d->loop, false, CD_FRAME_PAYLOAD_MAX, &link_events, call, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  uv_pipe_connect(&call->connect, &call->link.pipe, driver_path(d, "run/control.sock"),
                  on_connected);
  return call;
}

driver_call *driver_ask(driver *d, const char *method, const char *params)
{
  cd_buf request = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_buf_addf(&request, "{\"method\":\"%s\",\"params\":%s}", method, params);
  driver_call *call = driver_ask_raw(d, cd_buf_cstr(&request));
  cd_buf_release(&request);
  return call;
}

static bool is_closed(driver *d, const void *context)
{
  const driver_call *call = context;
  return call->closed;
}

static void free_call(driver_call *call)
{
  free(call->request);
  free(call);
}

driver_reply driver_finish(driver_call *call)
{
  driver_wait(call->d, is_closed, call, call->request);
  driver_reply reply = call->reply;
  free_call(call);
  return reply;
}

void driver_hang_up(driver_call *call)
{
  ipc_link_close(&call->link);
  driver_wait(call->d, is_closed, call, "the connection is closed");
  driver_reply_release(&call->reply);
  free_call(call);
}

typedef struct event_wish {
  const driver_call *call;
  unsigned count;
} event_wish;

static bool has_events(driver *d, const void *context)
{
  const event_wish *wish = context;
  return wish->call->reply.event_count >= wish->count || wish->call->closed;
}

void driver_wait_events(driver_call *call, unsigned count)
{
  event_wish wish = {call, count};
  driver_wait(call->d, has_events, &wish, "that many events have come");
  ck_assert_uint_ge(call->reply.event_count, count);
}

driver_reply driver_request(driver *d, const char *method, const char *params)
{
  driver_reply r = driver_finish(driver_ask(d, method, params));
  ck_assert_msg(r.came, "'%s' was not answered", method);
  return r;
}

/* In the child: everything anew, because the parent's loop is the parent's. */
static void ask_as(driver *d, uid_t uid, const char *method, const char *params, int to)
{
  if (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0)
    _exit(1);
  driver other = {.running = true};
  memcpy(other.folder, d->folder, sizeof(other.folder));
  if (uv_loop_init(&other.loop) != 0)
    _exit(1);
  (void)uv_timer_init(&other.loop, &other.tick);
  cd_buf_init(&other.log, 16);
  driver_reply r = driver_finish(driver_ask(&other, method, params));
  cJSON_Delete(r.result);
  r.result = NULL;
  if (write(to, &r, sizeof(r)) != (ssize_t)sizeof(r))
    _exit(1);
  _exit(0);
}

driver_reply driver_request_as(driver *d, uid_t uid, const char *method, const char *params)
{
  driver_reply r = {0};
  int ends[2];
  int status = 0;
  ck_assert_int_eq(pipe(ends), 0);
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0)
    ask_as(d, uid, method, params, ends[1]);
  (void)close(ends[1]);
  ck_assert_int_eq(read(ends[0], &r, sizeof(r)), (ssize_t)sizeof(r));
  (void)close(ends[0]);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_eq(status, 0);
  memset(r.events, 0, sizeof(r.events));
  r.event_count = 0;
  return r;
}

/* ---- being ready ---- */

static bool serves_or_ended(driver *d, const void *context)
{
  if (!d->running)
    return true;
  driver_call *call = driver_ask(d, "status", "{}");
  driver_wait(d, is_closed, call, "an answer to the first question");
  bool came = call->reply.came;
  driver_reply_release(&call->reply);
  free_call(call);
  return came;
}

bool driver_wait_ready(driver *d)
{
  driver_wait(d, serves_or_ended, NULL, "the agent serves its socket");
  return d->running;
}

void driver_start(driver *d, const char *fault)
{
  driver_spawn(d, fault);
  ck_assert_msg(driver_wait_ready(d), "the agent ended:\n%s", cd_buf_cstr(&d->log));
}

/* ---- states, plugins, orders ---- */

const char *driver_state(driver *d, const char *path)
{
  char whole[256];
  driver_reply r = driver_request(d, "status", "{}");
  ck_assert_msg(r.ok, "%s", r.sentence);
  (void)snprintf(whole, sizeof(whole), "states.0.%s", path);
  const char *text = driver_at(r.result, whole);
  driver_reply_release(&r);
  return text;
}

void driver_expect_state(driver *d, const char *path, const char *value)
{
  const char *is = driver_state(d, path);
  ck_assert_msg(strcmp(is, value) == 0, "the state's %s is '%s' and not '%s'", path, is, value);
}

typedef struct state_wish {
  const char *path;
  const char *value;
} state_wish;

static bool state_is(driver *d, const void *context)
{
  const state_wish *wish = context;
  return strcmp(driver_state(d, wish->path), wish->value) == 0;
}

void driver_wait_state(driver *d, const char *path, const char *value)
{
  char what[256];
  state_wish wish = {path, value};
  (void)snprintf(what, sizeof(what), "the state's %s is %s", path, value);
  driver_wait(d, state_is, &wish, what);
}

const char *driver_plugin(driver *d, const char *member, const char *path)
{
  char id[128];
  const char *text = "";
  (void)snprintf(id, sizeof(id), "org.cordon.test.%s", member);
  for (char *c = strchr(id, '_'); c != NULL; c = strchr(c, '_'))
    *c = '-';
  driver_reply r = driver_request(d, "plugins", "{}");
  ck_assert_msg(r.ok, "%s", r.sentence);
  const cJSON *plugin = NULL;
  cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(r.result, "plugins"))
  {
    if (strcmp(driver_at(plugin, "id"), id) == 0)
      text = driver_at(plugin, path);
  }
  driver_reply_release(&r);
  return text;
}

driver_reply driver_isolate(driver *d)
{
  return driver_request(d, "isolate", "{\"type\":\"full\",\"comment\":\"a test\",\"wait\":true}");
}

driver_reply driver_release(driver *d)
{
  return driver_request(d, "release", "{\"comment\":\"a test\",\"wait\":true}");
}

void driver_expect(const driver_reply *r, const char *status, const char *outcome,
                   const char *sentence_part, const char *other_part)
{
  ck_assert_msg(r->ok, "it was refused: %s", r->sentence);
  const char *sentence = driver_at(r->result, "action.sentence");
  ck_assert_msg(strcmp(driver_at(r->result, "action.status"), status) == 0, "it %s (%s): %s",
                driver_at(r->result, "action.status"), driver_at(r->result, "action.outcome"),
                sentence);
  ck_assert_msg(strcmp(driver_at(r->result, "action.outcome"), outcome) == 0,
                "its outcome is %s: %s", driver_at(r->result, "action.outcome"), sentence);
  ck_assert_msg(sentence_part == NULL || strstr(sentence, sentence_part) != NULL, "no '%s' in: %s",
                sentence_part, sentence);
  ck_assert_msg(other_part == NULL || strstr(sentence, other_part) != NULL, "no '%s' in: %s",
                other_part, sentence);
}

void driver_isolate_well(driver *d)
{
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
}

void driver_release_well(driver *d)
{
  driver_reply r = driver_release(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
}
