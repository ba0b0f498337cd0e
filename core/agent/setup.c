#include "setup.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/path.h"
#include "config.h"
#include "platform/file.h"
#include "platform/install.h"
#include "platform/paths.h"
#include "restore_facts.h"

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

/* A journal or a configuration that cannot be read says nothing in favour of a release. */
static cd_code may_end(cd_err *err)
{
  const pf_paths *paths = pf_paths_installed();
  restore_read found;
  agent_config config;
  cd_code rc = CD_OK;
  restore_read_all(paths->state_dir, &found);
  bool isolated = found.facts.journal == RESTORE_BAD || found.facts.isolated;
  restore_read_release(&found);
  if (!isolated)
    return CD_OK;
  agent_config_init(&config);
  rc = agent_config_load(paths->config_file, &config, err);
  if (rc != CD_OK)
    (void)cd_err_prefix(err, "the agent stays, since the device is to be isolated");
  else if (config.local_release == AGENT_WHO_CODE || config.local_release == AGENT_WHO_NOBODY)
    rc = cd_fail(err, CD_E_DENIED,
                 "the agent stays: the device is to be isolated, and the policy lets nobody here end "
                 "that; have its console release it first");
  agent_config_release(&config);
  return rc;
}

cd_code agent_setup_undo(bool keep_state, cd_err *err)
{
  cd_code rc = keep_state ? CD_OK : may_end(err);
  if (rc == CD_OK)
    rc = pf_uninstall_service(err);
  return rc == CD_OK && !keep_state ? pf_uninstall_data(err) : rc;
}

bool agent_setup_run(int argc, char **argv, int *ret_code)
{
  cd_err err = {0};
  cd_str what = argc > 1 ? cd_str_from(argv[1]) : CD_STR("");
  const char *more = argc > 2 ? argv[2] : "";
  bool install = cd_str_eq_cstr(what, "--install");
  if (!install && !cd_str_eq_cstr(what, "--uninstall"))
    return false;
  const char *option = install ? "--no-start" : "--keep-state";
  bool has_option = strcmp(more, option) == 0;
  *ret_code = 2;
  if (argc > 3 || (argc == 3 && !has_option)) {
    (void)fprintf(stderr, "cordond: %s takes nothing but %s\n", argv[1], option);
    return true;
  }
  cd_code rc = install ? agent_setup(!has_option, &err) : agent_setup_undo(has_option, &err);
  *ret_code = rc == CD_OK ? 0 : 1;
  if (rc != CD_OK)
    (void)fprintf(stderr, "cordond: %s\n", err.text);
  return true;
}
