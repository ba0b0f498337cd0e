/* Loading the folder of keys. */
#include "keys.h"

#include "base/limits.h"
#include "certificate.h"
#include "keys_private.h"
#include "platform/file.h"
#include "protocol/secret.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define STATEMENT_PREFIX CD_STR("statement: ")
#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE "-----END CERTIFICATE-----\n"

cd_code keys_path(const char *folder, const char *name, char out[CD_PATH_MAX], cd_err *err)
{
  if (snprintf(out, CD_PATH_MAX, "%s/%s", folder, name) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID, "the path '%s' is too long", folder);
  return CD_OK;
}

cd_code keys_read(const char *folder, const char *name, size_t max, cd_buf *out, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = keys_path(folder, name, path, err);
  return rc == CD_OK ? pf_file_read(path, max, out, err) : rc;
}

cd_code keys_read_root(const char *folder, cd_public_key *ret_root, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = keys_read(folder, SIG_FILE_ROOT_PUBLIC, CD_KEY_PEM_MAX, &text, err);
  if (rc == CD_OK)
    rc = cd_public_key_from_pem(cd_buf_view(&text), ret_root, err);
  cd_buf_release(&text);
  return rc;
}

const char *keys_file(cd_purpose purpose)
{
  switch (purpose) {
  case CD_PURPOSE_ORDER: return "order.key";
  case CD_PURPOSE_POLICY: return "policy.key";
  default: return "device-ca.key";
  }
}

void keys_free_one(sig_key *k)
{
  cd_key_free(k->key);
  free(k->statement);
  *k = (sig_key){0};
}

static cd_code read_statement(cd_str text, const cd_public_key *root, cd_purpose purpose,
                              sig_key *out, cd_err *err)
{
  cd_str rest = text;
  cd_str line = cd_str_cut(&rest, '\n');
  if (!cd_str_starts(line, STATEMENT_PREFIX))
    return cd_fail(err, CD_E_INVALID, "the file does not begin with the root's statement");
  line.ptr += STATEMENT_PREFIX.len;
  line.len -= STATEMENT_PREFIX.len;
  cd_code rc = cd_statement_verify(line, root, purpose, &out->said, err);
  if (rc == CD_OK && (out->statement = cd_str_dup(line)) == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for a statement");
  return rc;
}

cd_code keys_load_one(const char *folder, const cd_public_key *root, cd_purpose purpose,
                      sig_key *ret_key, cd_err *err)
{
  sig_key k = {0};
  cd_buf text = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = keys_read(folder, keys_file(purpose), CD_KEY_PEM_MAX, &text, err);
  if (rc == CD_E_NOTFOUND)
    return rc;
  if (rc == CD_OK)
    rc = read_statement(cd_buf_view(&text), root, purpose, &k, err);
  if (rc == CD_OK)
    rc = cd_key_from_pem(cd_buf_view(&text), &sig_random, &k.key, err);
  if (rc == CD_OK && !cd_public_key_equal(cd_key_public(k.key), &k.said.key))
    rc = cd_fail(err, CD_E_INVALID, "its statement is about another key");
  cd_buf_wipe(&text);
  if (rc == CD_OK) {
    *ret_key = k;
    return CD_OK;
  }
  keys_free_one(&k);
  return cd_err_prefix(err, "'%s/%s'", folder, keys_file(purpose));
}

cd_str keys_next_certificate(cd_str *rest)
{
  const char *begin = rest->len > 0 ? strstr(rest->ptr, BEGIN_CERTIFICATE) : NULL;
  const char *end = begin != NULL ? strstr(begin, END_CERTIFICATE) : NULL;
  if (end == NULL) {
    rest->len = 0;
    return (cd_str){0};
  }
  end += strlen(END_CERTIFICATE);
  rest->len -= (size_t)(end - rest->ptr);
  rest->ptr = end;
  return (cd_str){begin, (size_t)(end - begin)};
}

/* Appends those certificates of a PEM text that are of this key. */
static cd_code pick(cd_str text, const cd_public_key *key, cd_buf *out, cd_err *err)
{
  for (;;) {
    cd_public_key found;
    cd_str one = keys_next_certificate(&text);
    if (one.len == 0)
      return cd_buf_status(out, "the certificates of the CA", err);
    cd_code rc = sig_certificate_key(one, &found, err);
    if (rc != CD_OK)
      return rc;
    if (cd_public_key_equal(&found, key))
      cd_buf_add_str(out, one);
  }
}

static cd_code load_certificates(const char *folder, sig_keys *k, cd_err *err)
{
  const cd_public_key *key = cd_key_public(k->device_ca.key);
  cd_buf ca = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  cd_buf chain = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  cd_buf issuer = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  cd_buf through = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  cd_code rc = keys_read(folder, SIG_FILE_CA, SIG_CERTIFICATES_MAX, &ca, err);
  if (rc == CD_OK)
    rc = keys_read(folder, SIG_FILE_CHAIN, SIG_CERTIFICATES_MAX, &chain, err);
  if (rc == CD_OK)
    rc = pick((cd_str){cd_buf_cstr(&ca), ca.len}, key, &issuer, err);
  if (rc == CD_OK)
    rc = pick((cd_str){cd_buf_cstr(&chain), chain.len}, key, &through, err);
  if (rc == CD_OK && issuer.len == 0)
    rc = cd_fail(err, CD_E_INVALID, "'%s/%s' has no certificate of the device CA's key", folder,
                 SIG_FILE_CA);
  if (rc == CD_OK) {
    k->ca = cd_str_dup(cd_buf_view(&ca));
    k->issuer = cd_str_dup(cd_buf_view(&issuer));
    k->through = cd_str_dup(cd_buf_view(&through));
    if (k->ca == NULL || k->issuer == NULL || k->through == NULL)
      rc = cd_fail(err, CD_E_INTERNAL, "no memory for the certificates of the CA");
  }
  cd_buf_release(&through);
  cd_buf_release(&issuer);
  cd_buf_release(&chain);
  cd_buf_release(&ca);
  return rc;
}

static cd_code check_times(const sig_keys *k, int64_t now_ms, cd_err *err)
{
  const sig_key *all[] = {&k->order, &k->policy, &k->device_ca};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    const cd_statement_known known = {.judge_time = true, .now_ms = now_ms};
    cd_code rc = cd_statement_check(&all[i]->said, &known, err);
    if (rc != CD_OK)
      return cd_err_prefix(err, "the %s key", cd_purpose_name(all[i]->said.purpose));
  }
  return CD_OK;
}

cd_code sig_keys_load(const char *folder, int64_t now_ms, sig_keys *ret_keys, cd_err *err)
{
  sig_keys k = {0};
  cd_code rc = keys_read_root(folder, &k.root, err);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, rc, "'%s' holds no keys; make them with: cordon-signer --init %s", folder,
                   folder);
  if (rc == CD_OK)
    rc = keys_load_one(folder, &k.root, CD_PURPOSE_ORDER, &k.order, err);
  if (rc == CD_OK)
    rc = keys_load_one(folder, &k.root, CD_PURPOSE_POLICY, &k.policy, err);
  if (rc == CD_OK)
    rc = keys_load_one(folder, &k.root, CD_PURPOSE_DEVICE_CA, &k.device_ca, err);
  if (rc == CD_OK)
    rc = load_certificates(folder, &k, err);
  if (rc == CD_OK)
    rc = check_times(&k, now_ms, err);
  if (rc == CD_OK)
    *ret_keys = k;
  else
    sig_keys_free(&k);
  return rc;
}

void sig_keys_free(sig_keys *k)
{
  keys_free_one(&k->order);
  keys_free_one(&k->policy);
  keys_free_one(&k->device_ca);
  free(k->ca);
  free(k->issuer);
  free(k->through);
  *k = (sig_keys){0};
}
