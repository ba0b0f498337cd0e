/* The service control manager. A console program of the same name is no service: both calls then do
 * nothing. */
#include "platform/system.h"

#include "windows/windows.h"

#include "base/banned.h"

void pf_service_ready(void)
{
}

void pf_service_stopping(void)
{
}
