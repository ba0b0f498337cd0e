#include "rules.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/fault.h"
#include "platform/file.h"

#include "base/banned.h"

#define FOLDER "restore"
#define RULES_PATH_MAX (CD_PATH_MAX + sizeof("/previous.json"))

static const char *name_of(bool previous)
{
  return previous ? "previous.json" : "current.json";
}

cd_code agent_rules_init(agent_rules *r, const char *state_dir, cd_err *err)
{
  *r = (agent_rules){0};
  if (snprintf(r->folder, sizeof(r->folder), "%s/" FOLDER, state_dir) >=
      (int)(sizeof(r->folder) - sizeof("/previous.json")))
    return cd_fail(err, CD_E_LIMIT, "the path of the state folder '%s' is too long", state_dir);
  return CD_OK;
}

void agent_rules_release(agent_rules *r)
{
  agent_rule_file_release(&r->current);
}

static void path_in(const char *folder, bool previous, char out[RULES_PATH_MAX])
{
  (void)snprintf(out, RULES_PATH_MAX, "%s/%s", folder, name_of(previous));
}

static cd_code load(const char *folder, bool previous, agent_rule_file *ret, cd_buf *out_text,
                    cd_err *err)
{
  char path[RULES_PATH_MAX];
  uv_os_fd_t file;
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  path_in(folder, previous, path);
  cd_code rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_private(file, path, err);
  if (rc == CD_OK)
    rc = pf_file_read_open(file, path, AGENT_RULE_FILE_MAX, &text, err);
  pf_file_close(file);
  if (rc == CD_OK && out_text != NULL)
    cd_buf_add_str(out_text, cd_buf_view(&text));
  if (rc == CD_OK) {
    rc = agent_rule_file_read(cd_buf_view(&text), ret, err);
    if (rc != CD_OK)
      (void)cd_err_prefix(err, "'%s'", path);
  }
  cd_buf_release(&text);
  return rc;
}

cd_code agent_rules_load(const char *state_dir, bool previous, agent_rule_file *ret,
                         cd_buf *out_text, cd_err *err)
{
  agent_rules r;
  cd_code rc = agent_rules_init(&r, state_dir, err);
  return rc == CD_OK ? load(r.folder, previous, ret, out_text, err) : rc;
}

/* One that cannot be read is as good as none: it is replaced, and does not become the previous. */
static void look(agent_rules *r)
{
  cd_err err = {0};
  if (!r->looked && load(r->folder, false, &r->current, NULL, &err) != CD_OK)
    agent_rule_file_release(&r->current);
  r->looked = true;
}

static cd_code store(const agent_rules *r, bool previous, const agent_rule_file *f, cd_err *err)
{
  char path[RULES_PATH_MAX];
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  path_in(r->folder, previous, path);
  cd_code rc = agent_rule_file_write(f, &text, err);
  if (rc == CD_OK)
    rc = pf_file_replace(path, cd_buf_view(&text), 0600, err);
  cd_buf_release(&text);
  return rc;
}

cd_code agent_rules_keep(agent_rules *r, const agent_rule_file *f, cd_err *err)
{
  look(r);
  bool any = r->current.params != NULL;
  if (any && agent_rule_file_same(&r->current, f))
    return CD_OK;
  cd_code rc = pf_dir_ensure(r->folder, 0700, NULL, err);
  if (rc == CD_OK && any && !agent_rule_file_same_rules(&r->current, f)) {
    rc = store(r, true, &r->current, err);
    CD_FAULT_POINT("restore.rotated");
  }
  if (rc == CD_OK)
    rc = store(r, false, f, err);
  CD_FAULT_POINT("agent.rules_kept");
  /* What the disk has is not known after a failure. */
  if (rc == CD_OK)
    rc = agent_rule_file_copy(&r->current, f, err);
  r->looked = rc == CD_OK;
  return rc;
}

cd_code agent_rules_forget(agent_rules *r, cd_err *err)
{
  char path[RULES_PATH_MAX];
  cd_err why = {0};
  r->looked = false;
  agent_rule_file_release(&r->current);
  path_in(r->folder, true, path);
  cd_code rc = pf_file_remove(path, err);
  CD_FAULT_POINT("agent.rules_half_forgotten");
  path_in(r->folder, false, path);
  cd_code then = pf_file_remove(path, rc == CD_OK ? err : &why);
  CD_FAULT_POINT("agent.rules_forgotten");
  return rc == CD_OK ? then : rc;
}
