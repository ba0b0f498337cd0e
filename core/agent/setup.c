#include "setup.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/path.h"
#include "platform/file.h"
#include "platform/install.h"
#include "platform/paths.h"
#include "setup_end.h"

#include "base/banned.h"

#define TRUST_MAX (1024u * 1024u)
#define PLUGINS_MAX 256u
#define ID_MAX 128u
#define FILE_MODE 0644u

static cd_code read_beside(const char *name, cd_buf *out, cd_err *err)
{
  char folder[CD_PATH_MAX];
  char path[CD_PATH_MAX];
  cd_code rc = pf_install_folder(folder, err);
  if (rc == CD_OK)
    rc = cd_path_in(folder, name, "", path, err);
  return rc == CD_OK ? pf_file_read(path, TRUST_MAX, out, err) : rc;
}

static cd_code set_config(cd_err *err)
{
  const char *config = pf_paths_installed()->config_file;
  cd_buf text = CD_BUF_INIT(TRUST_MAX);
  cd_err ignored = {0};
  cd_code rc = pf_file_read(config, TRUST_MAX, &text, &ignored);
  if (rc != CD_E_NOTFOUND) {
    cd_buf_release(&text);
    return rc == CD_OK ? CD_OK : cd_fail_os(err, rc, ignored.os_error, "%s", ignored.text);
  }
  rc = read_beside("cordond.default.json", &text, err);
  if (rc == CD_OK)
    rc = pf_file_replace(config, cd_buf_view(&text), FILE_MODE, err);
  cd_buf_release(&text);
  return rc;
}

static bool has_id(const cd_str *ids, size_t count, cd_str id)
{
  for (size_t i = 0; i < count; i++)
    if (cd_str_eq(ids[i], id))
      return true;
  return false;
}

/* The entries of a list, but those whose ids are known already; theirs are added to them. */
static cd_code add_entries(cd_json_doc *doc, cd_jw *w, cd_str ids[PLUGINS_MAX], size_t *count,
                           cd_err *err)
{
  size_t before = *count;
  cd_json list = {0};
  cd_json root = cd_json_root(doc);
  cd_json_arr(&root, "plugins", PLUGINS_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json entry = {0};
    cd_str id = {0};
    cd_json_at_obj(&list, i, &entry);
    cd_json_str(&entry, "id", ID_MAX, &id);
    if (cd_json_status(&entry, err) != CD_OK)
      return err->code;
    if (has_id(ids, before, id))
      continue;
    if (*count == PLUGINS_MAX)
      return cd_fail(err, CD_E_LIMIT, "there are more than %u plugins", PLUGINS_MAX);
    ids[(*count)++] = id;
    cd_jw_value(w, NULL, &entry);
  }
  return cd_json_status(&root, err);
}

static cd_code merge(cd_str ours, cd_str theirs, cd_buf *out, cd_err *err)
{
  static const char what[] = "the list of trusted plugins";
  cd_str ids[PLUGINS_MAX];
  size_t count = 0;
  cd_json_doc *mine = NULL;
  cd_json_doc *old = NULL;
  cd_jw w;
  cd_code rc = cd_json_parse(ours, TRUST_MAX, what, &mine, err);
  if (rc == CD_OK && theirs.len > 0)
    rc = cd_json_parse(theirs, TRUST_MAX, what, &old, err);
  if (rc == CD_OK) {
    cd_jw_init(&w, out);
    cd_jw_obj(&w, NULL);
    cd_jw_arr(&w, "plugins");
    rc = add_entries(mine, &w, ids, &count, err);
    if (rc == CD_OK && old != NULL)
      rc = add_entries(old, &w, ids, &count, err);
    cd_jw_end_arr(&w);
    cd_jw_end_obj(&w);
    if (rc == CD_OK)
      rc = cd_jw_done(&w, what, err);
  }
  cd_json_free(mine);
  cd_json_free(old);
  return rc;
}

static cd_code set_trust(cd_err *err)
{
  const char *trust = pf_paths_installed()->trust_file;
  cd_buf ours = CD_BUF_INIT(TRUST_MAX);
  cd_buf theirs = CD_BUF_INIT(TRUST_MAX);
  cd_buf both = CD_BUF_INIT(2 * TRUST_MAX);
  cd_err why = {0};
  cd_code rc = read_beside("plugins.trust.json", &ours, err);
  if (rc == CD_OK) {
    rc = pf_file_read(trust, TRUST_MAX, &theirs, &why);
    if (rc == CD_E_NOTFOUND)
      rc = CD_OK;
    else if (rc != CD_OK)
      (void)cd_fail_os(err, rc, why.os_error, "%s", why.text);
  }
  if (rc == CD_OK)
    rc = merge(cd_buf_view(&ours), cd_buf_view(&theirs), &both, err);
  if (rc == CD_OK)
    rc = pf_file_replace(trust, cd_buf_view(&both), FILE_MODE, err);
  cd_buf_release(&ours);
  cd_buf_release(&theirs);
  cd_buf_release(&both);
  return rc;
}

cd_code agent_setup(bool start, cd_err *err)
{
  cd_code rc = pf_install_folders(err);
  if (rc == CD_OK)
    rc = set_config(err);
  if (rc == CD_OK)
    rc = set_trust(err);
  if (rc == CD_OK)
    rc = pf_install_service(err);
  return rc == CD_OK && start ? pf_install_start(err) : rc;
}

cd_code agent_setup_undo(agent_setup_keep keep, cd_err *err)
{
  const pf_paths *paths = pf_paths_installed();
  cd_err ignored = {0};
  cd_code rc = pf_uninstall_stop(err);
  if (rc == CD_OK && keep == AGENT_SETUP_KEEP_NOTHING) {
    /* Only the journal of an agent that does not run can be read. */
    rc = agent_setup_may_end(paths->config_file, paths->state_dir, err);
    if (rc != CD_OK && pf_install_start(&ignored) != CD_OK)
      (void)cd_err_prefix(err, "and the agent does not start again (%.200s)", ignored.text);
  }
  if (rc == CD_OK && keep != AGENT_SETUP_KEEP_SERVICE)
    rc = pf_uninstall_service(err);
  return rc == CD_OK && keep == AGENT_SETUP_KEEP_NOTHING ? pf_uninstall_data(err) : rc;
}

static cd_code run(bool install, const char *option, cd_err *err)
{
  if (install)
    return agent_setup(option[0] == '\0', err);
  if (strcmp(option, "--keep-service") == 0)
    return agent_setup_undo(AGENT_SETUP_KEEP_SERVICE, err);
  return agent_setup_undo(option[0] == '\0' ? AGENT_SETUP_KEEP_NOTHING : AGENT_SETUP_KEEP_STATE,
                          err);
}

bool agent_setup_run(int argc, char **argv, int *ret_code)
{
  cd_err err = {0};
  cd_str what = argc > 1 ? cd_str_from(argv[1]) : CD_STR("");
  const char *option = argc > 2 ? argv[2] : "";
  bool install = cd_str_eq_cstr(what, "--install");
  if (!install && !cd_str_eq_cstr(what, "--uninstall"))
    return false;
  bool known = install
                   ? strcmp(option, "--no-start") == 0
                   : strcmp(option, "--keep-state") == 0 || strcmp(option, "--keep-service") == 0;
  *ret_code = 2;
  if (argc > 3 || (argc == 3 && !known)) {
    (void)fprintf(stderr, "cordond: %s takes nothing but %s\n", argv[1],
                  install ? "--no-start" : "--keep-state or --keep-service");
    return true;
  }
  cd_code rc = run(install, option, &err);
  *ret_code = rc == CD_OK ? 0 : 1;
  if (rc != CD_OK)
    (void)fprintf(stderr, "cordond: %s\n", err.text);
  return true;
}
