/* Reading the certificates of the device CA. */
#include "ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "protocol/statement.h"

#include "base/banned.h"

#define CERTIFICATES_MAX 64 /* a CA that was replaced every month for five years */

/* The next one, or NULL at the end; `*broken` tells one that cannot be read from the end. */
static X509 *next_certificate(BIO *in, bool *broken)
{
  ERR_clear_error();
  X509 *c = PEM_read_bio_X509(in, NULL, NULL, NULL);
  if (c == NULL)
    *broken = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  return c;
}

/* Calls `each` until it returns false. False: one cannot be read, or there is none. */
static bool each_certificate(const char *pem, bool (*each)(void *context, X509 *c), void *context)
{
  BIO *in = pem != NULL ? BIO_new_mem_buf(pem, -1) : NULL;
  bool broken = in == NULL;
  int count = 0;
  for (bool more = !broken; more && count < CERTIFICATES_MAX; count++) {
    X509 *c = next_certificate(in, &broken);
    if (c == NULL)
      break;
    more = each(context, c);
    X509_free(c);
  }
  BIO_free(in);
  return !broken && count > 0;
}

typedef struct filling {
  X509_STORE *store;
  bool failed;
} filling;

static bool add(void *context, X509 *c)
{
  filling *f = context;
  f->failed = X509_STORE_add_cert(f->store, c) != 1;
  return !f->failed;
}

X509_STORE *con_ca_store(const char *pem)
{
  filling f = {.store = X509_STORE_new()};
  if (f.store != NULL && each_certificate(pem, add, &f) && !f.failed) {
    /* Each of them is an end of a chain, also one that another one of them certifies. */
    (void)X509_STORE_set_flags(f.store, X509_V_FLAG_PARTIAL_CHAIN);
    return f.store;
  }
  X509_STORE_free(f.store);
  return NULL;
}

typedef struct stating {
  cd_str statement;
  cd_str device;
  const cd_public_key *key;
  bool found;
} stating;

static bool look(void *context, X509 *c)
{
  stating *s = context;
  unsigned char *der = NULL;
  cd_public_key issuer = {0};
  cd_statement said = {0};
  cd_err ignored = {0};
  int len = i2d_PUBKEY(X509_get0_pubkey(c), &der);
  if (len > 0 &&
      cd_public_key_from_der((cd_str){(const char *)der, (size_t)len}, &issuer, &ignored) ==
          CD_OK &&
      cd_statement_verify(s->statement, &issuer, CD_PURPOSE_DEVICE, &said, &ignored) == CD_OK)
    s->found = cd_str_eq_cstr(s->device, said.subject) && cd_public_key_equal(s->key, &said.key);
  OPENSSL_free(der);
  return !s->found;
}

bool con_ca_states(const char *pem, cd_str statement, cd_str device, const cd_public_key *key)
{
  stating s = {.statement = statement, .device = device, .key = key};
  return each_certificate(pem, look, &s) && s.found;
}
