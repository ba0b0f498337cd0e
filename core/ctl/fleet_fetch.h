/* A package that a console keeps: fetched in pieces, which go on where they stopped. */
#ifndef CTL_FLEET_FETCH_H
#define CTL_FLEET_FETCH_H

#include "fleet_proof.h"
#include "fleet_session.h"
#include "new_file.h"
#include "progress.h"

/* Of GET /api/cordon/actions/ID: false if it has made none. What is wrong sticks to the document.
 */
bool fleet_package_read(cd_json *action, fleet_package *ret_package);
/* Waits until the console has all of it, and writes it into `out`, which the caller commits. The
 * bytes are those that the device's result tells of, or it fails. */
CD_MUST_USE ctl_exit fleet_package_fetch(fleet_session *s, const char *id, const fleet_package *p,
                                         ctl_progress *progress, ctl_new_file *out, cd_err *err);

#endif
