#include "oauth.h"

#include <mbedtls/md.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "protocol/base64.h"
#include "protocol/digest.h"

#include "base/banned.h"

/* ---- the request ---- */

static const struct {
  const char *error;
  int number; /* of the texts that Entra ID's clients look for */
  unsigned status;
} faults[] = {[CON_OAUTH_REQUEST] = {"invalid_request", 900144, 400},
              [CON_OAUTH_GRANT] = {"unsupported_grant_type", 70003, 400},
              [CON_OAUTH_CLIENT] = {"invalid_client", 7000215, 401},
              [CON_OAUTH_BUSY] = {"temporarily_unavailable", 50196, 429},
              [CON_OAUTH_TROUBLE] = {"server_error", 90033, 500}};

static cd_code missing(const char *name, con_oauth_fault *ret_fault, cd_err *err)
{
  *ret_fault = CON_OAUTH_REQUEST;
  return cd_fail(err, CD_E_INVALID,
                 "The request body must contain the following parameter: '%s', once.", name);
}

cd_code con_oauth_read(const con_form *form, con_token_request *ret_request,
                       con_oauth_fault *ret_fault, cd_err *err)
{
  cd_str grant = {0};
  con_token_request r = {0};
  if (!con_form_find(form, "grant_type", &grant) || grant.len == 0)
    return missing("grant_type", ret_fault, err);
  if (!cd_str_eq_cstr(grant, "client_credentials")) {
    *ret_fault = CON_OAUTH_GRANT;
    return cd_fail(err, CD_E_INVALID, "The only grant type here is 'client_credentials'.");
  }
  if (!con_form_find(form, "client_id", &r.client_id) || r.client_id.len == 0)
    return missing("client_id", ret_fault, err);
  if (!con_form_find(form, "client_secret", &r.client_secret) || r.client_secret.len == 0)
    return missing("client_secret", ret_fault, err);
  if (r.client_id.len > CON_CLIENT_ID_MAX || r.client_secret.len > CON_CLIENT_SECRET_MAX) {
    *ret_fault = CON_OAUTH_CLIENT;
    return cd_fail(err, CD_E_DENIED, "Invalid client or client secret provided.");
  }
  *ret_request = r;
  return CD_OK;
}

/* ---- the answers ---- */

unsigned con_oauth_status(con_oauth_fault fault)
{
  return faults[fault].status;
}

cd_code con_oauth_write_error(con_oauth_fault fault, const char *sentence, const char *trace,
                              const char *correlation, int64_t now_ms, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "error", faults[fault].error);
  cd_jw_strf(&w, "error_description", "AADSTS%d: %s Trace ID: %s Correlation ID: %s",
             faults[fault].number, sentence, trace, correlation);
  cd_jw_arr(&w, "error_codes");
  cd_jw_i64(&w, NULL, faults[fault].number);
  cd_jw_end_arr(&w);
  cd_jw_time(&w, "timestamp", now_ms);
  cd_jw_cstr(&w, "trace_id", trace);
  cd_jw_cstr(&w, "correlation_id", correlation);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "an answer", err);
}

cd_code con_oauth_write_token(cd_str token, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "token_type", "Bearer");
  cd_jw_i64(&w, "expires_in", CON_BEARER_LIFE_S - 1);
  cd_jw_i64(&w, "ext_expires_in", CON_BEARER_LIFE_S - 1);
  cd_jw_str(&w, "access_token", token);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "an answer", err);
}

/* ---- bearer tokens ---- */

static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"HS256\"}";

static cd_code seal(const uint8_t key[CON_BEARER_KEY_SIZE], cd_str text,
                    uint8_t ret_seal[CD_DIGEST_SIZE], cd_err *err)
{
  if (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, CON_BEARER_KEY_SIZE,
                      (const unsigned char *)text.ptr, text.len, ret_seal) != 0)
    return cd_fail(err, CD_E_INTERNAL, "cannot seal a token");
  return CD_OK;
}

static void write_claims(const con_bearer *b, const char *id, cd_str roles, cd_str base, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_str(w, "aud", base);
  cd_jw_str(w, "iss", base);
  cd_jw_i64(w, "iat", b->issued_s);
  cd_jw_i64(w, "nbf", b->issued_s);
  cd_jw_i64(w, "exp", b->expires_s);
  cd_jw_cstr(w, "appid", b->app);
  cd_jw_cstr(w, "uti", id);
  cd_jw_arr(w, "roles");
  while (roles.len > 0) {
    cd_str role = cd_str_cut(&roles, ' ');
    if (role.len > 0)
      cd_jw_str(w, NULL, role);
  }
  cd_jw_end_arr(w);
  cd_jw_end_obj(w);
}

cd_code con_bearer_make(const uint8_t key[CON_BEARER_KEY_SIZE], const con_bearer *b, cd_str roles,
                        cd_str base, cd_buf *out, cd_err *err)
{
  char id[CD_ID_SIZE];
  uint8_t sealed[CD_DIGEST_SIZE];
  cd_buf claims = CD_BUF_INIT(CON_BEARER_MAX);
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  cd_jw w;
  cd_jw_init(&w, &claims);
  cd_code rc = cd_id_make(id, err);
  if (rc == CD_OK) {
    write_claims(b, id, roles, base, &w);
    rc = cd_jw_done(&w, "a token", err);
  }
  if (rc == CD_OK) {
    cd_base64url_add(&token, header, sizeof(header) - 1);
    cd_buf_add_char(&token, '.');
    cd_base64url_add(&token, claims.ptr, claims.len);
    rc = seal(key, cd_buf_view(&token), sealed, err);
  }
  if (rc == CD_OK) {
    cd_buf_add_char(&token, '.');
    cd_base64url_add(&token, sealed, sizeof(sealed));
    rc = cd_buf_status(&token, "a token", err);
  }
  if (rc == CD_OK)
    cd_buf_add_str(out, cd_buf_view(&token));
  cd_buf_release(&claims);
  cd_buf_release(&token);
  return rc;
}

/* The seal over everything up to the last dot, before anything of it is read. */
static cd_code check_seal(const uint8_t key[CON_BEARER_KEY_SIZE], cd_str token, cd_str *ret_claims,
                          cd_err *err)
{
  char wanted[CD_BASE64URL_LEN(sizeof(header) - 1) + 1];
  uint8_t mine[CD_DIGEST_SIZE];
  uint8_t theirs[CD_DIGEST_SIZE];
  size_t len = 0;
  cd_base64url_text(wanted, header, sizeof(header) - 1);
  cd_str rest = token;
  cd_str first = cd_str_cut(&rest, '.');
  cd_str claims = cd_str_cut(&rest, '.');
  if (token.len > CON_BEARER_MAX || !cd_str_eq_cstr(first, wanted) || claims.len == 0 ||
      !cd_base64url_decode(rest, theirs, sizeof(theirs), &len) || len != sizeof(theirs))
    return cd_fail(err, CD_E_DENIED, "the token is none of this server's");
  cd_code rc = seal(key, (cd_str){token.ptr, first.len + 1 + claims.len}, mine, err);
  if (rc != CD_OK)
    return rc;
  if (!cd_equal_constant_time(mine, theirs, sizeof(mine)))
    return cd_fail(err, CD_E_DENIED,
                   "the token is none of this server's, or of before its restart");
  *ret_claims = claims;
  return CD_OK;
}

cd_code con_bearer_check(const uint8_t key[CON_BEARER_KEY_SIZE], cd_str token, int64_t now_s,
                         con_bearer *ret_bearer, cd_err *err)
{
  char text[CON_BEARER_MAX];
  size_t len = 0;
  cd_str claims = {0};
  cd_str app = {0};
  cd_json_doc *doc = NULL;
  con_bearer b = {0};
  cd_code rc = check_seal(key, token, &claims, err);
  if (rc == CD_OK && !cd_base64url_decode(claims, text, sizeof(text), &len))
    rc = cd_fail(err, CD_E_DENIED, "the token's claims are not base64url");
  if (rc == CD_OK)
    rc = cd_json_parse((cd_str){text, len}, sizeof(text), "the token", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "appid", CON_CLIENT_ID_MAX, &app);
  cd_json_i64(&root, "iat", 0, INT64_MAX / 2, &b.issued_s);
  cd_json_i64(&root, "exp", 0, INT64_MAX / 2, &b.expires_s);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK && !cd_str_copy(b.app, sizeof(b.app), app))
    rc = cd_fail(err, CD_E_DENIED, "the token's application is not readable");
  cd_json_free(doc);
  if (rc != CD_OK)
    return rc;
  if (now_s >= b.expires_s || now_s + 300 < b.issued_s)
    return cd_fail(err, CD_E_DENIED, "the token has expired");
  *ret_bearer = b;
  return CD_OK;
}

bool con_bearer_of_header(cd_str value, cd_str *ret_token)
{
  cd_str rest = value;
  cd_str scheme = cd_str_cut(&rest, ' ');
  while (rest.len > 0 && rest.ptr[0] == ' ')
    rest = (cd_str){rest.ptr + 1, rest.len - 1};
  while (rest.len > 0 && rest.ptr[rest.len - 1] == ' ')
    rest.len--;
  if (!con_same(scheme, CD_STR("Bearer")) || rest.len == 0 || rest.len > CON_BEARER_MAX)
    return false;
  for (size_t i = 0; i < rest.len; i++) {
    if (rest.ptr[i] <= ' ' || rest.ptr[i] > '~')
      return false;
  }
  *ret_token = rest;
  return true;
}
