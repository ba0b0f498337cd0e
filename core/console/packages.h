/* Packages that devices have sent home: data_dir/packages, for this process's user alone. ID.part
 * is one that comes, ID.zip one that is whole and has the digest of the device's signed result. */
#ifndef CON_PACKAGES_H
#define CON_PACKAGES_H

#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "protocol/digest.h"
#include "server.h"

/* What a package is to be, as the device's signed result says. */
typedef struct con_package {
  uint64_t bytes;
  cd_digest digest;
} con_package;

/* Of an action with a result; CD_E_NOTFOUND if it has made none. */
CD_MUST_USE cd_code con_package_expected(const con_action *a, con_package *ret_package,
                                         cd_err *err);
/* Makes the folder, and counts what is in it. */
CD_MUST_USE cd_code con_packages_open(con_server *s, cd_err *err);
/* Opens the part that is there, or a new one, to be written to; *ret_kept bytes of it are there.
 * CD_E_LIMIT: with what it lacks there would be more than the quota, or more of this device than
 * its share. */
CD_MUST_USE cd_code con_package_part(con_server *s, cd_str device, const char *id, uint64_t bytes,
                                     uv_file *ret_file, uint64_t *ret_kept, cd_err *err);
/* How much of it is here; *ret_whole: as a package that is whole. */
uint64_t con_package_look(const con_server *s, const char *id, bool *ret_whole);
/* Removes the part: the next try begins at 0. */
void con_package_drop_part(con_server *s, const char *id);
/* What is there has so many bytes more, or less: the quota is of a count that is kept, and the
 * folder is looked at when it is tidied. */
void con_package_grew(con_server *s, uint64_t bytes);
void con_package_shrank(con_server *s, uint64_t bytes);
/* Opens one that is whole, for reading. CD_E_NOTFOUND: it is not there. */
CD_MUST_USE cd_code con_package_whole(const con_server *s, const char *id, uv_file *ret_file,
                                      uint64_t *ret_size, cd_err *err);
/* Compares the part with what it is to be; then it is whole and on disk, or gone. Blocks: not for
 * the loop's thread. `folder` is that of con_packages_folder(). */
CD_MUST_USE cd_code con_package_keep(const char *folder, const char *id, uv_file part,
                                     const con_package *expected, cd_err *err);
void con_packages_folder(const con_server *s, char out[CON_PATH_TEXT]);
/* Looks at the folder in the pool, and then removes what is older than the configuration keeps it;
 * part or whole. */
void con_packages_tidy(con_server *s);

#endif
