/* What an action says of the remediation that it was. */
#ifndef CTL_RENDER_REMEDIATE_H
#define CTL_RENDER_REMEDIATE_H

#include "table.h"

#include "base/json.h"

/* The lines about the member `remediate` of a result; none if there is none. */
CD_MUST_USE cd_code ctl_remediate_render(cd_json *result, const ctl_style *style, cd_buf *out,
                                         cd_err *err);

#endif
