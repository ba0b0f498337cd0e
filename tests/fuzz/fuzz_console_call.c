/* Whole calls of the API, from an application that may do everything: verb, path with its routes
 * and arguments, query, body. Each has an answer, refusals have the API's shape, and nothing is
 * done twice. The signer is away.
 *
 * Input: `GET /api/machines/findbyip(ip='192.0.2.1')?$top=1`, a newline, the body. */
#include "api.h"

#include "fuzz_must.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "oauth.h"

#define LINE_MAX_BYTES 4000u

static uv_loop_t loop;
static con_server server;
static cd_buf authorization = CD_BUF_INIT(8192);
static char app_id[CD_ID_SIZE];
static char folder[64] = "/dev/shm/cordon-fuzz-XXXXXX";

static void on_stopped(con_server *s)
{
  (void)s;
}

static void remove_folder(void)
{
  static const char *const files[] = {"console.db", "console.db-wal", "console.db-shm", "lock",
                                      "seal.key"};
  char path[128];
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
    (void)unlink(path);
  }
  (void)rmdir(folder);
}

static void make_bearer(void)
{
  static const cd_str all[] = {CD_STR_INIT("Machine.Read.All"),
                               CD_STR_INIT("Machine.ReadWrite.All"),
                               CD_STR_INIT("Machine.Isolate"),
                               CD_STR_INIT("Cordon.Enroll"),
                               CD_STR_INIT("Cordon.Revoke"),
                               CD_STR_INIT("Cordon.Audit.Read"),
                               CD_STR_INIT("Machine.Scan"),
                               CD_STR_INIT("Machine.StopAndQuarantine"),
                               CD_STR_INIT("Cordon.Remediate"),
                               CD_STR_INIT("Alert.ReadWrite.All"),
                               CD_STR_INIT("Machine.CollectForensics")};
  const con_by by = {.who = CD_STR("fuzz")};
  char secret[CON_APP_SECRET_TEXT];
  cd_err err = {0};
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  con_bearer b = {.issued_s = cd_wall_ms() / 1000, .expires_s = cd_wall_ms() / 1000 + 86400};
  must(con_app_create(server.store, &by, CD_STR("fuzz"), all, sizeof(all) / sizeof(all[0]), app_id,
                      secret, &err) == CD_OK,
       err.text);
  (void)cd_str_copy(b.app, sizeof(b.app), cd_str_from(app_id));
  must(con_bearer_make(server.bearer_key, &b, CD_STR("all"), CD_STR("https://c:1"), &token, &err) ==
           CD_OK,
       err.text);
  cd_buf_add_cstr(&authorization, "Bearer ");
  cd_buf_add_str(&authorization, cd_buf_view(&token));
  cd_buf_release(&token);
}

/* So that what is asked of a machine called desk reaches its handler. */
static void add_device(void)
{
  char id[CD_ID_SIZE];
  char key[123];
  char key_id[65];
  cd_err err = {0};
  con_enrolled enrolled = {0};
  con_enrolment e = {.dns_name = CD_STR("desk"),
                     .os_platform = CD_STR("Linux"),
                     .agent_version = CD_STR("1"),
                     .peer = CD_STR("192.0.2.1")};
  const con_by by = {.who = CD_STR("fuzz")};
  must(con_token_create(server.store, &by, 1, cd_wall_ms() + 3600000, NULL, 0, CD_STR("n"), id,
                        e.token, &err) == CD_OK,
       err.text);
  memset(key, 'A', sizeof(key) - 1);
  key[sizeof(key) - 1] = '\0';
  (void)snprintf(key_id, sizeof(key_id), "%064x", 7);
  e.device_key = cd_str_from(key);
  e.key_id = cd_str_from(key_id);
  must(con_device_enroll(server.store, &e, &enrolled, &err) == CD_OK, err.text);
}

static void begin(void)
{
  char text[1000];
  char path[128];
  con_config config;
  con_seal_key seal;
  cd_err err = {0};
  must(cd_log_configure(CD_STR("all=error"), &err) == CD_OK, err.text);
  must(mkdtemp(folder) != NULL, "no folder");
  must(atexit(remove_folder) == 0, "no end");
  (void)snprintf(path, sizeof(path), "%s/seal.key", folder);
  must(con_seal_key_load(path, &seal, &err) == CD_OK, err.text); /* makes it */
  (void)snprintf(text, sizeof(text),
                 "{\"data_dir\":\"%s\",\"people\":{\"url\":\"https://c:1\"},\"agents\":{"
                 "\"addresses\":[\"c:2\"]},\"names\":[\"c\"],\"signer\":{\"socket\":"
                 "\"%s/none.sock\"},\"limits\":{\"per_minute\":1000000,\"per_hour\":1000000}}",
                 folder, folder);
  con_config_init(&config);
  must(con_config_parse(cd_str_from(text), "config", &config, &err) == CD_OK, err.text);
  must(uv_loop_init(&loop) == 0, "no loop");
  must(con_server_start(&server, &loop, &config, on_stopped, &err) == CD_OK, err.text);
  make_bearer();
  add_device();
}

static void on_done(con_call *c)
{
  *(bool *)c->owner = true;
}

static con_verb verb_of(cd_str word)
{
  return cd_str_eq_cstr(word, "GET")      ? CON_GET
         : cd_str_eq_cstr(word, "POST")   ? CON_POST
         : cd_str_eq_cstr(word, "PATCH")  ? CON_PATCH
         : cd_str_eq_cstr(word, "DELETE") ? CON_DELETE
                                          : CON_OTHER;
}

/* As people.c takes a request apart. */
static bool fill(con_call *c, cd_str line, cd_str body)
{
  c->verb = verb_of(cd_str_cut(&line, ' '));
  cd_str path = cd_str_cut(&line, '?');
  if (path.len == 0 || path.ptr[0] != '/' || !cd_str_utf8_valid(path) || !cd_str_utf8_valid(line))
    return false;
  c->path = cd_str_dup(path);
  c->query = cd_str_dup(line);
  c->authorization = cd_str_dup(cd_buf_view(&authorization));
  must(c->path != NULL && c->query != NULL && c->authorization != NULL, "no memory");
  for (cd_str rest = cd_str_from(c->query); rest.len > 0 && c->param_count < CON_CALL_PARAMS;) {
    cd_str part = cd_str_cut(&rest, '&');
    con_param *p = &c->params[c->param_count++];
    p->name = cd_str_cut(&part, '=');
    p->value = part;
  }
  cd_buf_add_str(&c->body, body);
  return c->body.failed == CD_OK;
}

static void check(const con_call *c)
{
  const char *text = cd_buf_cstr(&c->reply.body);
  must(c->reply.status >= 200 && c->reply.status < 600, "no status");
  must(c->reply.status != 500, "a trouble of the console's own");
  if (c->reply.status >= 400)
    must(strncmp(text, "{\"error\":", 9) == 0, "a refusal of another shape");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_str body = {(const char *)data, size};
  bool done = false;
  if (server.store == NULL)
    begin();
  memset(&server.limits, 0, sizeof(server.limits)); /* many calls in a minute are what this is */
  cd_str line = cd_str_cut(&body, '\n');
  con_call *c = con_call_new(&server);
  must(c != NULL, "no memory");
  c->owner = &done;
  c->on_done = on_done;
  if (line.len <= LINE_MAX_BYTES && memchr(data, '\0', size) == NULL && fill(c, line, body)) {
    con_call_run(c);
    while (c->later && !done)
      (void)uv_run(&loop, UV_RUN_ONCE);
    check(c);
  }
  con_call_free(c);
  (void)uv_run(&loop, UV_RUN_NOWAIT);
  return 0;
}
