/* Names of files in a folder. */
#ifndef CD_PATH_H
#define CD_PATH_H

#include "base/limits.h"
#include "base/status.h"

/* FOLDER/NAMESUFFIX. CD_E_LIMIT: that is longer than CD_PATH_MAX, or there is no folder. */
CD_MUST_USE cd_code cd_path_in(const char *folder, const char *name, const char *suffix,
                               char out[CD_PATH_MAX], cd_err *err);

#endif
