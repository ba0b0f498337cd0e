/* cordon device list, device show, tag add, tag remove */
#include "fleet_find.h"
#include "fleet_output.h"
#include "fleet_path.h"
#include "fleet_values.h"
#include "text.h"

#include "base/clock.h"

#include <string.h>

#include "base/banned.h"

#define PAGE 500u
#define TAG_MAX 200u
#define TAG_COLUMNS 40u
#define ROLL_BACKS 3u /* the console orders again so often: docs/console.md */

/* ---- list ---- */

static void add_tags(cd_json *tags, cd_buf *out)
{
  for (size_t i = 0; i < cd_json_len(tags); i++) {
    cd_str tag = {0};
    cd_json_at_str(tags, i, FLEET_TEXT_MAX, &tag);
    if (i > 0)
      cd_buf_add_cstr(out, ", ");
    cd_buf_add_str(out, tag);
  }
}

static void add_machine_row(fleet_machine *m, const ctl_style *style, ctl_table *t)
{
  cd_buf tags = CD_BUF_INIT(CTL_OUTPUT_MAX);
  add_tags(&m->tags, &tags);
  ctl_table_cell(t, CTL_BOLD, m->name);
  fleet_cell_age(t, m->last_seen, style->now_ms);
  ctl_table_cell(t, cd_str_eq_cstr(m->health, "Active") ? CTL_GOOD : CTL_WARN, m->health);
  ctl_table_cell(t, CTL_PLAIN, m->os);
  ctl_table_cell(t, CTL_PLAIN, m->address);
  ctl_table_cell(t, CTL_PLAIN, m->id);
  fleet_cell_front(t, cd_buf_view(&tags), TAG_COLUMNS);
  cd_buf_release(&tags);
}

/* All pages, each machine written into the JSON array and the table. */
typedef struct listing {
  ctl_table table;
  ctl_style style;
  cd_buf json;
  cd_jw w;
  size_t count;
} listing;

static ctl_exit take_page(listing *l, cd_json_doc *doc, size_t *ret_len, cd_err *err)
{
  cd_json root = cd_json_root(doc);
  cd_json list = {0};
  cd_json_arr(&root, "value", FLEET_LIST_MAX, &list);
  *ret_len = cd_json_len(&list);
  for (size_t i = 0; i < *ret_len; i++) {
    cd_json item = {0};
    fleet_machine m;
    cd_json_at_obj(&list, i, &item);
    fleet_machine_read(&item, &m);
    add_machine_row(&m, &l->style, &l->table);
    cd_jw_value(&l->w, NULL, &item);
  }
  l->count += *ret_len;
  return cd_json_status(&root, err) == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_UNREACHABLE;
}

static cd_code list_path(const char *tag, size_t skip, cd_buf *path, cd_err *err)
{
  cd_buf_reset(path);
  if (tag != NULL) {
    cd_buf_add_cstr(path, "/api/machines/findbytag?tag=");
    fleet_path_add(path, cd_str_from(tag));
  } else {
    cd_buf_addf(path, "/api/machines?%%24top=%u&%%24skip=%zu", PAGE, skip);
  }
  return cd_buf_status(path, "the address of the request", err);
}

static ctl_exit fetch_list(fleet_session *s, const char *tag, listing *l, cd_err *err)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = CTL_EXIT_DONE;
  size_t len = PAGE;
  while (code == CTL_EXIT_DONE && len == PAGE && l->count < FLEET_LIST_MAX) {
    cd_json_doc *doc = NULL;
    if (list_path(tag, l->count, &path, err) != CD_OK) {
      code = CTL_EXIT_USAGE;
      break;
    }
    code = fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, err);
    if (code == CTL_EXIT_DONE)
      code = take_page(l, doc, &len, err);
    cd_json_free(doc);
    if (tag != NULL)
      break;
  }
  if (code == CTL_EXIT_DONE && tag == NULL && len == PAGE) {
    (void)cd_fail(err, CD_E_LIMIT, "there are more than %u devices; --tag chooses among them",
                  FLEET_LIST_MAX);
    code = CTL_EXIT_FAILED;
  }
  cd_buf_release(&path);
  return code;
}

static ctl_exit print_list(const ctl_context *ctx, listing *l)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_DONE;
  cd_jw_end_arr(&l->w);
  cd_jw_end_obj(&l->w);
  if (ctx->json) {
    if (cd_jw_done(&l->w, "the list", &err) != CD_OK)
      code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
    else
      code = fleet_put_json_text(ctx, &l->json, code);
  } else if (l->count == 0) {
    code = ctl_put(ctx, CD_STR("No devices.\n"), code);
  } else if (ctl_table_print(&l->table, &l->style, 0, &out, &err) != CD_OK) {
    code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  } else {
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_cmd_device_list(const ctl_context *ctx, const ctl_args *args)
{
  static const char *const heads[] = {"Name", "Last seen", "Health", "OS", "Address", "Id", "Tags"};
  fleet_session *s = NULL;
  cd_err err = {0};
  listing l = {.style = fleet_style(ctx), .json = CD_BUF_INIT(CTL_OUTPUT_MAX)};
  ctl_table_init(&l.table, sizeof(heads) / sizeof(heads[0]));
  fleet_heads(&l.table, heads, sizeof(heads) / sizeof(heads[0]));
  cd_jw_init(&l.w, &l.json);
  cd_jw_obj(&l.w, NULL);
  cd_jw_arr(&l.w, "machines");
  ctl_exit code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE)
    code = fetch_list(s, args->value[CTL_OPT_TAG], &l, &err);
  code = code == CTL_EXIT_DONE ? print_list(ctx, &l) : ctl_report(ctx, code, &err, NULL);
  ctl_table_release(&l.table);
  cd_buf_release(&l.json);
  fleet_close(s);
  return code;
}

/* ---- show ---- */

static void add_machine(fleet_machine *m, const ctl_style *style, cd_buf *out)
{
  cd_buf tags = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_label(out, style, "Device");
  ctl_text_add(out, m->name);
  if (m->os.len > 0) {
    cd_buf_add_cstr(out, ", ");
    ctl_text_add(out, m->os);
  }
  if (m->version.len > 0) {
    cd_buf_add_char(out, ' ');
    ctl_text_add(out, m->version);
  }
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, "Id", CTL_PLAIN, m->id);
  ctl_line(out, style, "Address", CTL_PLAIN, m->address);
  ctl_line(out, style, "Agent", CTL_PLAIN, m->agent);
  add_tags(&m->tags, &tags);
  ctl_line(out, style, "Tags", CTL_PLAIN, cd_buf_view(&tags));
  cd_buf_release(&tags);
}

static void add_pending(cd_json *device, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(device, "pending", FLEET_LIST_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str action = {0};
    cd_str type = {0};
    cd_str waits = {0};
    cd_json_at_obj(&list, i, &item);
    cd_json_str(&item, "id", FLEET_TEXT_MAX, &action);
    cd_json_str(&item, "type", FLEET_TEXT_MAX, &type);
    (void)cd_json_opt_str(&item, "waitsFor", FLEET_TEXT_MAX, &waits);
    ctl_label(out, style, i == 0 ? "Pending" : NULL);
    ctl_text_add(out, type);
    cd_buf_add_cstr(out, ", ");
    ctl_text_add(out, action);
    if (waits.len > 0) {
      cd_buf_add_cstr(out, ": ");
      ctl_text_add(out, waits);
    }
    cd_buf_add_char(out, '\n');
  }
}

/* "servers, version 7 in force (trial)", and why it is not the one that is for it. */
static void add_policy(cd_json *device, const ctl_style *style, cd_buf *out)
{
  cd_json policy = {0};
  cd_json reported = {0};
  cd_str wanted = {0};
  cd_str why = {0};
  cd_str name = {0};
  uint64_t version = 0;
  uint64_t wanted_version = 0;
  bool trial = false;
  if (!cd_json_opt_obj(device, "policy", &policy))
    return;
  (void)cd_json_opt_str(&policy, "wanted", FLEET_TEXT_MAX, &wanted);
  (void)cd_json_opt_u64(&policy, "wantedVersion", UINT64_MAX, &wanted_version);
  (void)cd_json_opt_str(&policy, "why", FLEET_TEXT_MAX, &why);
  if (cd_json_opt_obj(&policy, "reported", &reported)) {
    cd_json_u64(&reported, "version", UINT64_MAX, &version);
    (void)cd_json_opt_str(&reported, "name", FLEET_TEXT_MAX, &name);
    (void)cd_json_opt_bool(&reported, "trial", &trial);
  }
  if (wanted.len == 0 && version == 0 && why.len == 0)
    return;
  ctl_label(out, style, "Policy");
  cd_buf_add_cstr(out, "in force ");
  ctl_text_add(out, name.len > 0 ? name : CD_STR("none"));
  if (version > 0)
    cd_buf_addf(out, " version %llu%s", (unsigned long long)version, trial ? " (on trial)" : "");
  cd_buf_add_cstr(out, ", wanted ");
  ctl_text_add(out, wanted.len > 0 ? wanted : CD_STR("none"));
  if (wanted_version > 0)
    cd_buf_addf(out, " version %llu", (unsigned long long)wanted_version);
  if (why.len > 0) {
    cd_buf_add_cstr(out, ": ");
    ctl_text_add(out, why);
  }
  cd_buf_add_char(out, '\n');
}

/* What was wanted was put in force and taken back by the device, because the console was not
 * reached through it. */
static void add_rolled_back(cd_json *device, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(device, "wanted", FLEET_LIST_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str value = {0};
    uint64_t count = 0;
    cd_json_at_obj(&list, i, &item);
    (void)cd_json_opt_str(&item, "value", FLEET_TEXT_MAX, &value);
    if (!cd_json_opt_u64(&item, "rolled_back", UINT32_MAX, &count) || count == 0 ||
        !cd_str_eq_cstr(value, "isolated"))
      continue;
    ctl_label(out, style, "Rolled back");
    cd_buf_addf(out, "%llu time%s by the device, whose rules kept the console away%s\n",
                (unsigned long long)count, count == 1 ? "" : "s",
                count > ROLL_BACKS ? "; it is not ordered again until somebody isolates or "
                                     "releases it"
                                   : "");
  }
}

static ctl_exit render_device(const ctl_context *ctx, cd_json *machine, cd_json *device,
                              cd_buf *out, cd_err *err)
{
  ctl_style style = fleet_style(ctx);
  fleet_machine m;
  bool connected = false;
  bool revoked = false;
  bool clone = false;
  fleet_machine_read(machine, &m);
  add_machine(&m, &style, out);
  cd_json_bool(device, "connected", &connected);
  (void)cd_json_opt_bool(device, "revoked", &revoked);
  (void)cd_json_opt_bool(device, "cloneSuspected", &clone);
  ctl_label(out, &style, "Connection");
  if (connected) {
    ctl_paint(out, &style, CTL_GOOD, CD_STR("connected"));
  } else {
    ctl_paint(out, &style, CTL_WARN, CD_STR("not connected"));
    cd_buf_add_cstr(out, ", last seen ");
    ctl_time_add_age(out, m.last_seen.len > 0 ? m.last_seen : CD_STR("never"), style.now_ms);
  }
  cd_buf_add_char(out, '\n');
  if (revoked)
    ctl_line(out, &style, "Revoked", CTL_BAD, CD_STR("its certificate is refused"));
  if (clone)
    ctl_line(out, &style, "Clone", CTL_BAD, CD_STR("its key was seen in two places at once"));
  cd_code rc = fleet_values_render(device, &style, out, err);
  add_policy(device, &style, out);
  add_rolled_back(device, &style, out);
  add_pending(device, &style, out);
  if (rc == CD_OK)
    rc = cd_json_status(machine, err);
  if (rc == CD_OK)
    rc = cd_json_status(device, err);
  return rc == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_UNREACHABLE;
}

static ctl_exit print_device(const ctl_context *ctx, cd_json_doc *machine_doc,
                             cd_json_doc *device_doc)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  cd_json machine = cd_json_root(machine_doc);
  cd_json device = cd_json_root(device_doc);
  ctl_exit code = render_device(ctx, &machine, &device, &out, &err);
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
  } else if (!ctx->json) {
    code = fleet_put_text(ctx, &out, code);
  } else {
    cd_jw w;
    cd_buf_reset(&out);
    cd_jw_init(&w, &out);
    cd_jw_obj(&w, NULL);
    cd_jw_value(&w, "machine", &machine);
    cd_jw_value(&w, "cordon", &device);
    cd_jw_end_obj(&w);
    code = cd_jw_done(&w, "the device", &err) == CD_OK
               ? fleet_put_json_text(ctx, &out, code)
               : ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_cmd_device_show(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *machine = NULL;
  cd_json_doc *device = NULL;
  fleet_device d = {0};
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = fleet_open(ctx, args, &s, &err);
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  code = fleet_find(ctx, s, args->operand[0], &d);
  if (code != CTL_EXIT_DONE)
    goto done;
  cd_buf_addf(&path, "/api/machines/%s", d.id);
  code = fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &machine, &err);
  if (code == CTL_EXIT_DONE) {
    cd_buf_reset(&path);
    cd_buf_addf(&path, "/api/cordon/devices/%s", d.id);
    code = fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &device, &err);
  }
  code = code == CTL_EXIT_DONE ? print_device(ctx, machine, device)
                               : ctl_report(ctx, code, &err, NULL);

done:
  cd_json_free(machine);
  cd_json_free(device);
  cd_buf_release(&path);
  fleet_close(s);
  return code;
}

/* ---- tags ---- */

static cd_code tag_body(const char *tag, bool add, cd_buf *out, cd_err *err)
{
  cd_str text = cd_str_from(tag);
  cd_jw w;
  if (text.len == 0 || text.len > TAG_MAX || !cd_str_utf8_valid(text))
    return cd_fail(err, CD_E_INVALID, "TAG must be 1 to %u bytes of UTF-8", TAG_MAX);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "Value", text);
  cd_jw_cstr(&w, "Action", add ? "Add" : "Remove");
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static ctl_exit print_tags(const ctl_context *ctx, cd_json_doc *doc)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_buf tags = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  fleet_machine m;
  cd_json root = cd_json_root(doc);
  fleet_machine_read(&root, &m);
  add_tags(&m.tags, &tags);
  ctl_exit code = CTL_EXIT_DONE;
  if (cd_json_status(&root, &err) != CD_OK) {
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  } else if (ctx->json) {
    code = fleet_put_json(ctx, &root, code);
  } else {
    ctl_text_add(&out, m.name);
    cd_buf_add_cstr(&out, tags.len > 0 ? ": " : " has no tags");
    ctl_text_add(&out, cd_buf_view(&tags));
    cd_buf_add_char(&out, '\n');
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  cd_buf_release(&tags);
  return code;
}

static ctl_exit change_tag(const ctl_context *ctx, const ctl_args *args, bool add)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  fleet_device d = {0};
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf body = CD_BUF_INIT(4096);
  ctl_exit code = CTL_EXIT_USAGE;
  if (tag_body(args->operand[1], add, &body, &err) != CD_OK ||
      (code = fleet_open(ctx, args, &s, &err)) != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  code = fleet_find(ctx, s, args->operand[0], &d);
  if (code != CTL_EXIT_DONE)
    goto done;
  cd_buf_addf(&path, "/api/machines/%s/tags", d.id);
  code = fleet_ask(s,
                   &(fleet_call){.method = "POST",
                                 .path = cd_buf_cstr(&path),
                                 .body = cd_buf_view(&body),
                                 .changes = true},
                   &doc, &err);
  code = code == CTL_EXIT_DONE ? print_tags(ctx, doc) : ctl_report(ctx, code, &err, NULL);

done:
  cd_json_free(doc);
  cd_buf_release(&path);
  cd_buf_release(&body);
  fleet_close(s);
  return code;
}

ctl_exit fleet_cmd_tag_add(const ctl_context *ctx, const ctl_args *args)
{
  return change_tag(ctx, args, true);
}

ctl_exit fleet_cmd_tag_remove(const ctl_context *ctx, const ctl_args *args)
{
  return change_tag(ctx, args, false);
}
