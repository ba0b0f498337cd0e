#include "message.h"

#include <string.h>

#include "base/limits.h"
#include "protocol/base64.h"

#include "base/banned.h"

static cd_code finish(cd_json *root, cd_json_doc *doc, cd_json_doc **ret_doc, cd_err *err)
{
  cd_code rc = cd_json_done(root, err);
  if (rc == CD_OK)
    *ret_doc = doc;
  else
    cd_json_free(doc);
  return rc;
}

static void read_capabilities(cd_json *root, cd_hello *h)
{
  cd_json list = {0};
  cd_json_arr(root, "capabilities", CD_CAPABILITIES_MAX, &list);
  h->capability_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < h->capability_count; i++) {
    cd_json one = {0};
    cd_capability_report *c = &h->capabilities[i];
    cd_json_at_obj(&list, i, &one);
    cd_json_str(&one, "capability", CD_WORD_MAX, &c->capability);
    (void)cd_json_opt_str(&one, "provider", CD_PROVIDER_ID_MAX, &c->provider);
    cd_json_str(&one, "reason", CD_SENTENCE_MAX, &c->reason);
    cd_json_no_more(&one);
  }
}

cd_code chan_hello_read(cd_str payload, cd_json_doc **ret_doc, cd_hello *ret_hello, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str nonce = {0};
  size_t len = 0;
  cd_hello h = {.version_count = 1, .versions = {CD_PROTOCOL_VERSION}};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "CHAN_HELLO", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "agent", CD_WORD_MAX, &h.agent);
  cd_json_str(&root, "device", CD_DEVICE_ID_MAX, &h.device);
  cd_json_str(&root, "nonce", CD_BASE64URL_LEN(CD_NONCE_SIZE), &nonce);
  if (nonce.ptr != NULL &&
      (!cd_base64url_decode(nonce, h.nonce, sizeof(h.nonce), &len) || len != CD_NONCE_SIZE))
    cd_json_bad(&root, "nonce", "is none");
  read_capabilities(&root, &h);
  rc = finish(&root, doc, ret_doc, err);
  if (rc == CD_OK)
    *ret_hello = h;
  return rc;
}

cd_code chan_text_read(cd_str payload, const char *member, size_t max, cd_json_doc **ret_doc,
                       cd_str *ret_text, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str text = {0};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "the message", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, member, max, &text);
  rc = finish(&root, doc, ret_doc, err);
  if (rc == CD_OK)
    *ret_text = text;
  return rc;
}

cd_code chan_progress_read(cd_str payload, cd_json_doc **ret_doc, cd_progress *ret_progress,
                           cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_progress p = {0};
  cd_str text = {0};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "CHAN_PROGRESS", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "action", CD_ID_SIZE - 1, &text);
  (void)cd_str_copy(p.action, sizeof(p.action), text);
  cd_json_str(&root, "status", CD_WORD_MAX, &text);
  if (!cd_action_status_from_name(text, &p.status))
    cd_json_bad(&root, "status", "is none");
  (void)cd_json_opt_str(&root, "step", CD_WORD_MAX, &p.step);
  cd_json_u64(&root, "done", UINT64_MAX, &p.done);
  cd_json_u64(&root, "total", UINT64_MAX, &p.total);
  (void)cd_json_opt_str(&root, "what", CD_NOTE_MAX, &p.what);
  rc = finish(&root, doc, ret_doc, err);
  if (rc == CD_OK)
    *ret_progress = p;
  return rc;
}

cd_code chan_order_ack_read(cd_str payload, cd_json_doc **ret_doc, cd_order_ack *ret_ack,
                            cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_order_ack a = {0};
  cd_str name = {0};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "CHAN_ORDER_ACK", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_bool(&root, "accepted", &a.accepted);
  if (cd_json_opt_str(&root, "refusal", CD_WORD_MAX, &name) &&
      !cd_refusal_from_name(name, &a.refusal))
    cd_json_bad(&root, "refusal", "is none");
  (void)cd_json_opt_str(&root, "sentence", CD_SENTENCE_MAX, &a.sentence);
  rc = finish(&root, doc, ret_doc, err);
  if (rc == CD_OK)
    *ret_ack = a;
  return rc;
}

cd_code chan_socket_read(cd_str payload, cd_code *ret_code, char ret_sentence[CD_ERR_TEXT_MAX],
                         cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str name = {0};
  cd_str sentence = {0};
  char text[32] = "";
  cd_code code = CD_E_INTERNAL;
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "CHAN_SOCKET", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "status", sizeof(text) - 1, &name);
  (void)cd_str_copy(text, sizeof(text), name);
  if (name.ptr != NULL && !cd_code_from_name(text, &code))
    cd_json_bad(&root, "status", "is none");
  (void)cd_json_opt_str(&root, "sentence", CD_ERR_TEXT_MAX - 1, &sentence);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK) {
    *ret_code = code;
    (void)cd_str_copy(ret_sentence, CD_ERR_TEXT_MAX, sentence);
  }
  cd_json_free(doc);
  return rc;
}
