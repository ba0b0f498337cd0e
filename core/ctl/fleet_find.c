/* The wrong device cut off is worse than none: nothing is guessed. */
#include "fleet_find.h"

#include "fleet_path.h"
#include "text.h"

#include "base/clock.h"

#include <string.h>

#include "base/banned.h"

#define CANDIDATES_MAX 500u /* asked for in one page */
#define ID_LENGTH 40u

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool fleet_name_fit(cd_str wanted, cd_str name)
{
  if (wanted.len == 0 || name.len < wanted.len)
    return false;
  for (size_t i = 0; i < wanted.len; i++)
    if (lower(wanted.ptr[i]) != lower(name.ptr[i]))
      return false;
  return name.len == wanted.len ||
         (name.ptr[wanted.len] == '.' && memchr(wanted.ptr, '.', wanted.len) == NULL);
}

static bool looks_like_id(cd_str s)
{
  char bytes[ID_LENGTH / 2];
  return s.len == ID_LENGTH && fleet_id_valid(s) && cd_unhex(bytes, sizeof(bytes), s);
}

static cd_code take(const fleet_machine *m, fleet_device *ret_device, cd_err *err)
{
  fleet_device d = {0};
  if (!cd_str_copy(d.id, sizeof(d.id), m->id) || !cd_str_copy(d.name, sizeof(d.name), m->name))
    return cd_fail(err, CD_E_INVALID,
                   "the console's answer names a device with an impossible name");
  *ret_device = d;
  return CD_OK;
}

static ctl_exit find_by_id(const ctl_context *ctx, fleet_session *s, const char *id,
                           fleet_device *ret_device)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  fleet_machine m;
  cd_buf_addf(&path, "/api/machines/%s", id);
  ctl_exit code =
      fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, &err);
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  cd_json root = cd_json_root(doc);
  fleet_machine_read(&root, &m);
  if (!cd_str_eq_cstr(m.id, id))
    cd_json_bad(&root, "id", "must be the one that was asked for");
  if (cd_json_status(&root, &err) != CD_OK || take(&m, ret_device, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);

done:
  cd_json_free(doc);
  cd_buf_release(&path);
  return code;
}

/* ---- by name ---- */

typedef struct search {
  const char *wanted;
  cd_json list;
  size_t count;
  fleet_machine first;
} search;

/* A device gives itself its name: one that is called 'desk-1' does not go before one that is called
 * 'desk-1.example.com', or whoever takes one over could take the other's orders. */
static void look_through(search *q)
{
  for (size_t i = 0; i < cd_json_len(&q->list); i++) {
    cd_json item = {0};
    fleet_machine m;
    cd_json_at_obj(&q->list, i, &item);
    fleet_machine_read(&item, &m);
    if (fleet_name_fit(cd_str_from(q->wanted), m.name) && q->count++ == 0)
      q->first = m;
  }
}

static void write_candidates_json(const search *q, const cd_err *err, cd_buf *out)
{
  cd_jw w;
  cd_json list = q->list;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_obj(&w, "error");
  cd_jw_cstr(&w, "status", cd_code_name(err->code));
  cd_jw_cstr(&w, "sentence", err->text);
  cd_jw_arr(&w, "candidates");
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    fleet_machine m;
    cd_json_at_obj(&list, i, &item);
    fleet_machine_read(&item, &m);
    if (!fleet_name_fit(cd_str_from(q->wanted), m.name))
      continue;
    cd_jw_obj(&w, NULL);
    cd_jw_str(&w, "id", m.id);
    cd_jw_str(&w, "computerDnsName", m.name);
    cd_jw_str(&w, "lastSeen", m.last_seen);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  cd_err broken = {0};
  if (cd_jw_done(&w, "the candidates", &broken) != CD_OK)
    cd_buf_fail(out, broken.code);
}

static void write_candidates(const ctl_context *ctx, const search *q, cd_buf *out)
{
  ctl_table table;
  cd_json list = q->list;
  cd_err err = {0};
  ctl_table_init(&table, 3);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    fleet_machine m;
    cd_json_at_obj(&list, i, &item);
    fleet_machine_read(&item, &m);
    if (!fleet_name_fit(cd_str_from(q->wanted), m.name))
      continue;
    cd_buf seen = CD_BUF_INIT(FLEET_TEXT_MAX);
    cd_buf_add_cstr(&seen, "last seen ");
    ctl_time_add_age(&seen, m.last_seen, cd_wall_ms());
    ctl_table_cell(&table, CTL_PLAIN, m.id);
    ctl_table_cell(&table, CTL_PLAIN, m.name);
    ctl_table_cell(&table, CTL_PLAIN, cd_buf_view(&seen));
    cd_buf_release(&seen);
  }
  ctl_style plain = {0};
  (void)!ctl_table_print(&table, &plain, 2, out, &err);
  ctl_table_release(&table);
}

static ctl_exit refuse_ambiguous(const ctl_context *ctx, const search *q)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_REFUSED;
  (void)cd_fail(&err, CD_E_CONFLICT,
                "%zu devices are called '%.200s', and nothing was done; say which one by its id",
                q->count, q->wanted);
  if (ctx->json) {
    cd_buf safe = CD_BUF_INIT(CTL_OUTPUT_MAX);
    write_candidates_json(q, &err, &out);
    ctl_text_add_json(&safe, cd_buf_view(&out));
    cd_buf_add_char(&safe, '\n');
    code = ctl_put(ctx, cd_buf_view(&safe), code);
    cd_buf_release(&safe);
  } else {
    ctl_say(ctx, cd_str_from(err.text));
    write_candidates(ctx, q, &out);
    (void)fwrite(cd_buf_cstr(&out), 1, out.len, ctx->err);
    (void)fflush(ctx->err);
  }
  cd_buf_release(&out);
  return code;
}

static ctl_exit choose(const ctl_context *ctx, cd_json_doc *doc, const char *wanted,
                       fleet_device *ret_device)
{
  search q = {.wanted = wanted};
  cd_err err = {0};
  cd_json root = cd_json_root(doc);
  cd_json_arr(&root, "value", FLEET_LIST_MAX, &q.list);
  look_through(&q);
  if (cd_json_status(&root, &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  if (cd_json_len(&q.list) >= CANDIDATES_MAX)
    (void)cd_fail(&err, CD_E_CONFLICT, "more devices than can be told apart begin with '%.200s'",
                  wanted);
  else if (q.count == 0)
    (void)cd_fail(&err, CD_E_NOTFOUND,
                  "there is no device '%.200s'; 'cordon device list' shows which there are",
                  wanted);
  else if (q.count > 1)
    return refuse_ambiguous(ctx, &q);
  else if (take(&q.first, ret_device, &err) == CD_OK)
    return CTL_EXIT_DONE;
  return ctl_report(ctx, CTL_EXIT_REFUSED, &err, NULL);
}

static ctl_exit find_by_name(const ctl_context *ctx, fleet_session *s, const char *wanted,
                             fleet_device *ret_device)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf_addf(&path, "/api/machines?%%24top=%u&%%24filter=startswith(computerDnsName,",
              CANDIDATES_MAX);
  fleet_path_add_quoted(&path, cd_str_from(wanted));
  cd_buf_add_char(&path, ')');
  ctl_exit code =
      fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, &err);
  code = code == CTL_EXIT_DONE ? choose(ctx, doc, wanted, ret_device)
                               : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&path);
  return code;
}

ctl_exit fleet_find(const ctl_context *ctx, fleet_session *s, const char *wanted,
                    fleet_device *ret_device)
{
  cd_str text = cd_str_from(wanted);
  cd_err err = {0};
  if (text.len == 0 || text.len > FLEET_NAME_MAX || !cd_str_utf8_valid(text)) {
    (void)cd_fail(&err, CD_E_INVALID, "DEVICE must be the name or the id of a device");
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  }
  return looks_like_id(text) ? find_by_id(ctx, s, wanted, ret_device)
                             : find_by_name(ctx, s, wanted, ret_device);
}
