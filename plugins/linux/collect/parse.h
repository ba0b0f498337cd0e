/* Readers of file formats that programs and people write. All are pure functions over bytes that
 * may be nonsense or cut short; texts are views into what they were given. */
#ifndef COLLECT_PARSE_H
#define COLLECT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct col_view {
  const char *ptr;
  size_t len;
} col_view;

col_view col_view_of(const char *text);
col_view col_trim(col_view v);
bool col_view_is(col_view v, const char *text);
bool col_view_begins(col_view v, const char *text);
/* Whether `text` is in it, in any case of ASCII letters. */
bool col_view_has(col_view v, const char *text);
/* The number at its front; -1 if there is none or it is too large. */
int64_t col_view_number(col_view v);

/* Splits at a character into at most `max` fields; the last one takes the rest. How many. */
size_t col_split(col_view line, char at, col_view *ret_fields, size_t max);
/* Takes the next word off the front; spaces and tabs stand between words. False: none is left. */
bool col_word(col_view *rest, col_view *ret_word);

/* `Key: value` at the front of a line. */
bool col_header(col_view line, col_view *ret_key, col_view *ret_value);
/* `key=value`, as units, desktop entries and os-release have them. Comments are none. */
bool col_assignment(col_view line, col_view *ret_key, col_view *ret_value);
/* The value behind `key` on a line of its own, such as `Uid:` in /proc/PID/status. */
col_view col_value_after(const char *text, const char *key);

typedef struct col_proc_stat {
  col_view comm;
  char state;
  int64_t ppid, group, session, terminal;
  uint64_t user_ticks, system_ticks, start_ticks, rss_pages;
  int64_t nice, threads;
} col_proc_stat;
bool col_proc_stat_read(col_view text, col_proc_stat *ret_stat);

typedef struct col_cron_line {
  col_view schedule; /* five fields or `@reboot`; for a setting its name */
  col_view user;     /* empty where the file has no such field */
  col_view command;  /* for a setting its value */
  bool setting;
} col_cron_line;
bool col_cron_read(col_view line, bool with_user, col_cron_line *ret_line);

typedef struct col_key_line {
  col_view options;
  col_view type;
  col_view key; /* base64 */
  col_view comment;
} col_key_line;
bool col_key_read(col_view line, col_key_line *ret_line);
/* `SHA256:...` of a key in base64; empty if it is none. */
void col_key_fingerprint(col_view key, char ret_text[64]);

typedef struct col_login {
  int type;
  int64_t pid;
  int64_t seconds;
  char user[33], line[33], host[257], address[48];
} col_login;
enum { COL_UTMP_SIZE = 384, COL_LASTLOG_SIZE = 292, COL_ACCT_SIZE = 64 };
void col_login_read(const unsigned char record[COL_UTMP_SIZE], col_login *ret_login);
const char *col_login_type(int type);

typedef struct col_lastlog {
  int64_t seconds;
  char line[33], host[257];
} col_lastlog;
void col_lastlog_read(const unsigned char record[COL_LASTLOG_SIZE], col_lastlog *ret_lastlog);

typedef struct col_acct {
  int64_t uid, gid, pid, ppid, start, exit_code;
  bool forked, super, dumped, killed;
  char command[17];
} col_acct;
/* Version 3 of process accounting. */
bool col_acct_read(const unsigned char record[COL_ACCT_SIZE], col_acct *ret_acct);

/* What the first bytes of a file are: `ELF`, `script`, `zip` ...; empty if unknown. */
const char *col_file_kind(const unsigned char *bytes, size_t len);
/* Words for the bits of /proc/sys/kernel/tainted. */
void col_taint_words(uint64_t bits, char *ret_text, size_t size);
/* The state of a password by its field in shadow, never the hash: `locked`, `none`, `set`,
 * `no login`, with the name of the method. */
const char *col_password_state(col_view field, char ret_method[24]);
/* Whether a setting of that name is a secret. */
bool col_is_secret(col_view name);
/* A line with what stands between `://` and `@`, and what is assigned to the names of secrets,
 * replaced by `***`; how long it is. Three times its length always hold it. */
size_t col_mask(col_view line, char *ret_text, size_t size);
/* Whether a private key begins there. */
bool col_is_private_key(col_view line);
/* Whether a line of a job of at sets the environment of who ordered it, which is not `LD_...`.
 * `in_value` is kept from line to line: a value may have several. */
bool col_at_sets(col_view line, bool *in_value);
/* The value of an attribute in a tag of XML, with the five entities undone; how long it is, or -1.
 */
int64_t col_xml_attribute(col_view tag, const char *name, char *ret_text, size_t size);
/* `name=value` or `name="value"` in a line of the audit log; quotes are taken off. Of a `text` that
 * has none, what is in hex for its odd characters is undone. -1: it is not there. */
int64_t col_audit_field(col_view line, const char *name, bool text, char *ret_text, size_t size);
/* The words of a command, `a0=...` or in parts `a0[0]=...`, with blanks between. False: they did
 * not fit, and end with COL_CUT. */
bool col_audit_arguments(col_view line, char *ret_text, size_t size);

#endif
