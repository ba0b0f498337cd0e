/* A device's new certificate, before the old one ends. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "csr.h"
#include "link.h"

#include "base/banned.h"

#define RENEW_WHAT 1u

/* What waits for the signer. */
typedef struct renewal {
  con_link *link;
  uint64_t id;
} renewal;

static void on_issued(void *context, const con_signer_reply *reply)
{
  renewal *r = context;
  con_link *l = r->link;
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_code rc = reply->code;
  /* Nothing is recorded yet: an answer that is lost on the way must not shut the device out. The
   * old certificate counts until the device comes with the new one (agents.c). */
  if (rc == CD_OK && l->wire_object != NULL)
    rc = cd_renewed_write(reply->certificate, r->id, &out, &err);
  if (rc == CD_OK && l->wire_object != NULL) {
    cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s: certificate renewed", l->device);
    con_link_send(l, &out);
  } else if (l->wire_object != NULL) {
    con_link_refuse(l, r->id, rc == CD_E_DENIED ? CD_RPC_REFUSED : CD_RPC_UNAVAILABLE,
                    reply->code != CD_OK ? reply->sentence : err.text);
  }
  cd_buf_release(&out);
  con_link_drop(l);
  free(r);
}

/* Each one is an entry of the audit log and a certificate. */
static bool may_renew(con_link *l, uint64_t id)
{
  static const con_limit often = {.per_minute = 6, .per_hour = 12};
  unsigned wait_s = 0;
  if (l->renewed) {
    con_link_refuse(l, id, CD_RPC_REFUSED, "a certificate is renewed once in a connection");
    return false;
  }
  l->renewed = true;
  if (con_limit_take(&l->server->device_limits, &often, cd_str_from(l->device), RENEW_WHAT,
                     cd_mono_ms(), &wait_s))
    return true;
  con_link_refuse(l, id, CD_RPC_UNAVAILABLE, "it was renewed often enough for now");
  return false;
}

void con_link_renew(con_link *l, cd_rpc *m)
{
  cd_str csr = {0};
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  cd_public_key key = {0};
  con_audit_ref audit = {0};
  if (cd_renew_read(m, &csr, &fault, &err) != CD_OK) {
    con_link_refuse(l, fault.id, fault.code, err.text);
    return;
  }
  if (!may_renew(l, m->id))
    return;
  cd_code rc = con_csr_key(csr, &key, &err);
  if (rc == CD_OK)
    rc = con_device_renew(l->server->store, cd_str_from(l->device), &key.id, &audit, &err);
  renewal *r = rc == CD_OK ? calloc(1, sizeof(*r)) : NULL;
  if (rc != CD_OK || r == NULL) {
    con_link_refuse(l, m->id, rc == CD_OK ? CD_RPC_UNAVAILABLE : CD_RPC_REFUSED,
                    rc == CD_OK ? "no memory" : err.text);
    return;
  }
  *r = (renewal){l, m->id};
  con_link_retain(l);
  con_signer_issue_device(l->server->signer, cd_str_from(l->device), csr, &audit, on_issued, r);
}
