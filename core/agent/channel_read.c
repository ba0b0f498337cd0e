#include "channel_read.h"

#include <string.h>
#include <uv.h>

#include "base/limits.h"
#include "protocol/base64.h"
#include "protocol/chunk.h"
#include "protocol/jws.h"

#include "base/banned.h"

#define FRAME_MAX CD_FRAME_PAYLOAD_MAX
#define WAIT_MAX_MS (2u * 3600u * 1000u)

/* The canonical text of a literal address. */
static bool read_address(cd_str text, char out[AGENT_ADDRESS_MAX])
{
  char plain[AGENT_ADDRESS_MAX];
  unsigned char bytes[16];
  if (!cd_str_copy(plain, sizeof(plain), text) || strchr(plain, '%') != NULL)
    return false;
  int family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET;
  return uv_inet_pton(family, plain, bytes) == 0 &&
         uv_inet_ntop(family, bytes, out, AGENT_ADDRESS_MAX) == 0;
}

static void member_address(cd_json *obj, const char *key, char out[AGENT_ADDRESS_MAX])
{
  cd_str text = {0};
  cd_json_str(obj, key, AGENT_ADDRESS_MAX - 1, &text);
  if (text.ptr != NULL && !read_address(text, out))
    cd_json_bad(obj, key, "is no IPv4 or IPv6 address");
}

static void member_host(cd_json *obj, char out[CD_HTTP_HOST_MAX + 1], uint16_t *ret_port)
{
  cd_str host = {0};
  uint64_t port = 0;
  cd_json_str(obj, "host", CD_HTTP_HOST_MAX, &host);
  cd_json_u64(obj, "port", 65535, &port);
  if (host.ptr != NULL && (host.len == 0 || !cd_str_copy(out, CD_HTTP_HOST_MAX + 1, host)))
    cd_json_bad(obj, "host", "is none");
  if (port == 0)
    cd_json_bad(obj, "port", "must not be 0");
  *ret_port = (uint16_t)port;
}

cd_code channel_open_read(cd_str payload, channel_open *ret_open, cd_err *err)
{
  channel_open o = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_OPEN", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  member_host(&root, o.host, &o.port);
  member_address(&root, "address", o.address);
  cd_json_bool(&root, "proxy", &o.proxy);
  cd_json_i64(&root, "issued", 0, CD_WALL_MS_MAX, &o.issued_ms);
  cd_json_i64(&root, "expires", 0, CD_WALL_MS_MAX, &o.expires_ms);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_open = o;
  return rc;
}

cd_code channel_addresses_read(cd_str payload, channel_addresses *ret_addresses, cd_err *err)
{
  channel_addresses a = {0};
  cd_json_doc *doc = NULL;
  cd_json list = {0};
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_ADDRESSES", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  member_host(&root, a.host, &a.port);
  cd_json_arr(&root, "addresses", AGENT_CONSOLE_ADDRESSES_MAX, &list);
  a.count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < a.count; i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, AGENT_ADDRESS_MAX - 1, &text);
    if (text.ptr != NULL && !read_address(text, a.addresses[i]))
      cd_json_bad(&list, NULL, "has one that is no IPv4 or IPv6 address");
  }
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_addresses = a;
  return rc;
}

cd_code channel_want_socket_read(cd_str payload, agent_endpoint *ret_endpoint, cd_err *err)
{
  agent_endpoint e = {0};
  cd_json_doc *doc = NULL;
  uint64_t port = 0;
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_WANT_SOCKET", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  member_address(&root, "address", e.address);
  cd_json_u64(&root, "port", 65535, &port);
  e.port = (uint16_t)port;
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_endpoint = e;
  return rc;
}

cd_code channel_welcome_read(cd_str payload, cd_json_doc **ret_doc, channel_welcome *ret_welcome,
                             cd_err *err)
{
  channel_welcome w = {0};
  cd_json_doc *doc = NULL;
  cd_str nonce = {0};
  size_t len = 0;
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_WELCOME", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "console", CD_WORD_MAX, &w.console);
  cd_json_str(&root, "nonce", CD_BASE64URL_LEN(CD_NONCE_SIZE), &nonce);
  if (nonce.ptr != NULL &&
      (!cd_base64url_decode(nonce, w.nonce, sizeof(w.nonce), &len) || len != CD_NONCE_SIZE))
    cd_json_bad(&root, "nonce", "must be %u bytes in base64url", CD_NONCE_SIZE);
  cd_json_str(&root, "key", cd_jws_max(&cd_jws_statement), &w.key);
  cd_json_str(&root, "mark", cd_jws_max(&cd_jws_mark), &w.mark);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  *ret_welcome = w;
  return CD_OK;
}

cd_code channel_ack_read(cd_str payload, cd_code *ret_code, char ret_sentence[CD_ERR_TEXT_MAX],
                         cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str name = {0};
  cd_str sentence = {0};
  char text[32] = "";
  cd_code code = CD_E_INTERNAL;
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_ACK", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "status", sizeof(text) - 1, &name);
  if (name.ptr != NULL &&
      (!cd_str_copy(text, sizeof(text), name) || !cd_code_from_name(text, &code)))
    cd_json_bad(&root, "status", "is no status");
  (void)cd_json_opt_str(&root, "sentence", CD_ERR_TEXT_MAX - 1, &sentence);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK) {
    *ret_code = code;
    (void)cd_str_copy(ret_sentence, CD_ERR_TEXT_MAX, sentence);
  }
  cd_json_free(doc);
  return rc;
}

cd_code channel_order_read(cd_str payload, const char *member, cd_json_doc **ret_doc,
                           cd_str *ret_order, cd_str *ret_key, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str order = {0};
  cd_str key = {0};
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "the document", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, member, CD_MESSAGE_MAX, &order);
  cd_json_str(&root, "key", CD_MESSAGE_MAX, &key);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  *ret_order = order;
  *ret_key = key;
  return CD_OK;
}

cd_code channel_lost_read(cd_str payload, channel_lost *ret_lost, cd_err *err)
{
  channel_lost l = {0};
  cd_json_doc *doc = NULL;
  cd_str sentence = {0};
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_LOST", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "sentence", CD_ERR_TEXT_MAX - 1, &sentence);
  cd_json_u64(&root, "wait_ms", WAIT_MAX_MS, &l.wait_ms);
  (void)cd_str_copy(l.sentence, sizeof(l.sentence), sentence);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_lost = l;
  return rc;
}

static void read_stream(cd_json *root, channel_stream *s)
{
  cd_json_u64(root, "stream", CD_STREAM_SIZE_MAX, &s->stream);
  cd_json_u64(root, "offset", CD_STREAM_SIZE_MAX, &s->offset);
  if (s->stream == 0)
    cd_json_bad(root, "stream", "must be at least 1");
}

cd_code channel_stream_read(cd_str payload, channel_stream *ret_stream, cd_err *err)
{
  channel_stream s = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_STREAM", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_stream(&root, &s);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_stream = s;
  return rc;
}

cd_code channel_kept_read(cd_str payload, channel_kept *ret_kept, cd_err *err)
{
  channel_kept k = {.done = false};
  cd_json_doc *doc = NULL;
  cd_str sentence = {0};
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "CHAN_KEPT", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_stream(&root, &k.at);
  cd_json_bool(&root, "done", &k.done);
  (void)cd_json_opt_str(&root, "sentence", CD_ERR_TEXT_MAX - 1, &sentence);
  (void)cd_str_copy(k.sentence, sizeof(k.sentence), sentence);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_kept = k;
  return rc;
}

cd_code channel_text_read(cd_str payload, const char *member, size_t max, cd_json_doc **ret_doc,
                          cd_str *ret_text, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str text = {0};
  cd_code rc = cd_json_parse(payload, FRAME_MAX, "the message", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, member, max, &text);
  if (text.ptr != NULL && text.len == 0)
    cd_json_bad(&root, member, "must not be empty");
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  *ret_text = text;
  return CD_OK;
}
