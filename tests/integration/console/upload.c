#include "upload.h"

#include "protocol/digest.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- the action ---- */

static void fill(upload *u)
{
  uint32_t seed = 1;
  for (const char *at = u->action; *at != '\0'; at++)
    seed = seed * 31 + (unsigned char)*at;
  for (size_t i = 0; i < UPLOAD_BYTES + UPLOAD_ROOM; i++) {
    seed = seed * 1664525 + 1013904223;
    u->content[i] = (char)(seed >> 24);
  }
}

void upload_order(upload *u, fleet *f, device *d)
{
  *u = (upload){.fleet = f, .device = d, .content = malloc(UPLOAD_BYTES + UPLOAD_ROOM)};
  ck_assert_ptr_nonnull(u->content);
  fleet_order(f, d->id, "collectInvestigationPackage", "{\"Comment\":\"test\"}", u->action);
  fill(u);
}

void upload_make(upload *u, fleet *f, device *d)
{
  cd_order order = {0};
  cd_digest digest = {{0}};
  char text[CD_DIGEST_TEXT_MAX];
  cd_err err = {0};
  upload_order(u, f, d);
  ck_assert_int_eq(cd_digest_of(u->content, UPLOAD_BYTES, &digest, &err), CD_OK);
  cd_digest_text(&digest, text);
  (void)snprintf(u->evidence, sizeof(u->evidence),
                 "{\"package\":{\"bytes\":%u,\"digest\":\"%s\",\"artifacts\":1,\"incomplete\":0,"
                 "\"incomplete_names\":[],\"cap\":null}}",
                 UPLOAD_BYTES, text);
  d->evidence = u->evidence;
  fleet_carry_out(d, u->action, &order);
  d->evidence = NULL;
}

void upload_release(upload *u)
{
  free(u->content);
}

/* ---- the device's side ---- */

static void take_kept(upload *u, cd_rpc *m)
{
  cd_kept k = {0};
  cd_err err = {0};
  ck_assert_msg(cd_kept_read(m, &k, &err) == CD_OK, "%s", err.text);
  u->offset = k.offset;
  u->done = k.done;
  (void)cd_str_copy(u->sentence, sizeof(u->sentence), k.sentence);
}

bool upload_offer(upload *u, const char *action)
{
  device *d = u->device;
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  cd_rpc m = {0};
  cd_package_answer a = {0};
  u->done = false;
  u->sentence[0] = '\0';
  ck_assert_int_eq(cd_package_write(action, ++d->last_id, &out, &err), CD_OK);
  device_send(d, &out);
  ck_assert(device_next(d, &m));
  while (m.type == CD_RPC_NOTIFICATION) { /* about the stream before */
    cd_rpc_release(&m);
    ck_assert(device_next(d, &m));
  }
  ck_assert_uint_eq(m.id, d->last_id);
  bool good = cd_package_answer_read(&m, &a, &err) == CD_OK;
  cd_rpc_release(&m);
  if (good) {
    u->stream = a.stream;
    u->offset = a.offset;
  } else {
    (void)cd_str_copy(u->sentence, sizeof(u->sentence), cd_str_from(err.text));
  }
  return good;
}

cd_str upload_part(const upload *u, uint64_t offset, size_t len)
{
  return (cd_str){u->content + offset, len};
}

static void write_chunk(const upload *u, const cd_chunk *c, cd_buf *out)
{
  cd_err err = {0};
  (void)u;
  ck_assert_msg(cd_chunk_write(c, out, &err) == CD_OK, "%s", err.text);
}

void upload_chunk(upload *u, uint64_t offset, cd_str data, uint8_t flags)
{
  cd_buf out = CD_BUF_INIT(CD_CHUNK_MAX);
  const cd_chunk c = {.stream = u->stream, .offset = offset, .flags = flags, .data = data};
  write_chunk(u, &c, &out);
  (void)ws_send(&u->device->ws, CD_WS_BINARY, cd_buf_view(&out)); /* who hears of it, knows */
  cd_buf_release(&out);
}

void upload_half(upload *u, size_t bytes)
{
  static const uint8_t mask[CD_WS_MASK_SIZE] = {1, 2, 3, 4};
  cd_buf message = CD_BUF_INIT(CD_CHUNK_MAX);
  cd_buf frame = CD_BUF_INIT(2 * CD_CHUNK_MAX);
  cd_err err = {0};
  uint64_t left = UPLOAD_BYTES - u->offset;
  size_t len = left < CD_CHUNK_DATA_MAX ? (size_t)left : CD_CHUNK_DATA_MAX;
  const cd_chunk c = {
      .stream = u->stream, .offset = u->offset, .data = upload_part(u, u->offset, len)};
  write_chunk(u, &c, &message);
  ck_assert_int_eq(cd_ws_frame_add(&frame, CD_WS_BINARY, true, cd_buf_view(&message), mask, &err),
                   CD_OK);
  ck_assert(bytes < frame.len && tls_write(&u->device->ws.tls, frame.ptr, bytes));
  cd_buf_release(&message);
  cd_buf_release(&frame);
}

bool upload_heard(upload *u)
{
  cd_rpc m = {0};
  if (!device_next(u->device, &m))
    return false;
  ck_assert_int_eq(m.type, CD_RPC_NOTIFICATION);
  take_kept(u, &m);
  cd_rpc_release(&m);
  return true;
}

void upload_until(upload *u, uint64_t end)
{
  while (u->offset < end) {
    uint64_t left = end - u->offset;
    size_t len = left < CD_CHUNK_DATA_MAX ? (size_t)left : CD_CHUNK_DATA_MAX;
    uint64_t next = u->offset + len;
    upload_chunk(u, u->offset, upload_part(u, u->offset, len),
                 next == UPLOAD_BYTES ? CD_CHUNK_FIN : 0);
    if (next == UPLOAD_BYTES)
      return;
    ck_assert(upload_heard(u));
    ck_assert_msg(u->offset == next, "%s", u->sentence);
  }
}

bool upload_rest(upload *u)
{
  upload_until(u, UPLOAD_BYTES);
  ck_assert(upload_heard(u));
  return u->done;
}

/* ---- what the console says ---- */

static void told(const upload *u, char *out, size_t size)
{
  static char answer[65536];
  char path[200];
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", u->action);
  ck_assert_uint_eq(fleet_ask(u->fleet, "GET", path, NULL, answer, sizeof(answer)), 200);
  const char *at = strstr(answer, "\"package\":{\"state\"");
  (void)cd_str_copy(out, size, cd_str_from(at != NULL ? at : ""));
}

void upload_told(const upload *u, const char *member, char *out, size_t size)
{
  char text[4096];
  told(u, text, sizeof(text));
  json_member(text, member, out, size);
}

void upload_wait(const upload *u, const char *state)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  char value[100] = "";
  for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
    upload_told(u, "state", value, sizeof(value));
    if (strcmp(value, state) == 0)
      return;
    (void)nanosleep(&pause, NULL);
  }
  ck_abort_msg("the package is '%s' and not '%s'", value, state);
}

char *upload_link(const upload *u, unsigned *ret_status, char *words, size_t size)
{
  char answer[8192];
  char path[200];
  char link[8192];
  char url[100];
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s/getPackageUri", u->action);
  *ret_status = fleet_ask(u->fleet, "GET", path, NULL, answer, sizeof(answer));
  json_member(answer, "message", words, size);
  if (*ret_status != 200)
    return NULL;
  json_member(answer, "value", link, sizeof(link));
  (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned)u->fleet->place.people);
  ck_assert_msg(strncmp(link, url, strlen(url)) == 0, "%s", link);
  return strdup(link + strlen(url));
}

void upload_compare(const upload *u)
{
  http_answer a;
  unsigned status = 0;
  char words[600];
  char *link = upload_link(u, &status, words, sizeof(words));
  ck_assert_msg(link != NULL, "%u %s", status, words);
  http_ask(u->fleet->place.people, u->fleet->place.ca, "GET", link, NULL, NULL, &a);
  ck_assert_uint_eq(a.status, 200);
  ck_assert_uint_eq(a.body.len, UPLOAD_BYTES);
  ck_assert(memcmp(a.body.ptr, u->content, UPLOAD_BYTES) == 0);
  http_release(&a);
  free(link);
}

void upload_path(const upload *u, const char *suffix, char out[400])
{
  (void)snprintf(out, 400, "%s/data/packages/%s%s", u->fleet->place.folder, u->action, suffix);
}

static void write_ca(const fleet *f, const char *path)
{
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(f->place.ca, file), 0);
  (void)fclose(file);
}

/* Who may ask, for the program's environment. */
static void set_environment(const fleet *f)
{
  char path[400];
  char text[2048] = "";
  char value[200];
  (void)snprintf(path, sizeof(path), "%s/tests.json", f->place.folder);
  FILE *file = fopen(path, "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
  (void)fclose(file);
  json_member(text, "client_id", value, sizeof(value));
  (void)setenv("CORDON_CLIENT_ID", value, 1);
  json_member(text, "client_secret", value, sizeof(value));
  (void)setenv("CORDON_CLIENT_SECRET", value, 1);
  (void)snprintf(value, sizeof(value), "https://127.0.0.1:%u", (unsigned)f->place.people);
  (void)setenv("CORDON_CONSOLE", value, 1);
  (void)snprintf(path, sizeof(path), "%s/ca.pem", f->place.folder);
  write_ca(f, path);
  (void)setenv("CORDON_CA", path, 1);
}

int upload_cordon(const upload *u, const char *host, const char *const *args, char *out,
                  size_t size)
{
  char console[200];
  int pipes[2];
  int status = 0;
  size_t len = 0;
  ck_assert(pipe(pipes) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    set_environment(u->fleet);
    (void)snprintf(console, sizeof(console), "https://%s:%u", host,
                   (unsigned)u->fleet->place.people);
    (void)setenv("CORDON_CONSOLE", console, 1);
    (void)dup2(pipes[1], 1);
    (void)dup2(pipes[1], 2);
    (void)execv(CORDON, (char *const *)(uintptr_t)args);
    _exit(127);
  }
  (void)close(pipes[1]);
  for (ssize_t n = 1; n > 0 && len + 1 < size; len += n > 0 ? (size_t)n : 0)
    n = read(pipes[0], out + len, size - len - 1);
  out[len] = '\0';
  (void)close(pipes[0]);
  ck_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  return WEXITSTATUS(status);
}

void upload_shown(const upload *u, char *out, size_t size)
{
  const char *const args[] = {CORDON, "action", "show", u->action, NULL};
  ck_assert_msg(upload_cordon(u, "127.0.0.1", args, out, size) == 0, "%s", out);
}

void upload_configure(fleet *f, const char *members)
{
  static char text[8192];
  static const char mark[] = ",\"action_days\":3";
  FILE *file = fopen(f->place.config, "r");
  ck_assert_ptr_nonnull(file);
  size_t len = fread(text, 1, sizeof(text) - 1, file);
  (void)fclose(file);
  text[len] = '\0';
  char *end = strstr(text, mark); /* what was said before ends here */
  if (end == NULL)
    end = strrchr(text, '}');
  *end = '\0';
  file = fopen(f->place.config, "w");
  ck_assert_ptr_nonnull(file);
  (void)fprintf(file, "%s%s%s}", text, mark, members);
  (void)fclose(file);
  fleet_again(f, SIGTERM);
}
