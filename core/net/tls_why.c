/* Why TLS failed, each in one sentence that names what, which and why. */
#include "tls_private.h"

#include "base/clock.h"

#include <mbedtls/error.h>

#include <string.h>

#include "base/banned.h"

static const struct {
  uint8_t alert;
  bool ours; /* it speaks of the certificate that this side showed */
  const char *text;
} alerts[] = {
    {MBEDTLS_SSL_ALERT_MSG_BAD_CERT, true, "it is bad"},
    {MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, true, "it is of a kind that is not taken"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, true, "it is revoked"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, true, "it has expired"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, true, "it is not acceptable"},
    {MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, true, "its CA is not known there"},
    {MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, true, "access is denied to it"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED, true, "there must be one"},
    {MBEDTLS_SSL_ALERT_MSG_NO_CERT, true, "there must be one"},
    {MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, false, "no common ground for a handshake"},
    {MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, false, "it speaks no TLS version that is spoken here"},
    {MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME, false, "it does not go by that name"},
    {MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL, false, "it does not speak http/1.1"},
    {MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR, false, "it is in trouble itself"},
    {MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC, false, "something was changed on the way"},
    {MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR, false, "it could not read a message"},
    {MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR, false,
     "a signature was wrong, perhaps that of the certificate shown to it"},
};

static cd_code why_alert(const net_tls *t, cd_err *err)
{
  /* 3.6 has no call for it: the alert's two bytes, level and description, are the last message. */
  unsigned alert = t->ssl.MBEDTLS_PRIVATE(in_msg)[1];
  for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
    if (alerts[i].alert != alert)
      continue;
    if (alerts[i].ours && t->config->has_own)
      return cd_fail(err, CD_E_DENIED,
                     "'%s' refused the certificate that was shown to it: %s (TLS alert %u)",
                     t->host, alerts[i].text, alert);
    if (alerts[i].ours)
      return cd_fail(err, CD_E_DENIED,
                     "'%s' asks for a certificate, and none is configured (TLS alert %u)", t->host,
                     alert);
    return cd_fail(err, alert == MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR ? CD_E_UNAVAILABLE : CD_E_IO,
                   "'%s' ended TLS: %s (TLS alert %u)", t->host, alerts[i].text, alert);
  }
  return cd_fail(err, CD_E_IO, "'%s' ended TLS with alert %u", t->host, alert);
}

static cd_code why_time(const net_tls *t, uint32_t flags, cd_err *err)
{
  char now[CD_TIME_TEXT_MAX];
  cd_time_text(cd_wall_ms(), now);
  return cd_fail(
      err, CD_E_DENIED,
      "a certificate of '%s' is not valid now: '%s' %s %s, and by this computer's clock it is %s",
      t->host, t->seen.untimely,
      (flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0 ? "expired at" : "begins at", t->seen.until, now);
}

static cd_code why_certificate(const net_tls *t, cd_err *err)
{
  const uint32_t weak =
      MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY;
  const uint32_t use = MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
                       MBEDTLS_X509_BADCERT_NS_CERT_TYPE;
  uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
  flags = t->seen.flags | (flags != UINT32_MAX ? flags : 0);
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
    return cd_fail(err, CD_E_DENIED,
                   "the certificate of '%s', issued by '%s', does not come from the pinned CA",
                   t->host, t->seen.issuer);
  if ((flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0)
    return why_time(t, flags, err);
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0)
    return cd_fail(err, CD_E_DENIED, "the certificate of '%s' is for another name: %s", t->host,
                   t->seen.names[0] != '\0' ? t->seen.names : "it has no subjectAltName");
  if ((flags & use) != 0)
    return cd_fail(err, CD_E_DENIED,
                   "the certificate of '%s' is not one for servers: its extended key usage lacks "
                   "serverAuth, or its key usage forbids it",
                   t->host);
  if ((flags & weak) != 0)
    return cd_fail(err, CD_E_DENIED,
                   "a certificate of '%s' has a key or a signature that is too weak", t->host);
  return cd_fail(err, CD_E_DENIED, "the certificate of '%s' was refused (flags 0x%x)", t->host,
                 (unsigned)flags);
}

cd_code net_tls_why(const net_tls *t, int rc, cd_err *err)
{
  char text[128];
  switch (rc) {
  case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED: return why_certificate(t, err);
  case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: return why_alert(t, err);
  case MBEDTLS_ERR_SSL_ALLOC_FAILED:
  case MBEDTLS_ERR_X509_ALLOC_FAILED:
    return cd_fail(err, CD_E_INTERNAL, "TLS with '%s': no memory", t->host);
  case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
    return cd_fail(err, CD_E_UNSUPPORTED, "'%s' speaks neither TLS 1.3 nor 1.2", t->host);
  case MBEDTLS_ERR_SSL_INVALID_RECORD:
    return cd_fail(err, CD_E_INVALID, "'%s' %s", t->host,
                   t->open ? "sent a broken TLS record" : "does not speak TLS there");
  case MBEDTLS_ERR_SSL_INVALID_MAC:
    return cd_fail(err, CD_E_INVALID, "what came from '%s' was changed on the way", t->host);
  default: break;
  }
  mbedtls_strerror(rc, text, sizeof(text));
  return cd_fail_os(err, CD_E_INVALID, rc, "TLS with '%s' failed: %s (-0x%04x)", t->host, text,
                    (unsigned)-rc);
}

cd_code net_tls_why_stream(const net_tls *t, int status, cd_err *err)
{
  const char *did = status == UV_EOF ? "ended the connection" : uv_strerror(status);
  const char *sep = status == UV_EOF ? " " : ": ";
  if (!t->open)
    return cd_fail_os(err, CD_E_IO, -(int64_t)status, "'%s'%s%s during the TLS handshake%s",
                      t->host, sep, did,
                      t->config->has_own ? "; perhaps it refused the certificate shown to it" : "");
  if (!t->got_data)
    return cd_fail_os(err, CD_E_IO, -(int64_t)status, "'%s'%s%s right after the TLS handshake%s",
                      t->host, sep, did,
                      t->config->has_own ? "; perhaps it refused the certificate shown to it" : "");
  return cd_fail_os(err, CD_E_IO, -(int64_t)status,
                    "'%s'%s%s without the end of TLS (close_notify): something may be missing",
                    t->host, sep, did);
}
