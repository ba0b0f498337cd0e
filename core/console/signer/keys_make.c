/* Making keys: the first start, and the replacement of one. */
#include "base/fault.h"
#include "certificate.h"
#include "keys.h"
#include "keys_private.h"
#include "platform/file.h"
#include "protocol/secret.h"
#include "random.h"

#include "base/banned.h"

#define DAY_MS INT64_C(86400000)
/* Nothing may end by itself while nobody looks: a key ends with its successor, and the device CA's
 * certificate after ten years. */
#define VALID_MS (3652 * DAY_MS)

static cd_code write_file(const char *folder, const char *name, const cd_buf *text, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = cd_buf_status(text, name, err);
  if (rc == CD_OK)
    rc = keys_path(folder, name, path, err);
  if (rc == CD_OK)
    rc = pf_file_replace(path, cd_buf_view(text), 0600, err);
  CD_FAULT_POINT("signer.file.written");
  return rc;
}

static cd_code write_private(const char *folder, const char *name, const char *statement,
                             const cd_key *key, cd_err *err)
{
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_buf text = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = cd_key_to_pem(key, &pem, err);
  if (rc == CD_OK) {
    if (statement != NULL)
      cd_buf_addf(&text, "statement: %s\n%s", statement, cd_buf_cstr(&pem));
    else
      cd_buf_add_str(&text, cd_buf_view(&pem));
    rc = write_file(folder, name, &text, err);
  }
  cd_buf_wipe(&text);
  cd_buf_wipe(&pem);
  return rc;
}

static cd_code load_root(const char *folder, cd_key **ret_root, cd_err *err)
{
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = keys_read(folder, SIG_FILE_ROOT, CD_KEY_PEM_MAX, &pem, err);
  if (rc == CD_OK)
    rc = cd_key_from_pem(cd_buf_view(&pem), &sig_random, ret_root, err);
  cd_buf_wipe(&pem);
  return rc;
}

static cd_code load_or_make_root(const char *folder, cd_key **ret_root, cd_err *err)
{
  cd_key *root = NULL;
  cd_err why = {0};
  cd_code rc = load_root(folder, &root, &why);
  if (rc == CD_E_NOTFOUND) {
    rc = cd_key_generate(&sig_random, &root, &why);
    if (rc == CD_OK)
      rc = write_private(folder, SIG_FILE_ROOT, NULL, root, &why);
  }
  if (rc == CD_OK) {
    *ret_root = root;
    return CD_OK;
  }
  cd_key_free(root);
  if (err != NULL)
    *err = why;
  return rc;
}

/* A new key with its statement, not yet written. */
static cd_code make_key(const cd_key *root, cd_purpose purpose, uint64_t generation, int64_t now_ms,
                        sig_key *ret_key, cd_err *err)
{
  sig_key k = {0};
  cd_buf jws = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = cd_key_generate(&sig_random, &k.key, err);
  if (rc == CD_OK) {
    k.said = (cd_statement){.purpose = purpose,
                            .key = *cd_key_public(k.key),
                            .generation = generation,
                            .not_before_ms = now_ms,
                            .not_after_ms = now_ms + VALID_MS};
    rc = cd_statement_sign(&k.said, root, &sig_random, &jws, err);
  }
  if (rc == CD_OK && (k.statement = cd_buf_steal(&jws, NULL)) == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for a statement");
  cd_buf_release(&jws);
  if (rc == CD_OK)
    *ret_key = k;
  else
    keys_free_one(&k);
  return rc;
}

static cd_code load_or_make(const char *folder, const cd_key *root, cd_purpose purpose,
                            int64_t now_ms, sig_key *ret_key, cd_err *err)
{
  cd_err why = {0};
  cd_code rc = keys_load_one(folder, cd_key_public(root), purpose, ret_key, &why);
  if (rc == CD_E_NOTFOUND) {
    rc = make_key(root, purpose, 1, now_ms, ret_key, &why);
    if (rc == CD_OK)
      rc = write_private(folder, keys_file(purpose), ret_key->statement, ret_key->key, &why);
  }
  if (rc != CD_OK && err != NULL)
    *err = why;
  return rc;
}

/* The CA's own certificate; made anew for the same key it is as good as the first. */
static cd_code write_first_ca(const char *folder, const sig_key *ca, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  cd_buf none = CD_BUF_INIT(16);
  cd_code rc =
      sig_ca_certificate(cd_key_public(ca->key), ca->key, ca->said.not_before_ms - CD_CLOCK_SKEW_MS,
                         ca->said.not_after_ms, &text, err);
  if (rc == CD_OK)
    rc = write_file(folder, SIG_FILE_CA, &text, err);
  if (rc == CD_OK)
    rc = write_file(folder, SIG_FILE_CHAIN, &none, err);
  cd_buf_release(&text);
  return rc;
}

static cd_code write_root_public(const char *folder, const cd_key *root, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = cd_public_key_to_pem(cd_key_public(root), &text, err);
  if (rc == CD_OK)
    rc = write_file(folder, SIG_FILE_ROOT_PUBLIC, &text, err);
  cd_buf_release(&text);
  return rc;
}

static cd_code refuse_whole(const char *folder, cd_err *err)
{
  cd_public_key root;
  cd_err why = {0};
  cd_code rc = keys_read_root(folder, &root, &why);
  if (rc == CD_OK)
    return cd_fail(err, CD_E_CONFLICT, "'%s' holds keys already; they are not replaced", folder);
  if (rc == CD_E_NOTFOUND)
    return CD_OK;
  if (err != NULL)
    *err = why;
  return rc;
}

cd_code sig_keys_init(const char *folder, int64_t now_ms, cd_err *err)
{
  cd_key *root = NULL;
  sig_key order = {0};
  sig_key policy = {0};
  sig_key ca = {0};
  cd_code rc = pf_dir_ensure(folder, 0700, NULL, err);
  if (rc == CD_OK)
    rc = refuse_whole(folder, err);
  if (rc == CD_OK)
    rc = load_or_make_root(folder, &root, err);
  if (rc == CD_OK)
    rc = load_or_make(folder, root, CD_PURPOSE_ORDER, now_ms, &order, err);
  if (rc == CD_OK)
    rc = load_or_make(folder, root, CD_PURPOSE_POLICY, now_ms, &policy, err);
  if (rc == CD_OK)
    rc = load_or_make(folder, root, CD_PURPOSE_DEVICE_CA, now_ms, &ca, err);
  if (rc == CD_OK)
    rc = write_first_ca(folder, &ca, err);
  /* Last: from here on the folder is whole. */
  if (rc == CD_OK)
    rc = write_root_public(folder, root, err);
  keys_free_one(&ca);
  keys_free_one(&policy);
  keys_free_one(&order);
  cd_key_free(root);
  return rc;
}

/* ---- replacing ---- */

static cd_code load_both(const char *folder, cd_purpose purpose, cd_key **ret_root,
                         sig_key *ret_old, cd_err *err)
{
  cd_public_key public;
  cd_err why = {0};
  cd_code rc = keys_read_root(folder, &public, err);
  if (rc == CD_OK)
    rc = keys_load_one(folder, &public, purpose, ret_old, err);
  if (rc != CD_OK)
    return rc;
  rc = load_root(folder, ret_root, &why);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, CD_E_UNAVAILABLE,
                   "the root's private key is not at '%s/%s': bring it back for as long as this "
                   "takes",
                   folder, SIG_FILE_ROOT);
  if (rc != CD_OK) {
    if (err != NULL)
      *err = why;
    return rc;
  }
  if (!cd_public_key_equal(cd_key_public(*ret_root), &public))
    return cd_fail(err, CD_E_DENIED, "'%s/%s' is another root's key", folder, SIG_FILE_ROOT);
  return CD_OK;
}

static cd_code prepend(const char *folder, const char *name, cd_buf *first, cd_err *err)
{
  cd_code rc = keys_read(folder, name, SIG_CERTIFICATES_MAX, first, err);
  return rc == CD_OK ? write_file(folder, name, first, err) : rc;
}

/* First the certificates, of which those of an unused key do no harm, then the key. */
static cd_code write_next_ca(const char *folder, const sig_key *old, const sig_key *next,
                             cd_err *err)
{
  cd_buf own = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  cd_buf by_old = CD_BUF_INIT(SIG_CERTIFICATES_MAX);
  const cd_public_key *key = cd_key_public(next->key);
  cd_code rc = sig_ca_certificate(key, old->key, next->said.not_before_ms - CD_CLOCK_SKEW_MS,
                                  old->said.not_after_ms, &by_old, err);
  if (rc == CD_OK)
    rc = prepend(folder, SIG_FILE_CHAIN, &by_old, err);
  if (rc == CD_OK)
    rc = sig_ca_certificate(key, next->key, next->said.not_before_ms - CD_CLOCK_SKEW_MS,
                            next->said.not_after_ms, &own, err);
  if (rc == CD_OK)
    rc = prepend(folder, SIG_FILE_CA, &own, err);
  cd_buf_release(&by_old);
  cd_buf_release(&own);
  return rc;
}

cd_code sig_keys_rotate(const char *folder, cd_purpose purpose, int64_t now_ms, cd_err *err)
{
  cd_key *root = NULL;
  sig_key old = {0};
  sig_key next = {0};
  cd_code rc = load_both(folder, purpose, &root, &old, err);
  if (rc == CD_OK)
    rc = make_key(root, purpose, old.said.generation + 1, now_ms, &next, err);
  if (rc == CD_OK && purpose == CD_PURPOSE_DEVICE_CA)
    rc = write_next_ca(folder, &old, &next, err);
  if (rc == CD_OK)
    rc = write_private(folder, keys_file(purpose), next.statement, next.key, err);
  keys_free_one(&next);
  keys_free_one(&old);
  cd_key_free(root);
  return rc;
}
