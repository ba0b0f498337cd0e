/* The console's own key and certificate: with OpenSSL, which the listener brings anyway. */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "platform/file.h"
#include "protocol/secret.h"
#include "server.h"

#include "base/banned.h"

#define PEM_MAX (64u * 1024u)

static cd_code fail_tls(cd_err *err, const char *what)
{
  char reason[200];
  ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
  ERR_clear_error();
  return cd_fail(err, CD_E_INVALID, "%s: %s", what, reason);
}

/* ---- our own key ---- */

static cd_code key_digest(EVP_PKEY *key, cd_digest *ret_key, cd_err *err)
{
  unsigned char *der = NULL;
  int len = i2d_PUBKEY(key, &der);
  if (len <= 0)
    return fail_tls(err, "a public key cannot be written");
  cd_code rc = cd_digest_of(der, (size_t)len, ret_key, err);
  OPENSSL_free(der);
  return rc;
}

static EVP_PKEY *read_key(const char *path)
{
  cd_err err = {0};
  EVP_PKEY *key = NULL;
  cd_buf pem = CD_BUF_INIT(PEM_MAX);
  if (pf_file_read(path, PEM_MAX, &pem, &err) == CD_OK) {
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
    BIO_free(in);
  }
  cd_buf_wipe(&pem);
  ERR_clear_error();
  return key;
}

static cd_code write_bio(const char *path, BIO *bio, cd_err *err)
{
  char *text = NULL;
  long len = BIO_get_mem_data(bio, &text);
  if (len <= 0)
    return fail_tls(err, "a PEM text cannot be made");
  cd_code rc = pf_file_replace(path, (cd_str){text, (size_t)len}, 0600, err);
  cd_wipe(text, (size_t)len);
  return rc;
}

static cd_code make_key(const char *path, EVP_PKEY **ret_key, cd_err *err)
{
  EVP_PKEY *key = EVP_EC_gen("P-256");
  BIO *out = BIO_new(BIO_s_mem());
  cd_code rc = CD_OK;
  if (key == NULL || out == NULL ||
      PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1)
    rc = fail_tls(err, "the TLS key cannot be made");
  if (rc == CD_OK)
    rc = write_bio(path, out, err);
  BIO_free(out);
  if (rc != CD_OK) {
    EVP_PKEY_free(key);
    return rc;
  }
  *ret_key = key;
  return CD_OK;
}

static cd_code own_key(const con_server *s, EVP_PKEY **ret_key, cd_err *err)
{
  char path[CON_PATH_TEXT];
  con_path(s, "tls.key", path);
  *ret_key = read_key(path);
  if (*ret_key != NULL)
    return CD_OK;
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "making the key of the listeners, %s", path);
  return make_key(path, ret_key, err);
}

/* ---- our own certificate ---- */

static X509 *read_certificate(const char *path)
{
  cd_err err = {0};
  X509 *certificate = NULL;
  cd_buf pem = CD_BUF_INIT(PEM_MAX);
  if (pf_file_read(path, PEM_MAX, &pem, &err) == CD_OK) {
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    certificate = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    BIO_free(in);
  }
  cd_buf_release(&pem);
  ERR_clear_error();
  return certificate;
}

static bool names_match(const con_server *s, X509 *certificate)
{
  for (size_t i = 0; i < s->config.name_count; i++) {
    char name[CD_HTTP_HOST_MAX + 1];
    if (!cd_str_copy(name, sizeof(name), s->config.names[i]) ||
        (X509_check_host(certificate, name, 0, 0, NULL) != 1 &&
         X509_check_ip_asc(certificate, name, 0) != 1))
      return false;
  }
  return true;
}

/* More than a third of its life is left. */
static bool is_fresh(X509 *certificate)
{
  int days = 0;
  int seconds = 0;
  int left_days = 0;
  int left_seconds = 0;
  return ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate),
                        X509_get0_notAfter(certificate)) == 1 &&
         ASN1_TIME_diff(&left_days, &left_seconds, NULL, X509_get0_notAfter(certificate)) == 1 &&
         ((int64_t)left_days * 86400 + left_seconds) * 3 > (int64_t)days * 86400 + seconds;
}

bool con_tls_ready(const con_server *s)
{
  char path[CON_PATH_TEXT];
  bool ready = false;
  con_path(s, "tls.key", path);
  EVP_PKEY *key = read_key(path);
  con_path(s, "tls.pem", path);
  X509 *certificate = read_certificate(path);
  BIO *in = s->keys.ca != NULL ? BIO_new_mem_buf(s->keys.ca, -1) : NULL;
  X509 *ca = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
  if (key != NULL && certificate != NULL && ca != NULL)
    ready = X509_check_private_key(certificate, key) == 1 && names_match(s, certificate) &&
            X509_verify(certificate, X509_get0_pubkey(ca)) == 1 && is_fresh(certificate);
  ERR_clear_error();
  EVP_PKEY_free(key);
  X509_free(certificate);
  X509_free(ca);
  BIO_free(in);
  return ready;
}

/* ---- asking for one ---- */

static cd_code make_request(EVP_PKEY *key, cd_buf *out, cd_err *err)
{
  X509_REQ *request = X509_REQ_new();
  BIO *bio = BIO_new(BIO_s_mem());
  X509_NAME *name = request != NULL ? X509_REQ_get_subject_name(request) : NULL;
  cd_code rc = CD_OK;
  if (name == NULL || bio == NULL || X509_REQ_set_version(request, 0) != 1 ||
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"cordon-console",
                                 -1, -1, 0) != 1 ||
      X509_REQ_set_pubkey(request, key) != 1 || X509_REQ_sign(request, key, EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(bio, request) != 1)
    rc = fail_tls(err, "the certificate request cannot be made");
  if (rc == CD_OK) {
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    cd_buf_add(out, text, len > 0 ? (size_t)len : 0);
    rc = cd_buf_status(out, "the certificate request", err);
  }
  X509_REQ_free(request);
  BIO_free(bio);
  return rc;
}

/* The signer issues only what the audit log says. */
static cd_code record_request(con_server *s, const cd_digest *key, con_audit_ref *ret_ref,
                              cd_err *err)
{
  char text[CD_DIGEST_TEXT_MAX];
  cd_jw w;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_digest_text(key, text);
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "tls_key", text);
  cd_jw_arr(&w, "names");
  for (size_t i = 0; i < s->config.name_count; i++)
    cd_jw_str(&w, NULL, s->config.names[i]);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "an audit entry", err);
  const con_audit_entry entry = {.who = CD_STR("cordon-console"),
                                 .what = CD_STR(CON_WHAT_SERVER_KEY),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = con_audit_append(s->store, &entry, ret_ref, err);
  cd_buf_release(&detail);
  return rc;
}

typedef struct request {
  con_server *server;
  void (*done)(con_server *s, cd_code code, const char *why);
} request;

static void on_issued(void *context, const con_signer_reply *reply)
{
  request r = *(request *)context;
  char path[CON_PATH_TEXT];
  cd_err err = {0};
  free(context);
  cd_code rc = reply->code;
  if (rc == CD_OK) {
    con_path(r.server, "tls.pem", path);
    rc = pf_file_replace(path, reply->certificate, 0600, &err);
  }
  r.done(r.server, rc, reply->code != CD_OK ? reply->sentence : err.text);
}

static cd_code start_request(con_server *s, request *r, cd_err *err)
{
  EVP_PKEY *key = NULL;
  cd_digest digest = {0};
  con_audit_ref audit = {0};
  cd_buf csr = CD_BUF_INIT(CD_CSR_MAX);
  cd_code rc = own_key(s, &key, err);
  if (rc == CD_OK)
    rc = key_digest(key, &digest, err);
  if (rc == CD_OK)
    rc = make_request(key, &csr, err);
  if (rc == CD_OK)
    rc = record_request(s, &digest, &audit, err);
  if (rc == CD_OK)
    con_signer_issue_server(s->signer, cd_buf_view(&csr), &audit, on_issued, r);
  EVP_PKEY_free(key);
  cd_buf_release(&csr);
  return rc;
}

void con_tls_request(con_server *s, void (*done)(con_server *s, cd_code code, const char *why))
{
  cd_err err = {0};
  request *r = calloc(1, sizeof(*r));
  if (r == NULL) {
    done(s, CD_E_INTERNAL, "no memory");
    return;
  }
  *r = (request){s, done};
  cd_code rc = start_request(s, r, &err);
  if (rc != CD_OK) {
    free(r);
    done(s, rc, err.text);
  }
}
