/* Both listeners: TLS, ports, certificates. */
#include "listen.h"

#include <openssl/ssl.h>
#include <string.h>

#include "base/log.h"
#include "ca.h"
#include "link.h"

#include "base/banned.h"

#define HEADERS_MAX 16384u /* of a request: a $filter of 12 KiB fits */
#define HEADERS_POOL 512u  /* requests whose headers are read at once: eight times an address's */
#define RECEIVE_BYTES 4096u
#define AGENT_RECEIVE_BYTES                                                                        \
  512u /* is held by each connection of a device, for as long as it lasts */

con_server *con_listen_server(struct lws *wsi)
{
  return lws_context_user(lws_get_context(wsi));
}

void con_plain_address(char *address)
{
  static const char mapped[] = "::ffff:";
  size_t len = sizeof(mapped) - 1;
  if (strncmp(address, mapped, len) == 0 && strchr(address, '.') != NULL)
    memmove(address, address + len, strlen(address + len) + 1);
}

void con_listen_peer(struct lws *wsi, char *out, size_t size)
{
  out[0] = '\0';
  (void)lws_get_peer_simple(wsi, out, size);
  con_plain_address(out);
}

static void on_lws_log(int level, const char *line)
{
  size_t len = strlen(line);
  while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' '))
    len--;
  cd_log(CD_AREA_CONSOLE, level == LLL_ERR ? CD_LOG_WARN : CD_LOG_DEBUG, "libwebsockets: %.*s",
         (int)len, line);
}

/* ---- TLS ---- */

/* Nothing but the device CA vouches for a device, and no session is resumed: resumption would skip
 * the check of the certificate. */
static bool trust_device_ca(const con_server *s, SSL_CTX *ctx)
{
  X509_STORE *trusted = con_ca_store(s->keys.ca);
  if (trusted == NULL)
    return false;
  SSL_CTX_set_cert_store(ctx, trusted); /* takes it over */
  (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  (void)SSL_CTX_set_num_tickets(ctx, 0);
  (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  return true;
}

void con_listen_trust(con_server *s)
{
  if (s->agents_tls != NULL && !trust_device_ca(s, s->agents_tls))
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR,
           "the signer's certificates of the device CA cannot be read; those from before count");
}

static struct lws_vhost *make_vhost(con_server *s, const char *name, const con_listen *at,
                                    const struct lws_protocols *protocols, bool people, cd_err *err)
{
  char key[CON_PATH_TEXT];
  char certificate[CON_PATH_TEXT];
  con_path(s, "tls.key", key);
  con_path(s, "tls.pem", certificate);
  bool own = people && s->config.certificate[0] != '\0';
  /* libwebsockets binds a socket of IPv6 to an address of IPv4 without a word, at every address. */
  bool v4 = at->address[0] != '\0' && strchr(at->address, ':') == NULL;
  struct lws_context_creation_info info = {
      .port = at->port,
      .iface = at->address[0] != '\0' ? at->address : NULL,
      .vhost_name = name,
      .protocols = protocols,
      .ssl_cert_filepath = own ? s->config.certificate : certificate,
      .ssl_private_key_filepath = own ? s->config.key : key,
      .alpn = "http/1.1",
      .ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
                         SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION,
      .timeout_secs = 20,
      .keepalive_timeout = 30,
      .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | /* without it there is no TLS */
                 LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS | (v4 ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0) |
                 (people ? 0 : LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT)};
  struct lws_vhost *vhost = lws_create_vhost(s->lws, &info);
  if (vhost != NULL && (people ? s->people_tls : s->agents_tls) == NULL) {
    (void)cd_fail(err, CD_E_INTERNAL, "the listener for %s has no TLS", name);
    return NULL;
  }
  if (vhost == NULL) {
    (void)cd_fail(err, CD_E_IO,
                  "cannot listen for %s at port %u: the port may be taken, or key and certificate "
                  "do not go together",
                  name, (unsigned)at->port);
    return NULL;
  }
  return vhost;
}

/* Ours first: the device CA must be there before a connection is. */
static int on_agents(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
  if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
    con_listen_server(wsi)->agents_tls = user;
    return trust_device_ca(con_listen_server(wsi), user) ? 0 : 1;
  }
  return con_agents_callback(wsi, reason, user, in, len);
}

cd_code con_listen_start(con_server *s, cd_err *err)
{
  static struct lws_protocols people[] = {
      {.name = "http", .callback = con_people_callback, .rx_buffer_size = RECEIVE_BYTES}, {0}};
  static struct lws_protocols agents[] = {
      {.name = CD_PROTOCOL_NAME, .callback = on_agents, .rx_buffer_size = AGENT_RECEIVE_BYTES},
      {0}};
  people[0].per_session_data_size = con_people_session;
  agents[0].per_session_data_size = con_agents_session;
  void *loops[] = {s->loop};
  const struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                                 .options = LWS_SERVER_OPTION_LIBUV |
                                                            LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                                                            LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
                                                 .foreign_loops = loops,
                                                 .gid = (gid_t)-1,
                                                 .uid = (uid_t)-1,
                                                 .user = s,
                                                 .max_http_header_data2 = HEADERS_MAX,
                                                 .max_http_header_pool2 = HEADERS_POOL,
                                                 .server_string = "cordon-console"};
  lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
  s->lws = lws_create_context(&info);
  if (s->lws == NULL)
    return cd_fail(err, CD_E_UNAVAILABLE,
                   "libwebsockets does not start; is its plugin for libuv installed "
                   "(libwebsockets-evlib-uv)?");
  s->people = make_vhost(s, "people", &s->config.people, people, true, err);
  if (s->people != NULL)
    s->agents = make_vhost(s, "agents", &s->config.agents, agents, false, err);
  if (s->agents == NULL)
    return err->code;
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "people at port %u, devices at port %u",
         (unsigned)s->config.people.port, (unsigned)s->config.agents.port);
  return CD_OK;
}

static void use_certificate(SSL_CTX *ctx, const char *path, const char *who)
{
  if (ctx != NULL && SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "the %s' listener does not take the new certificate",
           who);
}

void con_listen_renew(con_server *s)
{
  char path[CON_PATH_TEXT];
  con_path(s, "tls.pem", path);
  use_certificate(s->agents_tls, path, "agents");
  if (s->config.certificate[0] == '\0')
    use_certificate(s->people_tls, path, "people");
}
