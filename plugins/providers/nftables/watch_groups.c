#include "watch_groups.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/inotify.h>

enum { FOLDER_MAX = 1024, SLICES_MAX = 1024, BUFFER = 16384, ROUNDS = 16 };

bool iso_names_set(iso_names *n, const iso_params *p)
{
  (void)pthread_mutex_lock(&n->lock);
  size_t count = p != NULL ? p->group_count : 0;
  bool changed = n->count != count;
  for (size_t i = 0; i < count; i++) {
    changed = changed || strcmp(n->items[i], p->groups[i].name) != 0;
    (void)snprintf(n->items[i], sizeof(n->items[i]), "%s", p->groups[i].name);
  }
  n->count = count;
  (void)pthread_mutex_unlock(&n->lock);
  return changed;
}

bool iso_names_any(iso_names *n)
{
  (void)pthread_mutex_lock(&n->lock);
  bool any = n->count > 0;
  (void)pthread_mutex_unlock(&n->lock);
  return any;
}

static bool has(iso_names *n, const char *name)
{
  bool found = false;
  (void)pthread_mutex_lock(&n->lock);
  for (size_t i = 0; i < n->count && !found; i++)
    found = strcmp(n->items[i], name) == 0;
  (void)pthread_mutex_unlock(&n->lock);
  return found;
}

static bool is_slice(const char *name)
{
  size_t len = strlen(name);
  return len > 6 && strcmp(name + len - 6, ".slice") == 0;
}

int iso_group_watch_open(void)
{
  return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

static void add_below(int fd, const char *path, unsigned level, unsigned *count)
{
  if (*count >= SLICES_MAX ||
      inotify_add_watch(fd, path, IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW) < 0)
    return;
  ++*count;
  DIR *dir = level < ISO_GROUP_LEVELS ? opendir(path) : NULL;
  const struct dirent *e = NULL;
  while (dir != NULL && (e = readdir(dir)) != NULL) {
    char longer[FOLDER_MAX];
    if (is_slice(e->d_name) &&
        snprintf(longer, sizeof(longer), "%s/%s", path, e->d_name) < (int)sizeof(longer))
      add_below(fd, longer, level + 1, count);
  }
  if (dir != NULL)
    (void)closedir(dir);
}

bool iso_group_watch_add(int fd)
{
  char path[FOLDER_MAX];
  unsigned count = 0;
  const char *top = fd >= 0 ? iso_groups_top("") : NULL;
  if (top == NULL)
    return false;
  (void)snprintf(path, sizeof(path), ISO_GROUPS_FOLDER "/%s", top);
  add_below(fd, path, 1, &count);
  return count > 0;
}

/* A new slice may have had its service before it was watched. */
static bool means_start(const struct inotify_event *e, iso_names *n, bool *slices)
{
  if ((e->mask & IN_Q_OVERFLOW) != 0)
    return true;
  if ((e->mask & IN_ISDIR) == 0 || e->len == 0)
    return false;
  if (!is_slice(e->name))
    return has(n, iso_group_unit(e->name));
  *slices = true;
  return true;
}

bool iso_group_watch_read(int fd, iso_names *n)
{
  static const size_t head = sizeof(struct inotify_event);
  union {
    struct inotify_event first; /* for its alignment */
    char bytes[BUFFER];
  } buffer;
  bool started = false, slices = false;
  for (int i = 0; i < ROUNDS; i++) {
    ssize_t len = read(fd, buffer.bytes, sizeof(buffer.bytes));
    for (size_t at = 0; len > 0 && at + head <= (size_t)len;) {
      const struct inotify_event *e = (const struct inotify_event *)(const void *)&buffer.bytes[at];
      started = means_start(e, n, &slices) || started;
      at += head + e->len;
    }
    if (len <= 0)
      break;
  }
  if (slices)
    (void)iso_group_watch_add(fd);
  return started && iso_names_any(n);
}
