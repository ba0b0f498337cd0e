/* Services: what unit files say, whether they are enabled, and what runs by the control groups. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "listing.h"
#include "read.h"
#include "units.h"

enum { PIDS_TEXT = 4096, DEPTH = 6, RUNNING_MAX = 8192 };

typedef struct running {
  char *name;
  char *group;
  char *pids;
  bool told;
} running;

typedef struct looking {
  col_task *task;
  col_names enabled;
  running *items;
  size_t count;
  bool full;        /* there were more */
  bool cut;         /* or more pids of one */
  const char *root; /* of the control groups */
} looking;

/* ---- what runs ---- */

static void add_running(looking *l, const char *name, const char *group, char *pids)
{
  if (l->count >= RUNNING_MAX) {
    l->full = true;
    return;
  }
  if ((l->count & (l->count - 1)) == 0) {
    running *grown = realloc(l->items, (l->count == 0 ? 1 : l->count * 2) * sizeof(*grown));
    if (grown == NULL)
      return;
    l->items = grown;
  }
  size_t len = strlen(pids);
  for (size_t i = 0; i < len; i++)
    pids[i] = pids[i] == '\n' ? ' ' : pids[i];
  if (len > 0 && pids[len - 1] == ' ')
    pids[len - 1] = '\0';
  l->items[l->count++] =
      (running){.name = strdup(name), .group = strdup(group), .pids = strdup(pids)};
}

typedef struct group {
  looking *l;
  const char *path;
  int depth;
} group;

static bool walk_group(void *data, int dir, const char *name)
{
  const group *g = data;
  char path[COL_PATH];
  char pids[PIDS_TEXT];
  struct stat st;
  size_t len = strlen(name);
  if (col_stat_at(dir, name, &st, NULL) != 0 || !S_ISDIR(st.st_mode))
    return true;
  (void)snprintf(path, sizeof(path), "%s/%s", g->path, name);
  if (len > 8 && strcmp(name + len - 8, ".service") == 0) {
    char procs[COL_PATH + 16];
    (void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
    int64_t got = col_read(g->l->task, procs, pids, sizeof(pids));
    if (got == (int64_t)sizeof(pids) - 1) {
      memcpy(pids + sizeof(pids) - sizeof(COL_CUT), COL_CUT, sizeof(COL_CUT));
      g->l->cut = true;
    }
    add_running(g->l, name, path + strlen(g->l->root), pids);
  }
  group inside = {.l = g->l, .path = path, .depth = g->depth + 1};
  if (inside.depth < DEPTH)
    (void)col_each(g->l->task, path, walk_group, &inside);
  return !col_stop(g->l->task);
}

static void read_running(looking *l)
{
  static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
                                      "/sys/fs/cgroup/systemd"};
  for (size_t i = 0; i < 3 && l->count == 0; i++) {
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/system.slice", roots[i]);
    l->root = roots[i];
    group g = {.l = l, .path = path};
    (void)col_each(l->task, path, walk_group, &g);
  }
}

static running *find_running(looking *l, const char *name)
{
  for (size_t i = 0; i < l->count; i++) {
    if (l->items[i].name != NULL && strcmp(l->items[i].name, name) == 0)
      return &l->items[i];
  }
  return NULL;
}

/* ---- the table ---- */

static void note_enabled(void *data, const col_unit_file *f)
{
  looking *l = data;
  if (strcmp(f->kind, "wants") == 0 || strcmp(f->kind, "requires") == 0 ||
      strcmp(f->kind, "alias") == 0)
    col_names_add(&l->enabled, f->name);
}

static bool is_service(const char *name)
{
  size_t len = strlen(name);
  return len > 8 && strcmp(name + len - 8, ".service") == 0;
}

static void put_running(col_task *t, running *r)
{
  col_text(t, r == NULL                               ? "not running"
              : r->pids != NULL && r->pids[0] != '\0' ? "running"
                                                      : "active");
  col_text(t, r != NULL ? r->pids : "");
  col_text(t, r != NULL ? r->group : "");
  if (r != NULL)
    r->told = true;
}

static void put_service(void *data, const col_unit_file *f)
{
  looking *l = data;
  col_task *t = l->task;
  col_unit u;
  char sha256[COL_SHA256_HEX + 1];
  bool masked = strcmp(f->kind, "masked") == 0;
  if (!is_service(f->name) || (strcmp(f->kind, "unit") != 0 && !masked) || col_stop(t))
    return;
  (void)col_unit_read(t, f, &u, sha256);
  col_text(t, f->name);
  put_running(t, find_running(l, f->name));
  col_text(t, masked ? "masked" : col_names_has(&l->enabled, f->name) ? "enabled" : "not enabled");
  col_text(t, u.description);
  col_text(t, u.type);
  col_text(t, u.user);
  col_text(t, u.run);
  col_text(t, u.wanted_by);
  col_file_fields(t, f->path, f->user, f->st, sha256);
  (void)col_row(t);
}

static void say_ceilings(const looking *l)
{
  if (l->full)
    col_cap(l->task, "there are more than %d services that run", RUNNING_MAX);
  if (l->cut)
    col_cap(l->task, "a service has more pids than fit");
  if (l->enabled.full)
    col_cap(l->task, "of more than %d links it is not told which units are enabled", COL_NAMES_MAX);
}

void col_services(col_task *t)
{
  looking l = {.task = t, .root = ""};
  read_running(&l);
  col_each_unit(t, false, note_enabled, &l);
  col_head(t, "unit,state,pids,control_group,enabled,description,type,runs_as,command,wanted_by,"
              "path,user," COL_STAT_COLUMNS ",sha256");
  col_each_unit(t, false, put_service, &l);
  say_ceilings(&l);
  for (size_t i = 0; i < l.count && !col_stop(t); i++) {
    if (l.items[i].told)
      continue;
    col_text(t, l.items[i].name);
    put_running(t, &l.items[i]);
    for (int field = 0; field < 6; field++)
      col_text(t, "");
    col_no_file_fields(t, "", "");
    (void)col_row(t);
  }
  for (size_t i = 0; i < l.count; i++) {
    free(l.items[i].name);
    free(l.items[i].group);
    free(l.items[i].pids);
  }
  free(l.items);
  col_names_release(&l.enabled);
}
