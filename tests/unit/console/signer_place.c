#include "signer_place.h"

#include "base/clock.h"
#include "base/log.h"
#include "protocol/base64.h"
#include "random.h"
#include "signer_client_private.h"

#include <mbedtls/x509_csr.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_SIZE 1024

int64_t signer_now;

static int64_t now_ms(void)
{
  return signer_now != 0 ? signer_now : cd_wall_ms();
}

void put_text(const char *path, const char *text)
{
  FILE *f = fopen(path, "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_ge(fputs(text, f), 0);
  ck_assert_int_eq(fclose(f), 0);
}

const char *signer_folder(void)
{
  static char path[TEXT_SIZE];
  if (path[0] == '\0') {
    (void)snprintf(path, sizeof(path), "%s", at("signer"));
    expect_ok(sig_keys_init(path, cd_wall_ms(), &err));
  }
  return path;
}

const char *socket_path(void)
{
  static char path[TEXT_SIZE];
  const char *own = at("run");
  (void)snprintf(path, sizeof(path), "%s/signer.sock", access(own, F_OK) == 0 ? own : place());
  return path;
}

const char *config_text(const char *more)
{
  static char text[4 * TEXT_SIZE];
  (void)snprintf(text, sizeof(text),
                 "{\"database\":\"%s\",\"socket\":\"%s\",\"console_user\":\"%u\",\"log\":"
                 "\"all=error\"%s}",
                 db_path(), socket_path(), (unsigned)geteuid(), more != NULL ? more : "");
  return text;
}

void open_signer(sig_signer *s, const char *more)
{
  sig_config config;
  expect_ok(sig_config_parse(cd_str_from(config_text(more)), &config, &err));
  expect_ok(cd_log_configure(cd_str_from(config.log), &err));
  expect_ok(sig_open(s, signer_folder(), &config, &err));
  s->now_ms = now_ms;
}

void reopen_signer(sig_signer *s, const char *more)
{
  sig_close(s);
  open_signer(s, more);
}

con_signer_reply ask(sig_signer *s, const char *method, const char *params)
{
  static cd_json_doc *doc;
  static char sentence[CD_ERR_TEXT_MAX];
  con_signer_reply reply;
  cd_buf request = CD_BUF_INIT(1024u * 1024u);
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_buf_addf(&request, "{\"method\":\"%s\",\"params\":%s}", method, params);
  expect_ok(sig_answer(s, cd_buf_view(&request), &out, &err));
  cd_json_free(doc);
  doc = NULL;
  con_signer_read_reply(cd_buf_view(&out), &doc, &reply, sentence);
  cd_buf_release(&request);
  cd_buf_release(&out);
  return reply;
}

con_signer_reply attach(sig_signer *s)
{
  char params[TEXT_SIZE];
  char seal[64];
  cd_base64url_text(seal, test_seal()->bytes, CON_SEAL_SIZE);
  (void)snprintf(params, sizeof(params), "{\"seal\":\"%s\"}", seal);
  return ask(s, "attach", params);
}

static void add_audit(cd_jw *w, const con_audit_ref *ref)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&ref->digest, digest);
  cd_jw_obj(w, "audit");
  cd_jw_u64(w, "sequence", ref->sequence);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_end_obj(w);
}

con_signer_reply sign(sig_signer *s, const char *device, const con_action_made *action,
                      const char *parameters, uint64_t generation)
{
  cd_buf params = CD_BUF_INIT(1024u * 1024u);
  cd_jw w;
  cd_jw_init(&w, &params);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "device", device);
  cd_jw_cstr(&w, "action", action->id);
  cd_jw_u64(&w, "generation", generation);
  cd_jw_i64(&w, "expires", action->created_ms + HOUR_MS / 2);
  cd_jw_cstr(&w, "parameters", parameters);
  add_audit(&w, &action->audit);
  cd_jw_end_obj(&w);
  expect_ok(cd_jw_done(&w, "the request", &err));
  con_signer_reply reply = ask(s, "sign_order", cd_buf_cstr(&params));
  cd_buf_release(&params);
  return reply;
}

con_signer_reply sign_full(sig_signer *s, const char *device, const con_action_made *action)
{
  return sign(s, device, action, FULL, action->generation);
}

con_signer_reply issue(sig_signer *s, const char *device, const char *csr,
                       const con_audit_ref *audit)
{
  cd_buf params = CD_BUF_INIT(64u * 1024u);
  cd_jw w;
  cd_jw_init(&w, &params);
  cd_jw_obj(&w, NULL);
  if (device != NULL)
    cd_jw_cstr(&w, "device", device);
  cd_jw_cstr(&w, "csr", csr);
  add_audit(&w, audit);
  cd_jw_end_obj(&w);
  expect_ok(cd_jw_done(&w, "the request", &err));
  con_signer_reply reply = ask(s, "issue_certificate", cd_buf_cstr(&params));
  cd_buf_release(&params);
  return reply;
}

static void key_text(const cd_public_key *key, char out[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1])
{
  uint8_t der[CD_KEY_DER_SIZE];
  cd_public_key_to_der(key, der);
  cd_base64url_text(out, der, sizeof(der));
}

con_signer_reply state_key(sig_signer *s, const char *device, const cd_public_key *key,
                           const con_audit_ref *audit)
{
  char text[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_buf params = CD_BUF_INIT(64u * 1024u);
  cd_jw w;
  key_text(key, text);
  cd_jw_init(&w, &params);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "device", device);
  cd_jw_cstr(&w, "key", text);
  add_audit(&w, audit);
  cd_jw_end_obj(&w);
  expect_ok(cd_jw_done(&w, "the request", &err));
  con_signer_reply reply = ask(s, "state_device_key", cd_buf_cstr(&params));
  cd_buf_release(&params);
  return reply;
}

/* ---- devices ---- */

void make_csr(const cd_key *key, char out[4096])
{
  mbedtls_x509write_csr csr;
  mbedtls_pk_context pk;
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  mbedtls_x509write_csr_init(&csr);
  mbedtls_pk_init(&pk);
  expect_ok(cd_key_to_pem(key, &pem, &err));
  ck_assert_int_eq(mbedtls_pk_parse_key(&pk, (const unsigned char *)pem.ptr, pem.len + 1, NULL, 0,
                                        sig_random_fill, NULL),
                   0);
  mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
  mbedtls_x509write_csr_set_key(&csr, &pk);
  ck_assert_int_eq(mbedtls_x509write_csr_set_subject_name(&csr, "CN=whatever it says"), 0);
  ck_assert_int_eq(
      mbedtls_x509write_csr_pem(&csr, (unsigned char *)out, 4096, sig_random_fill, NULL), 0);
  mbedtls_pk_free(&pk);
  mbedtls_x509write_csr_free(&csr);
  cd_buf_release(&pem);
}

void enroll_device(con_store *s, const char *name, fleet_device *out)
{
  char key[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  char id[CD_KEY_ID_TEXT_MAX];
  con_enrolment e = {.dns_name = cd_str_from(name),
                     .os_platform = CD_STR("Linux"),
                     .agent_version = CD_STR("1.0"),
                     .peer = CD_STR("192.0.2.7")};
  *out = (fleet_device){0};
  make_token(s, 1, e.token);
  expect_ok(cd_key_generate(&sig_random, &out->device_key, &err));
  expect_ok(cd_key_generate(&sig_random, &out->tls_key, &err));
  make_csr(out->tls_key, out->csr);
  key_text(cd_key_public(out->device_key), key);
  cd_public_key_id(cd_key_public(out->device_key), id);
  e.device_key = cd_str_from(key);
  e.key_id = cd_str_from(id);
  e.tls_key = cd_key_public(out->tls_key)->id;
  expect_ok(con_device_enroll(s, &e, &out->enrolled, &err));
}

void free_device(fleet_device *d)
{
  cd_key_free(d->device_key);
  cd_key_free(d->tls_key);
}

/* ---- programs ---- */

int run(const char *const *argv, char *out, size_t out_size)
{
  posix_spawn_file_actions_t actions;
  pid_t pid = 0;
  int status = 0;
  char unseen[256] = "";
  size_t used = 0;
  int pipes[2];
  ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
  ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
  ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, pipes[1], 1), 0);
  ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, pipes[1], 2), 0);
  char **args = NULL;
  memcpy(&args, &argv, sizeof(args));
  ck_assert_int_eq(posix_spawnp(&pid, argv[0], &actions, NULL, args, environ), 0);
  ck_assert_int_eq(close(pipes[1]), 0);
  for (;;) {
    bool room = out != NULL && used + 1 < out_size;
    ssize_t got =
        read(pipes[0], room ? out + used : unseen, room ? out_size - used - 1 : sizeof(unseen));
    if (got <= 0)
      break;
    used += room ? (size_t)got : 0;
  }
  if (out != NULL)
    out[used] = '\0';
  ck_assert_int_eq(close(pipes[0]), 0);
  (void)posix_spawn_file_actions_destroy(&actions);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
