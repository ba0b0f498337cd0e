/* A package on its way home: where it goes on, its chunks, and whether it is what the device's
 * signed result says. */
#include "link.h"
#include "package_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "platform/file.h"
#include "protocol/chunk.h"
#include "protocol/ws.h"

#include "base/banned.h"

struct con_upload {
  con_link *link; /* that it came over; held while the pool works */
  char action[CD_ID_SIZE];
  char folder[CON_PATH_TEXT];
  con_package expected;
  cd_stream_in in;
  uv_file file;
  uint64_t lacks; /* of what the server counts as coming */
  bool checking;  /* in the pool */
  bool orphan;    /* the link has forgotten it meanwhile */
  uv_work_t work;
  cd_code code;
  cd_err err;
};

static void upload_free(con_upload *u)
{
  u->link->server->packages_coming -= u->lacks;
  pf_file_close(u->file);
  free(u);
}

void con_link_forget_upload(con_link *l)
{
  con_upload *u = l->upload;
  l->upload = NULL;
  if (u == NULL)
    return;
  u->orphan = true;
  if (!u->checking)
    upload_free(u);
}

static void tell(con_link *l, uint64_t stream, uint64_t offset, bool done, const char *sentence)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  cd_kept k = {.stream = stream, .offset = offset, .done = done, .sentence = cd_str_from(sentence)};
  if (cd_kept_write(&k, &out, &err) == CD_OK)
    con_link_send(l, &out);
  cd_buf_release(&out);
}

/* ---- whole ---- */

static void check_in_pool(uv_work_t *work)
{
  con_upload *u = work->data;
  u->code = con_package_keep(u->folder, u->action, u->file, &u->expected, &u->err);
}

static void on_checked(uv_work_t *work, int status)
{
  con_upload *u = work->data;
  con_link *l = u->link;
  (void)status;
  CD_FAULT_POINT("collect.console_kept");
  u->checking = false;
  if (u->code == CD_OK) {
    con_package_came(l->server, u->action);
    cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s action=%s: its package is here, %llu bytes",
           l->device, u->action, (unsigned long long)u->expected.bytes);
  } else {
    if (u->code == CD_E_INVALID)
      con_package_shrank(l->server, u->in.offset); /* what came is removed */
    con_package_failed(l->server, u->action, u->code == CD_E_INVALID, u->err.text);
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s action=%s: %s", l->device, u->action,
           u->err.text);
  }
  if (u->orphan) {
    upload_free(u);
  } else {
    tell(l, u->in.stream, u->in.offset, u->code == CD_OK, u->code == CD_OK ? NULL : u->err.text);
    con_link_forget_upload(l);
  }
  con_link_drop(l);
}

static void check(con_link *l)
{
  con_upload *u = l->upload;
  u->work.data = u;
  u->checking = true;
  con_link_retain(l);
  int uv = uv_queue_work(l->server->loop, &u->work, check_in_pool, on_checked);
  if (uv == 0)
    return;
  u->checking = false;
  tell(l, u->in.stream, u->in.offset, false, uv_strerror(uv));
  con_link_forget_upload(l);
  con_link_drop(l);
}

/* ---- the announcement ---- */

static cd_code find(con_link *l, const char *id, con_package *ret_package, cd_err *err)
{
  con_action a = {0};
  cd_code rc = con_action_checked(l->server->store, cd_str_from(id), &a, err);
  if (rc == CD_OK)
    con_altered_note(&l->server->altered, &a);
  if (rc == CD_OK && !cd_str_eq_cstr(a.device, l->device))
    rc = cd_fail(err, CD_E_DENIED, "action '%s' is of another device", id);
  if (rc == CD_OK)
    rc = con_package_expected(&a, ret_package, err);
  con_action_release(&a);
  return rc;
}

static cd_code begin(con_link *l, con_upload *u, bool *ret_there, uint64_t *ret_kept, cd_err *err)
{
  uint64_t size = 0;
  cd_err none = {0};
  cd_code rc = find(l, u->action, &u->expected, err);
  if (rc == CD_OK)
    rc = con_package_comes(l->server, u->action, err);
  if (rc != CD_OK)
    return rc;
  con_packages_folder(l->server, u->folder);
  *ret_there = con_package_whole(l->server, u->action, &u->file, &size, &none) == CD_OK;
  *ret_kept = u->expected.bytes;
  if (!*ret_there)
    rc = con_package_part(l->server, cd_str_from(l->device), u->action, u->expected.bytes, &u->file,
                          ret_kept, err);
  if (rc != CD_OK) {
    con_package_failed(l->server, u->action, false, err->text);
    return rc;
  }
  u->lacks = u->expected.bytes - *ret_kept;
  l->server->packages_coming += u->lacks;
  return CD_OK;
}

static void answer(con_link *l, uint64_t id, const con_upload *u)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  cd_package_answer a = {.stream = u->in.stream, .offset = u->in.offset};
  if (cd_package_answer_write(&a, id, &out, &err) == CD_OK)
    con_link_send(l, &out);
  cd_buf_release(&out);
}

static cd_code take(con_link *l, cd_rpc *m, const char *action, cd_err *err)
{
  bool there = false;
  uint64_t kept = 0;
  con_upload *u = calloc(1, sizeof(*u));
  if (u == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a package");
  u->link = l;
  u->file = -1;
  con_link_forget_upload(l); /* the one before is over: what it lacked is nobody's room */
  (void)cd_str_copy(u->action, sizeof(u->action), cd_str_from(action));
  cd_code rc = begin(l, u, &there, &kept, err);
  if (rc != CD_OK) {
    upload_free(u);
    return rc;
  }
  l->upload = u;
  cd_stream_in_open(&u->in, ++l->streams, kept, u->expected.bytes);
  answer(l, m->id, u);
  if (there) {
    tell(l, u->in.stream, kept, true, NULL);
    con_link_forget_upload(l);
  } else if (kept == u->expected.bytes) {
    check(l); /* it was all there when this process, or the connection, went */
  }
  return CD_OK;
}

void con_link_package(con_link *l, cd_rpc *m)
{
  char action[CD_ID_SIZE] = "";
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  if (cd_package_read(m, action, &fault, &err) != CD_OK) {
    con_link_refuse(l, fault.id, fault.code, err.text);
    return;
  }
  cd_code rc = take(l, m, action, &err);
  if (rc != CD_OK)
    con_link_refuse(l, m->id, rc == CD_E_DENIED ? CD_RPC_REFUSED : CD_RPC_UNAVAILABLE, err.text);
}

/* ---- chunks ---- */

static cd_code write_at(uv_file file, cd_str data, uint64_t offset, cd_err *err)
{
  size_t done = 0;
  while (done < data.len) {
    uv_fs_t req;
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)data.ptr + done, (unsigned)(data.len - done));
    int wrote = uv_fs_write(NULL, &req, file, &part, 1, (int64_t)(offset + done), NULL);
    uv_fs_req_cleanup(&req);
    if (wrote == UV_EINTR)
      continue;
    if (wrote <= 0)
      return cd_fail_os(err, CD_E_IO, wrote < 0 ? -wrote : 0, "a package could not be written: %s",
                        uv_strerror(wrote < 0 ? wrote : UV_EIO));
    done += (size_t)wrote;
  }
  return CD_OK;
}

/* The sender hears why, and begins again in another connection. `bad`: what came is not the
 * package; nothing of it is kept. */
static void fail(con_link *l, bool bad, const char *sentence)
{
  con_upload *u = l->upload;
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s action=%s: %s", l->device, u->action, sentence);
  if (bad)
    con_package_drop_part(l->server, u->action);
  con_package_failed(l->server, u->action, bad, sentence);
  tell(l, u->in.stream, u->in.offset, false, sentence);
  con_link_forget_upload(l);
}

/* It will not come: whoever waits for it hears so. */
static void lose(con_link *l, const char *sentence)
{
  con_upload *u = l->upload;
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s action=%s: its package is lost: %s", l->device,
         u->action, sentence);
  con_package_lost(l->server, u->action, sentence);
  tell(l, u->in.stream, u->in.offset, false, sentence);
  con_link_forget_upload(l);
}

static void take_chunk(con_link *l, const cd_chunk *chunk)
{
  con_upload *u = l->upload;
  uint64_t offset = 0;
  cd_err err = {0};
  cd_code rc = cd_stream_in_take(&u->in, chunk, &offset, &err);
  bool bad = rc != CD_OK && rc != CD_E_CANCELLED;
  if (rc == CD_E_NOTFOUND) {
    lose(l, err.text);
    return;
  }
  if (rc == CD_OK)
    rc = write_at(u->file, chunk->data, offset, &err);
  CD_FAULT_POINT("collect.console_chunk");
  if (rc != CD_OK) {
    fail(l, bad, err.text);
    return;
  }
  con_package_grew(l->server, chunk->data.len);
  u->lacks -= chunk->data.len;
  l->server->packages_coming -= chunk->data.len;
  if (u->in.phase != CD_STREAM_DONE)
    tell(l, u->in.stream, u->in.offset, false, NULL);
  else if (u->in.offset != u->expected.bytes)
    fail(l, true, "the package ended before all of it had come");
  else
    check(l);
}

void con_link_binary(con_link *l, cd_str message)
{
  con_upload *u = l->upload;
  cd_chunk chunk = {.stream = 0};
  cd_err err = {0};
  con_link_heard(l);
  bool ready = l->phase == CON_LINK_READY;
  if (!ready || cd_chunk_read(message, &chunk, &err) != CD_OK) {
    if (ready && u != NULL && !u->checking)
      con_package_failed(l->server, u->action, false, err.text);
    con_link_close(l, CD_WS_CLOSE_POLICY, "a chunk out of turn, or none at all");
    return;
  }
  /* What is on its way of a stream that failed is dropped. Only full chunks are free. */
  bool awaited = u != NULL && !u->checking && chunk.stream == u->in.stream;
  if (!awaited || chunk.data.len < CD_CHUNK_DATA_MAX)
    con_link_pay(l);
  if (awaited)
    take_chunk(l, &chunk);
}
