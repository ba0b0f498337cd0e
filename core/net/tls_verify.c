/* What mbedTLS leaves out when it verifies a server's chain, and what was seen of it, for the
 * sentence.
 *
 * mbedTLS checks signatures, validity, basic constraints and the name. It would take the common
 * name where there is no subjectAltName, and any use where no extended key usage is stated; both
 * are refused here: the console's CA also issues the devices' certificates. */
#include "tls_private.h"

#include <mbedtls/oid.h>
#include <uv.h>

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static bool is_for_servers(const mbedtls_x509_crt *crt)
{
  return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) != 0 &&
         mbedtls_x509_crt_check_extended_key_usage(crt, MBEDTLS_OID_SERVER_AUTH,
                                                   MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0;
}

/* "console.example, 192.0.2.1": the names that do not fit are left out. */
static void note_names(net_tls_seen *seen, const mbedtls_x509_crt *crt)
{
  size_t n = 0;
  for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s != NULL; s = s->next) {
    char text[CD_HTTP_HOST_MAX + 1];
    unsigned kind = (unsigned)s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    bool known = false;
    if (kind == MBEDTLS_X509_SAN_DNS_NAME)
      known = cd_str_copy(text, sizeof(text), (cd_str){(const char *)s->buf.p, s->buf.len});
    else if (kind == MBEDTLS_X509_SAN_IP_ADDRESS && s->buf.len == 4)
      known = uv_inet_ntop(AF_INET, s->buf.p, text, sizeof(text)) == 0;
    else if (kind == MBEDTLS_X509_SAN_IP_ADDRESS && s->buf.len == 16)
      known = uv_inet_ntop(AF_INET6, s->buf.p, text, sizeof(text)) == 0;
    size_t len = known ? strlen(text) : 0;
    if (len == 0 || n + len + 3 > sizeof(seen->names))
      continue;
    n +=
        (size_t)snprintf(seen->names + n, sizeof(seen->names) - n, "%s%s", n > 0 ? ", " : "", text);
  }
}

static void note_name(char *out, size_t size, const mbedtls_x509_name *name)
{
  if (mbedtls_x509_dn_gets(out, size, name) < 0)
    out[0] = '\0';
}

static void note_time(net_tls_seen *seen, const mbedtls_x509_crt *crt, uint32_t flags)
{
  const mbedtls_x509_time *t =
      (flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0 ? &crt->valid_to : &crt->valid_from;
  note_name(seen->untimely, sizeof(seen->untimely), &crt->subject);
  (void)snprintf(seen->until, sizeof(seen->until), "%04d-%02d-%02dT%02d:%02d:%02dZ", t->year,
                 t->mon, t->day, t->hour, t->min, t->sec);
}

int net_tls_on_certificate(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
  net_tls_seen *seen = &((net_tls *)context)->seen;
  if (depth == 0) {
    if (mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) == 0)
      *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (!is_for_servers(crt))
      *flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    note_names(seen, crt);
    note_name(seen->issuer, sizeof(seen->issuer), &crt->issuer);
  }
  if ((*flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0)
    note_time(seen, crt, *flags);
  seen->flags |= *flags;
  return 0;
}
