/* Errors as GetLastError() tells them; an HRESULT that wraps one counts as that one. */
#include <stdio.h>

#include "support/err.h"
#include "support/wide.h"

/* The system has no texts for those of WMI. */
#define WMI_DENIED 0x80041003u
#define WMI_NO_NAMESPACE 0x8004100eu
#define WMI_NO_CLASS 0x80041010u

static const struct {
  DWORD os_error;
  cordon_status status;
} statuses[] = {
    {ERROR_ACCESS_DENIED, CORDON_E_DENIED},
    {ERROR_PRIVILEGE_NOT_HELD, CORDON_E_DENIED},
    {ERROR_NETWORK_ACCESS_DENIED, CORDON_E_DENIED},
    {ERROR_FILE_NOT_FOUND, CORDON_E_NOTFOUND},
    {ERROR_PATH_NOT_FOUND, CORDON_E_NOTFOUND},
    {ERROR_SERVICE_DOES_NOT_EXIST, CORDON_E_NOTFOUND},
    {ERROR_MOD_NOT_FOUND, CORDON_E_NOTFOUND},
    {ERROR_PROC_NOT_FOUND, CORDON_E_UNSUPPORTED},
    {ERROR_NOT_SUPPORTED, CORDON_E_UNSUPPORTED},
    {ERROR_CALL_NOT_IMPLEMENTED, CORDON_E_UNSUPPORTED},
    {ERROR_INVALID_LEVEL, CORDON_E_UNSUPPORTED},
    {(DWORD)E_NOTIMPL, CORDON_E_UNSUPPORTED},
    {(DWORD)REGDB_E_CLASSNOTREG, CORDON_E_UNSUPPORTED},
    {WMI_NO_NAMESPACE, CORDON_E_UNSUPPORTED},
    {WMI_NO_CLASS, CORDON_E_UNSUPPORTED},
    {WMI_DENIED, CORDON_E_DENIED},
    {ERROR_NOT_ENOUGH_MEMORY, CORDON_E_LIMIT},
    {ERROR_OUTOFMEMORY, CORDON_E_LIMIT},
    {ERROR_TOO_MANY_OPEN_FILES, CORDON_E_LIMIT},
    {ERROR_TIMEOUT, CORDON_E_DEADLINE},
    {ERROR_INVALID_PARAMETER, CORDON_E_INVALID},
    {ERROR_BUSY, CORDON_E_CONFLICT},
    {ERROR_SHARING_VIOLATION, CORDON_E_CONFLICT},
};

static DWORD plain(int os_error)
{
  DWORD error = (DWORD)os_error;
  return (error & 0xffff0000) == 0x80070000 ? error & 0xffff : error;
}

cordon_status sup_status_of(int os_error)
{
  DWORD error = plain(os_error);
  for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    if (statuses[i].os_error == error)
      return statuses[i].status;
  }
  return CORDON_E_IO;
}

void sup_os_text(int os_error, char *ret_text, size_t size)
{
  wchar_t text[160];
  char utf8[128];
  DWORD error = plain(os_error);
  DWORD len = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                             error, 0, text, sizeof(text) / sizeof(text[0]), NULL);
  while (len > 0 && (text[len - 1] <= L' ' || text[len - 1] == L'.'))
    len--;
  text[len] = L'\0';
  sup_from_wide(text, utf8, sizeof(utf8));
  if (len == 0)
    (void)snprintf(utf8, sizeof(utf8), "%s",
                   error == WMI_NO_NAMESPACE ? "WMI has no such namespace"
                   : error == WMI_NO_CLASS   ? "WMI has no such class"
                   : error == WMI_DENIED     ? "WMI refuses"
                                             : "error");
  if (error < 0x10000)
    (void)snprintf(ret_text, size, "%s (%lu)", utf8, (unsigned long)error);
  else
    (void)snprintf(ret_text, size, "%s (0x%08lx)", utf8, (unsigned long)error);
}
