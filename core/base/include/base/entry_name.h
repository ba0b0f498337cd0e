/* Names of the files in a package: relative paths that every system can keep, and by which nobody
 * who unpacks it is led out of the folder that he chose. */
#ifndef CD_ENTRY_NAME_H
#define CD_ENTRY_NAME_H

#include "base/status.h"
#include "base/str.h"

#define CD_ENTRY_NAME_MAX 255u /* bytes, without a NUL */
#define CD_ENTRY_PART_MAX 120u /* bytes between two slashes */
#define CD_ENTRY_DEPTH_MAX 8u  /* parts */

/* CD_OK for UTF-8 of 1 to CD_ENTRY_NAME_MAX bytes in parts between single slashes, none of which is
 * empty, "." or "..", ends in a dot or a space, or is a device of Windows (NUL, com1.txt), without
 * control characters and \ : * ? < > | and double quotes.
 * Else CD_E_INVALID, or CD_E_LIMIT where it is too long or too deep. The sentence does not repeat
 * the name, which may be anything. */
CD_MUST_USE cd_code cd_entry_name_check(cd_str name, cd_err *err);

/* The same for two names that a system which ignores the case of letters takes for one. A name is
 * told from another by it, not kept from being forged. Never 0. */
uint64_t cd_entry_name_hash(cd_str name);

#endif
