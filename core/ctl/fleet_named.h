/* What policies and sets of exclusions share: things at the console that have a name, a revision
 * and who changed them last. */
#ifndef CTL_FLEET_NAMED_H
#define CTL_FLEET_NAMED_H

#include "command.h"

#include "base/json.h"

/* Asks for `path`, and prints the members of "value" as rows, or with --json the document. */
typedef struct fleet_listing {
  const char *path;
  const char *const *heads;
  size_t columns;
  void (*add_row)(cd_json *item, const ctl_style *style, ctl_table *table);
  const char *none; /* what to say when there are none */
} fleet_listing;
ctl_exit fleet_named_list(const ctl_context *ctx, const ctl_args *args,
                          const fleet_listing *listing);

/* GET of `folder`/NAME: the document, or `render`ed. */
ctl_exit fleet_named_show(const ctl_context *ctx, const ctl_args *args, const char *folder,
                          void (*render)(cd_json *item, const ctl_style *style, cd_buf *out));

/* POST to `folder`/NAME`verb` of {"Comment":..} and what `add` writes; `said` is printed, with the
 * revision that it has now if there is one. */
typedef struct fleet_change {
  const char *folder;
  const char *verb; /* "/remove"; empty: the thing itself */
  const char *said;
  cd_code (*add)(const ctl_args *args, cd_jw *w, cd_err *err); /* NULL: nothing */
} fleet_change;
ctl_exit fleet_named_change(const ctl_context *ctx, const ctl_args *args,
                            const fleet_change *change);

#endif
