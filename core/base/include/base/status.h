/* Outcome codes and the sentence that goes with them.
 *
 * Every call that can fail returns a cd_code and takes a `cd_err *` last. The sentence is written
 * once, where the facts are known, and names what, which and why. The numbers are those of the
 * plugin ABI (cordon/plugin.h), so that a status crosses that border without a table. */
#ifndef CD_STATUS_H
#define CD_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define CD_MUST_USE __attribute__((warn_unused_result))
/* Which rules of format strings hold; the build says so where it is not the compiler's default. */
#ifndef CORDON_PRINTF
#define CORDON_PRINTF printf
#endif
#define CD_PRINTF(fmt, args) __attribute__((format(CORDON_PRINTF, fmt, args)))

typedef enum cd_code {
  CD_OK = 0,
  CD_PARTIAL = 1,        /* done in part; the result says which part */
  CD_REBOOT = 2,         /* done, in force after a reboot */
  CD_E_INVALID = -1,     /* the request makes no sense */
  CD_E_UNSUPPORTED = -2, /* cannot be honoured here; nothing was changed */
  CD_E_UNAVAILABLE = -3, /* something needed is missing, stopped or busy */
  CD_E_DENIED = -4,      /* refused by the OS or by policy */
  CD_E_NOTFOUND = -5,
  CD_E_CONFLICT = -6, /* somebody else owns that state */
  CD_E_CANCELLED = -7,
  CD_E_DEADLINE = -8,
  CD_E_LIMIT = -9,       /* quota, size or count exceeded */
  CD_E_UNVERIFIED = -10, /* changed, but it could not be shown to hold */
  CD_E_IO = -11,
  CD_E_INTERNAL = -12
} cd_code;

#define CD_ERR_TEXT_MAX 512

/* A failure. `text` is one sentence for people, without a newline; `os_error` is errno,
 * GetLastError() or 0. Zero-initialise it; it is only meaningful after a call that returned a
 * failing code. */
typedef struct cd_err {
  cd_code code;
  int64_t os_error;
  char text[CD_ERR_TEXT_MAX];
} cd_err;

/* Writes the sentence and returns `code`, so that a failing call can end in one statement.
 * `err` may be NULL. A sentence that is too long is cut at a character, never in the middle of one.
 */
cd_code cd_fail(cd_err *err, cd_code code, const char *fmt, ...) CD_PRINTF(3, 4);
cd_code cd_fail_os(cd_err *err, cd_code code, int64_t os_error, const char *fmt, ...)
    CD_PRINTF(4, 5);
/* Puts "<prefix>: " in front of a sentence that came from below; keeps code and os_error. Returns
 * err->code. */
cd_code cd_err_prefix(cd_err *err, const char *fmt, ...) CD_PRINTF(2, 3);

/* true for CD_OK, CD_PARTIAL and CD_REBOOT. */
bool cd_code_ok(cd_code code);
/* "ok", "partial", "reboot", "invalid", "unsupported", ...; "unknown" for a number outside the
 * enum. */
const char *cd_code_name(cd_code code);
/* The inverse of cd_code_name(). Returns false and leaves *ret_code alone if there is no such name.
 */
bool cd_code_from_name(const char *name, cd_code *ret_code);
/* Maps an errno value to the code that fits it best (ENOENT: NOTFOUND, EACCES/EPERM: DENIED,
 * ENOSPC/EMFILE/...: LIMIT, ETIMEDOUT: DEADLINE, EEXIST/EADDRINUSE: CONFLICT,
 * EBUSY/EAGAIN/ECONNREFUSED: UNAVAILABLE, ENOSYS/ENOTSUP: UNSUPPORTED, ECANCELED: CANCELLED, else
 * IO; never a success). Negative libuv codes (UV_E...) are accepted too. */
cd_code cd_code_from_errno(int os_error);

#ifdef __clang_analyzer__
/* The analyzer cannot see that a call that fails returns the failing code. */
#define cd_fail(err, code, ...) (cd_fail(err, code, __VA_ARGS__), (code))
#define cd_fail_os(err, code, os_error, ...) (cd_fail_os(err, code, os_error, __VA_ARGS__), (code))
#endif

#endif
