/* The policy of a device: what is for it is signed once, sent when it has another one, and shown as
 * what it says itself. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "link.h"
#include "store_policy.h"

#include "base/banned.h"

#define RETRY_MS 5000u /* after the signer or the database was not there */
#define REFUSED_MS                                                                                 \
  300000u /* after the log did not record what is for it; a change comes at once                   \
           */

static void note(con_link *l, const char *why)
{
  cd_str text = cd_str_from(why);
  text.len = cd_str_utf8_cut(text, CD_ERR_TEXT_MAX - 1);
  if (con_link_set_note(&l->policy_note, text) && text.len > 0)
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s: its policy: %s", l->device, why);
}

static void try_later(con_link *l, const char *why)
{
  note(l, why);
  l->policy_retry_ms = cd_mono_ms() + RETRY_MS;
}

/* ---- sending ---- */

static void send_policy(con_link *l, const con_device_policy *p)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  const cd_policy_message message = {.policy = p->jws, .key = p->key};
  if (cd_policy_message_write(&message, l->last_id + 1, &out, &err) == CD_OK) {
    l->policy_id = ++l->last_id;
    l->policy_version = p->version;
    cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s: policy '%.*s' version %llu sent", l->device,
           CD_STR_ARG(p->name), (unsigned long long)p->version);
    con_link_send(l, &out);
  } else {
    note(l, err.text);
  }
  cd_buf_release(&out);
}

static cd_code keep_signed(con_link *l, const con_signer_reply *reply, cd_err *err)
{
  cd_str key =
      reply->policy_key.len > 0 ? reply->policy_key : cd_str_from(l->server->keys.policy_key);
  return con_device_policy_signed(l->server->store, cd_str_from(l->device), l->policy_signing,
                                  reply->policy, key, err);
}

/* What was to be signed may have been replaced meanwhile: then it is signed anew. */
static void on_signed(void *context, const con_signer_reply *reply)
{
  con_link *l = context;
  cd_err err = {0};
  cd_code rc = reply->code == CD_OK ? keep_signed(l, reply, &err) : CD_OK;
  l->policy_signing = 0;
  if (reply->code == CD_E_DENIED || reply->code == CD_E_INVALID)
    note(l, reply->sentence);
  else if (reply->code != CD_OK)
    try_later(l, reply->sentence);
  else if (rc != CD_OK)
    try_later(l, err.text);
  else
    con_link_policy(l);
  con_link_drop(l);
}

static void sign(con_link *l, const con_device_policy *p)
{
  const con_sign_policy policy = {.device = cd_str_from(l->device),
                                  .version = p->version,
                                  .name = p->name,
                                  .body = p->body,
                                  .audit = p->audit};
  l->policy_signing = p->version;
  con_link_retain(l);
  con_signer_sign_policy(l->server->signer, &policy, on_signed, l);
}

/* The policy key was replaced since: what the old one signed is refused sooner or later. */
static bool is_of_another_key(const con_link *l, const con_device_policy *p)
{
  const char *key = l->server->keys.policy_key;
  return p->jws.len > 0 && key != NULL && !cd_str_eq_cstr(p->key, key);
}

static cd_code find(con_link *l, con_device_policy *ret, cd_err *err)
{
  cd_str device = cd_str_from(l->device);
  cd_code rc = con_device_policy_issue(l->server->store, device, false, ret, err);
  if (rc != CD_OK || !is_of_another_key(l, ret) || ret->version == l->policy.version)
    return rc;
  con_device_policy_release(ret);
  return con_device_policy_issue(l->server->store, device, true, ret, err);
}

/* Only once it has said how it stands: an agent that knows no policies never does. */
void con_link_policy(con_link *l)
{
  con_device_policy p = {0};
  cd_err err = {0};
  if (l->phase != CON_LINK_READY || l->wire_object == NULL || !l->policy.known ||
      l->policy_signing != 0 || l->policy_id != 0)
    return;
  l->policy_retry_ms = 0;
  cd_code rc = find(l, &p, &err);
  if (rc == CD_E_NOTFOUND) {
    note(l, "");
  } else if (rc != CD_OK) {
    try_later(l, err.text);
    if (rc == CD_E_CONFLICT)
      l->policy_retry_ms = cd_mono_ms() + REFUSED_MS;
  } else if (p.version == l->policy.version) {
    note(l, "");
  } else if (p.version == l->policy.refused) {
    note(l, l->policy.sentence);
  } else if (p.version != l->policy_version) {
    if (p.jws.len == 0)
      sign(l, &p);
    else
      send_policy(l, &p);
  }
  con_device_policy_release(&p);
}

/* ---- what it says ---- */

bool con_link_policy_answer(con_link *l, cd_rpc *m)
{
  cd_order_ack ack = {0};
  cd_err err = {0};
  char why[CD_ERR_TEXT_MAX] = "";
  if (m->id == 0 || m->id != l->policy_id)
    return false;
  l->policy_id = 0;
  /* Unsigned: what is in force, only a report says. */
  if (cd_order_ack_read(m, &ack, &err) != CD_OK)
    (void)cd_str_copy(why, sizeof(why), cd_str_from(err.text));
  else if (!ack.accepted && ack.refusal != CD_REFUSAL_REPLAYED)
    (void)cd_str_copy(why, sizeof(why),
                      (cd_str){ack.sentence.ptr, cd_str_utf8_cut(ack.sentence, sizeof(why) - 1)});
  if (why[0] != '\0')
    note(l, why);
  con_link_policy(l);
  return true;
}

static cd_code keep_standing(con_link *l, const cd_policy_standing *s, cd_err *err)
{
  cd_jw w;
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "version", s->version);
  cd_jw_cstr(&w, "name", s->name[0] != '\0' ? s->name : NULL);
  cd_jw_bool(&w, "trial", s->trial);
  cd_jw_u64(&w, "refused", s->refused);
  cd_jw_cstr(&w, "sentence", s->sentence[0] != '\0' ? s->sentence : NULL);
  cd_jw_time(&w, "at", cd_wall_ms());
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "how a device stands with policy", err);
  if (rc == CD_OK)
    rc = con_device_policy_stands(l->server->store, cd_str_from(l->device), cd_buf_view(&text),
                                  s->highest, err);
  cd_buf_release(&text);
  return rc;
}

void con_link_policy_stands(con_link *l, const cd_policy_standing *standing)
{
  cd_err err = {0};
  const cd_policy_standing *had = &l->policy;
  bool same = had->known && standing->known && had->version == standing->version &&
              had->trial == standing->trial && had->highest == standing->highest &&
              had->refused == standing->refused && strcmp(had->sentence, standing->sentence) == 0;
  if (!standing->known)
    return;
  l->policy = *standing;
  if (!same && keep_standing(l, standing, &err) != CD_OK)
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", l->device, err.text);
  con_link_policy(l);
}
