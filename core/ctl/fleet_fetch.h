/* A package that a console keeps: fetched in pieces, which go on where they stopped. */
#ifndef CTL_FLEET_FETCH_H
#define CTL_FLEET_FETCH_H

#include "fleet_proof.h"
#include "fleet_session.h"
#include "new_file.h"
#include "progress.h"

/* The path of a link to a package, "/api/cordon/packages/...", whatever name the console has in it;
 * false: it is none. */
bool fleet_link_path(cd_str link, char *out, size_t size);
/* Says that what did not come now can be had later, if that is so: after an interrupt, or when only
 * the time was over. Returns the exit code. */
ctl_exit fleet_fetch_later(fleet_session *s, const char *id, ctl_exit code, cd_err *err);
/* Says that what could not be written here can be fetched again. Returns the exit code. */
ctl_exit fleet_fetch_elsewhere(const char *id, cd_err *err);
/* Waits until the console has all of it, and writes it into `out`, which the caller commits. The
 * bytes are those that the device's result tells of, or it fails. */
CD_MUST_USE ctl_exit fleet_package_fetch(fleet_session *s, const char *id, const fleet_package *p,
                                         ctl_progress *progress, ctl_new_file *out, cd_err *err);

#endif
