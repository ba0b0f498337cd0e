/* The part of an isolation's evidence that only some providers give. */
#ifndef CTL_RENDER_ISOLATION_H
#define CTL_RENDER_ISOLATION_H

#include "table.h"

#include "base/json.h"

/* Appends a line for each thing that `result` (of an action) tells of. */
void ctl_isolation_render(cd_json *result, const ctl_style *style, cd_buf *out);

#endif
