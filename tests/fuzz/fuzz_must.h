/* What the fuzz targets of core/protocol share: an expectation, and its sentence when it fails. */
#ifndef CD_FUZZ_MUST_H
#define CD_FUZZ_MUST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

/* A failure says which and why. */
static inline void must_explain(cd_code rc, const cd_err *err)
{
  must(rc == CD_OK || (err->code == rc && err->text[0] != '\0'), "a failure without its sentence");
}

#endif
