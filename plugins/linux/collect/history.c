/* What was run: Linux keeps no list of it, so the traces that others leave. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "listing.h"
#include "parse.h"
#include "read.h"

enum { TEXT = 4096, COMMAND = 16384, ACCOUNTS = 256, AUDIT_LINES = 100000 };

#define HISTORY_MAX (16 * COL_MIB)
#define AUDIT_MAX (64 * COL_MIB)

void col_prefetch_note(col_task *t)
{
  (void)col_puts(
      t, "Linux keeps no list of the programs that were run, as Windows does in Prefetch.\n"
         "This folder holds the traces that there are:\n"
         "  executables.csv    programs in the usual folders and when they were last read; most\n"
         "                     systems write that time at most once a day (relatime), or never\n"
         "  shell_history.csv  what users typed at their shells, as far as those kept it\n"
         "  audit_execve.csv   programs started, where the audit daemon records that\n"
         "  accounting.csv     programs ended, where process accounting is switched on\n"
         "  recently_used.csv  documents and the programs that opened them, on desktops\n"
         "Whoever was root could change all of them.\n");
}

/* ---- programs ---- */

typedef struct programs {
  col_task *task;
  const char *folder;
} programs;

static bool put_program(void *data, int dir, const char *name)
{
  const programs *p = data;
  col_task *t = p->task;
  char path[COL_PATH];
  struct stat st;
  if (col_stat_at(dir, name, &st, NULL) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
    return true;
  (void)snprintf(path, sizeof(path), "%s/%s", p->folder, name);
  col_text(t, path);
  col_time(t, st.st_atim.tv_sec);
  col_stat(t, &st);
  return col_row(t);
}

static void programs_in(col_task *t, const char *folder)
{
  programs p = {.task = t, .folder = folder};
  (void)col_each(t, folder, put_program, &p);
}

/* A folder that is a link is one that is read under its own name. */
static void programs_in_own(col_task *t, const char *folder)
{
  char full[COL_PATH];
  struct stat st;
  col_path(t, folder, full);
  if (col_is_far(t, folder, NULL) || lstat(full, &st) != 0 || !S_ISDIR(st.st_mode))
    return;
  programs_in(t, folder);
}

static void programs_of(void *data, const char *user, const char *home)
{
  static const char *const folders[] = {".local/bin", "bin"};
  (void)user;
  for (size_t i = 0; i < 2; i++) {
    char path[COL_PATH];
    (void)snprintf(path, sizeof(path), "%s/%s", home, folders[i]);
    programs_in(data, path);
  }
}

void col_executables(col_task *t)
{
  static const char *const folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                        "/usr/bin",        "/sbin",          "/bin",
                                        "/usr/games",      "/snap/bin"};
  col_head(t, "path,last_read," COL_STAT_COLUMNS);
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !col_stop(t); i++)
    programs_in_own(t, folders[i]);
  col_each_home(t, programs_of, t);
}

/* ---- shells ---- */

typedef struct history {
  col_task *task;
  const char *user;
  char path[COL_PATH];
  int64_t line;
  int64_t when;
} history;

/* bash writes `#1700000000` before a command when HISTTIMEFORMAT is set; zsh `: 1700000000:0;cmd`;
 * fish `- cmd: ...` and then `when: ...`. */
static bool put_history(void *data, const char *line, size_t len)
{
  history *h = data;
  col_task *t = h->task;
  col_view v = {.ptr = line, .len = len};
  int64_t when = h->when;
  h->line++;
  h->when = 0;
  if (len > 1 && line[0] == '#' &&
      (h->when = col_view_number((col_view){.ptr = line + 1, .len = len - 1})) > 0)
    return true;
  h->when = 0;
  if (col_view_begins(v, ": ")) {
    const char *end = memchr(line, ';', len);
    when = col_view_number((col_view){.ptr = line + 2, .len = len - 2});
    if (end != NULL && when > 0)
      v = (col_view){.ptr = end + 1, .len = len - (size_t)(end - line) - 1};
  }
  if (col_trim(v).len == 0)
    return true;
  col_text(t, h->user);
  col_text(t, h->path);
  col_num(t, h->line);
  col_time(t, when > 0 ? when : 0);
  col_bytes(t, v.ptr, v.len);
  return col_row(t);
}

static void histories_of(void *data, const char *user, const char *home)
{
  static const char *const files[] = {
      ".bash_history",      ".zsh_history",   ".zhistory",
      ".history",           ".sh_history",    ".ash_history",
      ".python_history",    ".mysql_history", ".psql_history",
      ".sqlite_history",    ".lesshst",       ".viminfo",
      ".node_repl_history", ".wget-hsts",     ".local/share/fish/fish_history"};
  col_task *t = data;
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !col_stop(t); i++) {
    history h = {.task = t, .user = user};
    struct stat st;
    int fd = -1;
    (void)snprintf(h.path, sizeof(h.path), "%s/%s", home, files[i]);
    int error = col_open_below(t, home, files[i], &fd, &st);
    if (error == 0) {
      bool cut = false;
      if (col_last_lines_fd(t, fd, HISTORY_MAX, put_history, &h, &cut) == EFBIG)
        col_cap(t, "%s: it grew while it was read", h.path);
      if (cut)
        col_cap(t, "%s: only its last 16 MiB, of which lines are counted", h.path);
      (void)close(fd);
    } else if (error != ENOENT && error != ENOTDIR) {
      col_mark(t, COL_PARTIAL, "%s: %s", h.path, col_why(error));
    }
  }
}

void col_shell_history(col_task *t)
{
  col_head(t, "user,path,line,time,text");
  col_each_home(t, histories_of, t);
}

/* ---- audit ---- */

typedef struct audit {
  col_task *task;
  int64_t rows;
  int64_t skip; /* the oldest, which are too many */
} audit;

static void put_field(col_task *t, col_view line, const char *name)
{
  char text[TEXT];
  bool is_text = strcmp(name, "exe") == 0 || strcmp(name, "comm") == 0;
  int64_t len = col_audit_field(line, name, is_text, text, sizeof(text));
  col_bytes(t, text, len > 0 ? (size_t)len : 0);
}

static void put_arguments(col_task *t, col_view line)
{
  char all[COMMAND];
  if (!col_audit_arguments(line, all, sizeof(all)))
    col_cap(t, "a command that ends with " COL_CUT " did not fit");
  col_text(t, all);
}

static bool is_start(col_view v)
{
  return memchr(v.ptr, '(', v.len) != NULL &&
         (col_view_has(v, "type=EXECVE ") ||
          (col_view_has(v, "type=SYSCALL ") && col_view_has(v, " exe=")));
}

static bool count_audit(void *data, const char *line, size_t len)
{
  audit *a = data;
  a->skip += len > 0 && is_start((col_view){.ptr = line, .len = len}) ? 1 : 0;
  return true;
}

/* Two lines tell of a start: who it was, and the words of the command. The event's number joins
 * them. */
static bool put_audit(void *data, const char *line, size_t len)
{
  audit *a = data;
  col_task *t = a->task;
  col_view v = {.ptr = line, .len = len};
  if (len == 0 || !is_start(v) || ++a->rows <= a->skip)
    return true;
  bool words = col_view_has(v, "type=EXECVE ");
  const char *mark = memchr(line, '(', len);
  col_view event = {.ptr = mark + 1, .len = len - (size_t)(mark - line) - 1};
  const char *end = event.len > 0 ? memchr(event.ptr, ')', event.len) : NULL;
  event.len = end != NULL ? (size_t)(end - event.ptr) : 0;
  int64_t when = col_view_number(event);
  col_time(t, when > 0 ? when : 0);
  col_bytes(t, event.ptr, event.len);
  col_text(t, words ? "command" : "process");
  static const char *const fields[] = {"exe", "comm", "pid", "ppid", "auid", "uid", "tty"};
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    if (words)
      col_text(t, "");
    else
      put_field(t, v, fields[i]);
  }
  if (words)
    put_arguments(t, v);
  else
    col_text(t, "");
  return col_row(t);
}

/* The newest lines: who floods the log makes the older ones go, and is in it. */
static int read_audit(audit *a, int fd)
{
  bool cut = false;
  int error = col_last_lines_fd(a->task, fd, AUDIT_MAX, count_audit, a, &cut);
  if (error != 0 && error != EFBIG)
    return error;
  a->skip = a->skip > AUDIT_LINES ? a->skip - AUDIT_LINES : 0;
  if (a->skip > 0)
    col_cap(a->task, "only the last %d lines", AUDIT_LINES);
  if (cut)
    col_cap(a->task, "only the last 64 MiB of the log");
  return col_last_lines_fd(a->task, fd, AUDIT_MAX, put_audit, a, &cut);
}

void col_audit_execve(col_task *t)
{
  audit a = {.task = t};
  struct stat st;
  int fd = -1;
  int error = col_open(t, "/var/log/audit/audit.log", &fd, &st);
  if (error == ENOENT || error == ENOTDIR) {
    col_mark_os(t, error, "there is no audit log");
    return;
  }
  col_head(t, "time,event,kind,program,name,pid,ppid,login_uid,uid,terminal,command");
  if (error == 0)
    error = read_audit(&a, fd);
  if (fd >= 0)
    (void)close(fd);
  if (error == EFBIG)
    col_cap(t, "the log grew while it was read");
  else if (error != 0)
    col_mark_os(t, error, "the audit log cannot be read");
}

/* ---- accounting ---- */

static void put_acct(col_task *t, const col_acct *a)
{
  col_time(t, a->start);
  col_text(t, a->command);
  col_num(t, a->pid);
  col_num(t, a->ppid);
  col_num(t, a->uid);
  col_num(t, a->gid);
  col_num(t, a->exit_code);
  col_flag(t, a->forked);
  col_flag(t, a->super);
  col_flag(t, a->dumped);
  col_flag(t, a->killed);
  (void)col_row(t);
}

void col_accounting(col_task *t)
{
  static const char *const paths[] = {"/var/log/account/pacct", "/var/account/pacct"};
  unsigned char records[ACCOUNTS * COL_ACCT_SIZE];
  struct stat st;
  int fd = -1;
  int error = col_open(t, paths[0], &fd, &st);
  if (error != 0)
    error = col_open(t, paths[1], &fd, &st);
  if (error != 0) {
    col_mark_os(t, error, "process accounting is not switched on");
    return;
  }
  col_head(t, "started,command,pid,ppid,uid,gid,exit_code,forked_only,used_super_user,dumped_core,"
              "killed");
  for (;;) {
    ssize_t len = read(fd, records, sizeof(records));
    if (len < COL_ACCT_SIZE || col_stop(t))
      break;
    for (ssize_t at = 0; at + COL_ACCT_SIZE <= len; at += COL_ACCT_SIZE) {
      col_acct a;
      if (col_acct_read(records + at, &a))
        put_acct(t, &a);
    }
  }
  (void)close(fd);
}

/* ---- desktops ---- */

typedef struct recent {
  col_task *task;
  const char *user;
  char document[TEXT];
} recent;

static bool put_recent(void *data, const char *line, size_t len)
{
  recent *r = data;
  col_view v = col_trim((col_view){.ptr = line, .len = len});
  char exec[TEXT];
  char when[64];
  char count[32];
  if (col_view_begins(v, "<bookmark "))
    (void)col_xml_attribute(v, "href", r->document, sizeof(r->document));
  if (!col_view_begins(v, "<bookmark:application "))
    return true;
  (void)col_xml_attribute(v, "exec", exec, sizeof(exec));
  if (col_xml_attribute(v, "modified", when, sizeof(when)) < 0)
    (void)col_xml_attribute(v, "timestamp", when, sizeof(when));
  (void)col_xml_attribute(v, "count", count, sizeof(count));
  col_text(r->task, r->user);
  col_text(r->task, when);
  col_text(r->task, r->document);
  col_text(r->task, exec);
  col_text(r->task, count);
  return col_row(r->task);
}

static void recent_of(void *data, const char *user, const char *home)
{
  static const char file[] = ".local/share/recently-used.xbel";
  recent r = {.task = data, .user = user};
  struct stat st;
  int fd = -1;
  if (col_open_below(r.task, home, file, &fd, &st) == 0) {
    if (col_lines_fd(r.task, fd, 16 * COL_MIB, put_recent, &r) == EFBIG)
      col_cap(r.task, "%s of %s: only its first 16 MiB", file, user);
    (void)close(fd);
  }
}

void col_recently_used(col_task *t)
{
  col_head(t, "user,time,document,command,count");
  col_each_home(t, recent_of, t);
}
