/* The token file, both ways. */
#include "protocol/token_file.h"

#include "protocol/base64.h"
#include "protocol/enroll.h"
#include "protocol/secret.h"

#include <string.h>

#include "base/banned.h"

#define VERSION 1u
#define SCHEME CD_STR("https://")

cd_code cd_enroll_url_parse(cd_str url, char ret_host[CD_HTTP_HOST_MAX + 1], uint16_t *ret_port,
                            cd_err *err)
{
  cd_str endpoint = url;
  if (!cd_str_starts(url, SCHEME))
    return cd_fail(err, CD_E_INVALID, "'%.*s' does not begin with https://",
                   url.len > 300 ? 300 : CD_STR_ARG(url));
  endpoint.ptr += SCHEME.len;
  endpoint.len -= SCHEME.len;
  if (endpoint.len > 0 && endpoint.ptr[endpoint.len - 1] == '/')
    endpoint.len--;
  return cd_endpoint_parse(endpoint, ret_host, ret_port, err);
}

static void write_list(cd_jw *w, const char *key, const cd_str *list, unsigned count)
{
  cd_jw_arr(w, key);
  for (unsigned i = 0; i < count; i++)
    cd_jw_str(w, NULL, list[i]);
  cd_jw_end_arr(w);
}

/* The secret is written last and goes into `out` in one append; it is short, so that `text` hardly
 * ever grows after it. */
cd_code cd_token_file_write(const cd_token_file *f, cd_buf *out, cd_err *err)
{
  char token[CD_BASE64URL_LEN(CD_TOKEN_SIZE) + 1];
  char root[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  uint8_t der[CD_KEY_DER_SIZE];
  cd_buf text = CD_BUF_INIT(CD_TOKEN_FILE_MAX);
  cd_jw w;
  cd_base64url_text(token, f->token, sizeof(f->token));
  cd_public_key_to_der(&f->root, der);
  cd_base64url_text(root, der, sizeof(der));
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "version", VERSION);
  write_list(&w, "enroll", f->enroll, f->enroll_count);
  write_list(&w, "agents", f->agents, f->agent_count);
  cd_jw_cstr(&w, "root", root);
  cd_jw_str(&w, "ca", f->ca);
  cd_jw_str(&w, "tls_ca", f->tls_ca);
  cd_jw_cstr(&w, "token", token);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the token file", err);
  if (rc == CD_OK) {
    cd_buf_add(out, text.ptr, text.len);
    rc = cd_buf_status(out, "the token file", err);
  }
  cd_buf_wipe(&text);
  cd_wipe(token, sizeof(token));
  return rc;
}

static void read_list(cd_json *root, const char *key, bool urls, cd_str *out, unsigned *ret_count)
{
  cd_json list = {0};
  cd_json_arr(root, key, CD_CONSOLES_MAX, &list);
  unsigned count = (unsigned)cd_json_len(&list);
  if (list.node != NULL && count == 0)
    cd_json_bad(root, key, "must not be empty");
  for (unsigned i = 0; i < count; i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    cd_err why = {0};
    cd_json_at_str(&list, i, CD_ENROLL_URL_MAX, &out[i]);
    if (out[i].ptr == NULL)
      return;
    cd_code rc = urls ? cd_enroll_url_parse(out[i], host, &port, &why)
                      : cd_endpoint_parse(out[i], host, &port, &why);
    if (rc != CD_OK)
      cd_json_bad(root, key, "%s", why.text);
  }
  *ret_count = count;
}

static void read_token(cd_json *root, uint8_t out[CD_TOKEN_SIZE])
{
  cd_str text = {0};
  cd_err why = {0};
  cd_json_str(root, "token", CD_BASE64URL_LEN(CD_TOKEN_SIZE), &text);
  if (text.ptr != NULL && cd_enroll_token_decode(text, out, &why) != CD_OK)
    cd_json_bad(root, "token", "must be %u bytes in base64url", CD_TOKEN_SIZE);
}

static void read_root(cd_json *root, cd_public_key *out)
{
  cd_str text = {0};
  cd_err why = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  cd_json_str(root, "root", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &text);
  if (text.ptr == NULL)
    return;
  if (!cd_base64url_decode(text, der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, out, &why) != CD_OK)
    cd_json_bad(root, "root", "must be a SubjectPublicKeyInfo on P-256 in base64url");
}

static void read_pem(cd_json *root, const char *key, size_t max, cd_str *out)
{
  cd_json_str(root, key, max, out);
  if (out->ptr != NULL && !cd_str_starts(*out, CD_STR("-----BEGIN CERTIFICATE-----")))
    cd_json_bad(root, key, "must be a certificate in PEM");
}

cd_code cd_token_file_read(cd_str text, cd_token_file *ret_file, cd_err *err)
{
  cd_token_file f = {0};
  uint64_t version = 0;
  cd_code rc = cd_json_parse(text, CD_TOKEN_FILE_MAX, "the token file", &f.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(f.doc);
  cd_json_u64(&root, "version", UINT32_MAX, &version);
  if (version != VERSION)
    cd_json_bad(&root, "version", "must be %u, the only one that is known here", VERSION);
  read_list(&root, "enroll", true, f.enroll, &f.enroll_count);
  read_list(&root, "agents", false, f.agents, &f.agent_count);
  read_token(&root, f.token);
  read_root(&root, &f.root);
  read_pem(&root, "ca", CD_TOKEN_CA_MAX, &f.ca);
  read_pem(&root, "tls_ca", CD_TOKEN_TLS_CA_MAX, &f.tls_ca);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_file = f;
  else
    cd_token_file_release(&f);
  return rc;
}

void cd_token_file_release(cd_token_file *f)
{
  cd_json_free(f->doc);
  cd_wipe(f, sizeof(*f));
}
