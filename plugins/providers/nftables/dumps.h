/* Answers of the kernel that come in parts. The rules may change while it tells: it then says so,
 * and is asked again. */
#ifndef ISO_DUMPS_H
#define ISO_DUMPS_H

#include <stdbool.h>
#include <stddef.h>

#include "support/err.h"

typedef struct iso_asked {
  const void *request; /* a netlink message */
  size_t len;
  const char *what;           /* is asked for, in sentences: `the counters of table 'x'` */
  void (*forget)(void *data); /* what was taken so far */
  /* Takes a part. */
  void (*take)(void *data, const unsigned char *bytes, size_t len, bool *done, bool *interrupted);
  void *data;
} iso_asked;

cordon_status iso_ask_all(const iso_asked *asked, sup_err *err);

#endif
