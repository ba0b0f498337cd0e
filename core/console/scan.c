#include "scan.h"

#include <stdlib.h>

#include "base/log.h"

#include "base/banned.h"

#define WAITING_MAX 256u

struct con_scans {
  uv_work_t work;
  con_store *reader;
  con_call *running;
  con_call *first;
  con_call *last;
  unsigned waiting;
  bool closing;
};

cd_code con_scans_open(con_server *s, cd_err *err)
{
  char path[CON_PATH_TEXT];
  con_scans *scans = calloc(1, sizeof(*scans));
  if (scans == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the scans");
  con_path(s, "console.db", path);
  cd_code rc = con_store_open_reader(path, &scans->reader, err);
  if (rc != CD_OK) {
    free(scans);
    return rc;
  }
  con_store_lend_seal(scans->reader, &s->seal);
  s->scans = scans;
  return CD_OK;
}

static void on_pool(uv_work_t *work)
{
  con_scans *scans = work->data;
  scans->running->reader = scans->reader;
  scans->running->handler(scans->running);
}

static void start_next(con_scans *scans);

static void on_loop(uv_work_t *work, int status)
{
  (void)status;
  con_scans *scans = work->data;
  con_call *c = scans->running;
  con_server *s = c->server;
  scans->running = NULL;
  c->reader = NULL;
  start_next(scans);
  con_call_done(c);
  con_server_finish(s);
}

static void refuse(con_call *c)
{
  con_reply_error(&c->reply, CON_UNAVAILABLE, "The server is busy with other lists");
  con_call_done(c);
}

static void start_next(con_scans *scans)
{
  con_call *c = scans->first;
  if (c == NULL || scans->running != NULL)
    return;
  scans->first = c->next;
  if (scans->first == NULL)
    scans->last = NULL;
  scans->waiting--;
  scans->running = c;
  scans->work.data = scans;
  int rc = uv_queue_work(c->server->loop, &scans->work, on_pool, on_loop);
  if (rc != 0) {
    cd_log(CD_AREA_API, CD_LOG_ERROR, "cannot start a scan: %s", uv_strerror(rc));
    scans->running = NULL;
    refuse(c);
  }
}

void con_scan_queue(con_call *c)
{
  con_scans *scans = c->server->scans;
  c->later = true;
  if (scans == NULL || scans->closing || scans->waiting >= WAITING_MAX) {
    c->later = false;
    con_reply_error(&c->reply, CON_UNAVAILABLE, "The server is busy with other lists");
    return;
  }
  c->next = NULL;
  if (scans->last != NULL)
    scans->last->next = c;
  else
    scans->first = c;
  scans->last = c;
  scans->waiting++;
  start_next(scans);
}

bool con_scans_close(con_server *s)
{
  con_scans *scans = s->scans;
  if (scans == NULL)
    return true;
  scans->closing = true;
  while (scans->first != NULL) {
    con_call *c = scans->first;
    scans->first = c->next;
    scans->waiting--;
    refuse(c);
  }
  scans->last = NULL;
  if (scans->running != NULL)
    return false;
  con_store_close(scans->reader);
  free(scans);
  s->scans = NULL;
  return true;
}
