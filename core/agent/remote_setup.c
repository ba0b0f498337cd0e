/* What the channel is told at its start, and where consoles and proxy are. */
#include <string.h>

#include "base/log.h"
#include "ipc/message.h"
#include "protocol/secret.h"
#include "remote_private.h"

#include "base/banned.h"

/* ---- addresses ---- */

bool remote_console(const agent_remote *r, unsigned i, char host[CD_HTTP_HOST_MAX + 1],
                    uint16_t *ret_port)
{
  const agent_enrolment *e = r->enrolment;
  const agent_config *c = &r->agent->config;
  cd_err err = {0};
  for (; i < e->agent_count + c->agent_count; i++) {
    const char *text = i < e->agent_count ? e->agents[i] : c->agents[i - e->agent_count];
    if (cd_endpoint_parse(cd_str_from(text), host, ret_port, &err) == CD_OK)
      return true;
  }
  return false;
}

static bool is_remembered(agent_remote *r, const char *host, uint16_t port,
                          const char (*addresses)[AGENT_ADDRESS_MAX], unsigned count)
{
  agent_endpoint known[AGENT_CONSOLE_ADDRESSES_MAX];
  unsigned known_count = 0;
  unsigned same = 0;
  cd_err err = {0};
  if (agent_journal_console(r->agent->journal, host, port, known, AGENT_CONSOLE_ADDRESSES_MAX,
                            &known_count, &err) != CD_OK)
    return false;
  for (unsigned i = 0; i < count; i++) {
    for (unsigned k = 0; k < known_count; k++)
      same += cd_str_eq_cstr(cd_str_from(addresses[i]), known[k].address) ? 1 : 0;
  }
  return same == count && known_count == count;
}

static bool is_new(agent_remote *r, const char *host, uint16_t port)
{
  agent_endpoint known;
  unsigned count = 0;
  cd_err err = {0};
  return agent_journal_console(r->agent->journal, host, port, &known, 1, &count, &err) == CD_OK &&
         count == 0;
}

/* Each write is synced, and every attempt to connect looks the names up again. While the device is
 * isolated a console whose name was never looked up before gets into the rules, and one that was
 * there stays as it is: whoever answers for a name must not open one address after the other. */
void remote_remember(agent_remote *r, const char *host, uint16_t port,
                     const char (*addresses)[AGENT_ADDRESS_MAX], unsigned count)
{
  cd_err err = {0};
  if (is_remembered(r, host, port, addresses, count))
    return;
  bool fresh = is_new(r, host, port);
  if (agent_journal_console_set(r->agent->journal, host, port, addresses, count, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
  else if (fresh && r->agent->isolate != NULL)
    agent_state_refresh(r->agent->isolate);
}

/* An address needs no looking up, but an isolation has to let it through all the same. */
static void remember_literal(agent_remote *r, const char *host, uint16_t port)
{
  char address[1][AGENT_ADDRESS_MAX];
  unsigned char bytes[16];
  if (cd_str_copy(address[0], sizeof(address[0]), cd_str_from(host)) &&
      (uv_inet_pton(AF_INET, host, bytes) == 0 || uv_inet_pton(AF_INET6, host, bytes) == 0))
    remote_remember(r, host, port, (const char(*)[AGENT_ADDRESS_MAX])address, 1);
}

static bool is_console(void *context, const char *host, uint16_t port)
{
  const agent_remote *r = context;
  char known[CD_HTTP_HOST_MAX + 1];
  uint16_t known_port = 0;
  if (r->proxy_port == port && strcmp(r->proxy_host, host) == 0)
    return true;
  for (unsigned i = 0; remote_console(r, i, known, &known_port); i++) {
    if (known_port == port && strcmp(known, host) == 0)
      return true;
  }
  return false;
}

void agent_remote_consoles(agent_remote *r)
{
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port = 0;
  cd_err err = {0};
  if (r->enrolment == NULL)
    return;
  /* The proxy file has not been read before the first channel starts. */
  if ((r->agent->config.proxy_file[0] == '\0' || r->proxy_port != 0) &&
      agent_journal_consoles_keep(r->agent->journal, is_console, r, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
  for (unsigned i = 0; remote_console(r, i, host, &port); i++)
    remember_literal(r, host, port);
}

/* ---- SETUP ---- */

void remote_write_console(const agent_remote *r, cd_jw *w, const char *host, uint16_t port)
{
  agent_endpoint known[AGENT_CONSOLE_ADDRESSES_MAX];
  unsigned count = 0;
  cd_err err = {0};
  if (agent_journal_console(r->agent->journal, host, port, known, AGENT_CONSOLE_ADDRESSES_MAX,
                            &count, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
  cd_jw_cstr(w, "host", host);
  cd_jw_u64(w, "port", port);
  cd_jw_arr(w, "addresses");
  for (unsigned i = 0; i < count; i++)
    cd_jw_cstr(w, NULL, known[i].address);
  cd_jw_end_arr(w);
}

static void write_proxy(agent_remote *r, cd_jw *w)
{
  agent_proxy proxy = {0};
  cd_err err = {0};
  const char *file = r->agent->config.proxy_file;
  if (file[0] == '\0') {
    cd_jw_null(w, "proxy");
    return;
  }
  if (agent_proxy_load(file, &proxy, &err) != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on without a proxy", err.text);
    cd_jw_null(w, "proxy");
    return;
  }
  (void)cd_str_copy(r->proxy_host, sizeof(r->proxy_host), cd_str_from(proxy.host));
  r->proxy_port = proxy.port;
  remember_literal(r, proxy.host, proxy.port);
  cd_jw_obj(w, "proxy");
  remote_write_console(r, w, proxy.host, proxy.port);
  cd_jw_cstr(w, "user", proxy.has_credentials ? proxy.user : NULL);
  cd_jw_cstr(w, "password", proxy.has_credentials ? proxy.password : NULL);
  cd_jw_end_obj(w);
  cd_wipe(&proxy, sizeof(proxy));
}

void remote_write_setup(agent_remote *r, cd_jw *w, const char *mode, const char *path)
{
  const char *user = r->agent->config.channel_user;
  cd_jw_u64(w, "protocol", IPC_PROTOCOL);
  cd_jw_cstr(w, "mode", mode);
  cd_jw_cstr(w, "user", user[0] != '\0' ? user : NULL);
  cd_jw_u64(w, "parent", (uint64_t)uv_os_getpid());
  cd_jw_cstr(w, "agent", "cordon/" CORDON_VERSION);
  cd_jw_cstr(w, "path", path);
  write_proxy(r, w);
}

cd_code remote_setup(agent_remote *r, cd_buf *out, cd_err *err)
{
  cd_jw w;
  const agent_enrolment *e = r->enrolment;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  remote_write_setup(r, &w, "connect", "/agent/v1");
  cd_jw_arr(&w, "consoles");
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port = 0;
  for (unsigned i = 0; remote_console(r, i, host, &port); i++) {
    remember_literal(r, host, port);
    cd_jw_obj(&w, NULL);
    remote_write_console(r, &w, host, port);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  cd_jw_obj(&w, "tls");
  cd_jw_cstr(&w, "ca", e->ca);
  cd_jw_cstr(&w, "certificate", e->certificate);
  cd_jw_cstr(&w, "key", e->tls_key);
  cd_jw_cstr(&w, "device_ca", e->ca);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "SETUP", err);
}
