/* What the commands of the fleet share on their way out. */
#ifndef CTL_FLEET_OUTPUT_H
#define CTL_FLEET_OUTPUT_H

#include "command.h"

#include "base/buf.h"
#include "base/json.h"

/* Prints a value as one compact document on a line. */
ctl_exit fleet_put_json(const ctl_context *ctx, const cd_json *value, ctl_exit code);
/* The same of a document that is in a buffer; a failed buffer is reported. */
ctl_exit fleet_put_json_text(const ctl_context *ctx, const cd_buf *json, ctl_exit code);
/* Prints text for people; a failed buffer is reported. */
ctl_exit fleet_put_text(const ctl_context *ctx, const cd_buf *text, ctl_exit code);
/* The answer to a change: what it is about and what became of it, "ID: Resolved", or the document;
 * one that could not be read is reported as a change that may or may not have been made. */
ctl_exit fleet_put_state(const ctl_context *ctx, const cd_json *answer, cd_str id, cd_str status);
/* `ctx`'s style at this time. */
ctl_style fleet_style(const ctl_context *ctx);
/* A cell "3 s ago"; "never" where there is no time. */
void fleet_cell_age(ctl_table *t, cd_str time, int64_t now_ms);
/* A cell with the front of a long text. */
void fleet_cell_front(ctl_table *t, cd_str text, size_t columns);
void fleet_heads(ctl_table *t, const char *const *heads, size_t count);

#endif
