/* One connection to the signer: requests wait until it stands, answers are matched by number. */
#include "signer_client.h"
#include "signer_client_private.h"

#include "base/clock.h"
#include "base/limits.h"
#include "ipc/link.h"
#include "ipc/message.h"
#include "platform/peer.h"

#include <stdlib.h>

#include "base/banned.h"

#define SWEEP_MS 500u /* how often deadlines are looked at */

typedef struct request {
  struct request *next;
  uint64_t number;
  uint64_t deadline_ms;
  bool sent;
  char *payload;
  size_t len;
  con_signer_done done;
  void *context;
  /* Why it could not even be asked; it is then answered from the loop like the others. */
  cd_code failed;
  char sentence[CD_ERR_TEXT_MAX];
} request;

struct con_signer {
  uv_loop_t *loop;
  con_signer_options options;
  char *socket;
  uv_timer_t sweep;
  ipc_link link;
  uv_connect_t connect;
  bool link_open; /* its memory is in use */
  bool connected;
  bool closing;
  bool sweep_closed;
  request *first;
  request **last;
  size_t count;
  uint64_t numbers;
  void (*closed)(void *context);
  void *closed_context;
};

static void free_request(request *r)
{
  free(r->payload);
  free(r);
}

/* Takes a request out of the queue, then answers it: the callback may ask again. */
static void answer(con_signer *s, request *r, const con_signer_reply *reply)
{
  for (request **at = &s->first; *at != NULL; at = &(*at)->next) {
    if (*at != r)
      continue;
    *at = r->next;
    if (s->last == &r->next)
      s->last = at;
    s->count--;
    break;
  }
  r->done(r->context, reply);
  free_request(r);
}

static void refuse(con_signer *s, request *r, cd_code code, const char *sentence)
{
  const con_signer_reply reply = {.code = code, .sentence = sentence};
  answer(s, r, &reply);
}

/* Only those that were there when it began: whoever asks again in a callback is not refused too. */
static void refuse_all(con_signer *s, cd_code code, const char *sentence)
{
  uint64_t newest = s->numbers;
  while (s->first != NULL && s->first->number <= newest)
    refuse(s, s->first, code, sentence);
}

/* ---- the end ---- */

static void finish_close(con_signer *s)
{
  if (!s->closing || s->link_open || !s->sweep_closed)
    return;
  if (s->closed != NULL)
    s->closed(s->closed_context);
  free(s->socket);
  free(s);
}

static void on_sweep_closed(uv_handle_t *handle)
{
  con_signer *s = handle->data;
  s->sweep_closed = true;
  finish_close(s);
}

void con_signer_close(con_signer *s, void (*closed)(void *context), void *context)
{
  if (s == NULL) {
    if (closed != NULL)
      closed(context);
    return;
  }
  if (s->closing)
    return;
  s->closing = true;
  s->closed = closed;
  s->closed_context = context;
  refuse_all(s, CD_E_CANCELLED, "the console stops");
  if (s->link_open)
    ipc_link_close(&s->link);
  uv_close((uv_handle_t *)&s->sweep, on_sweep_closed);
}

/* ---- the connection ---- */

static void on_link_closed(ipc_link *link, cd_code code, const char *sentence)
{
  con_signer *s = link->owner;
  s->link_open = false;
  s->connected = false;
  if (s->closing) {
    finish_close(s);
    return;
  }
  refuse_all(s, CD_E_UNAVAILABLE, code == CD_OK ? "the signer closed the connection" : sentence);
}

/* False: the link closes itself, and then all are answered. */
static bool send_one(con_signer *s, request *r)
{
  cd_err err = {0};
  if (r->sent || r->failed != CD_OK)
    return true;
  if (ipc_link_send(&s->link, IPC_REQUEST, r->number, (cd_str){r->payload, r->len}, &err) != CD_OK)
    return false;
  r->sent = true;
  free(r->payload);
  r->payload = NULL;
  return true;
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  con_signer *s = link->owner;
  for (request *r = s->first; r != NULL; r = r->next) {
    if (r->number != frame->op || !r->sent)
      continue;
    if (frame->type != IPC_RESPONSE)
      break;
    cd_json_doc *doc = NULL;
    con_signer_reply reply = {0};
    char sentence[CD_ERR_TEXT_MAX];
    con_signer_read_reply(frame->payload, &doc, &reply, sentence);
    answer(s, r, &reply);
    cd_json_free(doc);
    return;
  }
  /* The answer to what was given up, or nonsense: a signer does not say more than it was asked. */
  if (frame->type != IPC_RESPONSE)
    ipc_link_close(link);
}

static const ipc_link_events events = {.on_frame = on_frame, .on_closed = on_link_closed};

/* Whoever may make a file in the folder could listen there and sign nothing for ever, or read what
 * is asked. */
static cd_code check_server(con_signer *s, cd_err *err)
{
  pf_identity server = {0};
  pf_identity self = {0};
  cd_code rc = pf_peer_of(&s->link.pipe, &server, err);
  if (rc == CD_OK)
    rc = pf_peer_self(&self, err);
  if (rc != CD_OK || server.administrator || server.user_id == self.user_id ||
      server.user_id == s->options.user_id)
    return rc;
  return cd_fail(err, CD_E_DENIED, "what listens at '%s' belongs to user %llu: that is no signer",
                 s->socket, (unsigned long long)server.user_id);
}

static void on_connected(uv_connect_t *req, int status)
{
  con_signer *s = req->data;
  cd_err err = {0};
  if (s->closing || status == UV_ECANCELED)
    return;
  cd_code rc = status == 0 ? check_server(s, &err)
                           : cd_fail_os(&err, CD_E_UNAVAILABLE, -status,
                                        "the signer cannot be reached at '%s': %s", s->socket,
                                        uv_strerror(status));
  if (rc == CD_OK)
    rc = ipc_link_start(&s->link, &err);
  if (rc == CD_OK) {
    s->connected = true;
    for (request *r = s->first; r != NULL && send_one(s, r);)
      r = r->next;
    if (s->options.connected != NULL)
      s->options.connected(s->options.context);
    return;
  }
  ipc_link_close(&s->link);
  refuse_all(s, rc, err.text);
}

static void start_connection(con_signer *s)
{
  cd_err err = {0};
  if (s->link_open)
    return;
  if (ipc_link_init(&s->link, s->loop, false, CD_FRAME_PAYLOAD_MAX, &events, s, &err) != CD_OK)
    return; /* the sweep tries again, until the deadline */
  s->link_open = true;
  s->connect.data = s;
  uv_pipe_connect(&s->connect, &s->link.pipe, s->socket, on_connected);
}

/* Deadlines, and what could not be asked. A signer that does not answer in time is left: its late
 * answer must not meet another request. */
static void on_sweep(uv_timer_t *timer)
{
  con_signer *s = timer->data;
  uint64_t now = cd_mono_ms();
  uint64_t newest = s->numbers;
  while (s->first != NULL && s->first->failed != CD_OK && s->first->number <= newest) {
    char sentence[CD_ERR_TEXT_MAX];
    (void)cd_str_copy(sentence, sizeof(sentence), cd_str_from(s->first->sentence));
    refuse(s, s->first, s->first->failed, sentence);
  }
  if (s->closing)
    return;
  if (s->first == NULL) {
    (void)uv_timer_stop(&s->sweep);
    return;
  }
  if (s->first->deadline_ms <= now) {
    if (s->link_open)
      ipc_link_close(&s->link);
    refuse_all(s, CD_E_DEADLINE, "the signer did not answer in time");
    return;
  }
  start_connection(s);
}

cd_code con_signer_open(uv_loop_t *loop, const con_signer_options *options, con_signer **ret_signer,
                        cd_err *err)
{
  con_signer *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the signer's client");
  s->loop = loop;
  s->options = *options;
  s->last = &s->first;
  s->socket = cd_str_dup(cd_str_from(options->socket));
  if (s->socket == NULL || uv_timer_init(loop, &s->sweep) != 0) {
    free(s->socket);
    free(s);
    return cd_fail(err, CD_E_INTERNAL, "no memory for the signer's client");
  }
  s->sweep.data = s;
  *ret_signer = s;
  return CD_OK;
}

void signer_ask(con_signer *s, cd_buf *payload, cd_code rc, const cd_err *why, con_signer_done done,
                void *context)
{
  request *r = s->closing ? NULL : calloc(1, sizeof(*r));
  if (r == NULL) {
    /* The one case in which the answer comes at once. */
    const con_signer_reply reply = {.code = s->closing ? CD_E_CANCELLED : CD_E_INTERNAL,
                                    .sentence = "there is no memory to ask the signer, or the "
                                                "console stops"};
    cd_buf_release(payload);
    done(context, &reply);
    return;
  }
  r->number = ++s->numbers;
  r->deadline_ms = cd_mono_ms() + CON_SIGNER_DEADLINE_MS;
  r->done = done;
  r->context = context;
  r->failed = rc;
  if (rc != CD_OK)
    (void)cd_str_copy(r->sentence, sizeof(r->sentence), cd_str_from(why->text));
  if (rc == CD_OK && s->count >= CON_SIGNER_QUEUE_MAX) {
    r->failed = CD_E_LIMIT;
    (void)cd_str_copy(r->sentence, sizeof(r->sentence),
                      CD_STR("too many requests wait for the signer"));
  }
  r->payload = cd_buf_steal(payload, &r->len);
  cd_buf_release(payload);
  *s->last = r;
  s->last = &r->next;
  s->count++;
  (void)uv_timer_start(&s->sweep, on_sweep, r->failed != CD_OK ? 0 : SWEEP_MS, SWEEP_MS);
  if (s->connected)
    (void)send_one(s, r);
  else
    start_connection(s);
}
