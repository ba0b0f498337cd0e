/* The lines about a remediation in the result of an action; none if there is none. */
#ifndef CTL_RENDER_REMEDIATE_H
#define CTL_RENDER_REMEDIATE_H

#include "table.h"

#include "base/json.h"

void ctl_remediate_render(cd_json *result, const ctl_style *style, cd_buf *out);

#endif
