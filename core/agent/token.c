#include "token.h"

#include <string.h>

#include "protocol/base64.h"
#include "protocol/secret.h"

#include "base/banned.h"

/* "https://host" or "https://host:port", nothing behind it. */
static bool read_url(cd_str text, agent_url *out)
{
  static const cd_str scheme = CD_STR_INIT("https://");
  cd_err err = {0};
  cd_buf with_port = CD_BUF_INIT(CD_ENDPOINT_MAX + 8);
  if (!cd_str_starts(text, scheme))
    return false;
  cd_str rest = {text.ptr + scheme.len, text.len - scheme.len};
  if (cd_str_ends(rest, CD_STR("/")))
    rest.len--;
  cd_code rc = cd_endpoint_parse(rest, out->host, &out->port, &err);
  if (rc != CD_OK) {
    cd_buf_add_str(&with_port, rest);
    cd_buf_add_cstr(&with_port, ":443");
    rc = cd_endpoint_parse(cd_buf_view(&with_port), out->host, &out->port, &err);
  }
  cd_buf_release(&with_port);
  return rc == CD_OK;
}

static void read_urls(cd_json *token, agent_token *out)
{
  cd_json list = {0};
  cd_json_arr(token, "enroll", AGENT_TOKEN_URLS_MAX, &list);
  out->url_count = (unsigned)cd_json_len(&list);
  if (list.node != NULL && out->url_count == 0)
    cd_json_bad(token, "enroll", "must not be empty");
  for (unsigned i = 0; i < out->url_count; i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, CD_ENDPOINT_MAX + 16, &text);
    if (text.ptr != NULL && !read_url(text, &out->urls[i]))
      cd_json_bad(token, "enroll", "'%.*s' is not https://HOST:PORT", CD_STR_ARG(text));
  }
}

static void read_secret(cd_json *token, agent_token *out)
{
  cd_err why = {0};
  uint8_t bytes[CD_TOKEN_SIZE];
  cd_json_str(token, "token", CD_BASE64URL_LEN(CD_TOKEN_SIZE), &out->secret);
  if (out->secret.ptr == NULL)
    return;
  if (cd_enroll_token_decode(out->secret, bytes, &why) != CD_OK ||
      cd_digest_of(bytes, sizeof(bytes), &out->hash, &why) != CD_OK)
    cd_json_bad(token, "token", "must be %u bytes in base64url", CD_TOKEN_SIZE);
  cd_wipe(bytes, sizeof(bytes));
}

static void read_root(cd_json *token, agent_token *out)
{
  cd_err why = {0};
  cd_str text = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  cd_json_str(token, "root", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &text);
  if (text.ptr != NULL &&
      (!cd_base64url_decode(text, der, sizeof(der), &len) ||
       cd_public_key_from_der((cd_str){(const char *)der, len}, &out->root, &why) != CD_OK))
    cd_json_bad(token, "root", "must be a SubjectPublicKeyInfo on P-256 in base64url");
}

/* Where the agents' listeners are, the console says when it answers; the file's list is for people.
 */
static void read_agents(cd_json *token)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(token, "agents", CD_CONSOLES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, CD_ENDPOINT_MAX, &text);
  }
}

cd_code agent_token_read(cd_json *token, agent_token *ret_token, cd_err *err)
{
  agent_token t = {0};
  uint64_t version = 0;
  cd_json_u64(token, "version", 1, &version);
  if (version != 1)
    cd_json_bad(token, "version", "must be 1");
  read_urls(token, &t);
  read_agents(token);
  read_secret(token, &t);
  read_root(token, &t);
  cd_json_str(token, "ca", CD_CERTIFICATE_MAX, &t.ca);
  cd_json_str(token, "tls_ca", AGENT_TOKEN_PEM_MAX, &t.tls_ca);
  cd_code rc = cd_json_done(token, err);
  if (rc == CD_OK)
    *ret_token = t;
  return rc;
}

static bool same_host(const char *a, const char *b)
{
  for (; *a != '\0' && *b != '\0'; a++, b++) {
    bool letter = (*a | 0x20) >= 'a' && (*a | 0x20) <= 'z';
    if (letter ? (*a | 0x20) != (*b | 0x20) : *a != *b)
      return false;
  }
  return *a == *b;
}

cd_code agent_token_of(const agent_token *t, cd_str url, cd_err *err)
{
  agent_url wanted;
  if (!read_url(url, &wanted))
    return cd_fail(err, CD_E_INVALID, "'%.*s' is not https://HOST:PORT",
                   url.len > 300 ? 300 : CD_STR_ARG(url));
  for (unsigned i = 0; i < t->url_count; i++) {
    if (t->urls[i].port == wanted.port && same_host(t->urls[i].host, wanted.host))
      return CD_OK;
  }
  return cd_fail(err, CD_E_INVALID, "the token is for https://%s:%u, not for https://%s:%u",
                 t->urls[0].host, t->urls[0].port, wanted.host, wanted.port);
}
