#include "undo_file.h"

#include <stdio.h>

#include "base/json.h"
#include "config.h"
#include "platform/file.h"

#include "base/banned.h"

#define VERSION 1
#define NAME "the file of undo records"

static cd_code path_of(const char *state_dir, const char *name, char out[CD_PATH_MAX], cd_err *err)
{
  if (snprintf(out, CD_PATH_MAX, "%s/restore%s", state_dir, name) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of the state folder '%s' is too long", state_dir);
  return CD_OK;
}

/* ---- reading ---- */

static cd_code read_one(cd_json *list, size_t i,
                        cd_code (*each)(void *context, const char *plugin, cd_str record,
                                        cd_err *err),
                        void *context, cd_err *err)
{
  cd_json item = {0};
  cd_json record = {0};
  cd_str plugin = {0};
  char id[AGENT_ID_MAX];
  cd_buf text = CD_BUF_INIT(CD_UNDO_RECORD_MAX);
  cd_json_at_obj(list, i, &item);
  cd_json_str(&item, "plugin", AGENT_ID_MAX - 1, &plugin);
  cd_json_obj(&item, "record", &record);
  cd_json_no_more(&item);
  cd_json_print(&record, &text);
  cd_code rc = cd_json_status(list, err);
  if (rc == CD_OK)
    rc = cd_buf_status(&text, "an undo record", err);
  if (rc == CD_OK && !cd_str_copy(id, sizeof(id), plugin))
    rc = cd_fail(err, CD_E_INVALID, NAME " names a plugin with a NUL");
  if (rc == CD_OK)
    rc = each(context, id, cd_buf_view(&text), err);
  cd_buf_release(&text);
  return rc;
}

cd_code agent_undo_text_each(cd_str text,
                             cd_code (*each)(void *context, const char *plugin, cd_str record,
                                             cd_err *err),
                             void *context, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_json list = {0};
  uint64_t version = 0;
  cd_code rc = cd_json_parse(text, AGENT_UNDO_FILE_MAX, NAME, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "undo", VERSION, &version);
  cd_json_arr(&root, "records", CD_UNDO_RECORDS_MAX, &list);
  rc = cd_json_done(&root, err);
  for (size_t i = 0; i < cd_json_len(&list) && rc == CD_OK; i++)
    rc = read_one(&list, i, each, context, err);
  cd_json_free(doc);
  return rc;
}

static cd_code read_file(const char *state_dir, cd_buf *out, cd_err *err)
{
  char path[CD_PATH_MAX];
  uv_os_fd_t file;
  cd_code rc = path_of(state_dir, "/undo.json", path, err);
  if (rc == CD_OK)
    rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, path, AGENT_UNDO_FILE_MAX, out, err);
  pf_file_close(file);
  return rc;
}

cd_code agent_undo_file_each(const char *state_dir,
                             cd_code (*each)(void *context, const char *plugin, cd_str record,
                                             cd_err *err),
                             void *context, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(AGENT_UNDO_FILE_MAX);
  cd_code rc = read_file(state_dir, &text, err);
  if (rc == CD_OK)
    rc = agent_undo_text_each(cd_buf_view(&text), each, context, err);
  else if (rc == CD_E_NOTFOUND)
    rc = CD_OK;
  cd_buf_release(&text);
  return rc;
}

/* ---- writing ---- */

typedef struct addition {
  cd_jw w;
  const char *plugin;
  cd_str record;
  bool known;
} addition;

static void write_one(cd_jw *w, const char *plugin, cd_str record)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "plugin", plugin);
  cd_jw_raw(w, "record", record);
  cd_jw_end_obj(w);
}

static cd_code copy_one(void *context, const char *plugin, cd_str record, cd_err *err)
{
  addition *a = context;
  (void)err;
  a->known =
      a->known || (cd_str_eq_cstr(cd_str_from(plugin), a->plugin) && cd_str_eq(record, a->record));
  write_one(&a->w, plugin, record);
  return CD_OK;
}

/* As it is compared with what is read back. */
static cd_code normalise(cd_str record, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(record, CD_UNDO_RECORD_MAX, "an undo record", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json any = cd_json_any(doc);
  cd_json_print(&any, out);
  cd_json_free(doc);
  return cd_buf_status(out, "an undo record", err);
}

static cd_code write_file(const char *state_dir, const cd_buf *text, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = path_of(state_dir, "", path, err);
  if (rc == CD_OK)
    rc = pf_dir_ensure(path, 0700, NULL, err);
  if (rc == CD_OK)
    rc = path_of(state_dir, "/undo.json", path, err);
  return rc == CD_OK ? pf_file_replace(path, cd_buf_view(text), 0600, err) : rc;
}

cd_code agent_undo_file_add(const char *state_dir, const char *plugin, cd_str record, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(AGENT_UNDO_FILE_MAX);
  cd_buf mine = CD_BUF_INIT(CD_UNDO_RECORD_MAX);
  addition a = {.plugin = plugin};
  cd_code rc = normalise(record, &mine, err);
  a.record = cd_buf_view(&mine);
  cd_jw_init(&a.w, &text);
  cd_jw_obj(&a.w, NULL);
  cd_jw_u64(&a.w, "undo", VERSION);
  cd_jw_arr(&a.w, "records");
  if (rc == CD_OK)
    rc = agent_undo_file_each(state_dir, copy_one, &a, err);
  if (rc == CD_OK && !a.known) {
    write_one(&a.w, plugin, a.record);
    cd_jw_end_arr(&a.w);
    cd_jw_end_obj(&a.w);
    rc = cd_jw_done(&a.w, NAME, err);
    if (rc == CD_OK)
      rc = write_file(state_dir, &text, err);
  }
  cd_buf_release(&text);
  cd_buf_release(&mine);
  return rc;
}

cd_code agent_undo_file_remove(const char *state_dir, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = path_of(state_dir, "/undo.json", path, err);
  return rc == CD_OK ? pf_file_remove(path, err) : rc;
}
