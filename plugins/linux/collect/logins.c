/* Files of login records, decoded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "parse.h"
#include "proctab.h"
#include "read.h"

enum { RECORDS = 64, LOGINS_MAX = 200000 };

#define LOGIN_COLUMNS "time,type,user,line,from,address,pid,file"

static void put_login(col_task *t, const unsigned char *record, const char *path)
{
  col_login l;
  col_login_read(record, &l);
  if (l.type == 0 && l.seconds == 0 && l.user[0] == '\0')
    return;
  col_time(t, l.seconds);
  col_text(t, col_login_type(l.type));
  col_text(t, l.user);
  col_text(t, l.line);
  col_text(t, l.host);
  col_text(t, l.address);
  col_num(t, l.pid);
  col_text(t, path);
  (void)col_row(t);
}

/* Of a long file the last records. */
static void put_logins(col_task *t, const char *path)
{
  unsigned char records[RECORDS * COL_UTMP_SIZE];
  struct stat st;
  int fd = -1;
  int error = col_open(t, path, &fd, &st);
  if (error != 0) {
    if (error != ENOENT)
      col_mark(t, COL_PARTIAL, "%s: %s", path, col_why(error));
    return;
  }
  int64_t count = st.st_size / COL_UTMP_SIZE;
  if (count > LOGINS_MAX) {
    col_cap(t, "%s has %lld records, of which these are the last %d", path, (long long)count,
            LOGINS_MAX);
    (void)lseek(fd, (count - LOGINS_MAX) * COL_UTMP_SIZE, SEEK_SET);
  }
  for (int64_t left = LOGINS_MAX; left > 0 && !col_stop(t);) {
    ssize_t len = read(fd, records, sizeof(records));
    if (len < 0 && errno == EINTR)
      continue;
    if (len < COL_UTMP_SIZE)
      break;
    for (ssize_t at = 0; at + COL_UTMP_SIZE <= len && !col_stop(t); at += COL_UTMP_SIZE, left--)
      put_login(t, records + at, path);
    (void)lseek(fd, -(len % COL_UTMP_SIZE), SEEK_CUR);
  }
  if (st.st_size % COL_UTMP_SIZE != 0)
    col_mark(t, COL_PARTIAL, "%s ends within a record", path);
  (void)close(fd);
}

static void logins(col_task *t, const char *const *paths, size_t count)
{
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    char full[COL_PATH];
    col_path(t, paths[i], full);
    any = any || access(full, F_OK) == 0;
  }
  if (!any) {
    col_mark(t, COL_ABSENT, "%s is not on this device", paths[0]);
    return;
  }
  col_head(t, LOGIN_COLUMNS);
  for (size_t i = 0; i < count; i++)
    put_logins(t, paths[i]);
}

void col_logins(col_task *t)
{
  static const char *const paths[] = {"/var/log/wtmp", "/var/log/wtmp.1"};
  logins(t, paths, 2);
}

void col_failed_logins(col_task *t)
{
  static const char *const paths[] = {"/var/log/btmp", "/var/log/btmp.1"};
  logins(t, paths, 2);
}

void col_logged_in(col_task *t)
{
  static const char *const paths[] = {"/run/utmp", "/var/run/utmp"};
  char full[COL_PATH];
  /* The second is a link to the first where both are there. */
  col_path(t, paths[0], full);
  logins(t, paths, access(full, F_OK) == 0 ? 1 : 2);
}

void col_last_logins(col_task *t)
{
  unsigned char record[COL_LASTLOG_SIZE];
  col_users users;
  struct stat st;
  int fd = -1;
  int error = col_open(t, "/var/log/lastlog", &fd, &st);
  if (error != 0) {
    col_mark_os(t, error, "/var/log/lastlog cannot be read");
    return;
  }
  col_head(t, "user,uid,time,line,from");
  col_users_read(t, &users);
  for (size_t i = 0; i < users.count && !col_stop(t); i++) {
    col_lastlog l;
    int64_t at = users.items[i].id;
    if (at < 0 || at > UINT32_MAX ||
        pread(fd, record, sizeof(record), at * COL_LASTLOG_SIZE) != COL_LASTLOG_SIZE)
      continue;
    col_lastlog_read(record, &l);
    if (l.seconds == 0)
      continue;
    col_text(t, users.items[i].name);
    col_num(t, at);
    col_time(t, l.seconds);
    col_text(t, l.line);
    col_text(t, l.host);
    (void)col_row(t);
  }
  col_users_release(&users);
  (void)close(fd);
}
