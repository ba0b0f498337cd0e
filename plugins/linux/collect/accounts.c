/* Users, groups, what they may, and who is logged in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "listing.h"
#include "read.h"

enum { LIST_MAX = 8 * 1024 * 1024, DAY = 86400, MEMBERS_TEXT = 256 * 1024, GROUP_FILES_MAX = 200 };

/* ---- users ---- */

typedef struct accounts {
  col_task *task;
  char *shadow; /* the file, or NULL */
  size_t shadow_len;
  int lastlog;
} accounts;

static bool find_shadow(const accounts *a, col_view name, col_view ret_fields[9])
{
  const char *at = a->shadow;
  size_t left = a->shadow_len;
  while (left > 0) {
    const char *end = memchr(at, '\n', left);
    size_t len = end != NULL ? (size_t)(end - at) : left;
    if (len > name.len && at[name.len] == ':' && memcmp(at, name.ptr, name.len) == 0)
      return col_split((col_view){.ptr = at, .len = len}, ':', ret_fields, 9) >= 8;
    len += end != NULL ? 1 : 0;
    at += len;
    left -= len;
  }
  return false;
}

/* State and ages, never the hash. */
static void put_shadow(const accounts *a, col_view name, col_view field)
{
  col_task *t = a->task;
  col_view s[9];
  char method[24] = "";
  bool in_shadow = find_shadow(a, name, s);
  if (!in_shadow) {
    col_text(t, col_password_state(field, method));
    col_text(t, method);
    for (int i = 0; i < 6; i++)
      col_text(t, "");
    return;
  }
  col_text(t, col_password_state(s[1], method));
  col_text(t, method);
  int64_t day = col_view_number(s[2]);
  col_time(t, day > 0 ? day * DAY : 0);
  for (int i = 3; i < 7; i++)
    col_bytes(t, s[i].ptr, s[i].len);
  day = col_view_number(s[7]);
  col_time(t, day > 0 ? day * DAY : 0);
}

static void put_last_login(const accounts *a, int64_t uid)
{
  unsigned char record[COL_LASTLOG_SIZE];
  col_lastlog l = {0};
  if (a->lastlog >= 0 && uid >= 0 && uid < UINT32_MAX &&
      pread(a->lastlog, record, sizeof(record), uid * COL_LASTLOG_SIZE) == COL_LASTLOG_SIZE)
    col_lastlog_read(record, &l);
  col_time(a->task, l.seconds);
  col_text(a->task, l.line);
  col_text(a->task, l.host);
}

static bool put_user(void *data, const char *line, size_t len)
{
  const accounts *a = data;
  col_task *t = a->task;
  col_view f[7];
  if (col_split((col_view){.ptr = line, .len = len}, ':', f, 7) < 7 || f[0].len == 0)
    return true;
  col_bytes(t, f[0].ptr, f[0].len);
  col_bytes(t, f[2].ptr, f[2].len);
  col_bytes(t, f[3].ptr, f[3].len);
  for (int i = 4; i < 7; i++)
    col_bytes(t, f[i].ptr, f[i].len);
  put_shadow(a, f[0], f[1]);
  put_last_login(a, col_view_number(f[2]));
  return col_row(t);
}

void col_users_table(col_task *t)
{
  accounts a = {.task = t, .shadow = malloc(LIST_MAX), .lastlog = -1};
  struct stat st;
  int64_t len = a.shadow != NULL ? col_read(t, "/etc/shadow", a.shadow, LIST_MAX) : -ENOMEM;
  if (len > 0)
    a.shadow_len = (size_t)len;
  else if (len < 0)
    col_mark(t, COL_PARTIAL, "/etc/shadow: %s", col_why((int)-len));
  (void)col_open(t, "/var/log/lastlog", &a.lastlog, &st);
  col_head(t, "name,uid,gid,description,home,shell,password,password_method,password_changed,"
              "password_min_days,password_max_days,password_warn_days,password_inactive_days,"
              "account_expires,last_login,last_login_line,last_login_from");
  int error = col_lines(t, "/etc/passwd", LIST_MAX, put_user, &a);
  if (error != 0)
    col_mark_os(t, error, "/etc/passwd cannot be read");
  if (a.shadow != NULL)
    explicit_bzero(a.shadow, LIST_MAX);
  free(a.shadow);
  if (a.lastlog >= 0)
    (void)close(a.lastlog);
}

/* ---- groups ---- */

typedef struct groups {
  col_task *task;
  col_users users;
  bool files; /* a file for each group that has members */
  unsigned count;
  unsigned left_out;
} groups;

static void put_members(const groups *g, col_view members, int64_t gid)
{
  char *text = malloc(MEMBERS_TEXT);
  size_t at = 0;
  for (size_t i = 0; text != NULL && i < g->users.count && at < MEMBERS_TEXT; i++) {
    if (g->users.items[i].gid == gid)
      at += (size_t)snprintf(text + at, MEMBERS_TEXT - at, "%s%s", at > 0 ? " " : "",
                             g->users.items[i].name);
  }
  col_bytes(g->task, members.ptr, members.len);
  col_bytes(g->task, text, at < MEMBERS_TEXT ? at : MEMBERS_TEXT - 1);
  free(text);
}

static void put_member(col_task *t, const char *name, size_t len, const char *how, int64_t uid)
{
  col_bytes(t, name, len);
  if (uid >= 0)
    col_num(t, uid);
  else
    col_text(t, "");
  col_text(t, how);
  (void)col_row(t);
}

static int64_t uid_of(const col_users *u, col_view name)
{
  for (size_t i = 0; i < u->count; i++) {
    if (col_view_is(name, u->items[i].name))
      return u->items[i].id;
  }
  return -1;
}

static void put_group_file(groups *g, const col_view f[4])
{
  col_task *t = g->task;
  char name[COL_NAME];
  int64_t gid = col_view_number(f[2]);
  bool any = f[3].len > 0;
  for (size_t i = 0; i < g->users.count && !any; i++)
    any = g->users.items[i].gid == gid;
  if (!any)
    return;
  if (++g->count > GROUP_FILES_MAX) {
    g->left_out++;
    return;
  }
  (void)snprintf(name, sizeof(name), "group %.*s.csv", (int)(f[0].len < 100 ? f[0].len : 100),
                 f[0].ptr);
  col_begin(t, name, "/etc/group, /etc/passwd");
  col_head(t, "user,uid,membership");
  for (size_t i = 0; i < g->users.count; i++) {
    const col_user *u = &g->users.items[i];
    if (u->gid == gid)
      put_member(t, u->name, strlen(u->name), "primary", u->id);
  }
  col_view rest = f[3];
  while (rest.len > 0) {
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != ',')
      len++;
    col_view member = col_trim((col_view){.ptr = rest.ptr, .len = len});
    if (member.len > 0)
      put_member(t, member.ptr, member.len, "listed", uid_of(&g->users, member));
    len += len < rest.len ? 1 : 0;
    rest.ptr += len;
    rest.len -= len;
  }
}

static bool put_group(void *data, const char *line, size_t len)
{
  groups *g = data;
  col_task *t = g->task;
  col_view f[4];
  if (col_split((col_view){.ptr = line, .len = len}, ':', f, 4) < 4 || f[0].len == 0)
    return true;
  if (g->files) {
    put_group_file(g, f);
    return !col_stop(t);
  }
  col_bytes(t, f[0].ptr, f[0].len);
  col_bytes(t, f[2].ptr, f[2].len);
  put_members(g, f[3], col_view_number(f[2]));
  return col_row(t);
}

void col_groups_table(col_task *t)
{
  groups g = {.task = t};
  col_users_read(t, &g.users);
  col_begin(t, "groups.csv", "/etc/group, /etc/passwd");
  col_head(t, "name,gid,members,primary_members");
  int error = col_lines(t, "/etc/group", LIST_MAX, put_group, &g);
  if (error != 0)
    col_mark_os(t, error, "/etc/group cannot be read");
  g.files = true;
  (void)col_lines(t, "/etc/group", LIST_MAX, put_group, &g);
  if (g.left_out > 0)
    col_cap(t, "%u more groups have members and no file of their own", g.left_out);
  col_users_release(&g.users);
}

/* ---- rights ---- */

void col_sudoers(col_task *t)
{
  col_listing l = {.task = t, .user = ""};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/sudoers");
  col_list_folder(&l, "/etc/sudoers.d");
  col_list_file(&l, "/etc/doas.conf");
  col_list_folder(&l, "/etc/doas.d");
  col_list_folder(&l, "/etc/polkit-1/rules.d");
  col_list_folder(&l, "/etc/polkit-1/localauthority");
  col_list_file(&l, "/etc/security/access.conf");
  col_list_file(&l, "/etc/login.defs");
}

static bool is_plain_line(col_view line)
{
  return col_is_content(line) && !col_view_has(line, "password") && !col_view_has(line, "bindpw") &&
         !col_view_has(line, "authtok");
}

void col_directories(col_task *t)
{
  col_listing l = {.task = t, .user = "", .wanted = is_plain_line};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/nsswitch.conf");
  col_list_file(&l, "/etc/sssd/sssd.conf");
  col_list_file(&l, "/etc/krb5.conf");
  col_list_file(&l, "/etc/nslcd.conf");
  col_list_file(&l, "/etc/subuid");
  col_list_file(&l, "/etc/subgid");
}

/* ---- sessions ---- */

static bool put_session(void *data, int dir, const char *name)
{
  static const char *const keys[] = {
      "UID=",  "USER=",        "STATE=",       "CLASS=",   "TYPE=",   "TTY=",
      "SEAT=", "REMOTE_HOST=", "REMOTE_USER=", "SERVICE=", "LEADER=", "REALTIME="};
  col_task *t = data;
  char text[8192];
  if (strstr(name, ".ref") != NULL)
    return true;
  (void)col_read_at(dir, name, text, sizeof(text));
  col_text(t, name);
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    col_view v = col_value_after(text, keys[i]);
    if (i == 11)
      col_time(t, col_view_number(v) > 0 ? col_view_number(v) / 1000000 : 0);
    else
      col_bytes(t, v.ptr, v.len);
  }
  return col_row(t);
}

void col_sessions(col_task *t)
{
  col_head(t, "session,uid,user,state,class,type,terminal,seat,remote_host,remote_user,service,"
              "leader_pid,since");
  int error = col_each(t, "/run/systemd/sessions", put_session, t);
  if (error != 0 && error != ENOENT)
    col_mark_os(t, error, "/run/systemd/sessions cannot be read");
}
