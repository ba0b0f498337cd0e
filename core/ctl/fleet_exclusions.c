/* cordon exclusions list, show, set, remove */
#include "fleet_named.h"

#include "fleet_output.h"
#include "fleet_read.h"
#include "selective.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define FOLDER "/api/cordon/exclusions"
#define JSON_MAX (256u * 1024u)

static void add_row(cd_json *item, const ctl_style *style, ctl_table *t)
{
  cd_str name = {0};
  cd_str source = {0};
  cd_str by = {0};
  cd_str updated = {0};
  uint64_t revision = 0;
  uint64_t devices = 0;
  cd_json_str(item, "name", FLEET_TEXT_MAX, &name);
  (void)cd_json_opt_str(item, "source", FLEET_TEXT_MAX, &source);
  cd_json_u64(item, "revision", UINT64_MAX, &revision);
  (void)cd_json_opt_str(item, "updated", FLEET_TEXT_MAX, &updated);
  (void)cd_json_opt_str(item, "updatedBy", FLEET_TEXT_MAX, &by);
  (void)cd_json_opt_u64(item, "devices", UINT64_MAX, &devices);
  ctl_table_cell(t, CTL_BOLD, name);
  ctl_table_cell(t, CTL_PLAIN, source);
  ctl_table_cellf(t, CTL_PLAIN, "%llu", (unsigned long long)revision);
  ctl_table_cellf(t, CTL_PLAIN, "%llu", (unsigned long long)devices);
  fleet_cell_age(t, updated, style->now_ms);
  ctl_table_cell(t, CTL_PLAIN, by);
}

ctl_exit fleet_cmd_exclusions_list(const ctl_context *ctx, const ctl_args *args)
{
  static const char *const heads[] = {"Name",    "Kept in", "Revision", "Isolated with it",
                                      "Changed", "By"};
  const fleet_listing listing = {.path = FOLDER,
                                 .heads = heads,
                                 .columns = sizeof(heads) / sizeof(heads[0]),
                                 .add_row = add_row,
                                 .none = "No exclusions.\n"};
  return fleet_named_list(ctx, args, &listing);
}

static void add_exclusion(cd_json *e, const ctl_style *style, bool first, cd_buf *out)
{
  static const char *const members[] = {"direction", "service", "address",
                                        "protocol",  "port",    "note"};
  bool some = false;
  ctl_label(out, style, first ? "Open" : NULL);
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
    cd_str text = {0};
    if (!cd_json_opt_str(e, members[i], FLEET_TEXT_MAX, &text))
      continue;
    cd_buf_add_cstr(out, some ? " " : "");
    ctl_text_add(out, text);
    some = true;
  }
  cd_buf_add_char(out, '\n');
}

static void render(cd_json *item, const ctl_style *style, cd_buf *out)
{
  cd_str name = {0};
  cd_str by = {0};
  cd_str comment = {0};
  uint64_t revision = 0;
  cd_json list = {0};
  cd_json_str(item, "name", FLEET_TEXT_MAX, &name);
  cd_json_u64(item, "revision", UINT64_MAX, &revision);
  (void)cd_json_opt_str(item, "updatedBy", FLEET_TEXT_MAX, &by);
  (void)cd_json_opt_str(item, "comment", FLEET_TEXT_MAX, &comment);
  cd_json_arr(item, "exclusions", CD_EXCLUSIONS_MAX, &list);
  ctl_line(out, style, "Exclusions", CTL_BOLD, name);
  ctl_label(out, style, "Revision");
  cd_buf_addf(out, "%llu\n", (unsigned long long)revision);
  ctl_line(out, style, "Changed by", CTL_PLAIN, by);
  ctl_line(out, style, "Comment", CTL_PLAIN, comment);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json e = {0};
    cd_json_at_obj(&list, i, &e);
    add_exclusion(&e, style, i == 0, out);
  }
}

ctl_exit fleet_cmd_exclusions_show(const ctl_context *ctx, const ctl_args *args)
{
  return fleet_named_show(ctx, args, FOLDER, render);
}

static cd_code add_list(const ctl_args *args, cd_jw *w, cd_err *err)
{
  cd_buf list = CD_BUF_INIT(JSON_MAX);
  cd_code rc = ctl_selective_read(args->operand[1], &list, err);
  if (rc == CD_OK)
    cd_jw_raw(w, "exclusions", cd_buf_view(&list));
  cd_buf_release(&list);
  return rc;
}

ctl_exit fleet_cmd_exclusions_set(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {.folder = FOLDER,
                               .verb = "",
                               .said = "Set; what is isolated with them is ordered anew.",
                               .add = add_list};
  return fleet_named_change(ctx, args, &change);
}

ctl_exit fleet_cmd_exclusions_remove(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {.folder = FOLDER, .verb = "/remove", .said = "Removed."};
  return fleet_named_change(ctx, args, &change);
}
