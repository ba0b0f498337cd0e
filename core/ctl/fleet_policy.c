/* cordon policy list, show, set, assign, unassign, remove */
#include "fleet_named.h"

#include "fleet_output.h"
#include "fleet_read.h"
#include "text.h"

#include "platform/file.h"

#include "base/banned.h"

#define FOLDER "/api/cordon/policies"
#define FILE_MAX (64u * 1024u)
#define RANK_MAX 1000000u

/* "server (5), lab (1)" */
static void add_tags(cd_json *item, cd_buf *out)
{
  cd_json tags = {0};
  if (!cd_json_opt_arr(item, "tags", FLEET_LIST_MAX, &tags))
    return;
  for (size_t i = 0; i < cd_json_len(&tags); i++) {
    cd_json one = {0};
    cd_str tag = {0};
    uint64_t rank = 0;
    cd_json_at_obj(&tags, i, &one);
    cd_json_str(&one, "tag", FLEET_TEXT_MAX, &tag);
    cd_json_u64(&one, "rank", UINT64_MAX, &rank);
    cd_buf_addf(out, "%s%.*s (%llu)", i > 0 ? ", " : "", CD_STR_ARG(tag), (unsigned long long)rank);
  }
}

static void add_row(cd_json *item, const ctl_style *style, ctl_table *t)
{
  cd_str name = {0};
  cd_str by = {0};
  cd_str updated = {0};
  uint64_t revision = 0;
  uint64_t devices = 0;
  cd_buf tags = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_str(item, "name", FLEET_TEXT_MAX, &name);
  cd_json_u64(item, "revision", UINT64_MAX, &revision);
  (void)cd_json_opt_str(item, "updated", FLEET_TEXT_MAX, &updated);
  (void)cd_json_opt_str(item, "updatedBy", FLEET_TEXT_MAX, &by);
  (void)cd_json_opt_u64(item, "devices", UINT64_MAX, &devices);
  add_tags(item, &tags);
  ctl_table_cell(t, CTL_BOLD, name);
  ctl_table_cellf(t, CTL_PLAIN, "%llu", (unsigned long long)revision);
  ctl_table_cell(t, CTL_PLAIN, cd_buf_view(&tags));
  ctl_table_cellf(t, CTL_PLAIN, "%llu", (unsigned long long)devices);
  fleet_cell_age(t, updated, style->now_ms);
  ctl_table_cell(t, CTL_PLAIN, by);
  cd_buf_release(&tags);
}

ctl_exit fleet_cmd_policy_list(const ctl_context *ctx, const ctl_args *args)
{
  static const char *const heads[] = {"Name",    "Revision", "Tags (rank)",
                                      "Devices", "Changed",  "By"};
  const fleet_listing listing = {.path = FOLDER,
                                 .heads = heads,
                                 .columns = sizeof(heads) / sizeof(heads[0]),
                                 .add_row = add_row,
                                 .none = "No policies.\n"};
  return fleet_named_list(ctx, args, &listing);
}

static void render(cd_json *item, const ctl_style *style, cd_buf *out)
{
  cd_str name = {0};
  cd_str by = {0};
  cd_str comment = {0};
  uint64_t revision = 0;
  cd_json body = {0};
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_str(item, "name", FLEET_TEXT_MAX, &name);
  cd_json_u64(item, "revision", UINT64_MAX, &revision);
  (void)cd_json_opt_str(item, "updatedBy", FLEET_TEXT_MAX, &by);
  (void)cd_json_opt_str(item, "comment", FLEET_TEXT_MAX, &comment);
  cd_json_obj(item, "body", &body);
  ctl_line(out, style, "Policy", CTL_BOLD, name);
  ctl_label(out, style, "Revision");
  cd_buf_addf(out, "%llu\n", (unsigned long long)revision);
  add_tags(item, &text);
  ctl_line(out, style, "Tags", CTL_PLAIN, cd_buf_view(&text));
  ctl_line(out, style, "Changed by", CTL_PLAIN, by);
  ctl_line(out, style, "Comment", CTL_PLAIN, comment);
  cd_buf_reset(&text);
  cd_json_print(&body, &text);
  ctl_line(out, style, "Says", CTL_PLAIN, cd_buf_view(&text));
  cd_buf_release(&text);
}

ctl_exit fleet_cmd_policy_show(const ctl_context *ctx, const ctl_args *args)
{
  return fleet_named_show(ctx, args, FOLDER, render);
}

/* What it means is the console's to check: it names the member that is wrong. */
static cd_code add_body(const ctl_args *args, cd_jw *w, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_buf text = CD_BUF_INIT(FILE_MAX);
  const char *path = args->operand[1];
  cd_code rc = pf_file_read(path, FILE_MAX, &text, err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), FILE_MAX, path, &doc, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    rc = cd_json_status(&root, err);
    if (rc == CD_OK)
      cd_jw_value(w, "body", &root);
  }
  cd_json_free(doc);
  cd_buf_release(&text);
  return rc;
}

ctl_exit fleet_cmd_policy_set(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {.folder = FOLDER,
                               .verb = "",
                               .said = "Set; the devices that it is for are given it now, or when "
                                       "they connect.",
                               .add = add_body};
  return fleet_named_change(ctx, args, &change);
}

static cd_code add_tag(const ctl_args *args, cd_jw *w, cd_err *err)
{
  uint64_t rank = 0;
  cd_jw_cstr(w, "tag", args->operand[1]);
  if (args->operands < 3)
    return CD_OK;
  if (!cd_str_to_u64(cd_str_from(args->operand[2]), RANK_MAX, &rank))
    return cd_fail(err, CD_E_INVALID, "RANK must be a number from 0 to %u, not '%.100s'", RANK_MAX,
                   args->operand[2]);
  cd_jw_u64(w, "rank", rank);
  return CD_OK;
}

ctl_exit fleet_cmd_policy_assign(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {
      .folder = FOLDER, .verb = "/assign", .said = "Assigned.", .add = add_tag};
  return fleet_named_change(ctx, args, &change);
}

ctl_exit fleet_cmd_policy_unassign(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {
      .folder = FOLDER, .verb = "/unassign", .said = "Taken from the tag.", .add = add_tag};
  return fleet_named_change(ctx, args, &change);
}

ctl_exit fleet_cmd_policy_remove(const ctl_context *ctx, const ctl_args *args)
{
  const fleet_change change = {.folder = FOLDER, .verb = "/remove", .said = "Removed."};
  return fleet_named_change(ctx, args, &change);
}
