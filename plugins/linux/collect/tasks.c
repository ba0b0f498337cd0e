/* What is to run at its time: cron, at, and timers of systemd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "listing.h"
#include "read.h"
#include "units.h"

typedef struct crontab {
  col_task *task;
  const char *path;
  const char *user; /* whose it is; NULL: each line says */
  struct stat st;
  int64_t line;
} crontab;

static bool put_cron(void *data, const char *line, size_t len)
{
  crontab *c = data;
  col_task *t = c->task;
  col_cron_line l;
  c->line++;
  if (!col_cron_read((col_view){.ptr = line, .len = len}, c->user == NULL, &l))
    return true;
  col_text(t, c->path);
  col_num(t, c->line);
  col_text(t, l.setting ? "setting" : "job");
  if (c->user != NULL)
    col_text(t, c->user);
  else
    col_bytes(t, l.user.ptr, l.user.len);
  col_bytes(t, l.schedule.ptr, l.schedule.len);
  /* Of a setting this is the value; commands are taken as they are. */
  if (l.setting && col_is_secret(l.schedule))
    col_text(t, "***");
  else if (l.setting)
    col_masked(t, l.command);
  else
    col_bytes(t, l.command.ptr, l.command.len);
  col_stat(t, &c->st);
  return col_row(t);
}

static void read_crontab(col_task *t, const char *path, const char *user)
{
  crontab c = {.task = t, .path = path, .user = user};
  int fd = -1;
  int error = col_open(t, path, &fd, &c.st);
  if (error == 0) {
    if (col_lines_fd(t, fd, COL_MIB, put_cron, &c) == EFBIG)
      col_cap(t, "%s: only its first MiB", path);
    (void)close(fd);
  } else if (error != ENOENT && error != ENOTDIR) {
    col_mark(t, COL_PARTIAL, "%s: %s", path, col_why(error));
  }
}

typedef struct folder {
  col_task *task;
  const char *path;
  bool users; /* a crontab for each user, named after them */
} folder;

static bool read_tab_of(void *data, int dir, const char *name)
{
  const folder *f = data;
  char path[COL_PATH];
  struct stat st;
  if (col_stat_at(dir, name, &st, NULL) == 0 && S_ISDIR(st.st_mode))
    return true;
  (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
  read_crontab(f->task, path, f->users ? name : NULL);
  return !col_stop(f->task);
}

/* A program in a folder such as /etc/cron.daily. */
static bool put_script(void *data, int dir, const char *name)
{
  const folder *f = data;
  col_task *t = f->task;
  char path[COL_PATH];
  struct stat st;
  if (col_stat_at(dir, name, &st, NULL) != 0 || S_ISDIR(st.st_mode) || name[0] == '.')
    return true;
  (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
  col_text(t, path);
  col_text(t, "");
  col_text(t, "script");
  col_text(t, "root");
  col_text(t, strrchr(f->path, '.') + 1);
  col_text(t, path);
  col_stat(t, &st);
  return col_row(t);
}

void col_cron(col_task *t)
{
  static const folder tabs[] = {{.path = "/etc/cron.d"},
                                {.path = "/var/spool/cron/crontabs", .users = true},
                                {.path = "/var/spool/cron", .users = true},
                                {.path = "/var/spool/cron/tabs", .users = true},
                                {.path = "/var/cron/tabs", .users = true}};
  static const char *const scripts[] = {"/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
                                        "/etc/cron.monthly", "/etc/cron.yearly"};
  col_head(t, "path,line,kind,user,schedule,command," COL_STAT_COLUMNS);
  read_crontab(t, "/etc/crontab", NULL);
  for (size_t i = 0; i < sizeof(tabs) / sizeof(tabs[0]); i++) {
    folder f = tabs[i];
    f.task = t;
    int error = col_each(t, f.path, read_tab_of, &f);
    if (error != 0 && error != ENOENT)
      col_mark(t, COL_PARTIAL, "%s: %s", f.path, col_why(error));
  }
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    folder f = {.task = t, .path = scripts[i]};
    (void)col_each(t, scripts[i], put_script, &f);
  }
}

void col_anacron(col_task *t)
{
  col_listing l = {.task = t, .user = "", .masked = true};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/anacrontab");
  col_list_file(&l, "/etc/cron.allow");
  col_list_file(&l, "/etc/cron.deny");
  col_list_file(&l, "/etc/at.allow");
  col_list_file(&l, "/etc/at.deny");
}

/* ---- at ---- */

static bool name_of_job(const char *name)
{
  return name[0] != '.';
}

void col_at_jobs(col_task *t)
{
  static const char *const folders[] = {"/var/spool/cron/atjobs", "/var/spool/at",
                                        "/var/spool/at/spool"};
  col_listing l = {.task = t, .user = "", .name = name_of_job, .masked = true, .jobs = true};
  col_head(t, COL_LISTING_COLUMNS);
  for (size_t i = 0; i < 3; i++)
    col_list_folder(&l, folders[i]);
}

/* ---- timers ---- */

typedef struct timers {
  col_task *task;
  col_names enabled;
} timers;

static void note_enabled(void *data, const col_unit_file *f)
{
  timers *l = data;
  if (strcmp(f->kind, "wants") == 0 || strcmp(f->kind, "requires") == 0)
    col_names_add(&l->enabled, f->name);
}

static bool is_timer(const char *name)
{
  size_t len = strlen(name);
  return len > 6 && strcmp(name + len - 6, ".timer") == 0;
}

/* systemd touches a file when a persistent timer has run. */
static int64_t last_run(col_task *t, const char *unit)
{
  char path[COL_PATH];
  char full[COL_PATH];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/var/lib/systemd/timers/stamp-%s", unit);
  col_path(t, path, full);
  return lstat(full, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

static void put_timer(void *data, const col_unit_file *f)
{
  timers *l = data;
  col_task *t = l->task;
  col_unit u;
  col_unit service = {0};
  char sha256[COL_SHA256_HEX + 1];
  char name[COL_UNIT_NAME];
  char path[COL_PATH];
  struct stat st;
  if (!is_timer(f->name) || strcmp(f->kind, "wants") == 0 || strcmp(f->kind, "requires") == 0 ||
      col_stop(t))
    return;
  (void)col_unit_read(t, f, &u, sha256);
  (void)snprintf(name, sizeof(name), "%.*s.service", (int)strlen(f->name) - 6, f->name);
  if (u.unit[0] != '\0')
    (void)snprintf(name, sizeof(name), "%s", u.unit);
  (void)snprintf(path, sizeof(path), "%.*s/%s", (int)(strrchr(f->path, '/') - f->path), f->path,
                 name);
  col_unit_file started = {.path = path, .name = name, .st = &st};
  char full[COL_PATH];
  col_path(t, path, full);
  if (lstat(full, &st) == 0)
    (void)col_unit_read(t, &started, &service, NULL);
  col_text(t, f->name);
  col_text(t, f->kind);
  col_text(t, strcmp(f->kind, "masked") == 0        ? "masked"
              : col_names_has(&l->enabled, f->name) ? "enabled"
                                                    : "not enabled");
  col_text(t, u.description);
  col_text(t, u.timer);
  col_text(t, name);
  col_text(t, service.run);
  col_time(t, last_run(t, f->name));
  col_file_fields(t, f->path, f->user, f->st, sha256);
  (void)col_row(t);
}

void col_timers(col_task *t)
{
  timers l = {.task = t};
  col_each_unit(t, true, note_enabled, &l);
  col_head(
      t,
      "timer,kind,enabled,description,schedule,starts,command,last_run,path,user," COL_STAT_COLUMNS
      ",sha256");
  col_each_unit(t, true, put_timer, &l);
  if (l.enabled.full)
    col_cap(t, "of more than %d links it is not told which units are enabled", COL_NAMES_MAX);
  col_names_release(&l.enabled);
}
