#include "config.h"

#include <string.h>
#include <uv.h>

#include "base/limits.h"
#include "platform/file.h"
#include "platform/paths.h"
#include "protocol/enroll.h"
#include "protocol/secret.h"
#include "protocol/terms.h"

#include "base/banned.h"

#define DEFAULT_MARK 0xc0d10001u
#define DEFAULT_INTERVAL_S 300u
#define PROXY_FILE_MAX 4096u
#define DEFAULT_TRIAL_S 120u

void agent_config_init(agent_config *c)
{
  *c = (agent_config){.mark = DEFAULT_MARK,
                      .interval_s = DEFAULT_INTERVAL_S,
                      .trial_s = DEFAULT_TRIAL_S,
                      .notify_enabled = true};
  agent_config_init_collect(&c->collect);
  agent_config_init_scan(&c->scan);
  (void)cd_str_copy(c->plugin_user, sizeof(c->plugin_user), CD_STR("cordon-plugin"));
  (void)cd_str_copy(c->channel_user, sizeof(c->channel_user), CD_STR("cordon-channel"));
  (void)cd_str_copy(c->log, sizeof(c->log), CD_STR("all=info"));
}

void agent_config_release(agent_config *c)
{
  cd_json_free(c->doc);
  c->doc = NULL;
  c->settings = (cd_json){0};
}

/* Writes the canonical text of a literal address; names are refused (the agent resolves none yet),
 * and so is a zone, which libuv would drop without a word. */
static bool canonical_address(cd_str text, char out[AGENT_ADDRESS_MAX])
{
  char plain[AGENT_ADDRESS_MAX];
  unsigned char bytes[16];
  if (!cd_str_copy(plain, sizeof(plain), text) || strchr(plain, '%') != NULL)
    return false;
  int family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET;
  return uv_inet_pton(family, plain, bytes) == 0 &&
         uv_inet_ntop(family, bytes, out, AGENT_ADDRESS_MAX) == 0;
}

/* "192.0.2.1:8443" or "[2001:db8::1]:8443" */
static bool parse_endpoint(cd_str text, agent_endpoint *ret_endpoint)
{
  agent_endpoint e = {0};
  cd_str address = text;
  cd_str port = {0};
  if (text.len > 0 && text.ptr[0] == '[') {
    port = (cd_str){text.ptr + 1, text.len - 1};
    address = cd_str_cut(&port, ']');
    if (port.len < 1 || port.ptr[0] != ':' || memchr(address.ptr, ':', address.len) == NULL)
      return false;
    port = (cd_str){port.ptr + 1, port.len - 1};
  } else {
    port = text;
    address = cd_str_cut(&port, ':');
  }
  uint64_t number = 0;
  if (!cd_str_to_u64(port, 65535, &number) || number == 0 || !canonical_address(address, e.address))
    return false;
  e.port = (uint16_t)number;
  *ret_endpoint = e;
  return true;
}

static bool is_named(const agent_config *c, int cap, cd_str id)
{
  for (unsigned i = 0; i < c->provider_count[cap]; i++) {
    if (cd_str_eq_cstr(id, c->providers[cap][i]))
      return true;
  }
  return false;
}

static void read_providers(cd_json *root, agent_config *c)
{
  cd_json map = {0};
  if (!cd_json_opt_obj(root, "providers", &map))
    return;
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    cd_json list = {0};
    if (!cd_json_opt_arr(&map, agent_capability_name((agent_capability)cap), AGENT_PROVIDERS_MAX,
                         &list))
      continue;
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      cd_str id = {0};
      cd_json_at_str(&list, i, AGENT_ID_MAX - 1, &id);
      if (id.ptr != NULL && is_named(c, cap, id))
        cd_json_bad(&list, NULL, "names '%.*s' twice", CD_STR_ARG(id));
      (void)cd_str_copy(c->providers[cap][i], AGENT_ID_MAX, id);
      c->provider_count[cap]++;
    }
  }
  cd_json_no_more(&map);
}

static void read_text(cd_json *obj, const char *key, char *out, size_t size)
{
  cd_str s = {0};
  if (cd_json_opt_str(obj, key, size - 1, &s) && !cd_str_copy(out, size, s))
    cd_json_bad(obj, key, "holds a NUL");
}

/* Checked now, so that a wrong one is a sentence at the start and not a plugin without settings. */
static void check_settings(agent_config *c)
{
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    for (unsigned i = 0; i < c->provider_count[cap]; i++) {
      cd_json mine = {0};
      (void)cd_json_opt_obj(&c->settings, c->providers[cap][i], &mine);
    }
  }
}

static void read_distrust(cd_json *plugins, agent_config *c)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(plugins, "distrust", AGENT_DISTRUST_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, CD_DIGEST_TEXT_MAX - 1, &text);
    if (text.ptr != NULL && !cd_digest_from_text(text, &c->distrust[i]))
      cd_json_bad(&list, NULL, "has '%.*s', which is no digest", CD_STR_ARG(text));
    c->distrust_count++;
  }
}

bool agent_config_distrusts(const agent_config *c, const cd_digest *library)
{
  for (unsigned i = 0; i < c->distrust_count; i++) {
    if (cd_digest_equal(&c->distrust[i], library))
      return true;
  }
  return false;
}

void agent_config_distrust_too(agent_config *c, const agent_config *other)
{
  for (unsigned i = 0; i < other->distrust_count && c->distrust_count < AGENT_DISTRUST_MAX; i++) {
    if (!agent_config_distrusts(c, &other->distrust[i]))
      c->distrust[c->distrust_count++] = other->distrust[i];
  }
}

static void read_plugins(cd_json *root, agent_config *c)
{
  cd_json plugins = {0};
  if (!cd_json_opt_obj(root, "plugins", &plugins))
    return;
  read_text(&plugins, "user", c->plugin_user, sizeof(c->plugin_user));
  if (cd_json_opt_obj(&plugins, "settings", &c->settings))
    check_settings(c);
  read_distrust(&plugins, c);
  cd_json_no_more(&plugins);
}

static void read_agents(cd_json *console, agent_config *c)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(console, "agents", CD_CONSOLES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    cd_err why = {0};
    cd_str text = {0};
    cd_json_at_str(&list, i, CD_ENDPOINT_MAX, &text);
    if (text.ptr != NULL && cd_endpoint_parse(text, host, &port, &why) != CD_OK)
      cd_json_bad(&list, NULL, "has '%.*s', which is no HOST:PORT", CD_STR_ARG(text));
    (void)cd_str_copy(c->agents[i], sizeof(c->agents[i]), text);
    c->agent_count++;
  }
}

static void read_console(cd_json *root, agent_config *c)
{
  cd_json console = {0};
  cd_json list = {0};
  if (!cd_json_opt_obj(root, "console", &console))
    return;
  if (cd_json_opt_arr(&console, "addresses", AGENT_ENDPOINTS_MAX, &list)) {
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      cd_str text = {0};
      cd_json_at_str(&list, i, 64, &text);
      if (text.ptr != NULL && !parse_endpoint(text, &c->console[i]))
        cd_json_bad(
            &list, NULL,
            "'%.*s' is not ADDRESS:PORT with a literal IPv4 address or an IPv6 address in brackets",
            CD_STR_ARG(text));
      c->console_count++;
    }
  }
  if (cd_json_opt_arr(&console, "resolvers", AGENT_RESOLVERS_MAX, &list)) {
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      cd_str text = {0};
      cd_json_at_str(&list, i, 64, &text);
      if (text.ptr != NULL && !canonical_address(text, c->resolvers[i]))
        cd_json_bad(&list, NULL, "'%.*s' is not an IPv4 or IPv6 address", CD_STR_ARG(text));
      c->resolver_count++;
    }
  }
  read_agents(&console, c);
  uint64_t mark = c->mark;
  if (cd_json_opt_u64(&console, "mark", UINT32_MAX, &mark) && mark == 0)
    cd_json_bad(&console, "mark", "must not be 0: that is the mark of every other socket");
  c->mark = (uint32_t)mark;
  read_text(&console, "channel_user", c->channel_user, sizeof(c->channel_user));
  read_text(&console, "proxy_file", c->proxy_file, sizeof(c->proxy_file));
  if (c->proxy_file[0] != '\0' && !pf_path_absolute(c->proxy_file))
    cd_json_bad(&console, "proxy_file", "must be an absolute path");
  cd_json_no_more(&console);
}

static void read_local(cd_json *root, agent_config *c)
{
  static const char *const isolate[] = {"administrators", "group", "nobody", NULL};
  static const char *const release[] = {"administrators", "group", "nobody", "code", NULL};
  static const agent_who who[] = {AGENT_WHO_ADMINISTRATORS, AGENT_WHO_GROUP, AGENT_WHO_NOBODY,
                                  AGENT_WHO_CODE};
  cd_json section = {0};
  int choice = 0;
  if (!cd_json_opt_obj(root, "local", &section))
    return;
  read_text(&section, "group", c->local_group, sizeof(c->local_group));
  if (cd_json_opt_enum(&section, "isolate", isolate, &choice))
    c->local_isolate = who[choice];
  if (cd_json_opt_enum(&section, "release", release, &choice))
    c->local_release = who[choice];
  cd_json_no_more(&section);
}

bool agent_check_valid(cd_str name)
{
  if (name.len == 0 || name.len >= AGENT_CHECK_MAX)
    return false;
  for (size_t i = 0; i < name.len; i++) {
    char ch = name.ptr[i];
    if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9') && ch != '_')
      return false;
  }
  return true;
}

static void read_checks(cd_json *section, const char *key, agent_checks *ret_checks)
{
  cd_json list = {0};
  agent_checks checks = {.count = 0};
  if (!cd_json_opt_arr(section, key, AGENT_CHECKS_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str name = {0};
    cd_json_at_str(&list, i, AGENT_CHECK_MAX - 1, &name);
    if (name.ptr != NULL && !agent_check_valid(name))
      cd_json_bad(&list, NULL, "'%.*s' is no name of a check", CD_STR_ARG(name));
    (void)cd_str_copy(checks.names[checks.count++], AGENT_CHECK_MAX, name);
  }
  *ret_checks = checks;
}

void agent_config_read_preflight(cd_json *root, agent_config *c)
{
  cd_json section = {0};
  if (!cd_json_opt_obj(root, "preflight", &section))
    return;
  read_checks(&section, "refuse", &c->preflight_refuse);
  read_checks(&section, "warn", &c->preflight_warn);
  for (unsigned i = 0; i < c->preflight_refuse.count; i++) {
    for (unsigned k = 0; k < c->preflight_warn.count; k++) {
      if (cd_str_eq_cstr(cd_str_from(c->preflight_refuse.names[i]), c->preflight_warn.names[k]))
        cd_json_bad(&section, "warn", "names '%s', which 'refuse' names too",
                    c->preflight_warn.names[k]);
    }
  }
  cd_json_no_more(&section);
}

static void read_isolate(cd_json *root, agent_config *c)
{
  cd_json section = {0};
  cd_terms t = {.lost_after_s = c->lost_after_s, .unreachable_after_s = c->unreachable_after_s};
  if (!cd_json_opt_obj(root, "isolate", &section))
    return;
  (void)cd_json_opt_bool(&section, "strict", &c->strict);
  cd_terms_read_rules(&section, &t);
  c->lost_after_s = t.lost_after_s;
  c->unreachable_after_s = t.unreachable_after_s;
  cd_json_no_more(&section);
}

static void read_rest(cd_json *root, agent_config *c)
{
  cd_json section = {0};
  if (cd_json_opt_obj(root, "reconcile", &section)) {
    uint64_t interval = c->interval_s;
    if (cd_json_opt_u64(&section, "interval_s", 86400, &interval) && interval < 5)
      cd_json_bad(&section, "interval_s", "must be at least 5");
    c->interval_s = (uint32_t)interval;
    cd_json_no_more(&section);
  }
  if (cd_json_opt_obj(root, "policy", &section)) {
    uint64_t trial = c->trial_s;
    if (cd_json_opt_u64(&section, "trial_s", 3600, &trial) && trial < 5)
      cd_json_bad(&section, "trial_s", "must be at least 5");
    c->trial_s = (uint32_t)trial;
    cd_json_no_more(&section);
  }
  if (cd_json_opt_obj(root, "notify", &section)) {
    (void)cd_json_opt_bool(&section, "enabled", &c->notify_enabled);
    read_text(&section, "contact", c->notify_contact, sizeof(c->notify_contact));
    cd_json_no_more(&section);
  }
  agent_config_read_preflight(root, c);
  agent_config_read_collect(root, &c->collect);
  agent_config_read_scan(root, &c->scan);
  read_text(root, "log", c->log, sizeof(c->log));
}

cd_code agent_config_parse(cd_str text, const char *name, agent_config *c, cd_err *err)
{
  agent_config fresh;
  agent_config_init(&fresh);
  cd_code rc = cd_json_parse(text, CD_CONFIG_MAX, name, &fresh.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(fresh.doc);
  read_providers(&root, &fresh);
  read_plugins(&root, &fresh);
  read_console(&root, &fresh);
  read_local(&root, &fresh);
  read_isolate(&root, &fresh);
  read_rest(&root, &fresh);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    agent_config_release(&fresh);
    return rc;
  }
  agent_config_release(c);
  *c = fresh;
  return CD_OK;
}

cd_code agent_config_load(const char *path, agent_config *c, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  uv_os_fd_t file;
  cd_code rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, path, CD_CONFIG_MAX, &text, err);
  pf_file_close(file);
  if (rc == CD_OK)
    rc = agent_config_parse(cd_buf_view(&text), path, c, err);
  cd_buf_release(&text);
  return rc;
}

cd_code agent_proxy_parse(cd_str text, const char *name, agent_proxy *ret_proxy, cd_err *err)
{
  agent_proxy p = {0};
  cd_json_doc *doc = NULL;
  cd_str where = {0};
  cd_err why = {0};
  cd_code rc = cd_json_parse(text, PROXY_FILE_MAX, name, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "proxy", CD_ENDPOINT_MAX, &where);
  if (where.ptr != NULL && cd_endpoint_parse(where, p.host, &p.port, &why) != CD_OK)
    cd_json_bad(&root, "proxy", "is no HOST:PORT");
  read_text(&root, "user", p.user, sizeof(p.user));
  read_text(&root, "password", p.password, sizeof(p.password));
  p.has_credentials = p.user[0] != '\0';
  if (!p.has_credentials && p.password[0] != '\0')
    cd_json_bad(&root, "password", "needs a user");
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_proxy = p;
  cd_wipe(&p, sizeof(p));
  return rc;
}

cd_code agent_proxy_load(const char *path, agent_proxy *ret_proxy, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(PROXY_FILE_MAX);
  uv_os_fd_t file;
  cd_code rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, path, PROXY_FILE_MAX, &text, err);
  pf_file_close(file);
  if (rc == CD_OK)
    rc = agent_proxy_parse(cd_buf_view(&text), path, ret_proxy, err);
  cd_buf_wipe(&text);
  return rc;
}

void agent_config_settings(const agent_config *c, const char *plugin_id, cd_buf *out)
{
  cd_json all = c->settings;
  cd_json mine = {0};
  if (all.node != NULL && cd_json_opt_obj(&all, plugin_id, &mine))
    cd_json_print(&mine, out);
  else
    cd_buf_add_cstr(out, "{}");
}
