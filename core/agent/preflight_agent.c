/* What only the agent knows about an isolation before it is carried out: its consoles and its
 * proxy. */
#include <string.h>

#include "agent.h"
#include "base/log.h"
#include "journal_remote.h"
#include "preflight.h"
#include "protocol/enroll.h"
#include "protocol/secret.h"
#include "remote.h"

#include "base/banned.h"

/* The endpoints that the rules would let through. */
typedef struct let_through {
  agent_endpoint list[AGENT_ENDPOINTS_MAX];
  unsigned count;
} let_through;

static void read_let_through(const char *params, let_through *ret)
{
  cd_json_doc *doc = NULL;
  cd_json list = {0};
  cd_err err = {0};
  if (cd_json_parse(cd_str_from(params), CD_RESULT_MAX, "the parameters", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_json_arr(&root, "console", AGENT_ENDPOINTS_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str address = {0};
    uint64_t port = 0;
    cd_json_at_obj(&list, i, &item);
    cd_json_str(&item, "address", AGENT_ADDRESS_MAX - 1, &address);
    cd_json_u64(&item, "port", 65535, &port);
    agent_endpoint *e = &ret->list[ret->count++];
    e->port = (uint16_t)port;
    (void)cd_str_copy(e->address, sizeof(e->address), address);
  }
  cd_json_free(doc);
}

static bool is_let_through(const let_through *l, const agent_endpoint *e)
{
  for (unsigned i = 0; i < l->count; i++) {
    if (l->list[i].port == e->port && cd_str_eq_cstr(cd_str_from(l->list[i].address), e->address))
      return true;
  }
  return false;
}

/* Where that name leads as far as is known; an address leads to itself. */
static unsigned addresses_of(agent *a, const char *host, uint16_t port, agent_endpoint *out,
                             unsigned max)
{
  unsigned count = 0;
  cd_err err = {0};
  unsigned char bytes[16];
  if (agent_journal_console(a->journal, host, port, out, max, &count, &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s; the preflight goes on", err.text);
  bool literal =
      uv_inet_pton(AF_INET, host, bytes) == 0 || uv_inet_pton(AF_INET6, host, bytes) == 0;
  if (count == 0 && literal && cd_str_copy(out[0].address, AGENT_ADDRESS_MAX, cd_str_from(host))) {
    out[0].port = port;
    count = 1;
  }
  return count;
}

/* The proxy's addresses that stay reachable; with none of them the console is lost. */
static void look_at_proxy(agent *a, const let_through *l, agent_preflight *p)
{
  agent_proxy proxy = {0};
  agent_endpoint known[AGENT_CONSOLE_ADDRESSES_MAX];
  agent_endpoint used[AGENT_CONSOLE_ADDRESSES_MAX];
  unsigned used_count = 0;
  cd_err err = {0};
  if (agent_proxy_load(a->config.proxy_file, &proxy, &err) != CD_OK) {
    agent_preflight_add(p, "console_proxy", PREFLIGHT_WARN,
                        "which proxy leads to the console is not known: %s", err.text);
    return;
  }
  unsigned count = addresses_of(a, proxy.host, proxy.port, known, AGENT_CONSOLE_ADDRESSES_MAX);
  for (unsigned i = 0; i < count; i++) {
    if (is_let_through(l, &known[i]))
      used[used_count++] = known[i];
  }
  if (used_count == 0)
    agent_preflight_add(
        p, "console_proxy", PREFLIGHT_REFUSE,
        "the console is reached through the proxy %s:%u, and the isolation lets no address of it "
        "through%s",
        proxy.host, proxy.port,
        count == 0 ? ": its name has led nowhere yet"
                   : ": the agent has not used it yet, or it was changed since");
  else
    agent_preflight_way(p, used, used_count);
  cd_wipe(&proxy, sizeof(proxy));
}

static void look_at_consoles(agent *a, const let_through *l, agent_preflight *p)
{
  if (l->count > 0)
    return;
  if (agent_remote_is_enrolled(a->remote))
    agent_preflight_add(p, "console_unknown", PREFLIGHT_REFUSE,
                        "no address of the console is known, so that the isolation lets nothing "
                        "through to it");
  else
    agent_preflight_add(p, "console_unknown", PREFLIGHT_INFO,
                        "this device has no console: only somebody on it can release it");
}

/* Names of consoles that nobody could look up. */
static void look_at_resolvers(agent *a, agent_preflight *p)
{
  const char *name = agent_remote_named(a->remote);
  if (name == NULL || a->config.resolver_count > 0)
    return;
  agent_preflight_add(p, "resolvers", PREFLIGHT_INFO,
                      "the configuration lets no resolver through: while isolated, the agent knows "
                      "the console '%s' by its last addresses only",
                      name);
}

void agent_preflight_about(agent *a, const agent_action *action, agent_preflight *p)
{
  let_through l = {.count = 0};
  const preflight_order order = {.console = action->console, .force = action->force};
  read_let_through(action->params, &l);
  look_at_consoles(a, &l, p);
  if (agent_remote_is_enrolled(a->remote) && a->config.proxy_file[0] != '\0')
    look_at_proxy(a, &l, p);
  else
    look_at_resolvers(a, p);
  agent_preflight_judge(p, &a->config, &order);
}
