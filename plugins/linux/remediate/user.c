/* Users of this device's own lists: the password is locked and the account expires, so that neither
 * password nor key lets in. Both are fields of /etc/shadow, which is changed under the lock that
 * passwd(1) and its like take (lckpwdf). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

enum { NAME_LEN = 64, LOCK_MS = 15000, LOCK_LOOK_MS = 50, SESSIONS_NAMED = 16, DAY_S = 86400 };

static const char shadow_path[] = "/etc/shadow";

/* ---- one line ---- */

/* Field `n` of a line, from 0. */
static bool field(const char *line, size_t len, unsigned n, size_t *ret_at, size_t *ret_len)
{
  size_t at = 0;
  for (; n > 0; n--) {
    const char *colon = memchr(line + at, ':', len - at);
    if (colon == NULL)
      return false;
    at = (size_t)(colon - line) + 1;
  }
  const char *colon = memchr(line + at, ':', len - at);
  *ret_at = at;
  *ret_len = (colon != NULL ? (size_t)(colon - line) : len) - at;
  return true;
}

/* The line of this name, in a file of such lines. */
static bool find_line(const char *bytes, size_t len, const char *name, size_t *ret_at,
                      size_t *ret_len)
{
  size_t name_len = strlen(name);
  for (size_t at = 0; at < len;) {
    const char *end = memchr(bytes + at, '\n', len - at);
    size_t line_len = end != NULL ? (size_t)(end - bytes) - at : len - at;
    if (line_len > name_len && memcmp(bytes + at, name, name_len) == 0 &&
        bytes[at + name_len] == ':') {
      *ret_at = at;
      *ret_len = line_len;
      return true;
    }
    at += line_len + 1;
  }
  return false;
}

bool rem_shadow_find(const char *bytes, size_t len, const char *name, rem_shadow *ret_entry)
{
  size_t at = 0;
  size_t line_len = 0;
  if (!find_line(bytes, len, name, &at, &line_len) ||
      !field(bytes + at, line_len, 1, &ret_entry->password_at, &ret_entry->password_len) ||
      !field(bytes + at, line_len, 7, &ret_entry->expire_at, &ret_entry->expire_len))
    return false;
  ret_entry->password_at += at;
  ret_entry->expire_at += at;
  return true;
}

static bool is_locked(const rem_text *t, const rem_shadow *s)
{
  return s->password_len > 0 && t->bytes[s->password_at] == '!';
}

/* Days since 1970; an account with such a day is of no use from then on. */
static bool is_expired(const char *bytes, const rem_shadow *s)
{
  char text[24];
  if (s->expire_len == 0 || s->expire_len >= sizeof(text))
    return false;
  (void)snprintf(text, sizeof(text), "%.*s", (int)s->expire_len, bytes + s->expire_at);
  long day = strtol(text, NULL, 10);
  return day >= 0 && day <= (long)(time(NULL) / DAY_S);
}

/* ---- who it is ---- */

static bool user_ids(const rem_text *passwd, const char *name, long *ret_uid, long *ret_gid)
{
  size_t at = 0;
  size_t len = 0;
  size_t uid_at = 0;
  size_t gid_at = 0;
  size_t ignored = 0;
  if (!find_line(passwd->bytes, passwd->len, name, &at, &len) ||
      !field(passwd->bytes + at, len, 2, &uid_at, &ignored) ||
      !field(passwd->bytes + at, len, 3, &gid_at, &ignored))
    return false;
  *ret_uid = strtol(passwd->bytes + at + uid_at, NULL, 10);
  *ret_gid = strtol(passwd->bytes + at + gid_at, NULL, 10);
  return true;
}

static bool in_list(const char *list, size_t len, const char *name)
{
  size_t name_len = strlen(name);
  for (size_t at = 0; at < len;) {
    const char *comma = memchr(list + at, ',', len - at);
    size_t part = (comma != NULL ? (size_t)(comma - list) : len) - at;
    if (part == name_len && memcmp(list + at, name, part) == 0)
      return true;
    at += part + 1;
  }
  return false;
}

typedef struct lists {
  rem_text passwd;
  rem_text group;
  rem_text shadow;
} lists;

static bool is_admin(const lists *l, const char *name, long gid)
{
  static const char *const groups[] = {"sudo", "wheel", "admin"};
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    size_t at = 0;
    size_t len = 0;
    size_t gid_at = 0;
    size_t members_at = 0;
    size_t gid_len = 0;
    size_t members_len = 0;
    if (!find_line(l->group.bytes, l->group.len, groups[i], &at, &len) ||
        !field(l->group.bytes + at, len, 2, &gid_at, &gid_len) ||
        !field(l->group.bytes + at, len, 3, &members_at, &members_len))
      continue;
    if (strtol(l->group.bytes + at + gid_at, NULL, 10) == gid ||
        in_list(l->group.bytes + at + members_at, members_len, name))
      return true;
  }
  return false;
}

static bool is_usable(const lists *l, const char *name, bool needs_password)
{
  rem_shadow s;
  if (!rem_shadow_find(l->shadow.bytes, l->shadow.len, name, &s) || is_expired(l->shadow.bytes, &s))
    return false;
  char first = s.password_len > 0 ? l->shadow.bytes[s.password_at] : '\0';
  return !needs_password || (first != '!' && first != '*');
}

/* Somebody else who can administer the device. */
static bool other_admin(const lists *l, const char *name)
{
  char other[NAME_LEN + 1];
  if (is_usable(l, "root", true))
    return true;
  for (size_t at = 0; at < l->passwd.len;) {
    const char *end = memchr(l->passwd.bytes + at, '\n', l->passwd.len - at);
    size_t len = end != NULL ? (size_t)(end - l->passwd.bytes) - at : l->passwd.len - at;
    size_t name_len = strcspn(l->passwd.bytes + at, ":\n");
    long uid = 0;
    long gid = 0;
    if (name_len <= NAME_LEN) {
      (void)snprintf(other, sizeof(other), "%.*s", (int)name_len, l->passwd.bytes + at);
      if (strcmp(other, name) != 0 && user_ids(&l->passwd, other, &uid, &gid) &&
          is_admin(l, other, gid) && is_usable(l, other, false))
        return true;
    }
    at += len + 1;
  }
  return false;
}

static cordon_status check(const rem_job *j, const lists *l, const char *name, long *ret_uid,
                           sup_err *err)
{
  long gid = 0;
  if (!user_ids(&l->passwd, name, ret_uid, &gid))
    return sup_fail(err, CORDON_E_NOTFOUND,
                    "there is no user %s in this device's own list; users of a directory service "
                    "are disabled there",
                    name);
  if (strncmp(name, "cordon", 6) == 0)
    return sup_fail(err, CORDON_E_DENIED, "user %s is the agent's own", name);
  if (j->force)
    return CORDON_OK;
  if (*ret_uid == 0)
    return sup_fail(err, CORDON_E_DENIED, "user %s is root, who is disabled only with force", name);
  if (is_admin(l, name, gid) && !other_admin(l, name))
    return sup_fail(err, CORDON_E_DENIED,
                    "user %s is the last administrator of this device, who is disabled only with "
                    "force",
                    name);
  return CORDON_OK;
}

/* ---- what it was like ---- */

typedef struct before {
  char name[NAME_LEN + 1];
  char expire[24];
  bool locked; /* by somebody else */
} before;

static cordon_status read_before(const cJSON *from, before *ret, sup_err *err)
{
  const cJSON *locked = cJSON_GetObjectItemCaseSensitive(from, "locked");
  cordon_status status = rem_bytes_get(from, "name", ret->name, sizeof(ret->name), err);
  if (status == CORDON_OK)
    status = rem_bytes_get(from, "expire", ret->expire, sizeof(ret->expire), err);
  if (status == CORDON_OK && (!rem_is_name(ret->name, NAME_LEN) || !cJSON_IsBool(locked) ||
                              strspn(ret->expire, "-0123456789") != strlen(ret->expire)))
    status = sup_fail(err, CORDON_E_INVALID, "what the user was like was not kept well");
  ret->locked = cJSON_IsTrue(locked);
  return status;
}

static cJSON *write_before(const before *b)
{
  cJSON *doc = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(doc, "do", "user.enable");
  (void)cJSON_AddStringToObject(doc, "name", b->name);
  (void)cJSON_AddStringToObject(doc, "expire", b->expire);
  (void)cJSON_AddBoolToObject(doc, "locked", b->locked);
  return doc;
}

static void memory_path(const rem_job *j, const char *name, char ret_path[REM_PATH])
{
  (void)snprintf(ret_path, REM_PATH, "%s/user-%s.json", j->state_dir, name);
}

/* For user.enable, which names no action. */
static cordon_status remember(const rem_job *j, const before *b, sup_err *err)
{
  char path[REM_PATH];
  rem_way w;
  cJSON *doc = write_before(b);
  char *text = cJSON_PrintUnformatted(doc);
  memory_path(j, b->name, path);
  cordon_status status = rem_way_open(path, &w, err);
  if (status == CORDON_OK) {
    (void)unlinkat(w.dir, w.name, 0);
    status = text != NULL ? rem_file_make(&w, text, 0600, err)
                          : sup_fail(err, CORDON_E_LIMIT, "there is no memory");
    rem_way_close(&w);
  }
  cJSON_free(text);
  cJSON_Delete(doc);
  return status;
}

static cordon_status recall(const rem_job *j, const char *name, before *ret, sup_err *err)
{
  char path[REM_PATH];
  rem_text t;
  memory_path(j, name, path);
  cordon_status status = rem_text_read(path, &t, err);
  if (status != CORDON_OK)
    return status;
  cJSON *doc = cJSON_ParseWithLength(t.bytes, t.len);
  status = read_before(doc, ret, err);
  cJSON_Delete(doc);
  rem_text_release(&t);
  return status;
}

static void forget(const rem_job *j, const char *name)
{
  char path[REM_PATH];
  memory_path(j, name, path);
  (void)unlink(path);
}

/* ---- the change ---- */

static cordon_status lock(int *ret_fd, sup_err *err)
{
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  uint64_t until = sup_now_ms() + LOCK_MS;
  int fd = open("/etc/.pwd.lock", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return sup_fail_os(err, errno, "the lock of the list of users cannot be opened");
  while (fcntl(fd, F_SETLK, &whole) != 0) {
    if ((errno != EACCES && errno != EAGAIN) || sup_now_ms() >= until) {
      (void)sup_fail(err, CORDON_E_CONFLICT,
                     "somebody else has had the list of users locked for %d s", LOCK_MS / 1000);
      (void)close(fd);
      return err->status;
    }
    (void)poll(NULL, 0, LOCK_LOOK_MS);
  }
  *ret_fd = fd;
  return CORDON_OK;
}

static char *without(const rem_text *t, const rem_shadow *s, const before *b, bool disable,
                     size_t *ret_len)
{
  bool locked = is_locked(t, s);
  size_t len = 0;
  char *one =
      rem_splice(t->bytes, t->len, s->expire_at, s->expire_len, disable ? "1" : b->expire, &len);
  char *two = NULL;
  if (one == NULL)
    return NULL;
  /* The password is before the day of expiry, so that its place is still right. */
  if (disable && !locked)
    two = rem_splice(one, len, s->password_at, 0, "!", ret_len);
  else if (!disable && locked && !b->locked)
    two = rem_splice(one, len, s->password_at, 1, "", ret_len);
  else
    *ret_len = len;
  if (two == NULL)
    return one;
  explicit_bzero(one, len);
  free(one);
  return two;
}

static cordon_status write_shadow(const rem_text *t, const rem_shadow *s, const before *b,
                                  bool disable, sup_err *err)
{
  size_t len = 0;
  char *made = without(t, s, b, disable, &len);
  if (made == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory");
  cordon_status status = rem_text_replace(t, made, len, err);
  explicit_bzero(made, len);
  free(made);
  return status;
}

static cordon_status measure(rem_job *j, const char *name, bool disabled, sup_err *err)
{
  rem_text t;
  rem_shadow s;
  cordon_status status = rem_text_read(shadow_path, &t, err);
  if (status != CORDON_OK)
    return status;
  bool found = rem_shadow_find(t.bytes, t.len, name, &s);
  bool locked = found && is_locked(&t, &s);
  bool expired = found && is_expired(t.bytes, &s);
  rem_text_release(&t);
  rem_measured(j, "account", "read again: the password is %slocked, the account has %sexpired",
               locked ? "" : "not ", expired ? "" : "not ");
  if (disabled && !(locked && expired))
    return sup_fail(err, CORDON_E_UNVERIFIED, "user %s is not disabled", name);
  return CORDON_OK;
}

typedef struct naming {
  rem_job *job;
  uint32_t uid;
  unsigned count;
} naming;

static bool name_process(void *data, const rem_proc *p)
{
  naming *n = data;
  if (p->uid != n->uid)
    return true;
  if (n->count++ < SESSIONS_NAMED)
    rem_step(n->job, "session", "left", "process %lld (%s, start %llu) of the user runs on",
             (long long)p->pid, p->name, (unsigned long long)p->start);
  return true;
}

static cordon_status disable_locked(rem_job *j, lists *l, const char *name, sup_err *err)
{
  rem_shadow s;
  before b = {0};
  if (!rem_shadow_find(l->shadow.bytes, l->shadow.len, name, &s) ||
      s.expire_len >= sizeof(b.expire))
    return sup_fail(err, CORDON_E_NOTFOUND, "user %s has no entry in %s", name, shadow_path);
  (void)snprintf(b.name, sizeof(b.name), "%s", name);
  (void)snprintf(b.expire, sizeof(b.expire), "%.*s", (int)s.expire_len,
                 l->shadow.bytes + s.expire_at);
  b.locked = is_locked(&l->shadow, &s);
  if (b.locked && is_expired(l->shadow.bytes, &s)) {
    rem_step(j, "user.disable", "already", "user %s is locked and has expired", name);
    return CORDON_OK;
  }
  if (j->call->dry_run) {
    rem_step(j, "user.disable", "planned", "user %s", name);
    return CORDON_OK;
  }
  cordon_status status = remember(j, &b, err);
  if (status == CORDON_OK)
    status = rem_note(j, write_before(&b), err);
  SUP_FAULT_POINT("remediate.noted");
  if (status == CORDON_OK)
    status = write_shadow(&l->shadow, &s, &b, true, err);
  if (status == CORDON_OK)
    rem_step(j, "user.disable", "done", "user %s: the password is locked and the account expired",
             name);
  return status;
}

static cordon_status enable_locked(rem_job *j, rem_text *shadow, const before *b, sup_err *err)
{
  rem_shadow s;
  if (!rem_shadow_find(shadow->bytes, shadow->len, b->name, &s))
    return sup_fail(err, CORDON_E_NOTFOUND, "user %s has no entry in %s any more", b->name,
                    shadow_path);
  bool ours = s.expire_len == 1 && shadow->bytes[s.expire_at] == '1';
  if (!ours) {
    rem_step(j, "user.enable", "already", "user %s does not have the expiry that Cordon set",
             b->name);
    return CORDON_OK;
  }
  if (j->call->dry_run) {
    rem_step(j, "user.enable", "planned", "user %s", b->name);
    return CORDON_OK;
  }
  cordon_status status = write_shadow(shadow, &s, b, false, err);
  if (status == CORDON_OK)
    rem_step(j, "user.enable", "done", "user %s is as before", b->name);
  return status;
}

static cordon_status enable(rem_job *j, const before *b, sup_err *err)
{
  int held = -1;
  rem_text shadow;
  cordon_status status = lock(&held, err);
  if (status != CORDON_OK)
    return status;
  rem_text_tidy(shadow_path);
  status = rem_text_read(shadow_path, &shadow, err);
  if (status == CORDON_OK) {
    status = enable_locked(j, &shadow, b, err);
    rem_text_release(&shadow);
  }
  (void)close(held);
  if (status == CORDON_OK)
    status = measure(j, b->name, false, err);
  if (status == CORDON_OK && !j->call->dry_run)
    forget(j, b->name);
  return status;
}

static cordon_status disable(rem_job *j, const char *name, sup_err *err)
{
  int held = -1;
  long uid = 0;
  lists l = {.passwd = {.way = {.dir = -1}},
             .group = {.way = {.dir = -1}},
             .shadow = {.way = {.dir = -1}}};
  cordon_status status = lock(&held, err);
  if (status != CORDON_OK)
    return status;
  status = rem_text_read("/etc/passwd", &l.passwd, err);
  if (status == CORDON_OK)
    status = rem_text_read("/etc/group", &l.group, err);
  if (status == CORDON_OK)
    status = rem_text_read(shadow_path, &l.shadow, err);
  if (status == CORDON_OK)
    status = check(j, &l, name, &uid, err);
  if (status == CORDON_OK)
    status = disable_locked(j, &l, name, err);
  rem_text_release(&l.passwd);
  rem_text_release(&l.group);
  rem_text_release(&l.shadow);
  (void)close(held);
  if (status != CORDON_OK || j->call->dry_run)
    return status;
  status = measure(j, name, true, err);
  naming n = {.job = j, .uid = (uint32_t)uid};
  rem_proc_each(name_process, &n);
  rem_measured(j, "processes of the user", "%u", n.count);
  return status;
}

cordon_status rem_user_run(rem_job *j, sup_err *err)
{
  char name[NAME_LEN + 1];
  before b = {0};
  cordon_status status = rem_bytes_get(j->target, "name", name, sizeof(name), err);
  if (status == CORDON_OK && !rem_is_name(name, NAME_LEN))
    status = sup_fail(err, CORDON_E_INVALID, "that is no name of a user");
  if (status != CORDON_OK)
    return status;
  if (strcmp(j->operation, "user.disable") == 0)
    return disable(j, name, err);
  (void)snprintf(j->no_undo, sizeof(j->no_undo), "user.disable does that");
  status = recall(j, name, &b, err);
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, "user.enable", "already",
             "nothing is known of user %s having been disabled by "
             "Cordon; a lock of somebody else's is left",
             name);
    return CORDON_OK;
  }
  return status == CORDON_OK ? enable(j, &b, err) : status;
}

cordon_status rem_user_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  before b = {0};
  cordon_status status = read_before(record, &b, err);
  return status == CORDON_OK ? enable(j, &b, err) : status;
}
