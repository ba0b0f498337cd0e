#include "certificate.h"

#include <string.h>
#include <time.h>

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include "base/banned.h"

#define KEY_DER_MAX 512

/* mbedTLS wants PEM with its NUL counted, which every view of a JSON document has. */
static cd_code parse_chain(cd_str pem, const char *what, mbedtls_x509_crt *out, cd_err *err)
{
  int rc =
      pem.len == 0 ? -1 : mbedtls_x509_crt_parse(out, (const unsigned char *)pem.ptr, pem.len + 1);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INVALID, rc, "%s is no certificate in PEM", what);
  return CD_OK;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = y / 400;
  int64_t of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t time_of(const mbedtls_x509_time *t)
{
  int64_t s = days_of(t->year, t->mon, t->day) * 86400 + t->hour * 3600 + t->min * 60 + t->sec;
  return s * 1000;
}

static cd_code read_name(const mbedtls_x509_crt *crt, chan_certificate *out, cd_err *err)
{
  for (const mbedtls_x509_name *n = &crt->subject; n != NULL; n = n->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0 &&
        cd_str_copy(out->device, sizeof(out->device), (cd_str){(const char *)n->val.p, n->val.len}))
      return CD_OK;
  }
  return cd_fail(err, CD_E_INVALID, "the certificate does not name a device");
}

static cd_code describe(const mbedtls_x509_crt *crt, chan_certificate *out, cd_err *err)
{
  out->not_before_ms = time_of(&crt->valid_from);
  out->not_after_ms = time_of(&crt->valid_to);
  return read_name(crt, out, err);
}

cd_code chan_certificate_read(cd_str pem, chan_certificate *ret_certificate, cd_err *err)
{
  chan_certificate c = {0};
  mbedtls_x509_crt chain;
  mbedtls_x509_crt_init(&chain);
  cd_code rc = parse_chain(pem, "what this device shows", &chain, err);
  if (rc == CD_OK)
    rc = describe(&chain, &c, err);
  mbedtls_x509_crt_free(&chain);
  if (rc == CD_OK)
    *ret_certificate = c;
  return rc;
}

static cd_code check_key(mbedtls_x509_crt *crt, cd_str csr_pem, cd_err *err)
{
  unsigned char wanted[KEY_DER_MAX];
  unsigned char got[KEY_DER_MAX];
  mbedtls_x509_csr csr;
  mbedtls_x509_csr_init(&csr);
  int rc = mbedtls_x509_csr_parse(&csr, (const unsigned char *)csr_pem.ptr, csr_pem.len + 1);
  int wanted_len = rc == 0 ? mbedtls_pk_write_pubkey_der(&csr.pk, wanted, sizeof(wanted)) : rc;
  int got_len = mbedtls_pk_write_pubkey_der(&crt->pk, got, sizeof(got));
  mbedtls_x509_csr_free(&csr);
  /* The key is written at the end of its buffer. */
  if (wanted_len <= 0 || got_len != wanted_len ||
      memcmp(wanted + sizeof(wanted) - wanted_len, got + sizeof(got) - got_len, (size_t)got_len) !=
          0)
    return cd_fail(err, CD_E_INVALID, "the certificate is for another key than the one asked for");
  return CD_OK;
}

static cd_code check_chain(mbedtls_x509_crt *chain, mbedtls_x509_crt *ca, cd_err *err)
{
  uint32_t flags = 0;
  int rc = mbedtls_x509_crt_verify(chain, ca, NULL, NULL, &flags, NULL, NULL);
  if (rc == 0)
    return CD_OK;
  if ((flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0)
    return cd_fail(err, CD_E_INVALID, "the certificate is not valid now, by this device's clock");
  return cd_fail_os(err, CD_E_INVALID, rc,
                    "the certificate was not issued by the CA that the token names");
}

cd_code chan_certificate_check(cd_str pem, cd_str csr, cd_str ca_pem,
                               chan_certificate *ret_certificate, cd_err *err)
{
  chan_certificate c = {0};
  mbedtls_x509_crt chain;
  mbedtls_x509_crt ca;
  mbedtls_x509_crt_init(&chain);
  mbedtls_x509_crt_init(&ca);
  cd_code rc = parse_chain(pem, "what the console issued", &chain, err);
  if (rc == CD_OK)
    rc = parse_chain(ca_pem, "the CA of the token", &ca, err);
  if (rc == CD_OK)
    rc = describe(&chain, &c, err);
  if (rc == CD_OK)
    rc = check_key(&chain, csr, err);
  if (rc == CD_OK)
    rc = check_chain(&chain, &ca, err);
  if (rc == CD_OK &&
      mbedtls_x509_crt_check_extended_key_usage(&chain, MBEDTLS_OID_CLIENT_AUTH,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)) != 0)
    rc = cd_fail(err, CD_E_INVALID, "the certificate is not one for clients");
  mbedtls_x509_crt_free(&chain);
  mbedtls_x509_crt_free(&ca);
  if (rc == CD_OK)
    *ret_certificate = c;
  return rc;
}
