/* strerror_r() as POSIX has it, wherever this is built. */
#undef _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "support/err.h"

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

void sup_os_text(int os_error, char *ret_text, size_t size)
{
  if (strerror_r(os_error, ret_text, size) != 0)
    (void)snprintf(ret_text, size, "error %d", os_error);
}
