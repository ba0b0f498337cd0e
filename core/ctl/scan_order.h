/* What `local scan` and `scan DEVICE` are told to scan. */
#ifndef CTL_SCAN_ORDER_H
#define CTL_SCAN_ORDER_H

#include "command.h"

#include "base/json.h"

/* --quick, --full or --path, and just one of them: members type, paths and cpu_percent, into the
 * object that `w` is in. */
CD_MUST_USE cd_code ctl_scan_write(const ctl_args *args, cd_jw *w, cd_err *err);

#endif
