#include "setup.h"

#include "ipc/message.h"

#include "base/banned.h"

#define PEMS_MAX (64u * 1024u)

static void read_addresses(cd_json *obj, chan_console *out)
{
  cd_json list = {0};
  cd_json_arr(obj, "addresses", CHAN_ADDRESSES_MAX, &list);
  out->address_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < out->address_count; i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, CHAN_ADDRESS_MAX - 1, &text);
    (void)cd_str_copy(out->addresses[i], sizeof(out->addresses[i]), text);
  }
}

static void read_console(cd_json *obj, chan_console *out)
{
  cd_str host = {0};
  uint64_t port = 0;
  cd_json_str(obj, "host", CD_HTTP_HOST_MAX, &host);
  cd_json_u64(obj, "port", 65535, &port);
  if (host.ptr != NULL && (host.len == 0 || port == 0))
    cd_json_bad(obj, "host", "and its port must not be empty");
  (void)cd_str_copy(out->host, sizeof(out->host), host);
  out->port = (uint16_t)port;
  read_addresses(obj, out);
}

static void read_proxy(cd_json *root, chan_setup *s)
{
  cd_json proxy = {0};
  s->has_proxy = cd_json_opt_obj(root, "proxy", &proxy);
  if (!s->has_proxy)
    return;
  read_console(&proxy, &s->proxy);
  s->has_credentials = cd_json_opt_str(&proxy, "user", CD_PROXY_SECRET_MAX, &s->proxy_user);
  (void)cd_json_opt_str(&proxy, "password", CD_PROXY_SECRET_MAX, &s->proxy_password);
  cd_json_no_more(&proxy);
}

static void read_consoles(cd_json *root, chan_setup *s)
{
  cd_json list = {0};
  cd_json_arr(root, "consoles", CHAN_CONSOLES_MAX, &list);
  s->console_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < s->console_count; i++) {
    cd_json one = {0};
    cd_json_at_obj(&list, i, &one);
    read_console(&one, &s->consoles[i]);
    cd_json_no_more(&one);
  }
  if (list.node != NULL && s->console_count == 0)
    cd_json_bad(root, "consoles", "must not be empty");
}

static void read_tls(cd_json *root, chan_setup *s)
{
  cd_json tls = {0};
  cd_json_obj(root, "tls", &tls);
  cd_json_str(&tls, "ca", PEMS_MAX, &s->ca);
  (void)cd_json_opt_str(&tls, "certificate", CD_CERTIFICATE_MAX, &s->certificate);
  (void)cd_json_opt_str(&tls, "key", PEMS_MAX, &s->key);
  cd_json_str(&tls, "device_ca", PEMS_MAX, &s->device_ca);
  cd_json_no_more(&tls);
}

cd_code chan_setup_read(cd_str payload, chan_setup *ret_setup, cd_err *err)
{
  static const char *const modes[] = {"connect", "enroll", NULL};
  chan_setup s = {0};
  uint64_t protocol = 0;
  int mode = 0;
  cd_code rc = cd_json_parse(payload, CHAN_SETUP_MAX, "SETUP", &s.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(s.doc);
  cd_json_u64(&root, "protocol", IPC_PROTOCOL, &protocol);
  cd_json_enum(&root, "mode", modes, &mode);
  s.mode = (chan_mode)mode;
  (void)cd_json_opt_str(&root, "user", 63, &s.user);
  cd_json_u64(&root, "parent", UINT32_MAX, &s.parent);
  cd_json_str(&root, "agent", CD_WORD_MAX, &s.agent);
  cd_json_str(&root, "path", CD_HTTP_PATH_MAX, &s.path);
  read_proxy(&root, &s);
  read_consoles(&root, &s);
  read_tls(&root, &s);
  (void)cd_json_opt_str(&root, "csr", CD_CSR_MAX, &s.csr);
  (void)cd_json_opt_str(&root, "body", CD_ENROLL_REQUEST_MAX, &s.body);
  if (s.mode == CHAN_ENROLL ? s.csr.len == 0 || s.body.len == 0
                            : s.certificate.len == 0 || s.key.len == 0)
    cd_json_bad(&root, "mode", "lacks what it needs");
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_setup = s;
  else
    chan_setup_release(&s);
  return rc;
}

void chan_setup_release(chan_setup *s)
{
  cd_json_free(s->doc);
  *s = (chan_setup){0};
}
