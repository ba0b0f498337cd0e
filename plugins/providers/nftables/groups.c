#define _GNU_SOURCE
#include "groups.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "nft.h"

enum { FOLDER_MAX = 1024, SLICES_MAX = 1024, BELOW_MAX = 8 };

/* ---- names ---- */

static bool ends(const char *name, const char *end)
{
  size_t len = strlen(name);
  size_t end_len = strlen(end);
  return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool is_unit(const char *name)
{
  size_t len = strlen(name);
  if (len >= ISO_GROUP_NAME || name[0] == '.')
    return false;
  for (size_t i = 0; i < len; i++) {
    if (!isascii((unsigned char)name[i]) ||
        (!isalnum((unsigned char)name[i]) && strchr(":-_.\\@", name[i]) == NULL))
      return false;
  }
  return len > 0;
}

bool iso_group_name_good(const char *name)
{
  return is_unit(name) && name[0] != '@' && strstr(name, "@.") == NULL &&
         (ends(name, ".service") || ends(name, ".socket"));
}

bool iso_group_has(const iso_group *g, uint64_t id)
{
  for (size_t i = 0; i < g->id_count; i++) {
    if (g->ids[i] == id)
      return true;
  }
  return false;
}

/* ---- looking up ---- */

const char *iso_groups_top(const char *root)
{
  static const char *const tops[] = {"", "unified"};
  for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
    char path[FOLDER_MAX];
    (void)snprintf(path, sizeof(path), "%s" ISO_GROUPS_FOLDER "/%s/cgroup.controllers", root,
                   tops[i]);
    if (access(path, F_OK) == 0)
      return tops[i];
  }
  return NULL;
}

static DIR *open_folder(int at, const char *name)
{
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (fd >= 0 && dir == NULL)
    (void)close(fd);
  return dir;
}

/* Its number and those below, as far as there is room. */
static void read_ids(DIR *dir, iso_group *g, unsigned depth)
{
  struct stat st;
  if (g->id_count == ISO_GROUP_IDS || fstat(dirfd(dir), &st) != 0)
    return;
  g->ids[g->id_count++] = st.st_ino;
  const struct dirent *e = NULL;
  while (depth < BELOW_MAX && (e = readdir(dir)) != NULL) {
    DIR *below = e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN)
                     ? open_folder(dirfd(dir), e->d_name)
                     : NULL;
    if (below == NULL)
      continue;
    read_ids(below, g, depth + 1);
    (void)closedir(below);
  }
}

typedef struct search {
  iso_group *groups;
  size_t count;
  uid_t owner; /* of the top */
  unsigned slices;
} search;

/* `path` is the folder's own, with its slash unless it is empty. */
static void find_in(search *s, DIR *dir, const char *path, unsigned level)
{
  for (size_t i = 0; i < s->count; i++) {
    iso_group *g = &s->groups[i];
    DIR *found = g->path[0] == '\0' ? open_folder(dirfd(dir), g->name) : NULL;
    if (found == NULL)
      continue;
    if (snprintf(g->path, sizeof(g->path), "%s%s", path, g->name) < (int)sizeof(g->path)) {
      g->level = level;
      read_ids(found, g, 0);
    } else {
      g->path[0] = '\0';
    }
    (void)closedir(found);
  }
}

static bool is_owners(const search *s, DIR *dir)
{
  struct stat st;
  return fstat(dirfd(dir), &st) == 0 && st.st_uid == s->owner &&
         (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static void find_below(search *s, DIR *dir, const char *path, unsigned level)
{
  find_in(s, dir, path, level);
  const struct dirent *e = NULL;
  while (level < ISO_GROUP_LEVELS && (e = readdir(dir)) != NULL) {
    char longer[ISO_GROUP_PATH];
    if (!is_unit(e->d_name) || !ends(e->d_name, ".slice") || ++s->slices > SLICES_MAX ||
        snprintf(longer, sizeof(longer), "%s%s/", path, e->d_name) >= (int)sizeof(longer))
      continue;
    DIR *slice = open_folder(dirfd(dir), e->d_name);
    if (slice == NULL)
      continue;
    if (is_owners(s, slice))
      find_below(s, slice, longer, level + 1);
    (void)closedir(slice);
  }
}

void iso_groups_find(const char *root, iso_group *groups, size_t count)
{
  search s = {.groups = groups, .count = count};
  char path[FOLDER_MAX];
  struct stat st;
  for (size_t i = 0; i < count; i++) {
    groups[i].path[0] = '\0';
    groups[i].id_count = 0;
  }
  const char *top = count > 0 ? iso_groups_top(root) : NULL;
  if (top == NULL)
    return;
  (void)snprintf(path, sizeof(path), "%s" ISO_GROUPS_FOLDER "/%s", root, top);
  DIR *dir = open_folder(AT_FDCWD, path);
  if (dir == NULL)
    return;
  if (fstat(dirfd(dir), &st) == 0) {
    s.owner = st.st_uid;
    find_below(&s, dir, top[0] != '\0' ? "unified/" : "", 1);
  }
  (void)closedir(dir);
}

bool iso_groups_any(const iso_group *groups, size_t count)
{
  size_t i = 0;
  while (i < count && groups[i].path[0] == '\0')
    i++;
  return i < count;
}

bool iso_groups_moved(iso_group *groups, size_t count)
{
  uint64_t before[ISO_GROUPS_MAX] = {0};
  bool moved = false;
  for (size_t i = 0; i < count; i++)
    before[i] = groups[i].id_count > 0 ? groups[i].ids[0] : 0;
  iso_groups_find("", groups, count);
  for (size_t i = 0; i < count; i++)
    moved = moved || before[i] != (groups[i].id_count > 0 ? groups[i].ids[0] : 0);
  return moved;
}

/* ---- who may be named, and whether it works ---- */

const iso_group *iso_groups_of_process(const char *text, const iso_group *groups, size_t count)
{
  const char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
  const char *at = line != NULL ? strchr(line, '/') : NULL;
  while (at != NULL && *at == '/') {
    const char *name = at + 1;
    size_t len = strcspn(name, "/\n");
    for (size_t i = 0; i < count; i++) {
      if (strlen(groups[i].name) == len && memcmp(groups[i].name, name, len) == 0)
        return &groups[i];
    }
    at = name + len;
  }
  return NULL;
}

cordon_status iso_groups_work(bool *known, sup_err *err)
{
  sup_err why = {0};
  if (iso_groups_top("") == NULL)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "exclusions by service are not possible: the second hierarchy of control "
                    "groups (cgroup2) is mounted neither at " ISO_GROUPS_FOLDER
                    " nor at " ISO_GROUPS_FOLDER "/unified");
  if (*known ||
      iso_nft_load("table inet cordon_try {\n  map m {\n    type cgroupsv2 : verdict\n  }\n"
                   "  chain out {\n    type filter hook output priority 20;\n"
                   "    socket cgroupv2 level 2 vmap @m\n    socket transparent 1\n  }\n}\n",
                   true, &why) == CORDON_OK) {
    *known = true;
    return CORDON_OK;
  }
  return sup_fail(err, CORDON_E_UNSUPPORTED,
                  "exclusions by service are not possible: this kernel cannot tell packets by "
                  "control group (Linux 5.13 with CONFIG_NFT_SOCKET and CONFIG_CGROUPS): %s",
                  why.sentence);
}
