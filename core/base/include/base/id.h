/* Identifiers: UUID version 7 (RFC 9562), lower case, so that they sort by the time they were made.
 */
#ifndef CD_ID_H
#define CD_ID_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define CD_ID_SIZE 37 /* 36 characters and the NUL */

CD_MUST_USE cd_code cd_id_make(char out[CD_ID_SIZE], cd_err *err);
/* A UUID of any version in lower-case text form. */
bool cd_id_valid(cd_str s);

#endif
