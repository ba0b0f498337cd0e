/* Certificates of this device, which come from the network: they are read here, in the process that
 * has no rights, and not in cordond. */
#ifndef CHAN_CERTIFICATE_H
#define CHAN_CERTIFICATE_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "protocol/limits.h"

typedef struct chan_certificate {
  char device[CD_DEVICE_ID_MAX + 1]; /* CN */
  int64_t not_before_ms;
  int64_t not_after_ms;
} chan_certificate;

/* Reads a chain in PEM, the device's own first. */
CD_MUST_USE cd_code chan_certificate_read(cd_str pem, chan_certificate *ret_certificate,
                                          cd_err *err);
/* The same, and it must be for the key of the request `csr`, issued by `ca` (PEM), valid now, for
 * client authentication. One sentence says which of these it is not. */
CD_MUST_USE cd_code chan_certificate_check(cd_str pem, cd_str csr, cd_str ca,
                                           chan_certificate *ret_certificate, cd_err *err);

#endif
