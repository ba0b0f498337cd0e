#include "addr.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

static size_t addr_size(const iso_addr *a)
{
  return a->family == 6 ? 16 : 4;
}

iso_addr iso_addr_from(int family, const void *bytes)
{
  iso_addr a = {.family = family == 6 ? 6 : 4};
  memcpy(a.bytes, bytes, addr_size(&a));
  return a;
}

int iso_addr_compare(const iso_addr *a, const iso_addr *b)
{
  if (a->family != b->family)
    return a->family < b->family ? -1 : 1;
  return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool iso_addr_next(iso_addr *a)
{
  iso_addr next = *a;
  for (size_t i = addr_size(a); i > 0; i--) {
    if (++next.bytes[i - 1] != 0) {
      *a = next;
      return true;
    }
  }
  return false;
}

bool iso_range_has(const iso_range *r, const iso_addr *a)
{
  return a->family == r->first.family && iso_addr_compare(a, &r->first) >= 0 &&
         iso_addr_compare(a, &r->last) <= 0;
}

bool iso_addr_is_loopback(const iso_addr *a)
{
  static const uint8_t six[16] = {[15] = 1};
  return a->family == 4 ? a->bytes[0] == 127 : memcmp(a->bytes, six, sizeof(six)) == 0;
}

const char *iso_addr_text(const iso_addr *a, char ret_text[ISO_ADDR_TEXT])
{
  if (inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->bytes, ret_text, ISO_ADDR_TEXT) == NULL)
    ret_text[0] = '\0';
  return ret_text;
}

static bool parse(const char *text, iso_addr *ret_addr)
{
  uint8_t bytes[16];
  if (inet_pton(AF_INET, text, bytes) == 1)
    *ret_addr = iso_addr_from(4, bytes);
  else if (inet_pton(AF_INET6, text, bytes) == 1)
    *ret_addr = iso_addr_from(6, bytes);
  else
    return false;
  return true;
}

static bool is_mapped(const iso_addr *a)
{
  static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
  return a->family == 6 && memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
}

static bool is_unspecified(const iso_addr *a)
{
  static const uint8_t none[16] = {0};
  return memcmp(a->bytes, none, sizeof(none)) == 0;
}

cordon_status iso_addr_parse(const char *text, const char *at, iso_addr *ret_addr, sup_err *err)
{
  iso_addr a;
  if (!parse(text, &a))
    return sup_fail(err, CORDON_E_INVALID, "%s '%.64s' is no IPv4 or IPv6 address", at, text);
  if (is_mapped(&a))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' is an IPv4 address written as IPv6; write the IPv4 address, for "
                    "that is what packets carry",
                    at, text);
  if (is_unspecified(&a))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' is the unspecified address, which nobody has", at, text);
  *ret_addr = a;
  return CORDON_OK;
}

static bool parse_prefix(const char *text, unsigned max, unsigned *ret_len)
{
  unsigned len = 0;
  size_t digits = strlen(text);
  if (digits < 1 || digits > 3 || (digits > 1 && text[0] == '0'))
    return false;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '0' || *c > '9')
      return false;
    len = len * 10 + (unsigned)(*c - '0');
  }
  *ret_len = len;
  return len <= max;
}

/* Splits at the bit after the prefix: the first address must have no bit beyond it, the last has
 * all of them. */
static bool spread(const iso_addr *a, unsigned len, iso_range *ret_range)
{
  *ret_range = (iso_range){.first = *a, .last = *a};
  for (unsigned bit = len; bit < addr_size(a) * 8; bit++) {
    uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
    if ((a->bytes[bit / 8] & mask) != 0)
      return false;
    ret_range->last.bytes[bit / 8] |= mask;
  }
  return true;
}

static cordon_status parse_cidr(const char *text, const char *address, const char *prefix,
                                const char *at, iso_range *ret_range, sup_err *err)
{
  iso_addr a;
  if (!parse(address, &a) || is_mapped(&a))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' has no IPv4 or IPv6 address before its prefix length", at, text);
  unsigned max = (unsigned)addr_size(&a) * 8;
  unsigned len = 0;
  if (!parse_prefix(prefix, max, &len))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' has a prefix length that is not from 1 to %u", at, text, max);
  if (len == 0)
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' is every address of its family, which would be no isolation", at,
                    text);
  if (!spread(&a, len, ret_range)) {
    for (unsigned bit = len; bit < max; bit++)
      a.bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    char want[ISO_ADDR_TEXT];
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' has bits set behind its prefix; write %s/%u, or the one address",
                    at, text, iso_addr_text(&a, want), len);
  }
  return CORDON_OK;
}

static bool is_all(const iso_range *r)
{
  iso_addr last = r->last;
  return is_unspecified(&r->first) && !iso_addr_next(&last);
}

static cordon_status parse_first_last(const char *text, const char *first, const char *last,
                                      const char *at, iso_range *ret_range, sup_err *err)
{
  iso_range r;
  if (!parse(first, &r.first) || !parse(last, &r.last) || is_mapped(&r.first) || is_mapped(&r.last))
    return sup_fail(err, CORDON_E_INVALID, "%s '%.128s' is no range of two IPv4 or IPv6 addresses",
                    at, text);
  if (r.first.family != r.last.family)
    return sup_fail(err, CORDON_E_INVALID, "%s '%.128s' mixes IPv4 and IPv6", at, text);
  if (iso_addr_compare(&r.first, &r.last) > 0)
    return sup_fail(err, CORDON_E_INVALID, "%s '%.128s' ends before it begins", at, text);
  if (is_all(&r))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.128s' is every address of its family, which would be no isolation", at,
                    text);
  *ret_range = r;
  return CORDON_OK;
}

cordon_status iso_range_parse(const char *text, const char *at, iso_range *ret_range, sup_err *err)
{
  char copy[2 * INET6_ADDRSTRLEN + 2];
  if (strlen(text) >= sizeof(copy))
    return sup_fail(err, CORDON_E_INVALID, "%s is too long for an address, a prefix or a range",
                    at);
  (void)snprintf(copy, sizeof(copy), "%s", text);
  char *sign = strpbrk(copy, "/-");
  if (sign == NULL) {
    iso_addr a;
    cordon_status status = iso_addr_parse(text, at, &a, err);
    if (status == CORDON_OK)
      *ret_range = (iso_range){.first = a, .last = a};
    return status;
  }
  bool prefix = *sign == '/';
  *sign = '\0';
  return prefix ? parse_cidr(text, copy, sign + 1, at, ret_range, err)
                : parse_first_last(text, copy, sign + 1, at, ret_range, err);
}
