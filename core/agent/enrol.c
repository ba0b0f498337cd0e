/* Enrolling: the keys are made here, the channel carries the request, and the answer is taken only
 * if all of it is good. Until enrolment.json is replaced nothing has changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "csr.h"
#include "ipc/message.h"
#include "platform/system.h"
#include "protocol/secret.h"
#include "remote_private.h"
#include "token.h"

#include "base/banned.h"

#define SETUP_MAX (256u * 1024u)

struct agent_enrol {
  agent_remote *remote;
  agent_channel *channel;
  agent_enrolment *fresh; /* what it will be */
  cd_public_key ca_key;
  bool done;
  bool ended; /* the process */
};

static void enrol_free(agent_enrol *x)
{
  agent_enrolment_free(x->fresh);
  free(x);
}

/* Told once, whatever becomes of it. */
static void finish(agent_enrol *x, const cd_err *why)
{
  agent_remote *r = x->remote;
  if (x->done)
    return;
  x->done = true;
  if (why != NULL)
    cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "not enrolled: %s", why->text);
  r->enrol = NULL;
  if (!x->ended)
    agent_channel_end(x->channel, "the enrolment is over");
  if (!r->stopping)
    agent_control_enrolled(r->agent, why, r->enrolment != NULL ? r->enrolment->device : "");
}

/* ---- the answer ---- */

static cd_code check_statements(agent_enrol *x, const cd_enroll_answer *a, cd_err *err)
{
  cd_statement device;
  cd_statement order;
  agent_enrolment *e = x->fresh;
  cd_code rc = cd_statement_verify(a->statement, &x->ca_key, CD_PURPOSE_DEVICE, &device, err);
  if (rc == CD_OK && !cd_str_eq_cstr(a->device, device.subject))
    rc = cd_fail(err, CD_E_DENIED, "the device CA states a key for %s, not for %.*s",
                 device.subject, CD_STR_ARG(a->device));
  if (rc == CD_OK && !cd_public_key_equal(&device.key, cd_key_public(e->device_key)))
    rc = cd_fail(err, CD_E_DENIED, "the device CA states another key than this device's");
  if (rc == CD_OK)
    rc = cd_statement_verify(a->order_key, &e->root, CD_PURPOSE_ORDER, &order, err);
  return rc;
}

static cd_code take_answer(agent_enrol *x, const cd_enroll_answer *a, cd_err *err)
{
  agent_enrolment *e = x->fresh;
  bool good = cd_str_copy(e->device, sizeof(e->device), a->device) &&
              agent_text_set(&e->certificate, a->certificate) &&
              agent_text_set(&e->statement, a->statement) &&
              agent_text_set(&e->order_key, a->order_key);
  e->agent_count = a->agent_count;
  for (unsigned i = 0; i < a->agent_count; i++)
    good = good && cd_str_copy(e->agents[i], sizeof(e->agents[i]), a->agents[i]);
  e->enrolled_ms = cd_wall_ms();
  if (!good)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the enrolment");
  return agent_enrolment_store(x->remote->agent->options.state_dir, e, err);
}

/* Another console has no use for the results that wait for this one. */
static void change_over(agent_enrol *x)
{
  agent_remote *r = x->remote;
  cd_err err = {0};
  bool other = r->enrolment == NULL || !cd_public_key_equal(&r->enrolment->root, &x->fresh->root) ||
               strcmp(r->enrolment->device, x->fresh->device) != 0;
  if (other && agent_journal_consoles_forget(r->agent->journal, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
  agent_enrolment_free(r->enrolment);
  r->enrolment = x->fresh;
  x->fresh = NULL;
  agent_journal_reporting(r->agent->journal, true);
  cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "enrolled as device %s, root %s", r->enrolment->device,
         r->enrolment->root_id);
  agent_policy_enrolled(r->agent->policy);
  remote_restart(r, "the device was enrolled");
}

static void on_enrolled(agent_enrol *x, cd_str payload)
{
  cd_err err = {0};
  cd_enroll_answer a = {0};
  cd_code rc = cd_enroll_answer_read(payload, &a, &err);
  if (rc == CD_OK)
    rc = check_statements(x, &a, &err);
  if (rc != CD_OK)
    (void)cd_err_prefix(&err, "the console's answer is refused");
  if (rc == CD_OK)
    rc = take_answer(x, &a, &err);
  cd_enroll_answer_release(&a);
  if (rc == CD_OK)
    change_over(x);
  finish(x, rc == CD_OK ? NULL : &err);
}

static void on_failed(agent_enrol *x, cd_str payload)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str sentence = {0};
  if (channel_text_read(payload, "sentence", CD_ERR_TEXT_MAX - 1, &doc, &sentence, &err) == CD_OK)
    (void)cd_fail(&err, CD_E_UNAVAILABLE, "%.*s", CD_STR_ARG(sentence));
  cd_json_free(doc);
  finish(x, &err);
}

static void on_frame(void *owner, const ipc_frame *frame)
{
  agent_enrol *x = owner;
  if (x->done)
    return;
  if (frame->type == IPC_CHAN_ENROLLED)
    on_enrolled(x, frame->payload);
  else if (frame->type == IPC_CHAN_FAILED)
    on_failed(x, frame->payload);
  /* Addresses of the enroll listener are nothing to remember. */
}

static void on_ended(void *owner, const char *sentence)
{
  agent_enrol *x = owner;
  cd_err err = {0};
  (void)cd_fail(&err, CD_E_UNAVAILABLE, "%s", sentence);
  x->ended = true;
  finish(x, &err);
  enrol_free(x);
}

static const agent_channel_events events = {.on_frame = on_frame, .on_ended = on_ended};

/* ---- the request ---- */

static cd_code make_body(const agent_enrol *x, const agent_token *t, const control_enrolment *wish,
                         cd_str csr, cd_buf *out, cd_err *err)
{
  char hostname[256] = "";
  size_t len = sizeof(hostname);
  cd_buf proof = CD_BUF_INIT(4096);
  cd_enroll_proof p = {.token_hash = t->hash, .at_ms = cd_wall_ms()};
  (void)uv_os_gethostname(hostname, &len);
  cd_code rc = cd_digest_of(csr.ptr, csr.len, &p.csr_hash, err);
  if (rc == CD_OK)
    rc = cd_enroll_proof_sign(&p, x->fresh->device_key, &agent_random, &proof, err);
  cd_enroll_request request = {.token = t->secret,
                               .csr = csr,
                               .device_key = *cd_key_public(x->fresh->device_key),
                               .proof = cd_buf_view(&proof),
                               .hostname = cd_str_from(hostname),
                               .os = cd_str_from(pf_system_name()),
                               .agent = CD_STR(CORDON_VERSION),
                               .tag_count = wish->tag_count};
  for (unsigned i = 0; i < wish->tag_count; i++)
    request.tags[i] = wish->tags[i];
  if (rc == CD_OK)
    rc = cd_enroll_request_write(&request, out, err);
  cd_buf_release(&proof);
  return rc;
}

static cd_code write_setup(const agent_enrol *x, const agent_token *t, cd_str csr, cd_str body,
                           cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  remote_write_setup(x->remote, &w, "enroll", "/api/cordon/enroll");
  cd_jw_arr(&w, "consoles");
  for (unsigned i = 0; i < t->url_count; i++) {
    cd_jw_obj(&w, NULL);
    remote_write_console(x->remote, &w, t->urls[i].host, t->urls[i].port);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  cd_jw_obj(&w, "tls");
  cd_jw_str(&w, "ca", t->tls_ca);
  cd_jw_str(&w, "device_ca", t->ca);
  cd_jw_end_obj(&w);
  cd_jw_str(&w, "csr", csr);
  cd_jw_str(&w, "body", body);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "SETUP", err);
}

/* The TLS key stays here until the certificate is: the channel needs it only to connect. */
static cd_code make_keys(agent_enrol *x, cd_buf *csr, cd_err *err)
{
  cd_key *tls = NULL;
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = agent_device_key(x->remote->agent->options.state_dir, &x->fresh->device_key, err);
  if (rc == CD_OK)
    rc = agent_csr_make("cordon", &tls, csr, err);
  if (rc == CD_OK)
    rc = cd_key_to_pem(tls, &pem, err);
  if (rc == CD_OK && !agent_text_set(&x->fresh->tls_key, cd_buf_view(&pem)))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the TLS key");
  cd_key_free(tls);
  cd_buf_wipe(&pem);
  return rc;
}

static cd_code prepare(agent_enrol *x, const agent_token *t, const control_enrolment *wish,
                       cd_buf *setup, cd_err *err)
{
  cd_buf csr = CD_BUF_INIT(CD_CSR_MAX);
  cd_buf body = CD_BUF_INIT(CD_ENROLL_REQUEST_MAX);
  x->fresh->root = t->root;
  cd_public_key_id(&t->root, x->fresh->root_id);
  cd_code rc = agent_certificate_key(t->ca, &x->ca_key, err);
  if (rc == CD_OK && !agent_text_set(&x->fresh->ca, t->ca))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the CA");
  if (rc == CD_OK)
    rc = make_keys(x, &csr, err);
  if (rc == CD_OK)
    rc = make_body(x, t, wish, cd_buf_view(&csr), &body, err);
  if (rc == CD_OK)
    rc = write_setup(x, t, cd_buf_view(&csr), cd_buf_view(&body), setup, err);
  cd_buf_release(&csr);
  cd_buf_wipe(&body);
  return rc;
}

cd_code agent_remote_enrol(agent_remote *r, control_enrolment *wish, cd_err *err)
{
  agent_token t;
  cd_buf setup = CD_BUF_INIT(SETUP_MAX);
  if (r->enrol != NULL)
    return cd_fail(err, CD_E_CONFLICT, "an enrolment is under way already");
  cd_code rc = agent_token_read(&wish->token, &t, err);
  if (rc == CD_OK && wish->console.len > 0)
    rc = agent_token_of(&t, wish->console, err);
  if (rc != CD_OK)
    return rc;
  agent_enrol *x = calloc(1, sizeof(*x));
  if (x == NULL || (x->fresh = agent_enrolment_new()) == NULL) {
    free(x);
    return cd_fail(err, CD_E_INTERNAL, "no memory for the enrolment");
  }
  x->remote = r;
  rc = prepare(x, &t, wish, &setup, err);
  if (rc == CD_OK) {
    agent_channel_options options = {.loop = r->agent->loop,
                                     .program = r->agent->options.channel,
                                     .mark = r->agent->config.mark,
                                     .setup = cd_buf_view(&setup),
                                     .events = &events,
                                     .owner = x};
    rc = agent_channel_start(&options, &x->channel, err);
  }
  cd_buf_wipe(&setup);
  if (rc == CD_OK)
    r->enrol = x;
  else
    enrol_free(x);
  return rc;
}

void remote_enrol_stop(agent_remote *r)
{
  if (r->enrol != NULL)
    agent_channel_end(r->enrol->channel, "the agent stops");
}
