#include "read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/sha2.h>
#include <sys/sysmacros.h>

#include "package.h"
#include "package/keys.h"
#include "parse.h"

enum { LINE_MAX_LEN = 64 * 1024, SORTED_MAX = 20000 };

int64_t col_read_fd(int fd, char *ret_text, size_t size)
{
  size_t len = 0;
  while (len < size - 1) {
    ssize_t got = read(fd, ret_text + len, size - 1 - len);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && len == 0) {
      ret_text[0] = '\0';
      return -errno;
    }
    if (got <= 0)
      break;
    len += (size_t)got;
  }
  ret_text[len] = '\0';
  return (int64_t)len;
}

int64_t col_read(const col_task *t, const char *path, char *ret_text, size_t size)
{
  int fd = -1;
  struct stat st;
  ret_text[0] = '\0';
  int error = col_open(t, path, &fd, &st);
  if (error != 0)
    return -error;
  int64_t len = col_read_fd(fd, ret_text, size);
  (void)close(fd);
  return len;
}

int64_t col_read_at(int dir, const char *name, char *ret_text, size_t size)
{
  ret_text[0] = '\0';
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return -errno;
  struct stat st;
  int64_t len = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? col_read_fd(fd, ret_text, size)
                                                           : -(int64_t)COL_E_NOT_PLAIN;
  (void)close(fd);
  return len;
}

void col_read_line(const col_task *t, const char *path, char *ret_text, size_t size)
{
  (void)col_read(t, path, ret_text, size);
  ret_text[strcspn(ret_text, "\r\n")] = '\0';
}

/* ---- lines ---- */

/* Hands on the whole lines at the front of the buffer and moves the rest there. */
static bool hand_on(char *buffer, size_t *len, bool end, col_line_fn *fn, void *data)
{
  size_t at = 0;
  bool go_on = true;
  while (go_on && at < *len) {
    char *newline = memchr(buffer + at, '\n', *len - at);
    if (newline == NULL && !end && !(at == 0 && *len == LINE_MAX_LEN))
      break;
    size_t line = newline != NULL ? (size_t)(newline - buffer) - at : *len - at;
    go_on = fn(data, buffer + at, line);
    at += line + (newline != NULL ? 1 : 0);
  }
  memmove(buffer, buffer + at, *len - at);
  *len -= at;
  return go_on;
}

int col_lines_fd(const col_task *t, int fd, uint64_t max, col_line_fn *fn, void *data)
{
  char *buffer = malloc(LINE_MAX_LEN);
  size_t len = 0;
  uint64_t total = 0;
  int error = buffer == NULL ? ENOMEM : 0;
  while (error == 0 && !col_stop(t) && total < max) {
    ssize_t got = read(fd, buffer + len, LINE_MAX_LEN - len);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      error = errno;
    if (got > 0) {
      len += (size_t)got;
      total += (uint64_t)got;
    }
    if (got <= 0 || !hand_on(buffer, &len, false, fn, data)) {
      if (got <= 0 && len > 0)
        (void)hand_on(buffer, &len, true, fn, data);
      break;
    }
  }
  free(buffer);
  return error == 0 && total >= max ? EFBIG : error;
}

int col_lines(const col_task *t, const char *path, uint64_t max, col_line_fn *fn, void *data)
{
  int fd = -1;
  struct stat st;
  int error = col_open(t, path, &fd, &st);
  if (error != 0)
    return error;
  error = col_lines_fd(t, fd, max, fn, data);
  (void)close(fd);
  return error;
}

/* This process may have a copy of its own of what is mounted, with options of its own. */
int col_agents_mounts(const col_task *t, col_line_fn *fn, void *data)
{
  char path[64];
  int fd = -1;
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%ld/mountinfo", (long)getppid());
  int error = col_open(t, path, &fd, &st);
  if (error != 0)
    error = col_open(t, "/proc/self/mountinfo", &fd, &st);
  if (error != 0)
    return error;
  error = col_lines_fd(t, fd, 16 * COL_MIB, fn, data);
  (void)close(fd);
  return error;
}

typedef struct tail {
  col_line_fn *fn;
  void *data;
  bool begun;
} tail;

static bool tail_line(void *data, const char *line, size_t len)
{
  tail *l = data;
  bool begun = l->begun;
  l->begun = true;
  return !begun || l->fn(l->data, line, len);
}

int col_last_lines_fd(const col_task *t, int fd, uint64_t max, col_line_fn *fn, void *data,
                      bool *ret_cut)
{
  struct stat st;
  if (fstat(fd, &st) != 0)
    return errno;
  *ret_cut = (uint64_t)st.st_size > max;
  tail l = {.fn = fn, .data = data, .begun = !*ret_cut};
  /* One byte more, so that a line that begins where the part does is not taken for a rest. */
  if (lseek(fd, *ret_cut ? (off_t)((uint64_t)st.st_size - max - 1) : 0, SEEK_SET) < 0)
    return errno;
  /* What is written on while it is read does not keep us. */
  return col_lines_fd(t, fd, max + COL_MIB, tail_line, &l);
}

void col_lines_of(const char *text, size_t len, col_line_fn *fn, void *data)
{
  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    size_t line = end != NULL ? (size_t)(end - text) : len;
    if (!fn(data, text, line))
      return;
    line += end != NULL ? 1 : 0;
    text += line;
    len -= line;
  }
}

/* ---- copies ---- */

void col_copy_fd(col_task *t, int fd, const struct stat *st, uint64_t max)
{
  char buffer[16 * 1024];
  uint64_t size = (uint64_t)st->st_size;
  uint64_t total = 0;
  if (st->st_mtim.tv_sec > 0)
    col_set_mtime(t, st->st_mtim.tv_sec);
  if (size > max) {
    (void)lseek(fd, (off_t)(size - max), SEEK_SET);
    col_cap(t, "it has %llu bytes, of which these are the last %llu", (unsigned long long)size,
            (unsigned long long)max);
  }
  /* What is written on while it is read does not keep us. */
  while (!col_stop(t) && total < max) {
    size_t want = max - total < sizeof(buffer) ? (size_t)(max - total) : sizeof(buffer);
    ssize_t got = read(fd, buffer, want);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      col_mark_os(t, errno, "reading it failed");
    if (got <= 0 || !col_put(t, buffer, (size_t)got))
      return;
    total += (uint64_t)got;
  }
  if (total >= max && total > size)
    col_cap(t, "it grew while it was read");
  else if (total < max)
    col_cap(t, "the item's time was over");
}

void col_copy(col_task *t, const char *name, const char *path, uint64_t max)
{
  int fd = -1;
  struct stat st;
  uint64_t most = col_options_of(t)->max_file;
  col_begin(t, name, path);
  int error = col_open(t, path, &fd, &st);
  if (error != 0) {
    col_mark_os(t, error, path);
    col_end(t);
    return;
  }
  col_copy_fd(t, fd, &st, max < most ? max : most);
  (void)close(fd);
  /* A ceiling of this file is none of the next one's. */
  col_end(t);
}

void col_say_untold(col_task *t, const char *name, const char *where, const char *why)
{
  int fd = -1;
  if (col_open_folder(t, where, &fd) != 0)
    return;
  (void)close(fd);
  col_begin(t, name, where);
  (void)col_printf(t, "not read: %s\n", why);
  col_end(t);
}

typedef struct masking {
  col_task *task;
  bool in_key;
  col_key key;
} masking;

/* A line of a private key; whether the next one is. */
static bool skip_key(masking *m, col_view v)
{
  m->in_key = !col_view_has(v, "-----END ");
  for (size_t i = 0; i < v.len && m->in_key; i++)
    m->in_key = col_key_takes(&m->key, v.ptr[i]);
  m->in_key = m->in_key && col_key_takes(&m->key, '\n');
  return true;
}

static bool put_masked(void *data, const char *line, size_t len)
{
  masking *m = data;
  col_view v = {.ptr = line, .len = len};
  size_t size = 3 * len + 4;
  if (m->in_key)
    return skip_key(m, v);
  if (col_is_private_key(v)) {
    m->in_key = !col_view_has(v, "-----END ");
    m->key = (col_key){.below = true, .name = true};
    return col_puts(m->task, "(a private key, which is not taken)\n");
  }
  char *text = malloc(size);
  if (text == NULL) {
    col_cap(m->task, "there was no memory for a line");
    return false;
  }
  bool go_on = col_put(m->task, text, col_mask(v, text, size)) && col_puts(m->task, "\n");
  free(text);
  return go_on;
}

void col_copy_masked(col_task *t, const char *name, const char *path)
{
  masking m = {.task = t};
  col_begin(t, name, path);
  int error = col_lines(t, path, COL_MIB, put_masked, &m);
  if (error == EFBIG)
    col_cap(t, "only its first MiB");
  else if (error != 0)
    col_mark_os(t, error, path);
  col_end(t);
}

/* ---- folders ---- */

typedef struct names {
  char **items;
  size_t count;
} names;

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_add(names *n, const char *name)
{
  if ((n->count & (n->count - 1)) == 0) {
    size_t room = n->count == 0 ? 1 : n->count * 2;
    char **grown = realloc(n->items, room * sizeof(*grown));
    if (grown == NULL)
      return false;
    n->items = grown;
  }
  n->items[n->count] = strdup(name);
  return n->items[n->count] != NULL && ++n->count > 0;
}

static void names_release(names *n)
{
  for (size_t i = 0; i < n->count; i++)
    free(n->items[i]);
  free(n->items);
}

static bool is_dots(const char *name)
{
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void each_of(const col_task *t, DIR *dir, col_entry_fn *fn, void *data)
{
  names n = {0};
  const struct dirent *e = NULL;
  bool go_on = true;
  while (go_on && !col_stop(t) && n.count < SORTED_MAX && (e = readdir(dir)) != NULL) {
    if (!is_dots(e->d_name))
      go_on = names_add(&n, e->d_name);
  }
  if (n.count > 0)
    qsort(n.items, n.count, sizeof(*n.items), by_name);
  for (size_t i = 0; go_on && i < n.count && !col_stop(t); i++)
    go_on = fn(data, dirfd(dir), n.items[i]);
  while (go_on && e != NULL && !col_stop(t) && (e = readdir(dir)) != NULL) {
    if (!is_dots(e->d_name))
      go_on = fn(data, dirfd(dir), e->d_name);
  }
  names_release(&n);
}

int col_each(const col_task *t, const char *path, col_entry_fn *fn, void *data)
{
  int fd = -1;
  int error = col_open_folder(t, path, &fd);
  if (error != 0)
    return error;
  DIR *dir = fdopendir(fd);
  if (dir == NULL) {
    error = errno;
    (void)close(fd);
    return error;
  }
  each_of(t, dir, fn, data);
  (void)closedir(dir);
  return 0;
}

/* ---- hashes ---- */

static void put_hex(const unsigned char digest[32], char ret_hex[COL_SHA256_HEX + 1])
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < 32; i++) {
    ret_hex[2 * i] = digits[digest[i] >> 4];
    ret_hex[2 * i + 1] = digits[digest[i] & 15];
  }
  ret_hex[COL_SHA256_HEX] = '\0';
}

void col_sha256_fd(const col_task *t, int fd, uint64_t max, char ret_hex[COL_SHA256_HEX + 1])
{
  unsigned char buffer[16 * 1024];
  unsigned char digest[32];
  uint64_t total = 0;
  ssize_t got = 1;
  struct sha256_ctx sha;
  ret_hex[0] = '\0';
  sha256_init(&sha);
  while (got != 0 && total <= max && !col_stop(t)) {
    got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      break;
    sha256_update(&sha, (size_t)got, buffer);
    total += (uint64_t)got;
  }
  sha256_digest(&sha, sizeof(digest), digest);
  if (got == 0 && total <= max)
    put_hex(digest, ret_hex);
}

void col_sha256_of(const void *bytes, size_t len, char ret_hex[COL_SHA256_HEX + 1])
{
  unsigned char digest[32];
  struct sha256_ctx sha;
  sha256_init(&sha);
  sha256_update(&sha, len, bytes);
  sha256_digest(&sha, sizeof(digest), digest);
  put_hex(digest, ret_hex);
}

static int stat_as(int dir, const char *name, int flags, struct stat *ret_st, int64_t *ret_born)
{
  struct statx x;
  if (statx(dir, name, flags | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_BTIME, &x) != 0)
    return errno;
  *ret_st = (struct stat){.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
                          .st_ino = x.stx_ino,
                          .st_mode = x.stx_mode,
                          .st_nlink = x.stx_nlink,
                          .st_uid = x.stx_uid,
                          .st_gid = x.stx_gid,
                          .st_size = (off_t)x.stx_size,
                          .st_atim = {x.stx_atime.tv_sec, x.stx_atime.tv_nsec},
                          .st_mtim = {x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec},
                          .st_ctim = {x.stx_ctime.tv_sec, x.stx_ctime.tv_nsec}};
  if (ret_born != NULL)
    *ret_born = (x.stx_mask & STATX_BTIME) != 0 ? x.stx_btime.tv_sec : 0;
  return 0;
}

int col_stat_at(int dir, const char *name, struct stat *ret_st, int64_t *ret_born)
{
  return stat_as(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, ret_st, ret_born);
}

int col_stat_fd(int fd, struct stat *ret_st, int64_t *ret_born)
{
  return stat_as(fd, "", AT_EMPTY_PATH, ret_st, ret_born);
}
