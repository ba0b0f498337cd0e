#include "support/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  int os_error;
  cordon_status status;
} statuses[] = {
    {EPERM, CORDON_E_DENIED},
    {EACCES, CORDON_E_DENIED},
    {ENOENT, CORDON_E_NOTFOUND},
    {EOPNOTSUPP, CORDON_E_UNSUPPORTED},
    {EAFNOSUPPORT, CORDON_E_UNSUPPORTED},
    {EPROTONOSUPPORT, CORDON_E_UNSUPPORTED},
    {ENOSYS, CORDON_E_UNSUPPORTED},
    {ENOMEM, CORDON_E_LIMIT},
    {ENOBUFS, CORDON_E_LIMIT},
    {EMFILE, CORDON_E_LIMIT},
    {ENFILE, CORDON_E_LIMIT},
    {ETIMEDOUT, CORDON_E_DEADLINE},
    {EINVAL, CORDON_E_INVALID},
    {EBUSY, CORDON_E_CONFLICT},
};

cordon_status sup_status_of(int os_error)
{
  for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    if (statuses[i].os_error == os_error)
      return statuses[i].status;
  }
  return CORDON_E_IO;
}

cordon_status sup_fail(sup_err *err, cordon_status status, const char *format, ...)
{
  if (err == NULL)
    return status;
  err->status = status;
  err->os_error = 0;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(err->sentence, sizeof(err->sentence), format, args);
  va_end(args);
  return status;
}

cordon_status sup_fail_os(sup_err *err, int os_error, const char *format, ...)
{
  cordon_status status = sup_status_of(os_error);
  if (err == NULL)
    return status;
  err->status = status;
  err->os_error = (uint32_t)os_error;
  va_list args;
  va_start(args, format);
  int len = vsnprintf(err->sentence, sizeof(err->sentence), format, args);
  va_end(args);
  char text[96];
  if (strerror_r(os_error, text, sizeof(text)) != 0)
    (void)snprintf(text, sizeof(text), "error %d", os_error);
  if (len > 0 && (size_t)len < sizeof(err->sentence))
    (void)snprintf(err->sentence + len, sizeof(err->sentence) - (size_t)len, ": %s", text);
  return status;
}
