/* cordon collection list, show, set, remove */
#include "collection_file.h"
#include "fleet_named.h"
#include "fleet_output.h"
#include "fleet_read.h"
#include "text.h"

#include "base/limits.h"
#include "protocol/limits.h"

#include "base/banned.h"

#define FOLDER "/api/cordon/collections"

static void add_row(cd_json *item, const ctl_style *style, ctl_table *t)
{
  cd_str name = {0};
  cd_str by = {0};
  cd_str updated = {0};
  uint64_t version = 0;
  cd_json_str(item, "name", FLEET_TEXT_MAX, &name);
  cd_json_u64(item, "version", UINT64_MAX, &version);
  (void)cd_json_opt_str(item, "updated", FLEET_TEXT_MAX, &updated);
  (void)cd_json_opt_str(item, "updatedBy", FLEET_TEXT_MAX, &by);
  ctl_table_cell(t, CTL_BOLD, name);
  ctl_table_cellf(t, CTL_PLAIN, "%llu", (unsigned long long)version);
  fleet_cell_age(t, updated, style->now_ms);
  ctl_table_cell(t, CTL_PLAIN, by);
}

ctl_exit fleet_cmd_collection_list(const ctl_context *ctx, const ctl_args *args)
{
  static const char *const heads[] = {"Name", "Version", "Changed", "By"};
  const fleet_listing listing = {.path = FOLDER,
                                 .heads = heads,
                                 .columns = sizeof(heads) / sizeof(heads[0]),
                                 .add_row = add_row,
                                 .none = "No collection lists.\n"};
  return fleet_named_list(ctx, args, &listing);
}

/* "Web server: /var/log/nginx/access.log (CHG-120)" */
static void add_item(cd_json *item, const ctl_style *style, bool first, cd_buf *out)
{
  cd_str folder = {0};
  cd_str path = {0};
  cd_str why = {0};
  cd_json_str(item, "folder", FLEET_TEXT_MAX, &folder);
  cd_json_str(item, "path", FLEET_TEXT_MAX, &path);
  cd_json_str(item, "why", FLEET_TEXT_MAX, &why);
  ctl_label(out, style, first ? "Takes" : NULL);
  ctl_text_add(out, folder);
  cd_buf_add_cstr(out, ": ");
  ctl_text_add(out, path);
  cd_buf_add_cstr(out, " (");
  ctl_text_add(out, why);
  cd_buf_add_cstr(out, ")\n");
}

static void render(cd_json *item, const ctl_style *style, cd_buf *out)
{
  cd_str name = {0};
  cd_str by = {0};
  cd_str comment = {0};
  uint64_t version = 0;
  cd_json list = {0};
  cd_json items = {0};
  cd_json_str(item, "name", FLEET_TEXT_MAX, &name);
  cd_json_u64(item, "version", UINT64_MAX, &version);
  (void)cd_json_opt_str(item, "updatedBy", FLEET_TEXT_MAX, &by);
  (void)cd_json_opt_str(item, "comment", FLEET_TEXT_MAX, &comment);
  cd_json_obj(item, "list", &list);
  cd_json_arr(&list, "items", CD_COLLECTION_ITEMS_MAX, &items);
  ctl_line(out, style, "Collection", CTL_BOLD, name);
  ctl_label(out, style, "Version");
  cd_buf_addf(out, "%llu\n", (unsigned long long)version);
  ctl_line(out, style, "Changed by", CTL_PLAIN, by);
  ctl_line(out, style, "Comment", CTL_PLAIN, comment);
  for (size_t i = 0; i < cd_json_len(&items); i++) {
    cd_json e = {0};
    cd_json_at_obj(&items, i, &e);
    add_item(&e, style, i == 0, out);
  }
}

ctl_exit fleet_cmd_collection_show(const ctl_context *ctx, const ctl_args *args)
{
  return fleet_named_show(ctx, args, FOLDER, render);
}

/* The file is the second word here: in front of it goes the name that it has. */
static cd_code add_list(const ctl_args *args, cd_jw *w, cd_err *err)
{
  cd_buf list = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = ctl_collection_read(args->operand[1], &list, NULL, err);
  if (rc == CD_OK)
    cd_jw_raw(w, "list", cd_buf_view(&list));
  cd_buf_release(&list);
  return rc;
}

ctl_exit fleet_cmd_collection_set(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {
      .folder = FOLDER,
      .verb = "",
      .said = "Set; 'cordon collect DEVICE --profile custom --list NAME' goes by it.",
      .add = add_list};
  char name[CD_COLLECTION_NAME_MAX + 1] = "";
  cd_err err = {0};
  ctl_args named = *args;
  cd_buf list = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = ctl_collection_read(args->operand[0], &list, name, &err);
  cd_buf_release(&list);
  if (rc != CD_OK)
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  named.operand[0] = name;
  named.operand[1] = args->operand[0];
  named.operands = 2;
  return fleet_named_change(ctx, &named, &change);
}

ctl_exit fleet_cmd_collection_remove(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {.folder = FOLDER, .verb = "/remove", .said = "Removed."};
  return fleet_named_change(ctx, args, &change);
}
