#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "platform/file.h"
#include "protocol/http_head.h"
#include "protocol/token_file.h"
#include "store_exclusions.h"

#include "base/banned.h"

#define PACKAGE_BYTES (UINT64_C(64) << 30)
#define PACKAGE_DEVICE_BYTES (UINT64_C(16) << 30)
void con_config_init(con_config *c)
{
  *c = (con_config){.people = {.port = 8443},
                    .agents = {.port = 8444},
                    .limit = {.per_minute = 100, .per_hour = 1500},
                    .package_bytes = PACKAGE_BYTES,
                    .package_device_bytes = PACKAGE_DEVICE_BYTES,
                    .package_days = 30,
                    .alert_days = 180,
                    .action_days = 3};
  (void)cd_str_copy(c->data_dir, sizeof(c->data_dir), CD_STR("/var/lib/cordon-console"));
  (void)cd_str_copy(c->signer_socket, sizeof(c->signer_socket),
                    CD_STR("/run/cordon-signer/signer.sock"));
  (void)cd_str_copy(c->signer_user, sizeof(c->signer_user), CD_STR("cordon-signer"));
  (void)cd_str_copy(c->log, sizeof(c->log), CD_STR("all=info"));
}

void con_config_release(con_config *c)
{
  for (size_t i = 0; i < c->set_count; i++)
    free(c->sets[i].json);
  cd_json_free(c->doc);
  *c = (con_config){0};
}

static void read_text(cd_json *obj, const char *key, char *out, size_t size)
{
  cd_str s = {0};
  if (cd_json_opt_str(obj, key, size - 1, &s) && !cd_str_copy(out, size, s))
    cd_json_bad(obj, key, "holds a NUL");
}

/* "*:8443", "192.0.2.1:8443", "[2001:db8::1]:8443" */
static bool parse_listen(cd_str text, con_listen *ret_listen)
{
  con_listen l = {0};
  cd_str address = text;
  size_t colon = text.len;
  uint64_t port = 0;
  unsigned char bytes[16];
  while (colon > 0 && text.ptr[colon - 1] != ':')
    colon--;
  if (colon == 0 || !cd_str_to_u64((cd_str){text.ptr + colon, text.len - colon}, 65535, &port) ||
      port == 0)
    return false;
  address.len = colon - 1;
  l.port = (uint16_t)port;
  bool v6 = address.len > 2 && address.ptr[0] == '[' && address.ptr[address.len - 1] == ']';
  if (v6)
    address = (cd_str){address.ptr + 1, address.len - 2};
  if (!cd_str_eq_cstr(address, "*")) {
    if (!cd_str_copy(l.address, sizeof(l.address), address) ||
        uv_inet_pton(v6 ? AF_INET6 : AF_INET, l.address, bytes) != 0)
      return false;
  }
  *ret_listen = l;
  return true;
}

static void read_listen(cd_json *obj, con_listen *l)
{
  cd_str text = {0};
  if (cd_json_opt_str(obj, "listen", 100, &text) && !parse_listen(text, l))
    cd_json_bad(obj, "listen", "must be *:PORT, ADDRESS:PORT or [ADDRESS]:PORT");
}

static void read_people(cd_json *root, con_config *c)
{
  cd_json o = {0};
  if (!cd_json_opt_obj(root, "people", &o))
    return;
  read_listen(&o, &c->people);
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port = 0;
  cd_err why = {0};
  if (cd_json_opt_str(&o, "url", CD_ENROLL_URL_MAX, &c->url) &&
      (cd_str_ends(c->url, CD_STR("/")) || cd_enroll_url_parse(c->url, host, &port, &why) != CD_OK))
    cd_json_bad(&o, "url", "must be https://HOST:PORT without a slash at the end");
  read_text(&o, "certificate", c->certificate, sizeof(c->certificate));
  read_text(&o, "key", c->key, sizeof(c->key));
  read_text(&o, "ca", c->ca, sizeof(c->ca));
  if ((c->certificate[0] != '\0') != (c->key[0] != '\0') ||
      (c->certificate[0] != '\0') != (c->ca[0] != '\0'))
    cd_json_bad(&o, "certificate", "goes with 'key' and 'ca': all three, or none");
  cd_json_no_more(&o);
}

static void read_agents(cd_json *root, con_config *c)
{
  cd_json o = {0};
  cd_json list = {0};
  if (!cd_json_opt_obj(root, "agents", &o))
    return;
  read_listen(&o, &c->agents);
  if (cd_json_opt_arr(&o, "addresses", CD_CONSOLES_MAX, &list)) {
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      char host[CD_HTTP_HOST_MAX + 1];
      uint16_t port = 0;
      cd_err why = {0};
      cd_str text = {0};
      cd_json_at_str(&list, i, CD_ENDPOINT_MAX, &text);
      if (text.ptr != NULL && cd_endpoint_parse(text, host, &port, &why) != CD_OK)
        cd_json_bad(&list, NULL, "%s", why.text);
      c->agents_at[c->agents_at_count++] = text;
    }
  }
  cd_json_no_more(&o);
}

static void read_names(cd_json *root, con_config *c)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "names", CON_CONFIG_NAMES, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json_at_str(&list, i, CD_HTTP_HOST_MAX, &c->names[i]);
    if (c->names[i].ptr != NULL && !cd_http_host_valid(c->names[i]))
      cd_json_bad(&list, NULL, "'%.*s' is neither a DNS name nor an address",
                  CD_STR_ARG(c->names[i]));
    c->name_count++;
  }
}

/* Checked by the rules for orders, so that a wrong one shows at the start. */
static void read_set(cd_json *set, cd_str name, con_config *c)
{
  cd_json list = {0};
  cd_err why = {0};
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_json_arr(set, "exclusions", CD_EXCLUSIONS_MAX, &list);
  if (list.node == NULL)
    return;
  if (con_exclusions_print(&list, &text, &why) != CD_OK)
    cd_json_bad(set, "exclusions", "are not good: %s", why.text);
  else
    c->sets[c->set_count++] =
        (con_exclusions){.name = name, .json = cd_str_dup(cd_buf_view(&text))};
  cd_buf_release(&text);
}

/* A list and not an object by name: the reader of JSON refuses names that nobody asked for. */
static void read_sets(cd_json *root, con_config *c)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "exclusions", CON_CONFIG_SETS, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json set = {0};
    cd_str name = {0};
    cd_str other = {0};
    cd_json_at_obj(&list, i, &set);
    cd_json_str(&set, "name", CON_SET_NAME_MAX, &name);
    if (name.ptr != NULL && con_config_exclusions(c, name, &other))
      cd_json_bad(&set, "name", "is there twice");
    read_set(&set, name, c);
    cd_json_no_more(&set);
  }
}

static void read_rest(cd_json *root, con_config *c)
{
  cd_json o = {0};
  uint64_t minute = c->limit.per_minute;
  uint64_t hour = c->limit.per_hour;
  read_text(root, "data_dir", c->data_dir, sizeof(c->data_dir));
  read_text(root, "user", c->user, sizeof(c->user));
  read_text(root, "log", c->log, sizeof(c->log));
  if (c->data_dir[0] != '/')
    cd_json_bad(root, "data_dir", "must be an absolute path");
  if (cd_json_opt_obj(root, "signer", &o)) {
    read_text(&o, "socket", c->signer_socket, sizeof(c->signer_socket));
    read_text(&o, "user", c->signer_user, sizeof(c->signer_user));
    cd_json_no_more(&o);
  }
  if (cd_json_opt_obj(root, "limits", &o)) {
    (void)cd_json_opt_u64(&o, "per_minute", 1000000, &minute);
    (void)cd_json_opt_u64(&o, "per_hour", 10000000, &hour);
    cd_json_no_more(&o);
  }
  if (cd_json_opt_obj(root, "packages", &o)) {
    (void)cd_json_opt_u64(&o, "quota_bytes", UINT64_C(1) << 53, &c->package_bytes);
    (void)cd_json_opt_u64(&o, "device_bytes", UINT64_C(1) << 53, &c->package_device_bytes);
    if (cd_json_opt_u64(&o, "days", 3650, &c->package_days) && c->package_days == 0)
      cd_json_bad(&o, "days", "must be at least 1");
    cd_json_no_more(&o);
  }
  if (cd_json_opt_u64(root, "alert_days", 3650, &c->alert_days) && c->alert_days == 0)
    cd_json_bad(root, "alert_days", "must be at least 1");
  if (cd_json_opt_u64(root, "action_days", 365, &c->action_days) && c->action_days == 0)
    cd_json_bad(root, "action_days", "must be at least 1");
  c->limit = (con_limit){(uint32_t)minute, (uint32_t)hour};
}

cd_code con_config_parse(cd_str text, const char *name, con_config *c, cd_err *err)
{
  con_config fresh;
  con_config_init(&fresh);
  cd_code rc = cd_json_parse(text, CD_CONFIG_MAX, name, &fresh.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(fresh.doc);
  read_people(&root, &fresh);
  read_agents(&root, &fresh);
  read_names(&root, &fresh);
  read_sets(&root, &fresh);
  read_rest(&root, &fresh);
  if (fresh.url.len == 0)
    cd_json_bad(&root, "people.url", "must say where people reach this console");
  if (fresh.name_count == 0)
    cd_json_bad(&root, "names", "must have the names and addresses of this console");
  if (fresh.agents_at_count == 0)
    cd_json_bad(&root, "agents.addresses", "must say where devices reach this console");
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    con_config_release(&fresh);
    return rc;
  }
  con_config_release(c);
  *c = fresh;
  return CD_OK;
}

cd_code con_config_load(const char *path, con_config *c, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  uv_os_fd_t file;
  cd_code rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, path, CD_CONFIG_MAX, &text, err);
  pf_file_close(file);
  if (rc == CD_OK)
    rc = con_config_parse(cd_buf_view(&text), path, c, err);
  cd_buf_release(&text);
  return rc;
}

bool con_config_exclusions(const con_config *c, cd_str name, cd_str *ret_json)
{
  for (size_t i = 0; i < c->set_count; i++) {
    if (!cd_str_eq(c->sets[i].name, name) || c->sets[i].json == NULL)
      continue;
    *ret_json = cd_str_from(c->sets[i].json);
    return true;
  }
  return false;
}
