/* A new certificate before the old one ends: a new TLS key, a request, and only when the
 * certificate is here and stored does the device connect with it. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "csr.h"
#include "ipc/message.h"
#include "protocol/secret.h"
#include "remote_private.h"

#include "base/banned.h"

/* Less than a third of its time is left, by the console's clock. */
static bool is_due(const agent_remote *r)
{
  const channel_open *at = &r->connection.at;
  int64_t all = at->expires_ms - at->issued_ms;
  return all > 0 && at->expires_ms - remote_now_ms(r) < all / 3;
}

void remote_renew(agent_remote *r)
{
  remote_connection *c = &r->connection;
  cd_buf csr = CD_BUF_INIT(CD_CSR_MAX);
  cd_buf text = CD_BUF_INIT(2 * CD_CSR_MAX);
  cd_jw w;
  cd_err err = {0};
  if (c->phase != REMOTE_READY || c->renewed || !is_due(r) || r->channel == NULL)
    return;
  c->renewed = true;
  cd_code rc = agent_csr_make(r->enrolment->device, &r->renew_key, &csr, &err);
  if (rc == CD_OK) {
    cd_jw_init(&w, &text);
    cd_jw_obj(&w, NULL);
    cd_jw_str(&w, "csr", cd_buf_view(&csr));
    cd_jw_end_obj(&w);
    rc = cd_jw_done(&w, "CHAN_RENEW", &err);
  }
  if (rc == CD_OK) {
    c->renew_op = c->next_op++;
    agent_channel_send(r->channel, IPC_CHAN_RENEW, c->renew_op, cd_buf_view(&text));
  } else {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "the certificate cannot be renewed: %s", err.text);
  }
  cd_buf_release(&csr);
  cd_buf_release(&text);
}

/* The enrolment as it is, but for the two that are new. */
static cd_code store(agent_remote *r, cd_str certificate, cd_err *err)
{
  agent_enrolment *e = r->enrolment;
  agent_enrolment changed = *e;
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  changed.certificate = cd_str_dup(certificate);
  changed.tls_key = NULL;
  cd_code rc = cd_key_to_pem(r->renew_key, &pem, err);
  if (rc == CD_OK &&
      (changed.certificate == NULL || !agent_text_set(&changed.tls_key, cd_buf_view(&pem))))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the certificate");
  if (rc == CD_OK)
    rc = agent_enrolment_store(r->agent->options.state_dir, &changed, err);
  agent_enrolment old = {0};
  if (rc == CD_OK) {
    old.certificate = e->certificate;
    old.tls_key = e->tls_key;
    e->certificate = changed.certificate;
    e->tls_key = changed.tls_key;
  } else {
    old.certificate = changed.certificate;
    old.tls_key = changed.tls_key;
  }
  if (old.tls_key != NULL)
    cd_wipe(old.tls_key, cd_str_from(old.tls_key).len);
  free(old.tls_key);
  free(old.certificate);
  cd_buf_wipe(&pem);
  return rc;
}

void remote_renew_answered(agent_remote *r, cd_str certificate, const char *refusal)
{
  cd_err err = {0};
  r->connection.renew_op = 0;
  if (refusal == NULL && store(r, certificate, &err) == CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "the certificate was renewed; connecting with the new one");
    remote_restart(r, "the certificate was renewed");
    return;
  }
  cd_log(CD_AREA_REMOTE, CD_LOG_WARN,
         "the certificate was not renewed: %s; asking again in the next connection",
         refusal != NULL ? refusal : err.text);
  cd_key_free(r->renew_key);
  r->renew_key = NULL;
}
