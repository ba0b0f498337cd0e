/* Paths of the API with what a user typed in them. */
#ifndef CTL_FLEET_PATH_H
#define CTL_FLEET_PATH_H

#include "base/buf.h"
#include "base/str.h"

/* Percent-encodes everything but letters, digits, '-', '.', '_' and '~'. */
void fleet_path_add(cd_buf *out, cd_str text);
/* The same of an OData text: in single quotes, a quote within doubled. */
void fleet_path_add_quoted(cd_buf *out, cd_str text);

#endif
