/* Service managers start programs here as anybody does. */
#include "platform/service.h"

#include "base/banned.h"

cd_code pf_service_run(int (*work)(void *context), void (*stop)(void *context), void *context,
                       int *ret_code, cd_err *err)
{
  (void)work;
  (void)stop;
  (void)context;
  (void)ret_code;
  return cd_fail(err, CD_E_UNSUPPORTED, "services are programs like any other on this system");
}
