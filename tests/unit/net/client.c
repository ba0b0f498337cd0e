/* A plain TLS connection from its beginning to its end. */
#include "client.h"

#include <check.h>

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

typedef struct run {
  client_told told;
  const char *say;
  const char *until;
} run;

net_tls_config *client_config(cert_name own)
{
  net_tls_config *config = NULL;
  cd_err err = {0};
  net_tls_credentials from = {.ca = cert_pem(CERT_CA)};
  if (own != CERT_COUNT) {
    from.certificate = cert_pem(own);
    from.key = cert_key(own);
  }
  ck_assert_msg(net_tls_config_new(&from, &config, &err) == CD_OK, "%s", err.text);
  return config;
}

void client_target_set(client_target *t, uint16_t port, const char *host)
{
  *t = (client_target){.endpoint = {.socket = NET_NO_SOCKET, .port = port}};
  ck_assert_int_eq(uv_ip4_addr("127.0.0.1", port, &t->address), 0);
  t->endpoint.address = (const struct sockaddr *)&t->address;
  t->endpoint.host = cd_str_from(host);
}

static void on_open(net_conn *c)
{
  run *r = net_conn_owner(c);
  cd_err err = {0};
  r->told.opened = true;
  if (r->say != NULL)
    ck_assert_msg(net_conn_write(c, cd_str_from(r->say), &err) == CD_OK, "%s", err.text);
}

static void on_data(net_conn *c, cd_str bytes)
{
  run *r = net_conn_owner(c);
  ck_assert_uint_le(r->told.text_len + bytes.len, sizeof(r->told.text));
  memcpy(r->told.text + r->told.text_len, bytes.ptr, bytes.len);
  r->told.text_len += bytes.len;
  if (r->until != NULL &&
      cd_str_ends((cd_str){r->told.text, r->told.text_len}, cd_str_from(r->until)))
    net_conn_end(c, CD_OK, "");
}

static void on_closed(net_conn *c, cd_code code, const char *sentence)
{
  run *r = net_conn_owner(c);
  ck_assert(!r->told.closed);
  r->told.closed = true;
  r->told.code = code;
  (void)snprintf(r->told.sentence, sizeof(r->told.sentence), "%s", sentence);
}

client_told client_run(const client_target *to, net_tls_config *config, uint32_t open_ms,
                       const char *say, const char *until)
{
  static const net_conn_events events = {
      .on_open = on_open, .on_data = on_data, .on_closed = on_closed};
  uv_loop_t loop;
  net_conn *conn = NULL;
  cd_err err = {0};
  run r = {.say = say, .until = until};
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_msg(net_conn_open(&loop, &to->endpoint, config, open_ms, &events, &r, &conn, &err) ==
                    CD_OK,
                "%s", err.text);
  /* It is its own deadline: a connection that does not open ends, and so does each test's peer. */
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert(r.told.closed);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  return r.told;
}
