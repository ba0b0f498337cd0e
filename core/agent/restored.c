#include "restored.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "platform/file.h"
#include "protocol/limits.h"

#include "base/banned.h"

#define VERSION 1
#define RESTORED_MAX 8192u
#define NAME "the account of the last restore"

static const char *const sources[] = {"none", "current", "previous", "journal", "builtin", NULL};
static const char *const outcomes[] = {"none", "restored", "fallback", "failed", NULL};

const char *agent_restore_source_name(agent_restore_source source)
{
  return sources[source];
}

const char *agent_restore_outcome_name(agent_restore_outcome outcome)
{
  return outcomes[outcome];
}

cd_code agent_restored_write(const agent_restored *r, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "restored", VERSION);
  cd_jw_cstr(&w, "outcome", agent_restore_outcome_name(r->outcome));
  cd_jw_cstr(&w, "source", agent_restore_source_name(r->source));
  cd_jw_cstr(&w, "boot", r->boot);
  cd_jw_i64(&w, "at", r->at_ms);
  cd_jw_u64(&w, "took_ms", r->took_ms);
  cd_jw_u64(&w, "generation", r->generation);
  cd_jw_cstr(&w, "provider", r->provider);
  cd_jw_cstr(&w, "digest", r->digest);
  cd_jw_cstr(&w, "sentence", r->sentence);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, NAME, err);
}

static void read_text(cd_json *obj, const char *key, char *out, size_t size)
{
  cd_str s = {0};
  cd_json_str(obj, key, size - 1, &s);
  if (s.ptr != NULL && !cd_str_copy(out, size, s))
    cd_json_bad(obj, key, "holds a NUL");
}

cd_code agent_restored_read(cd_str text, agent_restored *ret, cd_err *err)
{
  agent_restored r = {0};
  cd_json_doc *doc = NULL;
  uint64_t version = 0;
  int outcome = 0;
  int source = 0;
  cd_code rc = cd_json_parse(text, RESTORED_MAX, NAME, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "restored", CD_GENERATION_MAX, &version);
  if (version != VERSION)
    cd_json_bad(&root, "restored", "is a form that this agent does not know");
  cd_json_enum(&root, "outcome", outcomes, &outcome);
  cd_json_enum(&root, "source", sources, &source);
  read_text(&root, "boot", r.boot, sizeof(r.boot));
  cd_json_i64(&root, "at", 0, CD_WALL_MS_MAX, &r.at_ms);
  cd_json_u64(&root, "took_ms", CD_GENERATION_MAX, &r.took_ms);
  cd_json_u64(&root, "generation", CD_GENERATION_MAX, &r.generation);
  read_text(&root, "provider", r.provider, sizeof(r.provider));
  read_text(&root, "digest", r.digest, sizeof(r.digest));
  read_text(&root, "sentence", r.sentence, sizeof(r.sentence));
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc != CD_OK)
    return rc;
  r.outcome = (agent_restore_outcome)outcome;
  r.source = (agent_restore_source)source;
  *ret = r;
  return CD_OK;
}

static cd_code path_of(const char *run_dir, char out[CD_PATH_MAX], cd_err *err)
{
  if (snprintf(out, CD_PATH_MAX, "%s/restore.json", run_dir) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of the run folder '%s' is too long", run_dir);
  return CD_OK;
}

cd_code agent_restored_store(const char *run_dir, const agent_restored *r, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_buf text = CD_BUF_INIT(RESTORED_MAX);
  cd_code rc = path_of(run_dir, path, err);
  if (rc == CD_OK)
    rc = agent_restored_write(r, &text, err);
  if (rc == CD_OK)
    rc = pf_dir_ensure(run_dir, 0755, NULL, err);
  if (rc == CD_OK)
    rc = pf_file_replace(path, cd_buf_view(&text), 0644, err);
  cd_buf_release(&text);
  return rc;
}

cd_code agent_restored_load(const char *run_dir, agent_restored *ret, cd_err *err)
{
  char path[CD_PATH_MAX];
  char boot[PF_BOOT_ID_MAX];
  agent_restored r = {0};
  uv_os_fd_t file;
  cd_buf text = CD_BUF_INIT(RESTORED_MAX);
  *ret = (agent_restored){0};
  cd_code rc = path_of(run_dir, path, err);
  if (rc == CD_OK)
    rc = pf_boot_id(boot, err);
  if (rc == CD_OK)
    rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc == CD_E_NOTFOUND ? CD_OK : rc;
  rc = pf_file_read_open(file, path, RESTORED_MAX, &text, err);
  pf_file_close(file);
  if (rc == CD_OK)
    rc = agent_restored_read(cd_buf_view(&text), &r, err);
  cd_buf_release(&text);
  if (rc == CD_OK && cd_str_eq_cstr(cd_str_from(r.boot), boot))
    *ret = r;
  return rc;
}

void agent_restored_describe(const agent_restored *r, cd_jw *w, const char *key)
{
  if (r->outcome == AGENT_RESTORE_NONE) {
    cd_jw_null(w, key);
    return;
  }
  cd_jw_obj(w, key);
  cd_jw_cstr(w, "outcome", agent_restore_outcome_name(r->outcome));
  cd_jw_cstr(w, "source",
             r->source != AGENT_FROM_NONE ? agent_restore_source_name(r->source) : NULL);
  cd_jw_time(w, "at", r->at_ms);
  cd_jw_u64(w, "took_ms", r->took_ms);
  cd_jw_u64(w, "generation", r->generation);
  cd_jw_cstr(w, "provider", r->provider[0] != '\0' ? r->provider : NULL);
  cd_jw_cstr(w, "digest", r->digest[0] != '\0' ? r->digest : NULL);
  cd_jw_cstr(w, "sentence", r->sentence);
  cd_jw_end_obj(w);
}
