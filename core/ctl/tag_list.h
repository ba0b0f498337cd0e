/* Tags in one word of the command line, as an installer's property has them: "lab,kiosk". */
#ifndef CTL_TAG_LIST_H
#define CTL_TAG_LIST_H

#include "base/json.h"
#include "base/status.h"

/* Writes them as an array; NULL and "" are none, blanks around a tag are not its own. */
CD_MUST_USE cd_code ctl_tag_list_write(cd_jw *w, const char *key, const char *option,
                                       const char *text, cd_err *err);

#endif
