#define _GNU_SOURCE
#include "groups.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "nft.h"

enum { FOLDER_MAX = 1024, SLICES_MAX = 1024 };

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

bool iso_group_acts_for_users(const char *name)
{
  static const char *const names[] = {"cron.service", "crond.service", "cronie.service",
                                      "fcron.service", "atd.service"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (strcmp(name, names[i]) == 0)
      return true;
  }
  return strncmp(name, "user@", 5) == 0;
}

const char *iso_group_unit(const char *folder)
{
  return folder[0] == '_' ? folder + 1 : folder;
}

/* ---- looking up ---- */

/* A folder without its file is none, and neither is a copy of it on a file system of another kind,
 * whose numbers mean nothing. */
static bool is_top(const char *path, bool own)
{
  char file[FOLDER_MAX + 32];
  struct statfs fs;
  (void)snprintf(file, sizeof(file), "%s/cgroup.controllers", path);
  return access(file, F_OK) == 0 &&
         (!own || (statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC));
}

const char *iso_groups_top(const char *root)
{
  static const char *const tops[] = {"", "unified"};
  for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
    char path[FOLDER_MAX];
    (void)snprintf(path, sizeof(path), "%s" ISO_GROUPS_FOLDER "/%s", root, tops[i]);
    if (is_top(path, root[0] == '\0'))
      return tops[i];
  }
  return NULL;
}

typedef struct search {
  iso_group *groups;
  size_t count;
  dev_t device; /* of the top */
  uid_t owner;
  unsigned slices;
  bool more_slices;
  int os_error; /* with which it could not go on; what is not there is none */
} search;

/* A folder of the hierarchy itself, or -1. Its owner's leave to read it is not needed. */
static int open_at(search *s, int at, const char *name, struct stat *ret_stat)
{
  int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG)
      s->os_error = errno;
    return -1;
  }
  if (fstat(fd, ret_stat) == 0 && ret_stat->st_dev == s->device)
    return fd;
  (void)close(fd);
  return -1;
}

static int by_place(const iso_place *a, const iso_place *b)
{
  if (a->level != b->level)
    return a->level < b->level ? -1 : 1;
  return strcmp(a->path, b->path);
}

/* Keeps the first of them. */
static void add_place(iso_group *g, const iso_place *p)
{
  size_t at = g->place_count;
  while (at > 0 && by_place(p, &g->places[at - 1]) < 0)
    at--;
  g->more_places = g->more_places || g->place_count == ISO_GROUP_PLACES;
  if (at == ISO_GROUP_PLACES)
    return;
  size_t last = g->place_count < ISO_GROUP_PLACES ? g->place_count++ : ISO_GROUP_PLACES - 1;
  memmove(&g->places[at + 1], &g->places[at], (last - at) * sizeof(*p));
  g->places[at] = *p;
}

/* `path` is the folder's own, with its slash unless it is empty. */
static void find_one(search *s, int folder, const char *path, unsigned level, iso_group *g)
{
  /* A name that begins with `_` is never written as it is. */
  for (int escaped = g->name[0] == '_'; escaped < 2; escaped++) {
    char name[ISO_GROUP_NAME + 1];
    struct stat st;
    iso_place p = {.level = level};
    (void)snprintf(name, sizeof(name), "%s%s", escaped ? "_" : "", g->name);
    int fd = open_at(s, folder, name, &st);
    if (fd < 0)
      continue;
    (void)close(fd);
    p.id = st.st_ino;
    if (snprintf(p.path, sizeof(p.path), "%s%s", path, name) < (int)sizeof(p.path))
      add_place(g, &p);
  }
}

static int is_slice(const struct dirent *e)
{
  return is_unit(e->d_name) && ends(e->d_name, ".slice");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void find_below(search *s, int folder, const char *path, unsigned level);

static void find_in_slice(search *s, int folder, const char *path, const char *name, unsigned level)
{
  char longer[ISO_GROUP_PATH];
  struct stat st;
  if (s->slices == SLICES_MAX ||
      snprintf(longer, sizeof(longer), "%s%s/", path, name) >= (int)sizeof(longer)) {
    s->more_slices = true;
    return;
  }
  s->slices++;
  int fd = open_at(s, folder, name, &st);
  if (fd < 0)
    return;
  if (st.st_uid == s->owner && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    find_below(s, fd, longer, level + 1);
  (void)close(fd);
}

static void find_below(search *s, int folder, const char *path, unsigned level)
{
  struct dirent **slices = NULL;
  for (size_t i = 0; i < s->count; i++)
    find_one(s, folder, path, level, &s->groups[i]);
  if (level == ISO_GROUP_LEVELS || s->os_error != 0)
    return;
  /* In a fixed order, so that a limit always leaves out the same. */
  int count = scandirat(folder, ".", &slices, is_slice, by_name);
  if (count < 0 && errno != ENOENT)
    s->os_error = errno;
  for (int i = 0; i < count; i++) {
    if (s->os_error == 0)
      find_in_slice(s, folder, path, slices[i]->d_name, level);
    free(slices[i]);
  }
  free(slices);
}

static cordon_status find_all(search *s, const char *root, const char *top, sup_err *err)
{
  char path[FOLDER_MAX];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s" ISO_GROUPS_FOLDER "/%s", root, top);
  int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) {
    s->os_error = errno;
  } else {
    s->device = st.st_dev;
    s->owner = st.st_uid;
    find_below(s, fd, top[0] != '\0' ? "unified/" : "", 1);
  }
  if (fd >= 0)
    (void)close(fd);
  return s->os_error == 0 ? CORDON_OK
                          : sup_fail_os(err, s->os_error,
                                        "the control groups of services could not be looked up");
}

static void clear(iso_group *g)
{
  g->place_count = 0;
  g->more_places = false;
}

cordon_status iso_groups_find(const char *root, iso_group *groups, size_t count, bool *ret_more,
                              sup_err *err)
{
  if (count == 0)
    return CORDON_OK;
  const char *top = iso_groups_top(root);
  if (top == NULL) {
    for (size_t i = 0; i < count; i++)
      clear(&groups[i]);
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "the second hierarchy of control groups (cgroup2) is mounted neither "
                    "at " ISO_GROUPS_FOLDER " nor at " ISO_GROUPS_FOLDER "/unified");
  }
  search s = {.groups = calloc(count, sizeof(*groups)), .count = count};
  if (s.groups == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look up control groups");
  memcpy(s.groups, groups, count * sizeof(*groups));
  for (size_t i = 0; i < count; i++)
    clear(&s.groups[i]);
  cordon_status status = find_all(&s, root, top, err);
  if (status == CORDON_OK) {
    memcpy(groups, s.groups, count * sizeof(*groups));
    *ret_more = s.more_slices;
  }
  free(s.groups);
  return status;
}

bool iso_groups_any(const iso_group *groups, size_t count)
{
  size_t i = 0;
  while (i < count && groups[i].place_count == 0)
    i++;
  return i < count;
}

/* ---- who may be named, and whether it works ---- */

const iso_group *iso_groups_of_process(const char *text, const iso_group *groups, size_t count)
{
  const char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
  const char *at = line != NULL ? strchr(line, '/') : NULL;
  while (at != NULL && *at == '/') {
    const char *folder = at + 1;
    const char *name = iso_group_unit(folder);
    size_t len = strcspn(folder, "/\n");
    at = folder + len;
    len -= (size_t)(name - folder);
    for (size_t i = 0; i < count; i++) {
      if (strlen(groups[i].name) == len && memcmp(groups[i].name, name, len) == 0)
        return &groups[i];
    }
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
