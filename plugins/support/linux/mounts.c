/* What is mounted where: what is of the network or of another program may hang, and is not
 * touched. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"

enum { MOUNTS_MAX = 16384, MOUNTS_TEXT = 4 * 1024 * 1024 };

/* Those that hold files of this machine. What is not known here is not local. */
sup_fs sup_fs_of(const char *type)
{
  static const char *const local[] = {
      "ext2",  "ext3",  "ext4",     "xfs",    "btrfs",    "f2fs",     "tmpfs", "ramfs",  "overlay",
      "jfs",   "zfs",   "reiserfs", "nilfs2", "bcachefs", "vfat",     "exfat", "msdos",  "iso9660",
      "udf",   "ntfs",  "ntfs3",    "hfs",    "hfsplus",  "squashfs", "erofs", "cramfs", "ubifs",
      "jffs2", "minix", "ecryptfs", "rootfs", "apfs",     "aufs"};
  static const char *const pseudo[] = {
      "proc",       "sysfs",       "devtmpfs", "devpts",   "cgroup",    "cgroup2", "pstore",
      "securityfs", "debugfs",     "tracefs",  "configfs", "bpf",       "mqueue",  "hugetlbfs",
      "fusectl",    "binfmt_misc", "autofs",   "efivarfs", "selinuxfs", "smackfs", "nsfs",
      "rpc_pipefs", "nfsd",        "sockfs",   "pipefs",   "resctrl",   "binder",  "functionfs"};
  for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
    if (strcmp(type, local[i]) == 0)
      return SUP_FS_LOCAL;
  }
  for (size_t i = 0; i < sizeof(pseudo) / sizeof(pseudo[0]); i++) {
    if (strcmp(type, pseudo[i]) == 0)
      return SUP_FS_PSEUDO;
  }
  return SUP_FS_FAR;
}

static bool is_octal(char c)
{
  return c >= '0' && c <= '7';
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
static bool unescape(const char *word, size_t len, char ret_text[SUP_PATH])
{
  size_t at = 0;
  for (size_t i = 0; i < len;) {
    if (at + 1 >= SUP_PATH)
      return false;
    if (word[i] == '\\' && i + 3 < len && is_octal(word[i + 1]) && is_octal(word[i + 2]) &&
        is_octal(word[i + 3])) {
      ret_text[at++] =
          (char)((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 + (word[i + 3] - '0'));
      i += 4;
    } else {
      ret_text[at++] = word[i++];
    }
  }
  ret_text[at] = '\0';
  return true;
}

static size_t take_word(const char **line, size_t *len, const char **ret_word)
{
  while (*len > 0 && **line == ' ') {
    (*line)++;
    (*len)--;
  }
  *ret_word = *line;
  size_t n = 0;
  while (n < *len && (*line)[n] != ' ')
    n++;
  *line += n;
  *len -= n;
  return n;
}

static void add_line(sup_mounts *m, const char *line, size_t len)
{
  char point[SUP_PATH] = "";
  const char *word = NULL;
  size_t n = 0;
  for (int i = 0; i < 5; i++)
    n = take_word(&line, &len, &word);
  if (n == 0 || word[0] != '/' || !unescape(word, n, point) || m->count >= MOUNTS_MAX)
    return;
  do {
    n = take_word(&line, &len, &word);
  } while (n > 0 && (n != 1 || word[0] != '-'));
  n = take_word(&line, &len, &word);
  if (n == 0)
    return;
  if ((m->count & (m->count - 1)) == 0) {
    void *grown = realloc(m->items, (m->count == 0 ? 1 : m->count * 2) * sizeof(*m->items));
    if (grown == NULL)
      return;
    m->items = grown;
  }
  sup_mount *to = &m->items[m->count];
  (void)snprintf(to->type, sizeof(to->type), "%.*s", (int)n, word);
  to->fs = sup_fs_of(to->type);
  to->point = strdup(point);
  m->count += to->point != NULL ? 1 : 0;
}

static int by_point(const void *a, const void *b)
{
  return strcmp(((const sup_mount *)a)->point, ((const sup_mount *)b)->point);
}

/* Of several at one place the last one hides the others. */
static void drop_hidden(sup_mounts *m)
{
  for (size_t i = 0; i < m->count; i++) {
    for (size_t k = i + 1; k < m->count; k++) {
      if (strcmp(m->items[i].point, m->items[k].point) != 0)
        continue;
      free(m->items[i].point);
      memmove(&m->items[i], &m->items[i + 1], (m->count - i - 1) * sizeof(*m->items));
      m->count--;
      i--;
      break;
    }
  }
}

void sup_mounts_text(sup_mounts *m, const char *text, size_t len)
{
  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    size_t line = end != NULL ? (size_t)(end - text) : len;
    add_line(m, text, line);
    line += end != NULL ? 1 : 0;
    text += line;
    len -= line;
  }
  drop_hidden(m);
  if (m->count > 1)
    qsort(m->items, m->count, sizeof(*m->items), by_point);
}

void sup_mounts_read(sup_mounts *m)
{
  char *text = malloc(MOUNTS_TEXT);
  int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  size_t len = 0;
  ssize_t got = 1;
  while (fd >= 0 && text != NULL && got > 0 && len < MOUNTS_TEXT) {
    got = read(fd, text + len, MOUNTS_TEXT - len);
    len += got > 0 ? (size_t)got : 0;
  }
  if (len > 0)
    sup_mounts_text(m, text, len);
  if (fd >= 0)
    (void)close(fd);
  free(text);
}

const sup_mount *sup_mounts_at(const sup_mounts *m, const char *path)
{
  size_t low = 0;
  size_t high = m->count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int order = strcmp(m->items[mid].point, path);
    if (order == 0)
      return &m->items[mid];
    if (order < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return NULL;
}

const sup_mount *sup_mounts_of(const sup_mounts *m, const char *path)
{
  const sup_mount *best = NULL;
  size_t best_len = 0;
  for (size_t i = 0; i < m->count; i++) {
    const char *point = m->items[i].point;
    size_t len = strcmp(point, "/") == 0 ? 0 : strlen(point);
    bool above = strncmp(path, point, len) == 0 && (path[len] == '/' || path[len] == '\0');
    if (above && (best == NULL || len >= best_len)) {
      best = &m->items[i];
      best_len = len;
    }
  }
  return best;
}

void sup_mounts_release(sup_mounts *m)
{
  for (size_t i = 0; i < m->count; i++)
    free(m->items[i].point);
  free(m->items);
  *m = (sup_mounts){0};
}
