/* Facts about this run of the machine, and the service manager. */
#ifndef PF_SYSTEM_H
#define PF_SYSTEM_H

#include <stdint.h>

#include "base/status.h"

#define PF_BOOT_ID_MAX 64

/* Changes at each boot and only then. */
CD_MUST_USE cd_code pf_boot_id(char out[PF_BOOT_ID_MAX], cd_err *err);
/* Milliseconds since this boot, those asleep included. Nobody can set it. */
CD_MUST_USE cd_code pf_uptime(int64_t *ret_ms, cd_err *err);
/* "linux", "macos", "windows": the word used in manifests. */
const char *pf_system_name(void);
/* For a process that works for moments and waits for days: one heap for all its threads, which
 * gives back what a large piece of work took. Before the first thread; pf_confine_self() does it
 * too. */
void pf_heap_frugal(void);
/* Tell the service manager, if there is one: started, or stopping. Never fails. */
void pf_service_ready(void);
void pf_service_stopping(void);

#endif
