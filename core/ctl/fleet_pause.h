/* Waiting that a signal ends: for what goes on without us, an interrupt is worth a sentence. */
#ifndef CTL_FLEET_PAUSE_H
#define CTL_FLEET_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct fleet_pause fleet_pause;

CD_MUST_USE cd_code fleet_pause_open(fleet_pause **ret_pause, cd_err *err);
void fleet_pause_close(fleet_pause *p); /* NULL is fine */
/* A hangup is ignored, as under nohup: then it stays so. */
bool ctl_hangup_ignored(void);
/* From here on SIGINT, SIGTERM and SIGHUP are noticed instead of ending the program. */
void fleet_pause_watch(fleet_pause *p);
/* Whether one came. */
bool fleet_pause_interrupted(fleet_pause *p);
/* Waits; false: interrupted. */
bool fleet_pause_ms(fleet_pause *p, uint64_t ms);

#endif
