/* Targets of remediations that `cordon local` and `cordon remediate` name in the same words. */
#ifndef CTL_REMEDY_H
#define CTL_REMEDY_H

#include "base/json.h"

/* A file that starts something, or, with the name of one, a value of the registry. */
CD_MUST_USE cd_code ctl_write_startup(cd_jw *w, const char *path, const char *value, cd_err *err);
/* A scheduled task of Windows, by its path. */
CD_MUST_USE cd_code ctl_write_task(cd_jw *w, const char *name, cd_err *err);

#endif
