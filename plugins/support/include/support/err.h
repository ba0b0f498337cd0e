/* A status with its sentence, inside a plugin. The sentence is written once, where the facts are
 * known; sup_call_end() hands it to the host. */
#ifndef SUP_ERR_H
#define SUP_ERR_H

#include <stddef.h>
#include <stdint.h>

#include "cordon/plugin.h"

/* Which rules of format strings hold; the build says so where it is not the compiler's default. */
#ifndef CORDON_PRINTF
#define CORDON_PRINTF printf
#endif

typedef struct sup_err {
  cordon_status status;
  uint32_t os_error; /* errno or GetLastError(), 0 when it was no failure of the OS */
  char sentence[480];
} sup_err;

/* Fills `err` (may be NULL) and returns `status`. The sentence names what, which and why. */
cordon_status sup_fail(sup_err *err, cordon_status status, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 3, 4)));

/* The same for a failed call of the OS: the status follows from `os_error`, whose text is appended.
 */
cordon_status sup_fail_os(sup_err *err, int os_error, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 3, 4)));

/* The status that fits an error of the OS: an errno, or what GetLastError() says. */
cordon_status sup_status_of(int os_error);

/* Its text, in UTF-8. */
void sup_os_text(int os_error, char *ret_text, size_t size);

#endif
