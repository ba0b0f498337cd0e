/* A collector: makes a package of a few artifacts, well or otherwise. Settings: `does`, one of
 *   well         three artifacts and a manifest (the default)
 *   partial      one of them is incomplete, and it says so
 *   left_open    returns with one open
 *   names        tries names that are refused, and ends well only if they were
 *   much         writes `bytes` bytes that do not get smaller, into one artifact, then a manifest
 *   waits        until it is cancelled or killed, in the middle of an artifact
 *   crash        in the middle of an artifact
 *   wrong_id     writes to an artifact that is not open
 *   unavailable  before anything was opened
 *   fails        after one artifact
 *   late         uses another thread, which writes when the operation is over
 * Its result tells the parameters that it got. */
#include "zoo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cordon_host_artifact *artifacts(void)
{
  const cordon_host *h = zoo_host();
  return h->get_extension(h, CORDON_HOST_ARTIFACT);
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  return CORDON_OK;
}

static cordon_status put(const cordon_request *req, const char *name, const char *meta,
                         const char *text, int complete)
{
  uint64_t id = 0;
  const cordon_host *h = zoo_host();
  cordon_status rc = artifacts()->open(h, req->op, name, meta, &id);
  if (rc == CORDON_OK)
    rc = artifacts()->write(h, req->op, id, text, strlen(text));
  if (rc == CORDON_OK)
    rc = artifacts()->close(h, req->op, id, complete);
  return rc;
}

#define PROCESSES "Processes/processes.csv"
#define SYSTEM "System Information/system.txt"
#define PROCESSES_SHA256 "4d28d4d8123f89221a101296ef9ab4cb4334feda4505dd03bd1e403591a730e7"
#define SYSTEM_SHA256 "1aa98cbc5faf70c97fab5fb22728681ca70c78f7853e502f814d4dfd4f604fc1"
#define MANIFEST(status)                                                                           \
  "{\"format\":\"cordon-package/1\",\"items\":[{\"name\":\"" PROCESSES                             \
  "\",\"bytes\":18,\"status\":\"ok\",\"sha256\":\"" PROCESSES_SHA256 "\"},{\"name\":\"" SYSTEM     \
  "\",\"bytes\":9,\"status\":\"" status "\",\"sha256\":\"" SYSTEM_SHA256 "\"}]}"

static cordon_status put_three(const cordon_request *req, int complete)
{
  const char *manifest = complete ? MANIFEST("ok") : MANIFEST("partial");
  cordon_status rc = put(req, PROCESSES, NULL, "pid,name\r\n1,init\r\n", 1);
  if (rc == CORDON_OK)
    rc = put(req, SYSTEM, "{\"mtime\":1700000000}", "a system\n", complete);
  if (rc == CORDON_OK)
    rc = put(req, "manifest.json", "{\"last\":true}", manifest, 1);
  return rc;
}

static cordon_status tell_it(const cordon_request *req, cordon_status rc)
{
  (void)zoo_result(req,
                   "{\"profile\":\"standard\",\"items\":{\"ok\":2,\"partial\":0,\"denied\":0,"
                   "\"absent\":0,\"error\":0},\"caps\":[],\"details\":{\"params\":%s}}",
                   req->params);
  return rc;
}

static cordon_status left_open(const cordon_request *req)
{
  uint64_t id = 0;
  const cordon_host *h = zoo_host();
  cordon_status rc = artifacts()->open(h, req->op, "half.txt", NULL, &id);
  return rc == CORDON_OK ? artifacts()->write(h, req->op, id, "half", 4) : rc;
}

static cordon_status names(const cordon_request *req)
{
  uint64_t id = 0;
  static const char *const bad[] = {"", "/a", "../a", "a\\b", "a\nb", "\xff"};
  const cordon_host *h = zoo_host();
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    if (artifacts()->open(h, req->op, bad[i], NULL, &id) != CORDON_E_INVALID)
      return CORDON_E_INTERNAL;
  }
  if (put(req, "a", NULL, "1", 1) != CORDON_OK ||
      artifacts()->open(h, req->op, "A", NULL, &id) != CORDON_E_CONFLICT)
    return CORDON_E_INTERNAL;
  return CORDON_OK;
}

static cordon_status much(const cordon_request *req)
{
  static unsigned char noise[64 * 1024];
  uint64_t id = 0;
  uint64_t x = 88172645463325252u;
  const cordon_host *h = zoo_host();
  cordon_status rc = artifacts()->open(h, req->op, "noise", NULL, &id);
  unsigned long left = zoo_number("bytes", 1024 * 1024);
  for (; rc == CORDON_OK && left >= sizeof(noise); left -= sizeof(noise)) {
    for (size_t i = 0; i < sizeof(noise); i++) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      noise[i] = (unsigned char)x;
    }
    rc = artifacts()->write(h, req->op, id, noise, sizeof(noise));
  }
  cordon_status closed = artifacts()->close(h, req->op, id, rc == CORDON_OK);
  if (closed != CORDON_OK || put(req, "manifest.json", "{\"last\":true}", "{}", 1) != CORDON_OK)
    return CORDON_E_IO;
  return rc == CORDON_E_LIMIT ? CORDON_PARTIAL : rc;
}

static cordon_status waits(const cordon_request *req)
{
  cordon_status rc = left_open(req);
  const cordon_host *h = zoo_host();
  h->progress(h, req->op, 1, 3, "in the middle");
  while (rc == CORDON_OK && !zoo_wait(req, 50)) {
  }
  return rc == CORDON_OK ? CORDON_E_CANCELLED : rc;
}

static cordon_op late_op;

static void *write_late(void *arg)
{
  cordon_request gone = {.op = late_op};
  uint64_t id = 0;
  const cordon_host *h = zoo_host();
  while (artifacts()->open(h, gone.op, "late.txt", NULL, &id) == CORDON_E_CONFLICT) {
  }
  return arg;
}

static cordon_status late(const cordon_request *req)
{
  pthread_t thread;
  late_op = req->op;
  cordon_status rc = left_open(req);
  if (pthread_create(&thread, NULL, write_late, NULL) == 0)
    (void)pthread_detach(thread);
  return rc;
}

static cordon_status CORDON_CALL run(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  char does[ZOO_TEXT_MAX];
  cordon_status rc = zoo_enter("run", req, &done);
  if (done)
    return rc;
  if (!zoo_setting("does", does) || strcmp(does, "well") == 0)
    return tell_it(req, put_three(req, 1));
  if (strcmp(does, "partial") == 0)
    return put_three(req, 0) == CORDON_OK ? tell_it(req, CORDON_PARTIAL) : CORDON_E_IO;
  if (strcmp(does, "left_open") == 0)
    return tell_it(req, left_open(req));
  if (strcmp(does, "names") == 0)
    return tell_it(req, names(req));
  if (strcmp(does, "much") == 0)
    return tell_it(req, much(req));
  if (strcmp(does, "waits") == 0)
    return waits(req);
  if (strcmp(does, "late") == 0)
    return tell_it(req, late(req));
  if (strcmp(does, "wrong_id") == 0)
    return artifacts()->write(zoo_host(), req->op, 99, "x", 1);
  if (strcmp(does, "unavailable") == 0) {
    zoo_explain(req, 0, "nothing can be collected here");
    return CORDON_E_UNAVAILABLE;
  }
  rc = left_open(req);
  if (strcmp(does, "crash") == 0)
    abort();
  zoo_explain(req, 5, "the disk is on fire");
  return rc == CORDON_OK ? CORDON_E_IO : rc;
}

static cordon_status CORDON_CALL probe(const cordon_plugin *p, const cordon_request *req)
{
  uint64_t id = 0;
  /* Only run makes a package. */
  if (artifacts() == NULL ||
      artifacts()->open(zoo_host(), req->op, "a", NULL, &id) != CORDON_E_UNSUPPORTED)
    return CORDON_E_INTERNAL;
  return zoo_result(req, "{\"profiles\":[\"standard\",\"extended\"]}");
}

static const cordon_job job = {.struct_size = sizeof(job), .probe = probe, .run = run};
static cordon_plugin plugin;

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  return strcmp(id, CORDON_EXT_COLLECT) == 0 ? &job : NULL;
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config, size_t len)
{
  const cordon_plugin *common = zoo_create(h, config, len);
  if (common == NULL)
    return NULL;
  plugin = *common;
  plugin.get_extension = get_extension;
  return &plugin;
}

static const char *const provides[] = {CORDON_EXT_COLLECT, NULL};

CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = ZOO_ID,
    .version = "1.0.0",
    .provides = provides,
    .create = create,
};
