/* cordon.host.artifact/1: the plugin's way into the package of its operation. Any thread may come;
 * one is served at a time. */
#include "host.h"

#include "base/entry_name.h"
#include "ipc/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static ph_host *host_of(const cordon_host *h)
{
  return h != NULL ? h->host_data : NULL;
}

/* With package_lock held. */
static ph_package *package_of(ph_host *host, cordon_op op)
{
  return op != 0 && host->package_op == op ? host->package : NULL;
}

/* An operation that makes no package, or one that does not run. */
static cordon_status no_package(ph_host *host, cordon_op op, const char *call)
{
  uv_mutex_lock(&host->lock);
  const ph_op *known = ph_op_find(host, op);
  bool running = known != NULL && known->running;
  uv_mutex_unlock(&host->lock);
  if (running)
    return CORDON_E_UNSUPPORTED;
  return ph_misuse(host, op, CORDON_E_INVALID,
                   "the plugin called %s for operation %" PRIu64 ", which does not run", call, op);
}

static cordon_status answer(ph_host *host, cordon_op op, const char *call, cd_code rc,
                            const cd_err *err)
{
  if (rc != CD_OK)
    ph_logf(host, op, CORDON_LOG_DEBUG, "%s: %s", call, err->text);
  return (cordon_status)rc;
}

static cordon_status CORDON_CALL artifact_open(const cordon_host *h, cordon_op op, const char *name,
                                               const char *meta_json, uint64_t *ret_id)
{
  cd_err err = {0};
  ph_host *host = host_of(h);
  if (host == NULL)
    return CORDON_E_INVALID;
  if (name == NULL || ret_id == NULL)
    return ph_misuse(host, op, CORDON_E_INVALID, "the plugin called open with a null pointer");
  cd_code rc = CD_E_UNSUPPORTED;
  uv_mutex_lock(&host->package_lock);
  ph_package *p = package_of(host, op);
  if (p != NULL)
    rc = ph_package_open(p, (cd_str){name, strnlen(name, CD_ENTRY_NAME_MAX + 1)},
                         cd_str_from(meta_json), ret_id, &err);
  uv_mutex_unlock(&host->package_lock);
  return p != NULL ? answer(host, op, "open", rc, &err) : no_package(host, op, "open");
}

static cordon_status CORDON_CALL artifact_write(const cordon_host *h, cordon_op op, uint64_t id,
                                                const void *bytes, size_t len)
{
  cd_err err = {0};
  ph_host *host = host_of(h);
  if (host == NULL)
    return CORDON_E_INVALID;
  if (bytes == NULL && len > 0)
    return ph_misuse(host, op, CORDON_E_INVALID, "the plugin called write with a null pointer");
  cd_code rc = CD_E_UNSUPPORTED;
  uv_mutex_lock(&host->package_lock);
  ph_package *p = package_of(host, op);
  if (p != NULL)
    rc = ph_package_write(p, id, bytes, len, &err);
  uv_mutex_unlock(&host->package_lock);
  if (p != NULL && rc == CD_E_INVALID)
    return ph_misuse(host, op, CORDON_E_INVALID, "the plugin called write: %s", err.text);
  return p != NULL ? answer(host, op, "write", rc, &err) : no_package(host, op, "write");
}

static cordon_status CORDON_CALL artifact_close(const cordon_host *h, cordon_op op, uint64_t id,
                                                int32_t complete)
{
  cd_err err = {0};
  ph_host *host = host_of(h);
  if (host == NULL)
    return CORDON_E_INVALID;
  cd_code rc = CD_E_UNSUPPORTED;
  uv_mutex_lock(&host->package_lock);
  ph_package *p = package_of(host, op);
  if (p != NULL)
    rc = ph_package_close(p, id, complete != 0, &err);
  uv_mutex_unlock(&host->package_lock);
  if (p != NULL && rc == CD_E_INVALID)
    return ph_misuse(host, op, CORDON_E_INVALID, "the plugin called close: %s", err.text);
  return p != NULL ? answer(host, op, "close", rc, &err) : no_package(host, op, "close");
}

static const cordon_host_artifact table = {.struct_size = sizeof(cordon_host_artifact),
                                           .open = artifact_open,
                                           .write = artifact_write,
                                           .close = artifact_close};

const void *ph_artifact_table(const ph_host *host)
{
  return host->setup.capability != NULL && host->setup.capability->packs ? &table : NULL;
}

cd_code ph_artifact_begin(ph_host *host, uint64_t op, const ph_package_limits *limits, cd_err *err)
{
  uv_file file = -1;
  ph_package *package = NULL;
  if (host->setup.capability == NULL || !host->setup.capability->packs || host->pass < 0)
    return cd_fail(err, CD_E_UNSUPPORTED, "this plugin host makes no packages");
  if (host->package != NULL)
    return cd_fail(err, CD_E_LIMIT, "this plugin host makes another package");
  cd_code rc = pf_pass_take(host->pass, op, &file, err);
  if (rc == CD_OK)
    rc = ph_package_new(file, limits, &package, err);
  if (rc != CD_OK)
    return rc;
  uv_mutex_lock(&host->package_lock);
  host->package = package;
  host->package_op = op;
  uv_mutex_unlock(&host->package_lock);
  return CD_OK;
}

/* No more calls of the plugin get to it. */
static ph_package *take(ph_host *host, uint64_t op)
{
  uv_mutex_lock(&host->package_lock);
  ph_package *p = package_of(host, op);
  if (p != NULL) {
    host->package = NULL;
    host->package_op = 0;
  }
  uv_mutex_unlock(&host->package_lock);
  return p;
}

void ph_artifact_drop(ph_host *host, uint64_t op)
{
  ph_package_free(take(host, op));
}

ph_item *ph_artifact_end(ph_host *host, uint64_t op)
{
  cd_err err = {0};
  cd_buf payload = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  ph_item *item = NULL;
  ph_package *p = take(host, op);
  if (p == NULL)
    return NULL;
  if (ph_package_end(p, &payload, &err) == CD_OK)
    item = ph_item_make(IPC_PACKAGE, op, cd_buf_view(&payload));
  else
    ph_logf(host, op, CORDON_LOG_ERROR, "%s", err.text);
  ph_package_free(p);
  cd_buf_release(&payload);
  return item;
}
