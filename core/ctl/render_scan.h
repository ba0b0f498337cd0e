/* What an action says of the scan that it was. */
#ifndef CTL_RENDER_SCAN_H
#define CTL_RENDER_SCAN_H

#include "table.h"

#include "base/json.h"

/* The lines about the member `scan` of a result; none if there is none. */
void ctl_scan_render(cd_json *result, const ctl_style *style, cd_buf *out);
/* How many findings, and whether all was scanned; false: there is no scan. */
bool ctl_scan_counts(cd_json *result, uint64_t *ret_findings, bool *ret_complete,
                     uint64_t *ret_missed);

#endif
