#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "platform/file.h"
#include "platform/system.h"

#include "base/banned.h"

typedef struct loading {
  agent_registry *registry;
  const char *folder;
  const agent_trust *trust;
} loading;

static cd_code read_trusted(const char *path, size_t max, cd_buf *out, cd_err *err)
{
  uv_os_fd_t file;
  cd_code rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, path, max, out, err);
  pf_file_close(file);
  return rc;
}

static cd_code load_trust(const char *path, agent_trust *ret_trust, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_err why = {0};
  cd_code rc = read_trusted(path, CD_CONFIG_MAX, &text, &why);
  if (rc == CD_E_NOTFOUND) {
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "there is no trust list '%s': no plugin will be used", path);
    *ret_trust = (agent_trust){0};
    rc = CD_OK;
  } else if (rc == CD_OK) {
    rc = agent_trust_parse(cd_buf_view(&text), path, ret_trust, &why);
  }
  if (rc != CD_OK && err != NULL)
    *err = why;
  cd_buf_release(&text);
  return rc;
}

static cd_code check_trust(const agent_trust *trust, agent_plugin *p, cd_str manifest_text,
                           cd_err *err)
{
  cd_digest actual;
  const agent_trust_entry *entry = agent_trust_find(trust, p->manifest.id);
  if (entry == NULL)
    return cd_fail(err, CD_E_DENIED, "plugin '%s' is not in the trust list", p->manifest.id);
  cd_code rc = cd_digest_of(manifest_text.ptr, manifest_text.len, &actual, err);
  if (rc != CD_OK)
    return rc;
  if (!cd_digest_equal(&actual, &entry->manifest))
    return cd_fail(err, CD_E_DENIED, "plugin '%s': its manifest is not the one in the trust list",
                   p->manifest.id);
  p->digest = entry->library;
  cd_digest_text(&p->digest, p->digest_text);
  return CD_OK;
}

cd_code agent_plugin_open(const agent_plugin *p, uv_os_fd_t *ret_file, cd_err *err)
{
  uv_os_fd_t file;
  cd_digest actual;
  cd_buf bytes = CD_BUF_INIT(CD_LIBRARY_MAX);
  cd_code rc = pf_file_open_trusted(p->library, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, p->library, CD_LIBRARY_MAX, &bytes, err);
  if (rc == CD_OK)
    rc = cd_digest_of(bytes.ptr, bytes.len, &actual, err);
  if (rc == CD_OK && !cd_digest_equal(&actual, &p->digest)) {
    char text[CD_DIGEST_TEXT_MAX];
    cd_digest_text(&actual, text);
    rc =
        cd_fail(err, CD_E_DENIED, "plugin '%s': library '%s' has digest %s, the trust list says %s",
                p->manifest.id, p->library, text, p->digest_text);
  }
  cd_buf_release(&bytes);
  if (rc == CD_OK)
    *ret_file = file;
  else
    pf_file_close(file);
  return rc;
}

/* Fills an entry from its manifest; a failure is why the plugin cannot be used. */
static cd_code examine(const loading *l, const char *path, agent_plugin *p, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_MANIFEST_MAX);
  uv_os_fd_t file;
  cd_code rc = read_trusted(path, CD_MANIFEST_MAX, &text, err);
  if (rc == CD_OK)
    rc = agent_manifest_parse(cd_buf_view(&text), path, &p->manifest, err);
  if (rc != CD_OK)
    goto done;
  if (snprintf(p->library, sizeof(p->library), "%s/%s", l->folder, p->manifest.library) >=
      (int)sizeof(p->library)) {
    rc = cd_fail(err, CD_E_LIMIT, "the path of library '%s' is too long", p->manifest.library);
    goto done;
  }
  if (!p->manifest.this_system)
    rc = cd_fail(err, CD_E_UNSUPPORTED, "plugin '%s' is not for %s", p->manifest.id,
                 pf_system_name());
  if (rc == CD_OK)
    rc = check_trust(l->trust, p, cd_buf_view(&text), err);
  if (rc == CD_OK)
    rc = agent_plugin_open(p, &file, err);
  if (rc == CD_OK)
    pf_file_close(file);
done:
  cd_buf_release(&text);
  return rc;
}

static cd_code load_one(void *context, const char *name, cd_err *err)
{
  loading *l = context;
  char path[CD_PATH_MAX];
  cd_err why = {0};
  agent_plugin *p = calloc(1, sizeof(*p));
  if (p == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for plugin '%s'", name);
  cd_code rc = CD_OK;
  if (snprintf(path, sizeof(path), "%s/%s", l->folder, name) >= (int)sizeof(path))
    rc = cd_fail(&why, CD_E_LIMIT, "the path of manifest '%s' is too long", name);
  if (rc == CD_OK)
    rc = examine(l, path, p, &why);
  if (p->manifest.id[0] == '\0')
    (void)cd_str_copy(p->manifest.id, sizeof(p->manifest.id), cd_str_from(name));
  const agent_plugin *twin = agent_registry_find(l->registry, p->manifest.id);
  if (rc == CD_OK && twin != NULL && twin->usable)
    rc = cd_fail(&why, CD_E_CONFLICT, "another manifest before '%s' has the id '%s' already", name,
                 p->manifest.id);
  p->usable = rc == CD_OK;
  if (!p->usable) {
    (void)cd_str_copy(p->reason, sizeof(p->reason), cd_str_from(why.text));
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s; it is not used", why.text);
  }
  l->registry->plugins[l->registry->count++] = p;
  return CD_OK;
}

cd_code agent_registry_load(agent_registry *r, const char *folder, const char *trust_file,
                            cd_err *err)
{
  cd_err why = {0};
  agent_trust *trust = calloc(1, sizeof(*trust));
  if (trust == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the trust list");
  loading l = {.registry = r, .folder = folder, .trust = trust};
  cd_code rc = load_trust(trust_file, trust, &why);
  if (rc == CD_OK)
    rc = pf_dir_list(folder, ".json", CD_PLUGINS_MAX, load_one, &l, &why);
  if (rc == CD_E_NOTFOUND) {
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s: there are no plugins", why.text);
    rc = CD_OK;
  }
  if (rc != CD_OK && err != NULL)
    *err = why;
  free(trust);
  return rc;
}

void agent_registry_release(agent_registry *r)
{
  for (unsigned i = 0; i < r->count; i++)
    free(r->plugins[i]);
  *r = (agent_registry){0};
}

agent_plugin *agent_registry_find(const agent_registry *r, const char *id)
{
  agent_plugin *found = NULL;
  for (unsigned i = 0; i < r->count; i++) {
    agent_plugin *p = r->plugins[i];
    if (cd_str_eq_cstr(cd_str_from(id), p->manifest.id) && (found == NULL || p->usable))
      found = p;
  }
  return found;
}
