/* IPv4 and IPv6 addresses and ranges of them, as exclusions name them. Plain values. */
#ifndef ISO_ADDR_H
#define ISO_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "support/err.h"

enum { ISO_ADDR_TEXT = 64 };

typedef struct iso_addr {
  uint8_t family;    /* 4 or 6; 0: not set */
  uint8_t bytes[16]; /* network order; IPv4 uses the first four */
} iso_addr;

typedef struct iso_range {
  iso_addr first;
  iso_addr last;
} iso_range;

/* One address, without prefix and zone. `at` names the member in the sentence. Refuses the
 * unspecified address and IPv4 addresses written as IPv6 ones, which no packet carries. */
cordon_status iso_addr_parse(const char *text, const char *at, iso_addr *ret_addr, sup_err *err);

/* An address, `address/prefix` or `first-last`. Refuses what would be every address of its family.
 */
cordon_status iso_range_parse(const char *text, const char *at, iso_range *ret_range, sup_err *err);

/* The address as inet_ntop writes it. */
const char *iso_addr_text(const iso_addr *a, char ret_text[ISO_ADDR_TEXT]);

/* An address from bytes in network order. */
iso_addr iso_addr_from(int family, const void *bytes);

/* Like memcmp, addresses of IPv4 before those of IPv6. */
int iso_addr_compare(const iso_addr *a, const iso_addr *b);

/* The address after it; false if it is the last one of its family. */
bool iso_addr_next(iso_addr *a);

bool iso_range_has(const iso_range *r, const iso_addr *a);

/* 127.0.0.0/8 and ::1. */
bool iso_addr_is_loopback(const iso_addr *a);

#endif
