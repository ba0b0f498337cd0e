#include "manifest.h"

#include <string.h>

#include "base/json.h"
#include "platform/confine.h"
#include "platform/system.h"

#include "base/banned.h"

/* Orders of a state run one after the other: a release must not wait long for an apply that hangs.
 */
#define STATE_BUDGET_MAX_MS (5 * 60 * 1000)
#define JOB_BUDGET_MAX_MS (24 * 3600 * 1000)

static bool id_valid(cd_str id)
{
  bool word = false;
  for (size_t i = 0; i < id.len; i++) {
    char ch = id.ptr[i];
    bool alnum = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
    if (!alnum && !((ch == '.' || ch == '-') && word))
      return false;
    word = alnum;
  }
  return word;
}

static bool file_name_valid(cd_str name)
{
  return name.len > 0 && name.ptr[0] != '.' && memchr(name.ptr, '/', name.len) == NULL &&
         memchr(name.ptr, '\\', name.len) == NULL;
}

static void read_names(cd_json *root, agent_manifest *m)
{
  cd_str s = {0};
  cd_json_str(root, "id", AGENT_ID_MAX - 1, &s);
  if (s.ptr != NULL && !id_valid(s))
    cd_json_bad(root, "id", "'%.*s' is not a reverse domain name in lower case", CD_STR_ARG(s));
  (void)cd_str_copy(m->id, sizeof(m->id), s);
  s = (cd_str){0};
  cd_json_str(root, "version", sizeof(m->version) - 1, &s);
  (void)cd_str_copy(m->version, sizeof(m->version), s);
  s = (cd_str){0};
  if (cd_json_opt_str(root, "description", sizeof(m->description) - 1, &s))
    (void)cd_str_copy(m->description, sizeof(m->description), s);
  s = (cd_str){0};
  cd_json_str(root, "library", sizeof(m->library) - 1, &s);
  if (s.ptr != NULL && !file_name_valid(s))
    cd_json_bad(root, "library", "'%.*s' must be the name of a file in the manifest's own folder",
                CD_STR_ARG(s));
  (void)cd_str_copy(m->library, sizeof(m->library), s);
  s = (cd_str){0};
  if (cd_json_opt_str(root, "install_hint", sizeof(m->install_hint) - 1, &s))
    (void)cd_str_copy(m->install_hint, sizeof(m->install_hint), s);
}

static void read_systems(cd_json *root, agent_manifest *m)
{
  cd_json list = {0};
  cd_json_arr(root, "systems", 8, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str s = {0};
    cd_json_at_str(&list, i, 16, &s);
    if (cd_str_eq_cstr(s, pf_system_name()))
      m->this_system = true;
  }
}

static void read_provides(cd_json *root, agent_manifest *m)
{
  cd_json list = {0};
  cd_json_arr(root, "provides", 32, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str s = {0};
    agent_capability cap;
    cd_json_at_str(&list, i, 64, &s);
    /* A capability that this agent does not know belongs to a newer one: it is not ours to judge.
     */
    if (s.ptr != NULL && agent_capability_from_extension(s, &cap))
      m->provides |= 1u << cap;
  }
  if (cd_json_len(&list) == 0)
    cd_json_bad(root, "provides", "must name at least one capability");
}

static void read_privileges(cd_json *root, agent_manifest *m)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "privileges", 16, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str s = {0};
    uint32_t bit = 0;
    cd_json_at_str(&list, i, 32, &s);
    if (s.ptr != NULL && !pf_privilege_from_name(s, &bit))
      cd_json_bad(root, "privileges", "'%.*s' is not a privilege", CD_STR_ARG(s));
    m->privileges |= bit;
  }
}

static void read_limit(cd_json *obj, const char *key, uint32_t min, uint32_t max, uint32_t *value)
{
  uint64_t v = *value;
  if (cd_json_opt_u64(obj, key, max, &v) && v < min)
    cd_json_bad(obj, key, "must be at least %u", min);
  *value = (uint32_t)v;
}

static void read_limits(cd_json *root, agent_manifest *m)
{
  m->memory_mb = 256;
  m->cpu_s = 60;
  m->processes = 0;
  m->files = 64;
  m->file_mb = 16;
  cd_json limits = {0};
  if (!cd_json_opt_obj(root, "limits", &limits))
    return;
  read_limit(&limits, "memory_mb", 16, 4096, &m->memory_mb);
  read_limit(&limits, "cpu_s", 1, 86400, &m->cpu_s);
  read_limit(&limits, "processes", 0, 256, &m->processes);
  read_limit(&limits, "files", 16, 65536, &m->files);
  read_limit(&limits, "file_mb", 0, 65536, &m->file_mb);
  cd_json_no_more(&limits);
}

static void read_budgets(cd_json *root, agent_manifest *m)
{
  for (int fn = 0; fn < AGENT_FN_COUNT; fn++)
    m->budget_ms[fn] = agent_function_budget_ms((agent_function)fn);
  cd_json budgets = {0};
  if (!cd_json_opt_obj(root, "budgets_ms", &budgets))
    return;
  for (int fn = 0; fn < AGENT_FN_COUNT; fn++) {
    if (fn != AGENT_FN_WATCH)
      read_limit(&budgets, agent_function_name((agent_function)fn), 100,
                 fn == AGENT_FN_RUN || fn == AGENT_FN_UNDO ? JOB_BUDGET_MAX_MS
                                                           : STATE_BUDGET_MAX_MS,
                 &m->budget_ms[fn]);
  }
  cd_json_no_more(&budgets);
}

cd_code agent_manifest_parse(cd_str text, const char *name, agent_manifest *ret_manifest,
                             cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(text, CD_MANIFEST_MAX, name, &doc, err);
  if (rc != CD_OK)
    return rc;
  agent_manifest m = {0};
  cd_json root = cd_json_root(doc);
  uint64_t form = 0;
  cd_json_u64(&root, "manifest", UINT32_MAX, &form);
  if (form != 1)
    cd_json_bad(&root, "manifest", "is %llu, this agent reads 1", (unsigned long long)form);
  read_names(&root, &m);
  read_systems(&root, &m);
  read_provides(&root, &m);
  read_privileges(&root, &m);
  bool network = true;
  (void)cd_json_opt_bool(&root, "network", &network);
  m.no_network = !network;
  read_limits(&root, &m);
  read_budgets(&root, &m);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_manifest = m;
  cd_json_free(doc);
  return rc;
}

static void read_digest(cd_json *obj, const char *key, cd_digest *out)
{
  cd_str s = {0};
  cd_json_str(obj, key, CD_DIGEST_TEXT_MAX, &s);
  if (s.ptr != NULL && !cd_digest_from_text(s, out))
    cd_json_bad(obj, key, "must be 'sha256:' and 64 hex digits");
}

cd_code agent_trust_parse(cd_str text, const char *name, agent_trust *ret_trust, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(text, CD_CONFIG_MAX, name, &doc, err);
  if (rc != CD_OK)
    return rc;
  agent_trust t = {0};
  cd_json root = cd_json_root(doc);
  cd_json list = {0};
  cd_json_arr(&root, "plugins", CD_PLUGINS_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json entry = {0};
    cd_str id = {0};
    cd_json_at_obj(&list, i, &entry);
    cd_json_str(&entry, "id", AGENT_ID_MAX - 1, &id);
    (void)cd_str_copy(t.entries[i].id, AGENT_ID_MAX, id);
    if (id.ptr != NULL && agent_trust_find(&t, t.entries[i].id) != NULL)
      cd_json_bad(&list, NULL, "names '%.*s' twice", CD_STR_ARG(id));
    read_digest(&entry, "library", &t.entries[i].library);
    read_digest(&entry, "manifest", &t.entries[i].manifest);
    cd_json_no_more(&entry);
    t.count++;
  }
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_trust = t;
  cd_json_free(doc);
  return rc;
}

const agent_trust_entry *agent_trust_find(const agent_trust *t, const char *id)
{
  for (unsigned i = 0; i < t->count; i++) {
    if (cd_str_eq_cstr(cd_str_from(id), t->entries[i].id))
      return &t->entries[i];
  }
  return NULL;
}
