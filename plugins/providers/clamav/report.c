/* What was found, and what was not scanned: listed up to a ceiling, counted without one. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "clamav.h"
#include "support/utf8.h"

enum { FINDINGS = 200, MISSED = 100, LEFT_OUT = 20, PROCESSES = 16, CHUNK = 64 * 1024 };
#define FINDINGS_TEXT (128u * 1024u) /* of all findings, as JSON */
#define MISSED_TEXT (40u * 1024u)
#define LEFT_OUT_TEXT (16u * 1024u)
#define HASHED_MAX (UINT64_C(2) * 1024 * 1024 * 1024)

typedef struct finding {
  char *path;
  char signature[CLAM_SIGNATURE];
  struct stat st;
  bool deleted;
  bool hashed;
  char sha256[65];
  char sha1[41];
  cJSON *processes;
} finding;

typedef struct missed {
  char *path;
  sup_miss reason;
  uint64_t size;
} missed;

struct clam_report {
  finding findings[FINDINGS];
  size_t finding_count;
  uint64_t found;
  missed missed[MISSED];
  size_t missed_count;
  uint64_t missed_by[SUP_MISSES];
  struct {
    char *path;
    char type[32];
  } left_out[LEFT_OUT];
  size_t left_out_count;
  uint64_t left_out_total;
  uint64_t special;
};

clam_report *clam_report_new(void)
{
  return calloc(1, sizeof(clam_report));
}

void clam_report_free(clam_report *r)
{
  if (r == NULL)
    return;
  for (size_t i = 0; i < r->finding_count; i++) {
    free(r->findings[i].path);
    cJSON_Delete(r->findings[i].processes);
  }
  for (size_t i = 0; i < r->missed_count; i++)
    free(r->missed[i].path);
  for (size_t i = 0; i < r->left_out_count; i++)
    free(r->left_out[i].path);
  free(r);
}

/* ---- hashes ---- */

static void to_hex(const uint8_t *bytes, size_t len, char *ret_text)
{
  for (size_t i = 0; i < len; i++)
    (void)snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

static bool hash(const sup_call *call, int fd, finding *f)
{
  struct sha256_ctx sha256;
  struct sha1_ctx sha1;
  uint8_t digest[SHA256_DIGEST_SIZE];
  uint8_t *chunk = malloc(CHUNK);
  ssize_t got = chunk != NULL ? 1 : -1;
  uint64_t at = 0;
  sha256_init(&sha256);
  sha1_init(&sha1);
  while (got > 0 && at < HASHED_MAX && !sup_call_cancelled(call)) {
    got = pread(fd, chunk, CHUNK, (off_t)at);
    if (got <= 0)
      break;
    sha256_update(&sha256, (size_t)got, chunk);
    sha1_update(&sha1, (size_t)got, chunk);
    at += (uint64_t)got;
  }
  free(chunk);
  if (got != 0)
    return false;
  sha256_digest(&sha256, SHA256_DIGEST_SIZE, digest);
  to_hex(digest, SHA256_DIGEST_SIZE, f->sha256);
  sha1_digest(&sha1, SHA1_DIGEST_SIZE, digest);
  to_hex(digest, SHA1_DIGEST_SIZE, f->sha1);
  return true;
}

/* ---- what happens ---- */

void clam_report_found(clam_report *r, const sup_call *call, const sup_file *file,
                       const char *signature)
{
  r->found++;
  if (r->finding_count == FINDINGS)
    return;
  finding *f = &r->findings[r->finding_count];
  *f = (finding){.path = strdup(file->path), .st = file->st, .deleted = file->deleted};
  if (f->path == NULL)
    return;
  (void)snprintf(f->signature, sizeof(f->signature), "%s", signature);
  f->hashed = hash(call, file->fd, f);
  f->processes = cJSON_CreateArray();
  r->finding_count++;
}

void clam_report_not_scanned(clam_report *r, const char *path, sup_miss reason, uint64_t size)
{
  r->missed_by[reason]++;
  if (r->missed_count == MISSED)
    return;
  missed *m = &r->missed[r->missed_count];
  *m = (missed){.path = strdup(path), .reason = reason, .size = size};
  r->missed_count += m->path != NULL ? 1 : 0;
}

void clam_report_rest(clam_report *r, sup_miss reason, uint64_t count)
{
  r->missed_by[reason] += count;
}

void clam_report_left_out(clam_report *r, const char *path, const char *type)
{
  if (type == NULL) {
    r->special++;
    return;
  }
  r->left_out_total++;
  if (r->left_out_count == LEFT_OUT)
    return;
  char *copy = strdup(path);
  if (copy == NULL)
    return;
  r->left_out[r->left_out_count].path = copy;
  (void)snprintf(r->left_out[r->left_out_count].type, sizeof(r->left_out[0].type), "%s", type);
  r->left_out_count++;
}

uint64_t clam_report_findings(const clam_report *r)
{
  return r->found;
}

uint64_t clam_report_missed(const clam_report *r)
{
  uint64_t all = 0;
  for (size_t i = 0; i < SUP_MISSES; i++)
    all += r->missed_by[i];
  return all;
}

/* ---- who runs it ---- */

static bool read_small(const char *path, char *ret_text, size_t size)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, ret_text, size - 1) : -1;
  if (fd >= 0)
    (void)close(fd);
  ret_text[len > 0 ? len : 0] = '\0';
  return len > 0;
}

static void add_process(finding *f, const char *pid)
{
  char path[64];
  char text[1024];
  char user[64] = "";
  struct stat st;
  if (cJSON_GetArraySize(f->processes) >= PROCESSES)
    return;
  (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
  if (!read_small(path, text, sizeof(text)) || stat(path, &st) != 0)
    return;
  char *name = strchr(text, '(');
  char *end = strrchr(text, ')');
  uint64_t start = 0;
  if (name == NULL || end == NULL || end < name || !clam_stat_field(text, 22, &start))
    return;
  *end = '\0';
  cJSON *p = cJSON_CreateObject();
  (void)cJSON_AddNumberToObject(p, "pid", strtod(pid, NULL));
  (void)cJSON_AddNumberToObject(p, "start", (double)start);
  sup_json_add_text(p, "name", name + 1);
  if (sup_account_name(st.st_uid, user))
    sup_json_add_text(p, "user", user);
  (void)cJSON_AddItemToArray(f->processes, p);
}

static bool is_same(const finding *f, uint64_t dev, uint64_t ino)
{
  return f->st.st_ino == ino && f->st.st_dev == dev;
}

/* Devices of maps are not those of stat on every file system: there the name decides. */
static bool maps_hold(const finding *f, char *maps)
{
  char key[32];
  (void)snprintf(key, sizeof(key), " %llu ", (unsigned long long)f->st.st_ino);
  for (char *at = maps; (at = strstr(at, key)) != NULL; at += strlen(key)) {
    const char *name = at + strlen(key);
    name += strspn(name, " ");
    char device[16];
    (void)snprintf(device, sizeof(device), "%02x:%02x", major(f->st.st_dev), minor(f->st.st_dev));
    size_t len = strlen(f->path);
    size_t back = strlen(device);
    if ((size_t)(at - maps) >= back && memcmp(at - back, device, back) == 0)
      return true;
    if (strncmp(name, f->path, len) == 0)
      return true;
  }
  return false;
}

static void look_at_process(clam_report *r, const char *pid, char *text, size_t size)
{
  char path[64];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%.20s/exe", pid);
  bool has_exe = stat(path, &st) == 0;
  (void)snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
  size_t len = 0;
  ssize_t got = 1;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && got > 0 && len < size - 1) {
    got = read(fd, text + len, size - 1 - len);
    len += got > 0 ? (size_t)got : 0;
  }
  if (fd >= 0)
    (void)close(fd);
  text[len] = '\0';
  for (size_t i = 0; i < r->finding_count; i++) {
    finding *f = &r->findings[i];
    if ((has_exe && is_same(f, st.st_dev, st.st_ino)) || maps_hold(f, text))
      add_process(f, pid);
  }
}

void clam_report_processes(clam_report *r, const sup_call *call)
{
  enum { MAPS = 1024 * 1024 };
  char *text = r->finding_count > 0 ? malloc(MAPS) : NULL;
  DIR *dir = text != NULL ? opendir("/proc") : NULL;
  const struct dirent *e = NULL;
  while (dir != NULL && (e = readdir(dir)) != NULL && !sup_call_cancelled(call)) {
    if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
      look_at_process(r, e->d_name, text, MAPS);
  }
  if (dir != NULL)
    (void)closedir(dir);
  free(text);
}

/* ---- as JSON ---- */

static bool is_text(const char *path)
{
  size_t len = strlen(path);
  for (size_t i = 0; i < len;) {
    size_t n = sup_utf8_sequence(path + i, len - i);
    if (n == 0)
      return false;
    i += n;
  }
  return true;
}

static char *to_base64(const char *bytes)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t len = strlen(bytes);
  char *text = malloc((len + 2) / 3 * 4 + 1);
  size_t at = 0;
  for (size_t i = 0; text != NULL && i < len; i += 3) {
    size_t n = len - i < 3 ? len - i : 3;
    uint32_t v = (uint32_t)(uint8_t)bytes[i] << 16;
    v |= n > 1 ? (uint32_t)(uint8_t)bytes[i + 1] << 8 : 0;
    v |= n > 2 ? (uint32_t)(uint8_t)bytes[i + 2] : 0;
    for (size_t k = 0; k <= n; k++)
      text[at++] = digits[(v >> (18 - 6 * k)) & 63];
  }
  if (text != NULL)
    text[at] = '\0';
  return text;
}

void clam_add_path(cJSON *object, const char *name, const char *path)
{
  if (is_text(path)) {
    (void)cJSON_AddStringToObject(object, name, path);
    return;
  }
  cJSON *encoded = cJSON_AddObjectToObject(object, name);
  char *text = to_base64(path);
  (void)cJSON_AddStringToObject(encoded, "base64", text != NULL ? text : "");
  free(text);
}

static size_t length_of(const cJSON *item)
{
  char *text = cJSON_PrintUnformatted(item);
  size_t len = text != NULL ? strlen(text) : 0;
  cJSON_free(text);
  return len;
}

/* Takes over the item, or deletes it where it does not fit. */
static bool add_within(cJSON *list, cJSON *item, size_t *room)
{
  size_t len = length_of(item) + 1;
  if (len > *room) {
    cJSON_Delete(item);
    return false;
  }
  *room -= len;
  return cJSON_AddItemToArray(list, item) != 0;
}

static cJSON *finding_json(const finding *f)
{
  char user[64] = "";
  cJSON *item = cJSON_CreateObject();
  clam_add_path(item, "path", f->path);
  (void)cJSON_AddNumberToObject(item, "size", (double)f->st.st_size);
  if (f->hashed) {
    (void)cJSON_AddStringToObject(item, "sha256", f->sha256);
    (void)cJSON_AddStringToObject(item, "sha1", f->sha1);
  }
  sup_json_add_text(item, "signature", f->signature[0] != '\0' ? f->signature : "(unnamed)");
  cJSON *owner = cJSON_AddObjectToObject(item, "owner");
  (void)cJSON_AddNumberToObject(owner, "uid", (double)f->st.st_uid);
  if (sup_account_name(f->st.st_uid, user))
    sup_json_add_text(owner, "name", user);
  else
    (void)cJSON_AddNullToObject(owner, "name");
  (void)cJSON_AddNumberToObject(item, "modified_ms", (double)f->st.st_mtime * 1000.0);
  (void)cJSON_AddItemToObject(item, "processes", cJSON_Duplicate(f->processes, 1));
  (void)cJSON_AddBoolToObject(item, "deleted", f->deleted);
  return item;
}

static void write_missed(const clam_report *r, cJSON *result)
{
  size_t room = MISSED_TEXT;
  (void)cJSON_AddNumberToObject(result, "not_scanned_total", (double)clam_report_missed(r));
  cJSON *list = cJSON_AddArrayToObject(result, "not_scanned");
  for (size_t i = 0; i < r->missed_count; i++) {
    cJSON *item = cJSON_CreateObject();
    clam_add_path(item, "path", r->missed[i].path);
    (void)cJSON_AddStringToObject(item, "reason", sup_miss_name(r->missed[i].reason));
    (void)cJSON_AddNumberToObject(item, "size", (double)r->missed[i].size);
    if (!add_within(list, item, &room))
      break;
  }
  cJSON *reasons = cJSON_AddObjectToObject(result, "not_scanned_reasons");
  for (size_t i = 0; i < SUP_MISSES; i++) {
    if (r->missed_by[i] > 0)
      (void)cJSON_AddNumberToObject(reasons, sup_miss_name((sup_miss)i), (double)r->missed_by[i]);
  }
}

static void write_left_out(const clam_report *r, cJSON *result)
{
  size_t room = LEFT_OUT_TEXT;
  cJSON *left = cJSON_AddObjectToObject(result, "left_out");
  (void)cJSON_AddNumberToObject(left, "special_files", (double)r->special);
  (void)cJSON_AddNumberToObject(left, "file_systems_total", (double)r->left_out_total);
  cJSON *list = cJSON_AddArrayToObject(left, "file_systems");
  for (size_t i = 0; i < r->left_out_count; i++) {
    cJSON *item = cJSON_CreateObject();
    clam_add_path(item, "path", r->left_out[i].path);
    sup_json_add_text(item, "type", r->left_out[i].type);
    if (!add_within(list, item, &room))
      break;
  }
}

void clam_report_write(const clam_report *r, cJSON *result)
{
  size_t room = FINDINGS_TEXT;
  (void)cJSON_AddNumberToObject(result, "findings_total", (double)r->found);
  cJSON *list = cJSON_AddArrayToObject(result, "findings");
  for (size_t i = 0; i < r->finding_count; i++) {
    if (!add_within(list, finding_json(&r->findings[i]), &room))
      break;
  }
  write_missed(r, result);
  write_left_out(r, result);
}
