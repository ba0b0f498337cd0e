#include "support/err.h"

#include <stdarg.h>
#include <stdio.h>

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
  sup_os_text(os_error, text, sizeof(text));
  if (len > 0 && (size_t)len < sizeof(err->sentence))
    (void)snprintf(err->sentence + len, sizeof(err->sentence) - (size_t)len, ": %s", text);
  return status;
}
