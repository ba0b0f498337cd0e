/* The three values as the console tells them. */
#ifndef CTL_FLEET_VALUES_H
#define CTL_FLEET_VALUES_H

#include "table.h"

#include "base/json.h"

/* Renders the member "states" of a device as `cordon local status` does. */
CD_MUST_USE cd_code fleet_values_render(cd_json *device, const ctl_style *style, cd_buf *out,
                                        cd_err *err);

#endif
