/* Being run by a service manager that its services have to talk to. */
#ifndef PF_SERVICE_H
#define PF_SERVICE_H

#include "base/status.h"

/* Runs `work` as the service that this program was started as; *ret_code is what it returned. When
 * the manager wants the service to end it calls `stop`, on another thread, and not before `work` has
 * called pf_service_ready(). What is written to the standard error goes to a file beside the
 * configuration. CD_E_UNAVAILABLE: no manager started this program; CD_E_UNSUPPORTED: here it need
 * not be told. */
CD_MUST_USE cd_code pf_service_run(int (*work)(void *context), void (*stop)(void *context),
                                   void *context, int *ret_code, cd_err *err);

#endif
