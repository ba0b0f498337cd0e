/* Private to core/protocol: our plain keys in mbedTLS's terms, and its errors in ours. */
#ifndef CD_CURVE_H
#define CD_CURVE_H

#include <stdint.h>

#include <mbedtls/ecp.h>

#include "base/status.h"
#include "protocol/key.h"

#define CD_SCALAR_SIZE 32u

struct cd_key {
  uint8_t secret[CD_SCALAR_SIZE]; /* big-endian */
  cd_public_key public;
};

/* The failure of a call of mbedTLS, which should not fail: "<what>: mbedTLS gave error
 * -0x4f80". */
cd_code cd_fail_mbedtls(cd_err *err, int rc, const char *what);

/* The random bytes of the cd_random that its context is, for mbedTLS: a failure of any number
 * becomes MBEDTLS_ERR_ECP_RANDOM_FAILED. */
int cd_curve_random(void *random, unsigned char *bytes, size_t len);

/* NIST P-256 with one of our public keys on it; cd_curve_free() whatever came of it. */
typedef struct cd_curve {
  mbedtls_ecp_group group;
  mbedtls_ecp_point point;
} cd_curve;

void cd_curve_init(cd_curve *c);
/* Checks that the point is on the curve and not its zero. Returns mbedTLS's code. */
int cd_curve_load(cd_curve *c, const uint8_t point[CD_KEY_POINT_SIZE]);
void cd_curve_free(cd_curve *c);

#endif
