#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/message.h"
#include "lease.h"
#include "protocol/secret.h"
#include "remote_private.h"

#include "base/banned.h"

#define SETUP_MAX (256u * 1024u)

static void start_channel(agent_remote *r);

void remote_send_json(agent_remote *r, uint8_t type, uint64_t op, cd_jw *w, cd_buf *text)
{
  cd_err err = {0};
  cd_jw_end_obj(w);
  if (cd_jw_done(w, "a message for the channel", &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
  else if (r->channel != NULL)
    agent_channel_send(r->channel, type, op, cd_buf_view(text));
}

void remote_send_text(agent_remote *r, uint8_t type, uint64_t op, const char *member,
                      const char *value)
{
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, member, value);
  remote_send_json(r, type, op, &w, &text);
  cd_buf_release(&text);
}

void remote_no_connection(agent_remote *r, const char *why)
{
  r->connection = (remote_connection){0};
  agent_lease_connected(r->agent->lease, false);
  (void)uv_timer_stop(&r->deadline);
  (void)uv_timer_stop(&r->beat);
  cd_key_free(r->renew_key);
  r->renew_key = NULL;
  (void)snprintf(r->why, sizeof(r->why), "%s", why);
  r->why_ms = cd_wall_ms();
}

void remote_drop(agent_remote *r, const char *why)
{
  cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "the connection to the console is given up: %s", why);
  remote_send_text(r, IPC_CHAN_DROP, r->connection.number, "sentence", why);
  remote_no_connection(r, why);
}

void remote_distrust(agent_remote *r, const char *why)
{
  char text[CD_ERR_TEXT_MAX];
  (void)snprintf(text, sizeof(text), "cordon-channel broke the protocol: %.450s", why);
  agent_channel_end(r->channel, text);
}

static void on_deadline(uv_timer_t *timer)
{
  remote_drop(timer->data, "the console did not answer in time");
}

void remote_wait_answer(agent_remote *r)
{
  (void)uv_timer_start(&r->deadline, on_deadline, REMOTE_ANSWER_MS, 0);
}

void remote_answered(agent_remote *r)
{
  (void)uv_timer_stop(&r->deadline);
}

int64_t remote_now_ms(const agent_remote *r)
{
  const remote_connection *c = &r->connection;
  return c->console_ms + (int64_t)(cd_mono_ms() - c->began_ms);
}

/* ---- the process ---- */

static void on_restart(uv_timer_t *timer)
{
  start_channel(timer->data);
}

static void restart_later(agent_remote *r)
{
  uint32_t wait = REMOTE_RESTART_MIN_MS;
  uint16_t jitter = 0;
  for (unsigned i = 0; i < r->failures && wait < REMOTE_RESTART_MAX_MS; i++)
    wait *= 2;
  if (wait > REMOTE_RESTART_MAX_MS)
    wait = REMOTE_RESTART_MAX_MS;
  (void)agent_random.fill(NULL, (unsigned char *)&jitter, sizeof(jitter));
  wait += jitter % (wait / 2 + 1);
  if (r->fresh)
    wait = 0;
  r->fresh = false;
  r->failures++;
  (void)uv_timer_start(&r->restart, on_restart, wait, 0);
}

static void on_ended(void *owner, const char *sentence)
{
  agent_remote *r = owner;
  r->channel = NULL;
  if (r->stopping)
    return;
  cd_log(CD_AREA_REMOTE, r->fresh ? CD_LOG_INFO : CD_LOG_WARN, "%s; starting another", sentence);
  remote_no_connection(r, sentence);
  restart_later(r);
}

static const agent_channel_events channel_events = {.on_frame = remote_frame, .on_ended = on_ended};

static void start_channel(agent_remote *r)
{
  cd_buf setup = CD_BUF_INIT(SETUP_MAX);
  cd_err err = {0};
  if (r->stopping || r->channel != NULL || r->enrolment == NULL)
    return;
  cd_code rc = remote_setup(r, &setup, &err);
  if (rc == CD_OK) {
    agent_channel_options options = {.loop = r->agent->loop,
                                     .program = r->agent->options.channel,
                                     .mark = r->agent->config.mark,
                                     .setup = cd_buf_view(&setup),
                                     .events = &channel_events,
                                     .owner = r};
    rc = agent_channel_start(&options, &r->channel, &err);
  }
  cd_buf_wipe(&setup);
  if (rc != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "no channel to the console: %s; trying again later",
           err.text);
    remote_no_connection(r, err.text);
    restart_later(r);
  }
}

void remote_restart(agent_remote *r, const char *why)
{
  r->fresh = true;
  r->failures = 0;
  remote_no_connection(r, why);
  if (r->channel != NULL)
    agent_channel_end(r->channel, why);
  else
    restart_later(r);
}

void agent_remote_again(agent_remote *r, const char *why)
{
  if (r->enrolment != NULL && !r->stopping)
    remote_restart(r, why);
}

const agent_enrolment *agent_remote_enrolment(const agent_remote *r)
{
  return r->enrolment;
}

/* ---- life ---- */

cd_code agent_remote_new(agent *a, agent_remote **ret_remote, cd_err *err)
{
  cd_err why = {0};
  agent_remote *r = calloc(1, sizeof(*r));
  if (r == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the console");
  r->agent = a;
  if (agent_enrolment_load(a->options.state_dir, &r->enrolment, &why) != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR,
           "the enrolment cannot be used: %s; going on without a "
           "console",
           why.text);
    (void)snprintf(r->why, sizeof(r->why), "%s", why.text);
  }
  agent_journal_reporting(a->journal, r->enrolment != NULL);
  (void)uv_timer_init(a->loop, &r->restart);
  (void)uv_timer_init(a->loop, &r->deadline);
  (void)uv_timer_init(a->loop, &r->beat);
  r->restart.data = r;
  r->deadline.data = r;
  r->beat.data = r;
  *ret_remote = r;
  return CD_OK;
}

void agent_remote_start(agent_remote *r)
{
  start_channel(r);
}

void agent_remote_stop(agent_remote *r)
{
  if (r == NULL || r->stopping)
    return;
  r->stopping = true;
  remote_enrol_stop(r);
  if (r->channel != NULL)
    agent_channel_end(r->channel, "the agent stops");
  uv_close((uv_handle_t *)&r->restart, NULL);
  uv_close((uv_handle_t *)&r->deadline, NULL);
  uv_close((uv_handle_t *)&r->beat, NULL);
}

void agent_remote_free(agent_remote *r)
{
  if (r == NULL)
    return;
  agent_enrolment_free(r->enrolment);
  cd_key_free(r->renew_key);
  free(r);
}

bool agent_remote_is_enrolled(const agent_remote *r)
{
  return r != NULL && r->enrolment != NULL;
}

void agent_remote_redial(agent_remote *r, bool stuck)
{
  if (r != NULL && !r->stopping && r->enrolment != NULL &&
      (stuck || r->connection.phase != REMOTE_READY))
    remote_restart(r, "the isolation is released: the console is looked for at once");
}

/* ---- words ---- */

static const char *connection_word(const agent_remote *r)
{
  if (r->enrolment == NULL)
    return "none";
  if (r->connection.phase == REMOTE_READY)
    return "connected";
  return r->connection.phase != REMOTE_OFF || r->why[0] == '\0' ? "connecting" : "waiting";
}

const char *agent_remote_named(const agent_remote *r)
{
  const agent_enrolment *e = r != NULL ? r->enrolment : NULL;
  const char *name = NULL;
  for (unsigned i = 0; e != NULL && i < e->agent_count; i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    unsigned char bytes[16];
    cd_err err = {0};
    if (cd_endpoint_parse(cd_str_from(e->agents[i]), host, &port, &err) != CD_OK)
      continue;
    if (uv_inet_pton(AF_INET, host, bytes) == 0 || uv_inet_pton(AF_INET6, host, bytes) == 0)
      return NULL;
    name = e->agents[i];
  }
  return name;
}

const char *agent_remote_device(const agent_remote *r)
{
  return r != NULL && r->enrolment != NULL ? r->enrolment->device : NULL;
}

void agent_remote_write(const agent_remote *r, cd_jw *w)
{
  const agent_enrolment *e = r->enrolment;
  const remote_connection *c = &r->connection;
  unsigned waiting = 0;
  cd_err err = {0};
  if (agent_journal_outbox_count(r->agent->journal, &waiting, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
  bool ready = c->phase == REMOTE_READY;
  cd_jw_obj(w, "console");
  cd_jw_bool(w, "enrolled", e != NULL);
  cd_jw_cstr(w, "device", e != NULL ? e->device : NULL);
  cd_jw_cstr(w, "root", e != NULL ? e->root_id : NULL);
  cd_jw_cstr(w, "connection", connection_word(r));
  if (ready)
    cd_jw_strf(w, "address", "%s port %u", c->at.host, c->at.port);
  else
    cd_jw_null(w, "address");
  cd_jw_time(w, "since", ready ? c->since_ms : r->why[0] != '\0' ? r->why_ms : 0);
  cd_jw_cstr(w, "sentence", !ready && r->why[0] != '\0' ? r->why : NULL);
  cd_jw_time(w, "certificate_expires", ready ? c->at.expires_ms : 0);
  cd_jw_u64(w, "results_waiting", waiting);
  cd_jw_end_obj(w);
}
