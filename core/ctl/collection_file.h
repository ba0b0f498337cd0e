/* A collection list in a file, checked as console and device check it. */
#ifndef CTL_COLLECTION_FILE_H
#define CTL_COLLECTION_FILE_H

#include "command.h"

#include "base/buf.h"
#include "base/status.h"
#include "protocol/collection.h"

/* The list as JSON text in `out`; its name in `ret_name` (may be NULL). */
CD_MUST_USE cd_code ctl_collection_read(const char *path, cd_buf *out,
                                        char ret_name[CD_COLLECTION_NAME_MAX + 1], cd_err *err);

/* Whether --profile and --list go together. */
CD_MUST_USE cd_code ctl_profile_check(const ctl_args *args, cd_err *err);

#endif
