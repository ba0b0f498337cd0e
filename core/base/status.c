/* Outcome codes, their names, and the one sentence that a failure carries. */
#include "base/status.h"

#include "base/str.h"

#include <uv.h>

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

/* Their forms for the analyzer are for the callers. */
#undef cd_fail
#undef cd_fail_os

static const struct {
  cd_code code;
  const char *name;
} code_names[] = {
    {CD_OK, "ok"},
    {CD_PARTIAL, "partial"},
    {CD_REBOOT, "reboot"},
    {CD_E_INVALID, "invalid"},
    {CD_E_UNSUPPORTED, "unsupported"},
    {CD_E_UNAVAILABLE, "unavailable"},
    {CD_E_DENIED, "denied"},
    {CD_E_NOTFOUND, "notfound"},
    {CD_E_CONFLICT, "conflict"},
    {CD_E_CANCELLED, "cancelled"},
    {CD_E_DEADLINE, "deadline"},
    {CD_E_LIMIT, "limit"},
    {CD_E_UNVERIFIED, "unverified"},
    {CD_E_IO, "io"},
    {CD_E_INTERNAL, "internal"},
};

/* The sentence is shown in logs, tables and JSON: whatever text went into it, it stays one line. */
static void make_one_line(char *text, size_t size)
{
  size_t len = cd_str_utf8_cut((cd_str){text, strlen(text)}, size - 1);
  text[len] = '\0';
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7f)
      text[i] = ' ';
  }
}

static CD_PRINTF(4, 0) cd_code
    fail_va(cd_err *err, cd_code code, int64_t os_error, const char *fmt, va_list args)
{
  if (err == NULL)
    return code;
  /* The arguments may point into *err, so the sentence is made beside it. */
  char text[CD_ERR_TEXT_MAX] = "";
  if (vsnprintf(text, sizeof(text), fmt, args) < 0)
    text[0] = '\0';
  make_one_line(text, sizeof(text));
  err->code = code;
  err->os_error = os_error;
  memcpy(err->text, text, sizeof(text));
  return code;
}

cd_code cd_fail(cd_err *err, cd_code code, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  (void)fail_va(err, code, 0, fmt, args);
  va_end(args);
  return code;
}

cd_code cd_fail_os(cd_err *err, cd_code code, int64_t os_error, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  (void)fail_va(err, code, os_error, fmt, args);
  va_end(args);
  return code;
}

cd_code cd_err_prefix(cd_err *err, const char *fmt, ...)
{
  if (err == NULL)
    return CD_E_INTERNAL;
  char prefix[CD_ERR_TEXT_MAX] = "";
  va_list args;
  va_start(args, fmt);
  if (vsnprintf(prefix, sizeof(prefix), fmt, args) < 0)
    prefix[0] = '\0';
  va_end(args);

  char text[CD_ERR_TEXT_MAX * 2 + 2];
  (void)snprintf(text, sizeof(text), "%s: %s", prefix, err->text);
  make_one_line(text, sizeof(err->text));
  memcpy(err->text, text, sizeof(err->text));
  return err->code;
}

bool cd_code_ok(cd_code code)
{
  return code == CD_OK || code == CD_PARTIAL || code == CD_REBOOT;
}

const char *cd_code_name(cd_code code)
{
  for (size_t i = 0; i < sizeof(code_names) / sizeof(code_names[0]); i++)
    if (code_names[i].code == code)
      return code_names[i].name;
  return "unknown";
}

bool cd_code_from_name(const char *name, cd_code *ret_code)
{
  if (name == NULL)
    return false;
  for (size_t i = 0; i < sizeof(code_names) / sizeof(code_names[0]); i++) {
    if (strcmp(code_names[i].name, name) == 0) {
      *ret_code = code_names[i].code;
      return true;
    }
  }
  return false;
}

/* libuv's codes are the portable spelling: on Unix they are -errno, on Windows numbers of its own.
 */
cd_code cd_code_from_errno(int os_error)
{
  switch (os_error > 0 ? uv_translate_sys_error(os_error) : os_error) {
  case UV_ENOENT:
  case UV_ESRCH:
  case UV_ENODEV:
  case UV_ENXIO: return CD_E_NOTFOUND;
  case UV_EACCES:
  case UV_EPERM:
  case UV_EROFS: return CD_E_DENIED;
  case UV_ENOSPC:
  case UV_EMFILE:
  case UV_ENFILE:
  case UV_ENOBUFS:
  case UV_ENOMEM:
  case UV_EFBIG:
  case UV_E2BIG:
  case UV_EMSGSIZE:
  case UV_ENAMETOOLONG: return CD_E_LIMIT;
  case UV_ETIMEDOUT: return CD_E_DEADLINE;
  case UV_ECANCELED: return CD_E_CANCELLED;
  case UV_EEXIST:
  case UV_EADDRINUSE: return CD_E_CONFLICT;
  case UV_EAGAIN:
  case UV_EBUSY:
  case UV_ECONNREFUSED: return CD_E_UNAVAILABLE;
  case UV_ENOSYS:
  case UV_ENOTSUP:
  case UV_EAFNOSUPPORT:
  case UV_EPROTONOSUPPORT: return CD_E_UNSUPPORTED;
  default: return CD_E_IO;
  }
}
