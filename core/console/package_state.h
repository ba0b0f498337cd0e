/* What people are told of a package's way home: where it is, and what of it is missing, and why.
 * All on the loop's thread. */
#ifndef CON_PACKAGE_STATE_H
#define CON_PACKAGE_STATE_H

#include "packages.h"

/* So often may what came be something else than what the device's signed result tells of. */
#define CON_PACKAGE_BAD_MAX 3u

/* Writes the member `package`; null where the action has made none. */
CD_MUST_USE cd_code con_package_write(const con_server *s, const con_action *a, cd_jw *w,
                                      cd_err *err);
/* Of one that is not here: a sentence that says what is missing. False: the action has made none.
 * *ret_over: it will not come (any more). */
CD_MUST_USE cd_code con_package_missing(const con_server *s, const con_action *a, cd_buf *out,
                                        bool *ret_over, cd_err *err);

/* Whether more of it is taken. CD_E_DENIED: not; the sentence says why. */
CD_MUST_USE cd_code con_package_comes(const con_server *s, const char *id, cd_err *err);
/* A try ended before it was whole; `bad`: since what came was not it, and the part is gone. */
void con_package_failed(con_server *s, const char *id, bool bad, const char *sentence);
/* The device has it no more, and says why. */
void con_package_lost(con_server *s, const char *id, const char *sentence);
void con_package_came(const con_server *s, const char *id);
/* It was kept long enough; `whole`: or a part was. */
void con_package_removed(const con_server *s, const char *id, bool whole);

#endif
