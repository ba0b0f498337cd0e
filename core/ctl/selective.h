/* The file of `--selective`: what stays reachable. */
#ifndef CTL_SELECTIVE_H
#define CTL_SELECTIVE_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* Reads {"exclusions":[{...}]} and appends the array as JSON. Here only the shape is checked, so
 * that a mistake names the file and the place in it; what the values mean is the agent's and the
 * provider's to check. */
CD_MUST_USE cd_code ctl_selective_read(const char *path, cd_buf *out, cd_err *err);
/* The same for a text; `what` names it in sentences. */
CD_MUST_USE cd_code ctl_selective_parse(cd_str text, const char *what, cd_buf *out, cd_err *err);

#endif
