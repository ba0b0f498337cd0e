/* The groups that services make below their own. Whoever the service lends its group to makes these
 * as he likes: what is looked at has limits, and what cannot be read is only counted as more. */
#define _GNU_SOURCE
#include "groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/stat.h>

enum { FOLDER_MAX = 1024, DEPTH_MAX = 8 };

static int by_id(const void *a, const void *b)
{
  const uint64_t *x = a;
  const uint64_t *y = b;
  return *x < *y ? -1 : *x > *y;
}

bool iso_group_has(const iso_group *g, uint64_t id)
{
  for (size_t i = 0; i < g->place_count; i++) {
    if (g->places[i].id == id)
      return true;
  }
  return g->below != NULL &&
         bsearch(&id, g->below, g->below_count, sizeof(*g->below), by_id) != NULL;
}

static DIR *open_folder(int at, const char *name, iso_group *g)
{
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (dir == NULL && errno != ENOENT)
    g->more_below = true;
  if (fd >= 0 && dir == NULL)
    (void)close(fd);
  return dir;
}

static void read_below(DIR *dir, iso_group *g, unsigned depth)
{
  const struct dirent *e = NULL;
  while ((e = readdir(dir)) != NULL) {
    struct stat st;
    if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
        fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
      continue;
    if (g->below_count == ISO_GROUP_BELOW || depth == DEPTH_MAX) {
      g->more_below = true;
      return;
    }
    g->below[g->below_count++] = st.st_ino;
    DIR *below = open_folder(dirfd(dir), e->d_name, g);
    if (below == NULL)
      continue;
    read_below(below, g, depth + 1);
    (void)closedir(below);
  }
}

void iso_groups_find_below(const char *root, iso_group *groups, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    iso_group *g = &groups[i];
    if (g->below == NULL)
      g->below = calloc(ISO_GROUP_BELOW, sizeof(*g->below));
    g->below_count = 0;
    g->more_below = g->below == NULL;
    for (size_t p = 0; p < g->place_count && g->below != NULL; p++) {
      char path[FOLDER_MAX];
      (void)snprintf(path, sizeof(path), "%s" ISO_GROUPS_FOLDER "/%s", root, g->places[p].path);
      DIR *dir = open_folder(AT_FDCWD, path, g);
      if (dir == NULL)
        continue;
      read_below(dir, g, 0);
      (void)closedir(dir);
    }
    if (g->below != NULL)
      qsort(g->below, g->below_count, sizeof(*g->below), by_id);
  }
}
