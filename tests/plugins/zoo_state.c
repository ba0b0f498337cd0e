/* The faithful part: an isolation that is a line in a file. */
#include "zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ZOO_POLL_MS 20

/* What this process itself wrote last, so that watch can tell the changes of others. */
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;
static char own_state[ZOO_TEXT_MAX];

bool zoo_read_state(char out[ZOO_TEXT_MAX])
{
  out[0] = '\0';
  int fd = open(zoo_state_file(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t got = read(fd, out, ZOO_TEXT_MAX - 1);
  (void)close(fd);
  out[got > 0 ? got : 0] = '\0';
  return true;
}

/* The lock is held over the write, so that watch never sees the one without the other. */
cordon_status zoo_write_state(const char *text)
{
  cordon_status status = CORDON_OK;
  char temporary[3 * ZOO_TEXT_MAX];
  (void)snprintf(temporary, sizeof(temporary), "%s.new", zoo_state_file());
  (void)pthread_mutex_lock(&own_lock);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
    status = CORDON_E_IO;
  /* An open file is not renamed everywhere. */
  if (fd >= 0)
    (void)close(fd);
  if (status == CORDON_OK && rename(temporary, zoo_state_file()) != 0)
    status = CORDON_E_IO;
  if (status == CORDON_OK)
    (void)snprintf(own_state, sizeof(own_state), "%s", text);
  (void)pthread_mutex_unlock(&own_lock);
  return status;
}

static cordon_status remove_state(void)
{
  (void)pthread_mutex_lock(&own_lock);
  own_state[0] = '\0';
  int rc = unlink(zoo_state_file());
  cordon_status status = rc == 0 || errno == ENOENT ? CORDON_OK : CORDON_E_IO;
  (void)pthread_mutex_unlock(&own_lock);
  return status;
}

/* FNV-1a over the parameters: another order, another digest. */
static void digest_of(const cordon_request *req, char out[32])
{
  unsigned long long hash = 0xcbf29ce484222325ULL;
  for (size_t i = 0; i < req->params_len; i++)
    hash = (hash ^ (unsigned char)req->params[i]) * 0x100000001b3ULL;
  (void)snprintf(out, 32, "fnv1a:%016llx", hash);
}

/* The digest in the file, or false if it does not say "isolated DIGEST". */
static bool digest_in(const char *state, char out[ZOO_TEXT_MAX])
{
  static const char word[] = "isolated ";
  if (strncmp(state, word, sizeof(word) - 1) != 0)
    return false;
  (void)snprintf(out, ZOO_TEXT_MAX, "%s", state + sizeof(word) - 1);
  out[strcspn(out, "\n")] = '\0';
  return out[0] != '\0';
}

/* It lacks a feature: what contains the text of the setting is refused before anything changes. */
static bool is_beyond(const cordon_request *req)
{
  char text[ZOO_TEXT_MAX];
  size_t len = zoo_setting("lacks", text) ? strlen(text) : 0;
  for (size_t i = 0; len > 0 && i + len <= req->params_len; i++) {
    if (memcmp(req->params + i, text, len) == 0)
      return true;
  }
  return false;
}

cordon_status zoo_apply_with(const cordon_request *req, const char *details)
{
  char digest[32];
  if (is_beyond(req)) {
    zoo_explain(req, 0, "this zoo cannot do that");
    return CORDON_E_UNSUPPORTED;
  }
  char before[ZOO_TEXT_MAX];
  char after[ZOO_TEXT_MAX];
  digest_of(req, digest);
  (void)snprintf(after, sizeof(after), "isolated %s\n", digest);
  bool changed = !zoo_read_state(before) || strcmp(before, after) != 0;
  if ((req->flags & CORDON_REQ_DRY_RUN) == 0 && zoo_write_state(after) != CORDON_OK) {
    zoo_explain(req, errno, "the state file cannot be written");
    return CORDON_E_IO;
  }
  return zoo_result(req,
                    "{\"state\":\"isolated\",\"digest\":\"%s\",\"sockets_ended\":0,\"changed\":%s,"
                    "\"details\":%s}",
                    digest, changed ? "true" : "false", details);
}

static cordon_status CORDON_CALL probe(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  cordon_status status = zoo_enter("probe", req, &done);
  if (done)
    return status;
  if (zoo_setting_is("unavailable", "probe")) {
    zoo_explain(req, 0, "there is no zoo on this machine");
    return CORDON_E_UNAVAILABLE;
  }
  return zoo_result(req, "{\"features\":[\"full\",\"selective\",\"ipv4\",\"ipv6\",\"address\","
                         "\"cidr\",\"range\",\"port\",\"protocol\",\"direction\",\"mark\","
                         "\"watch\"],\"product\":\"zoo\"}");
}

/* A call of its own, so that a member that misbehaves at `apply` does so where it counts. */
static cordon_status dry_run(const cordon_request *req)
{
  bool done = false;
  char check[ZOO_TEXT_MAX];
  char severity[ZOO_TEXT_MAX];
  cordon_status status = zoo_enter("dry_run", req, &done);
  if (done)
    return status;
  if (zoo_setting_is("dry_run", "unsupported")) {
    zoo_explain(req, 0, "this one has no dry run");
    return CORDON_E_UNSUPPORTED;
  }
  if (zoo_setting_is("dry_run", "garbage"))
    return zoo_result(req, "{\"dry_run\":true,\"findings\":[{\"check\":\"A B\"}]}");
  if (!zoo_setting("finding", check))
    return zoo_result(req, "{\"dry_run\":true,\"rules\":\"\",\"findings\":[]}");
  return zoo_result(req,
                    "{\"dry_run\":true,\"rules\":\"\",\"findings\":[{\"check\":\"%.40s\","
                    "\"severity\":\"%.10s\",\"sentence\":\"the zoo has a %.40s\"}],"
                    "\"would_cut\":{\"connections\":[],\"connections_left_out\":7}}",
                    check, zoo_setting("severity", severity) ? severity : "warn", check);
}

static cordon_status CORDON_CALL apply(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  if ((req->flags & CORDON_REQ_DRY_RUN) != 0)
    return dry_run(req);
  cordon_status status = zoo_enter("apply", req, &done);
  return done ? status : zoo_apply_with(req, "{}");
}

static cordon_status CORDON_CALL release(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  char before[ZOO_TEXT_MAX];
  cordon_status status = zoo_enter("release", req, &done);
  if (done)
    return status;
  bool changed = zoo_read_state(before);
  if (remove_state() != CORDON_OK) {
    zoo_explain(req, errno, "the state file cannot be removed");
    return CORDON_E_IO;
  }
  return zoo_result(req, "{\"state\":\"released\",\"changed\":%s}", changed ? "true" : "false");
}

static cordon_status CORDON_CALL query(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  char state[ZOO_TEXT_MAX];
  char digest[ZOO_TEXT_MAX];
  cordon_status status = zoo_enter("query", req, &done);
  if (done)
    return status;
  if (!zoo_read_state(state))
    return zoo_result(req, "{\"state\":\"released\",\"digest\":null}");
  if (!digest_in(state, digest))
    return zoo_result(req, "{\"state\":\"partial\",\"digest\":null}");
  char dropped[ZOO_TEXT_MAX];
  bool counts = zoo_setting("console_dropped", dropped);
  return zoo_result(req, "{\"state\":\"isolated\",\"digest\":\"%s\",\"details\":{%s%s}%s}", digest,
                    counts ? "\"console_dropped\":" : "", counts ? dropped : "",
                    strstr(state, "\nrenew") != NULL ? ",\"renew\":true" : "");
}

static cordon_status CORDON_CALL verify(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  char state[ZOO_TEXT_MAX];
  char digest[ZOO_TEXT_MAX] = "";
  cordon_status status = zoo_enter("verify", req, &done);
  if (done)
    return status;
  bool holds = zoo_read_state(state) && digest_in(state, digest);
  if (zoo_setting_is("verify", "fails"))
    holds = false;
  (void)zoo_result(req,
                   "{\"holds\":%s,\"digest\":\"%s\",\"probes\":[{\"name\":\"tcp4\",\"target\":"
                   "\"192.0.2.1:443\",\"outcome\":\"%s\",\"counter_before\":0,\"counter_after\":%d}"
                   "],\"counters\":{\"dropped\":%d}}",
                   holds ? "true" : "false", digest, holds ? "blocked" : "passed", holds ? 1 : 0,
                   holds ? 1 : 0);
  if (holds)
    return CORDON_OK;
  zoo_explain(req, 0, "a probe got through");
  return CORDON_E_UNVERIFIED;
}

static cordon_status say(const cordon_request *req, const char *json)
{
  return zoo_host()->emit(zoo_host(), req->op, json, strlen(json));
}

/* Says so if the file is not as this process left it; only once per content. */
static cordon_status compare(const cordon_request *req)
{
  char now[ZOO_TEXT_MAX];
  (void)pthread_mutex_lock(&own_lock);
  (void)zoo_read_state(now);
  bool same = strcmp(now, own_state) == 0;
  (void)snprintf(own_state, sizeof(own_state), "%s", now);
  (void)pthread_mutex_unlock(&own_lock);
  if (!same && strstr(now, "\nnetwork") != NULL)
    return say(req, "{\"event\":\"network\",\"note\":\"a line in the state file\"}");
  return same ? CORDON_OK : say(req, "{\"event\":\"changed\",\"note\":\"the state file\"}");
}

static cordon_status watch_folder(const cordon_request *req, int changes)
{
  (void)pthread_mutex_lock(&own_lock);
  (void)zoo_read_state(own_state);
  (void)pthread_mutex_unlock(&own_lock);
  cordon_status status = say(req, "{\"event\":\"watching\"}");
  while (status == CORDON_OK && !zoo_host()->cancelled(zoo_host(), req->op)) {
    if (zoo_changes_wait(changes, ZOO_POLL_MS))
      status = compare(req);
  }
  return status == CORDON_OK ? CORDON_E_CANCELLED : status;
}

static cordon_status CORDON_CALL watch(const cordon_plugin *p, const cordon_request *req)
{
  bool done = false;
  char folder[2 * ZOO_TEXT_MAX];
  cordon_status status = zoo_enter("watch", req, &done);
  if (done)
    return status;
  (void)snprintf(folder, sizeof(folder), "%s", zoo_state_file());
  char *slash = strrchr(folder, '/');
  if (slash != NULL)
    *slash = '\0';
  int changes = zoo_changes_open(folder);
  if (changes < 0) {
    zoo_explain(req, errno, "changes of a folder cannot be watched");
    return CORDON_E_UNAVAILABLE;
  }
  status = watch_folder(req, changes);
  zoo_changes_close(changes);
  return status;
}

const cordon_state zoo_table = {
    .struct_size = sizeof(zoo_table),
    .probe = probe,
    .apply = apply,
    .release = release,
    .query = query,
    .verify = verify,
    .watch = watch,
};
