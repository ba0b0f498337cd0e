/* TLS: whom it believes, and what it says of those it does not. */
#include "client.h"

#include "openssl.h"
#include "suite.h"

#include <seccomp.h>

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static void echo_once(peer *p)
{
  peer_tls(p);
  peer_read_to(p, "\n");
  peer_send(p, p->text, p->text_len);
  peer_raw_wait_end(p);
}

static void only_handshake(peer *p)
{
  if (peer_tls_try(p))
    peer_raw_wait_end(p);
}

/* ---- whom it believes ---- */

static const struct {
  const char *host;
  cert_name server;
  cert_name own;
  mbedtls_ssl_protocol_version version;
} good[] = {
    {"console.test", CERT_SERVER, CERT_DEVICE, MBEDTLS_SSL_VERSION_TLS1_3},
    {"console.test", CERT_SERVER, CERT_DEVICE, MBEDTLS_SSL_VERSION_TLS1_2},
    {"CONSOLE.test", CERT_NAME_ONLY, CERT_DEVICE, MBEDTLS_SSL_VERSION_TLS1_3},
    {"127.0.0.1", CERT_SERVER, CERT_DEVICE, MBEDTLS_SSL_VERSION_TLS1_3},
    {"127.0.0.1", CERT_SERVER, CERT_COUNT, MBEDTLS_SSL_VERSION_TLS1_2},
    {"::1", CERT_SERVER, CERT_COUNT, MBEDTLS_SSL_VERSION_TLS1_3},
};

START_TEST(carries_bytes_to_and_from_a_good_server)
{
  client_target to;
  net_tls_config *config = client_config(good[_i].own);
  peer_process server = peer_start((peer_rules){.certificate = good[_i].server,
                                                .version = good[_i].version,
                                                .asks_client = good[_i].own != CERT_COUNT},
                                   echo_once);
  client_target_set(&to, server.port, good[_i].host);
  client_told told = client_run(&to, config, 0, "hello\n", "\n");
  ck_assert_msg(told.code == CD_OK && told.opened, "%s", told.sentence);
  ck_assert_uint_eq(told.text_len, 6);
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

static void says_the_name(peer *p)
{
  peer_tls(p);
  peer_say(p, p->server_name[0] != '\0' ? p->server_name : "none");
  peer_close_notify(p);
  peer_raw_wait_end(p);
}

START_TEST(asks_for_a_name_and_never_for_an_address)
{
  static const char *const hosts[] = {"console.test", "127.0.0.1", "::1"};
  client_target to;
  net_tls_config *config = client_config(CERT_COUNT);
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, says_the_name);
  client_target_set(&to, server.port, hosts[_i]);
  client_told told = client_run(&to, config, 0, NULL, NULL);
  ck_assert_msg(told.code == CD_OK, "%s", told.sentence);
  ck_assert_str_eq(told.text, _i == 0 ? "console.test" : "none");
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

/* ---- whom it does not ---- */

static const struct {
  const char *host;
  cert_name server;
  const char *says;
} bad[] = {
    {"console.test", CERT_FOREIGN, "does not come from the pinned CA"},
    {"console.test", CERT_BY_DEVICE, "does not come from the pinned CA"},
    {"other.test", CERT_SERVER, "is for another name: ::1, 127.0.0.1, console.test"},
    {"sub.console.test", CERT_SERVER, "is for another name"},
    {"127.0.0.2", CERT_SERVER, "is for another name"},
    {"::2", CERT_SERVER, "is for another name"},
    {"127.0.0.1", CERT_NAME_ONLY, "is for another name: console.test"},
    {"console.test", CERT_COMMON_NAME, "it has no subjectAltName"},
    {"console.test", CERT_EXPIRED, "'CN=server' expired at 2020-02-01T00:00:00Z"},
    {"console.test", CERT_FUTURE, "'CN=server' begins at 2098-01-01T00:00:00Z"},
    {"console.test", CERT_ANY_USE, "lacks serverAuth"},
};

static void refuses(size_t i, mbedtls_ssl_protocol_version version)
{
  client_target to;
  net_tls_config *config = client_config(CERT_COUNT);
  peer_process server =
      peer_start((peer_rules){.certificate = bad[i].server, .version = version}, only_handshake);
  client_target_set(&to, server.port, bad[i].host);
  client_told told = client_run(&to, config, 0, "secret\n", NULL);
  ck_assert_int_eq(told.code, CD_E_DENIED);
  ck_assert(!told.opened);
  ck_assert_msg(strstr(told.sentence, bad[i].says) != NULL, "%s", told.sentence);
  ck_assert_msg(strstr(told.sentence, bad[i].host) != NULL, "%s", told.sentence);
  peer_finish(&server);
  net_tls_config_free(config);
}

START_TEST(refuses_a_server_that_it_cannot_believe_in_tls_1_3)
{
  refuses((size_t)_i, MBEDTLS_SSL_VERSION_TLS1_3);
}
END_TEST

START_TEST(refuses_a_server_that_it_cannot_believe_in_tls_1_2)
{
  refuses((size_t)_i, MBEDTLS_SSL_VERSION_TLS1_2);
}
END_TEST

/* mbedTLS's own server would not show such a certificate. */
START_TEST(refuses_a_certificate_that_is_for_clients)
{
  client_target to;
  net_tls_config *config = client_config(CERT_COUNT);
  peer_process server = openssl_start(
      (openssl_rules){.certificate = CERT_CLIENT_USE, .version = _i == 0 ? "-tls1_3" : "-tls1_2"});
  client_target_set(&to, server.port, "console.test");
  client_told told = client_run(&to, config, 0, "secret\n", NULL);
  ck_assert_int_eq(told.code, CD_E_DENIED);
  ck_assert_msg(strstr(told.sentence, "lacks serverAuth") != NULL, "%s", told.sentence);
  openssl_finish(&server);
  net_tls_config_free(config);
}
END_TEST

/* ---- who does not believe it ---- */

static const struct {
  cert_name own;
  const char *version;
  const char *says; /* NULL: it believes */
} shown[] = {
    {CERT_DEVICE, "-tls1_3", NULL},
    {CERT_DEVICE, "-tls1_2", NULL},
    {CERT_DEVICE_EXPIRED, "-tls1_3", "it has expired (TLS alert 45)"},
    {CERT_DEVICE_EXPIRED, "-tls1_2", "it has expired (TLS alert 45)"},
    {CERT_DEVICE_FOREIGN, "-tls1_3", "(TLS alert "},
    {CERT_DEVICE_FOREIGN, "-tls1_2", "(TLS alert "},
    {CERT_SERVER, "-tls1_3", "it is of a kind that is not taken (TLS alert 43)"},
    {CERT_COUNT, "-tls1_3", "asks for a certificate, and none is configured (TLS alert 116)"},
    {CERT_COUNT, "-tls1_2", "ended TLS: no common ground for a handshake (TLS alert 40)"},
};

START_TEST(says_what_a_server_thinks_of_its_certificate)
{
  client_target to;
  net_tls_config *config = client_config(shown[_i].own);
  peer_process server = openssl_start((openssl_rules){
      .certificate = CERT_SERVER, .version = shown[_i].version, .asks_client = true});
  client_target_set(&to, server.port, "console.test");
  client_told told = client_run(&to, config, 0, "hello\n", "\n");
  if (shown[_i].says == NULL) {
    ck_assert_msg(told.code == CD_OK, "%s", told.sentence);
    ck_assert_msg(cd_str_eq_cstr((cd_str){told.text, told.text_len}, "olleh\n"), "another text");
  } else {
    ck_assert_msg(told.code != CD_OK && strstr(told.sentence, shown[_i].says) != NULL, "%s",
                  told.sentence);
  }
  openssl_finish(&server);
  net_tls_config_free(config);
}
END_TEST

START_TEST(does_not_speak_old_tls)
{
  client_target to;
  net_tls_config *config = client_config(CERT_COUNT);
  peer_process server =
      openssl_start((openssl_rules){.certificate = CERT_SERVER, .version = "-tls1_1"});
  client_target_set(&to, server.port, "console.test");
  client_told told = client_run(&to, config, 0, "hello\n", NULL);
  ck_assert_int_ne(told.code, CD_OK);
  ck_assert_msg(strstr(told.sentence, "TLS alert 70") != NULL, "%s", told.sentence);
  openssl_finish(&server);
  net_tls_config_free(config);
}
END_TEST

/* ---- connections that end or do not begin ---- */

static void resets_after_hello(peer *p)
{
  peer_raw_read(p, 5);
  peer_reset(p);
}

static void ends_after_hello(peer *p)
{
  peer_raw_read(p, 5);
  (void)shutdown(p->fd, SHUT_WR);
  peer_raw_wait_end(p);
}

static void speaks_http(peer *p)
{
  peer_raw_read(p, 5);
  peer_raw_say(p, "HTTP/1.1 400 Bad Request\r\n\r\n");
  peer_raw_wait_end(p);
}

static void resets_after_handshake(peer *p)
{
  peer_tls(p);
  peer_reset(p);
}

static void ends_after_words(peer *p)
{
  peer_tls(p);
  peer_read_to(p, "\n");
  peer_say(p, "half an ans");
  (void)shutdown(p->fd, SHUT_WR);
  peer_raw_wait_end(p);
}

static void says_goodbye(peer *p)
{
  peer_tls(p);
  peer_read_to(p, "\n");
  peer_say(p, "bye");
  peer_close_notify(p);
  peer_raw_wait_end(p);
}

/* As a server does that looks at its list only when the handshake is done. */
static void says_revoked(peer *p)
{
  peer_tls(p);
  (void)mbedtls_ssl_send_alert_message(&p->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                       MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED);
  (void)shutdown(p->fd, SHUT_WR);
  peer_raw_wait_end(p);
}

/* Until the client has had enough of it. */
static void breaks_a_record(peer *p)
{
  static const char garbage[24000] = "\x17\x03\x03\x40\x10";
  peer_tls(p);
  for (size_t at = 0; at < sizeof(garbage);) {
    ssize_t n = send(p->fd, garbage + at, sizeof(garbage) - at, MSG_NOSIGNAL);
    if (n <= 0)
      break;
    at += (size_t)n;
  }
  peer_raw_wait_end(p);
}

static const struct {
  void (*act)(peer *p);
  cert_name own;
  cd_code code;
  bool opened;
  const char *says;
} ends[] = {
    {resets_after_hello, CERT_DEVICE, CD_E_IO, false,
     "connection reset by peer during the TLS handshake; perhaps it refused the certificate"},
    {ends_after_hello, CERT_COUNT, CD_E_IO, false, "ended the connection during the TLS handshake"},
    {speaks_http, CERT_COUNT, CD_E_INVALID, false, "does not speak TLS there"},
    {resets_after_handshake, CERT_DEVICE, CD_E_IO, true,
     "right after the TLS handshake; perhaps it refused the certificate"},
    {says_revoked, CERT_DEVICE, CD_E_DENIED, true,
     "refused the certificate that was shown to it: it is revoked (TLS alert 44)"},
    {ends_after_words, CERT_COUNT, CD_E_IO, true, "without the end of TLS (close_notify)"},
    {says_goodbye, CERT_COUNT, CD_OK, true, ""},
    {breaks_a_record, CERT_COUNT, CD_E_INVALID, true, "was changed on the way"},
};

START_TEST(tells_how_a_connection_ended)
{
  client_target to;
  net_tls_config *config = client_config(ends[_i].own);
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, ends[_i].act);
  client_target_set(&to, server.port, "console.test");
  client_told told = client_run(&to, config, 0, "hello\n", NULL);
  ck_assert_msg(told.code == ends[_i].code, "%d: %s", told.code, told.sentence);
  ck_assert_int_eq(told.opened, ends[_i].opened);
  ck_assert_msg(strstr(told.sentence, ends[_i].says) != NULL, "%s", told.sentence);
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

static void is_silent(peer *p)
{
  peer_hang();
}

START_TEST(gives_up_on_a_silent_server_at_its_deadline)
{
  client_target to;
  net_tls_config *config = client_config(CERT_COUNT);
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, is_silent);
  client_target_set(&to, server.port, "console.test");
  client_told told = client_run(&to, config, 2000, NULL, NULL);
  ck_assert_int_eq(told.code, CD_E_DEADLINE);
  ck_assert_str_eq(told.sentence, "the TLS handshake with 'console.test' took longer than 2000 ms");
  peer_kill(&server);
  net_tls_config_free(config);
}
END_TEST

START_TEST(says_when_nobody_listens)
{
  client_target to;
  net_tls_config *config = client_config(CERT_COUNT);
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, is_silent);
  peer_kill(&server);
  client_target_set(&to, server.port, "console.test");
  client_told told = client_run(&to, config, 0, NULL, NULL);
  ck_assert_int_eq(told.code, CD_E_UNAVAILABLE);
  ck_assert_str_eq(told.sentence, "connecting to 'console.test' failed: connection refused");
  net_tls_config_free(config);
}
END_TEST

/* ---- shut in ---- */

static volatile sig_atomic_t files;

static void on_forbidden(int number)
{
  files = files + 1;
}

/* As cordon-channel does, but that what is forbidden is noted. */
static void forbid_files(void)
{
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  ck_assert_ptr_nonnull(filter);
  ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(openat), 0), 0);
  ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(open), 0), 0);
  ck_assert(signal(SIGSYS, on_forbidden) != SIG_ERR);
  ck_assert_int_eq(seccomp_load(filter), 0);
  seccomp_release(filter);
}

START_TEST(opens_no_file_once_it_is_prepared)
{
  client_target to;
  int status = 0;
  peer_process server = peer_start(
      (peer_rules){.certificate = CERT_SERVER, .version = good[_i].version, .asks_client = true},
      echo_once);
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    cd_err err = {0};
    ck_assert_int_eq(net_prepare(&err), CD_OK);
    forbid_files();
    net_tls_config *config = client_config(CERT_DEVICE);
    client_target_set(&to, server.port, "console.test");
    client_told told = client_run(&to, config, 0, "hello\n", "\n");
    /* One is libuv's: /dev/null with the first stream of a loop, which it can do without. */
    _exit(told.code != CD_OK ? 1 : files > 1 ? 2 : 0);
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_eq(status, 0);
  peer_finish(&server);
}
END_TEST

/* ---- credentials ---- */

START_TEST(refuses_credentials_that_do_not_fit_together)
{
  const cd_str ca = cert_pem(CERT_CA);
  const cd_str own = cert_pem(CERT_DEVICE);
  const struct {
    net_tls_credentials from;
    const char *says;
  } rows[] = {
      {{.ca = {"", 0}}, "the pinned CA certificate has 0 bytes"},
      {{.ca = CD_STR("no PEM")}, "the pinned CA certificate: "},
      {{.ca = ca, .certificate = own}, "the TLS key has 0 bytes"},
      {{.ca = ca, .certificate = own, .key = cert_key(CERT_SERVER)},
       "the TLS key is not that of the certificate"},
      {{.ca = ca, .certificate = CD_STR("no PEM"), .key = cert_key(CERT_DEVICE)},
       "the TLS certificate: "},
      {{.ca = ca, .certificate = own, .key = own}, "the TLS key: "},
      {{.ca = ca, .key = cert_key(CERT_DEVICE)}, "there is a TLS key, but no certificate"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    net_tls_config *config = NULL;
    cd_err err = {0};
    ck_assert_int_eq(net_tls_config_new(&rows[i].from, &config, &err), CD_E_INVALID);
    ck_assert_ptr_null(config);
    ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s", err.text);
  }
}
END_TEST

START_TEST(refuses_an_endpoint_that_is_none)
{
  static const net_conn_events events = {0};
  const struct sockaddr_in address = {.sin_family = AF_INET};
  const net_endpoint rows[] = {
      {.socket = NET_NO_SOCKET, .host = CD_STR("console.test"), .port = 443},
      {.socket = NET_NO_SOCKET,
       .address = (const struct sockaddr *)&address,
       .host = CD_STR("con sole"),
       .port = 443},
      {.socket = NET_NO_SOCKET,
       .address = (const struct sockaddr *)&address,
       .host = CD_STR("console.test"),
       .port = 0},
      {.socket = 1000000, .host = CD_STR("console.test"), .port = 443},
  };
  net_tls_config *config = client_config(CERT_COUNT);
  uv_loop_t loop;
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    net_conn *conn = NULL;
    cd_err err = {0};
    ck_assert_int_ne(net_conn_open(&loop, &rows[i], config, 0, &events, NULL, &conn, &err), CD_OK);
    ck_assert_ptr_null(conn);
    ck_assert_str_ne(err.text, "");
  }
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  net_tls_config_free(config);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("net.tls");
  TCase *facts = tcase_create("facts");
  (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
  for (cert_name name = CERT_CA; name < CERT_COUNT; name++)
    (void)cert_of(name);
  tcase_set_timeout(facts, 30);
  tcase_add_loop_test(facts, carries_bytes_to_and_from_a_good_server, 0, COUNT_OF(good));
  tcase_add_loop_test(facts, asks_for_a_name_and_never_for_an_address, 0, 3);
  tcase_add_loop_test(facts, refuses_a_server_that_it_cannot_believe_in_tls_1_3, 0, COUNT_OF(bad));
  tcase_add_loop_test(facts, refuses_a_server_that_it_cannot_believe_in_tls_1_2, 0, COUNT_OF(bad));
  tcase_add_loop_test(facts, refuses_a_certificate_that_is_for_clients, 0, 2);
  tcase_add_loop_test(facts, says_what_a_server_thinks_of_its_certificate, 0, COUNT_OF(shown));
  tcase_add_test(facts, does_not_speak_old_tls);
  tcase_add_loop_test(facts, tells_how_a_connection_ended, 0, COUNT_OF(ends));
  tcase_add_test(facts, gives_up_on_a_silent_server_at_its_deadline);
  tcase_add_test(facts, says_when_nobody_listens);
  tcase_add_loop_test(facts, opens_no_file_once_it_is_prepared, 0, 2);
  tcase_add_test(facts, refuses_credentials_that_do_not_fit_together);
  tcase_add_test(facts, refuses_an_endpoint_that_is_none);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
