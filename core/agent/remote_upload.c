/* Packages on their way home. The console says how much of one it has kept; from there on it goes,
 * and never further ahead of what is kept than the window. What is kept whole there is removed
 * here. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "collect.h"
#include "ipc/message.h"
#include "protocol/chunk.h"
#include "remote_private.h"

#include "base/banned.h"

#define WINDOW (16u * CD_CHUNK_DATA_MAX)
#define STALLED_MS (4u * 60u * 1000u)
#define AGAIN_MS (10u * 60u * 1000u)

/* This one is over, for now. Those in front of it, which did not go or were removed since, have
 * their turn again later. */
static void over(agent_remote *r)
{
  remote_upload *u = &r->connection.upload;
  remote_upload next = {.again_ms = u->again_ms != 0 ? u->again_ms : cd_mono_ms() + AGAIN_MS};
  (void)cd_str_copy(next.last, sizeof(next.last), cd_str_from(u->action));
  *u = next;
  remote_upload_pump(r);
}

static void give_up(agent_remote *r, const char *sentence)
{
  cd_log(CD_AREA_REMOTE, CD_LOG_WARN,
         "action=%s: its package does not go now: %s; again in 10 minutes or the next connection",
         r->connection.upload.action, sentence);
  over(r);
}

static cd_code send_chunk(agent_remote *r, cd_str data, uint8_t flags, cd_err *err)
{
  remote_upload *u = &r->connection.upload;
  cd_buf out = CD_BUF_INIT(CD_CHUNK_MAX);
  const cd_chunk chunk = {.stream = u->stream, .offset = u->sent, .flags = flags, .data = data};
  cd_code rc = cd_chunk_write(&chunk, &out, err);
  if (rc == CD_OK && r->channel != NULL)
    agent_channel_send(r->channel, IPC_CHAN_CHUNK, 0, cd_buf_view(&out));
  cd_buf_release(&out);
  return rc;
}

/* It cannot be sent from here: the console says so to whoever waits for it. */
static void abort_it(agent_remote *r, const char *sentence)
{
  cd_err err = {0};
  if (send_chunk(r, cd_str_from(sentence), CD_CHUNK_ABORT, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
  give_up(r, sentence);
}

/* Whether it was removed here for good. Then the console is told, and its answer is waited for. */
static bool tell_gone(agent_remote *r)
{
  remote_upload *u = &r->connection.upload;
  cd_buf why = CD_BUF_INIT(1024);
  cd_err err = {0};
  bool gone = agent_collect_gone(r->agent->collect, u->action, &why, &err) == CD_OK && why.len > 0;
  if (gone && send_chunk(r, cd_buf_view(&why), CD_CHUNK_GONE, &err) == CD_OK)
    u->gone = true;
  else if (gone)
    give_up(r, err.text);
  cd_buf_release(&why);
  return gone;
}

/* The console has heard that it does not come, or has it all the same. */
static void gone_for_good(agent_remote *r)
{
  cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "action=%s: its package was removed here; the console knows",
         r->connection.upload.action);
  agent_collect_forget(r->agent->collect, r->connection.upload.action);
  over(r);
}

static cd_code send_next(agent_remote *r, cd_err *err)
{
  remote_upload *u = &r->connection.upload;
  cd_buf data = CD_BUF_INIT(CD_CHUNK_DATA_MAX);
  uint64_t size = 0;
  cd_code rc = agent_collect_read(r->agent->collect, u->action, u->sent, CD_CHUNK_DATA_MAX, &data,
                                  &size, err);
  if (rc == CD_OK && (size != u->size || data.len == 0))
    rc = cd_fail(err, CD_E_IO, "the package of action %s is not what it was", u->action);
  if (rc == CD_OK)
    rc = send_chunk(r, cd_buf_view(&data), u->sent + data.len == u->size ? CD_CHUNK_FIN : 0, err);
  if (rc == CD_OK) {
    u->sent += data.len;
    CD_FAULT_POINT("collect.chunk_sent");
  }
  cd_buf_release(&data);
  return rc;
}

static void send_window(agent_remote *r)
{
  remote_upload *u = &r->connection.upload;
  cd_err err = {0};
  cd_code rc = CD_OK;
  while (rc == CD_OK && u->sent < u->size && u->sent - u->kept < WINDOW)
    rc = send_next(r, &err);
  if (rc != CD_OK)
    abort_it(r, err.text);
}

void remote_upload_pump(agent_remote *r)
{
  remote_connection *c = &r->connection;
  char id[CD_ID_SIZE] = "";
  if (c->phase != REMOTE_READY || c->upload.action[0] != '\0' ||
      !agent_collect_next_home(r->agent->collect, c->upload.last, id))
    return;
  (void)cd_str_copy(c->upload.action, sizeof(c->upload.action), cd_str_from(id));
  c->upload.moved_ms = cd_mono_ms();
  c->upload.op = c->next_op++;
  remote_send_text(r, IPC_CHAN_PACKAGE, c->upload.op, "action", id);
}

void remote_upload_look(agent_remote *r)
{
  remote_upload *u = &r->connection.upload;
  if (u->action[0] != '\0' && cd_mono_ms() - u->moved_ms > STALLED_MS) {
    remote_drop(r, "the console keeps nothing of a package");
  } else if (u->action[0] == '\0' && u->again_ms != 0 && cd_mono_ms() >= u->again_ms) {
    *u = (remote_upload){.op = 0};
    remote_upload_pump(r);
  }
}

void remote_upload_refused(agent_remote *r, const char *sentence)
{
  give_up(r, sentence[0] != '\0' ? sentence : "the console did not say from where on");
}

void remote_upload_stream(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  remote_upload *u = &r->connection.upload;
  channel_stream at;
  cd_buf none = CD_BUF_INIT(1);
  cd_err why = {0};
  if (channel_stream_read(frame->payload, &at, err) != CD_OK || u->op == 0 || frame->op != u->op)
    return;
  u->op = 0;
  u->stream = at.stream;
  cd_code rc = agent_collect_read(r->agent->collect, u->action, 0, 1, &none, &u->size, &why);
  cd_buf_release(&none);
  if (rc == CD_E_NOTFOUND && tell_gone(r))
    return;
  if (rc == CD_OK && at.offset > u->size)
    rc = cd_fail(&why, CD_E_INVALID, "the console has kept more of it than there is");
  if (rc != CD_OK) {
    abort_it(r, why.text);
    return;
  }
  u->sent = at.offset;
  u->kept = at.offset;
  cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "action=%s: its package goes home, from byte %llu of %llu",
         u->action, (unsigned long long)at.offset, (unsigned long long)u->size);
  /* If that is not all of it to the console, it says so. */
  if (at.offset == u->size && send_chunk(r, (cd_str){0}, CD_CHUNK_FIN, &why) != CD_OK)
    give_up(r, why.text);
  else
    send_window(r);
}

/* It is there, whole, and its digest is what the signed result says. */
static void arrived(agent_remote *r)
{
  const remote_upload *u = &r->connection.upload;
  cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "action=%s: its package has arrived, and is removed here",
         u->action);
  CD_FAULT_POINT("collect.package_arrived");
  agent_collect_forget(r->agent->collect, u->action);
  over(r);
}

void remote_upload_kept(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  remote_upload *u = &r->connection.upload;
  channel_kept k;
  if (channel_kept_read(frame->payload, &k, err) != CD_OK || u->stream == 0 ||
      k.at.stream != u->stream)
    return;
  u->moved_ms = cd_mono_ms();
  if (u->gone) {
    gone_for_good(r);
  } else if (k.sentence[0] != '\0') {
    give_up(r, k.sentence);
  } else if (k.done && k.at.offset == u->size) {
    arrived(r);
  } else if (k.at.offset < u->kept || k.at.offset > u->sent) {
    give_up(r, "the console says to have kept what was not sent");
  } else {
    u->kept = k.at.offset;
    send_window(r);
  }
}
