/* Records of login and accounting files, keys, and what single fields mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <utmp.h>

#include "parse.h"

enum { KEY_MAX = 6000 };

bool col_proc_stat_read(col_view text, col_proc_stat *ret_stat)
{
  /* The name may hold anything, so its end is the last parenthesis. */
  col_view fields[24];
  const char *open = text.len > 0 ? memchr(text.ptr, '(', text.len) : NULL;
  const char *close = NULL;
  for (size_t i = text.len; i > 0 && close == NULL; i--)
    close = text.ptr[i - 1] == ')' ? text.ptr + i - 1 : NULL;
  *ret_stat = (col_proc_stat){.state = '?'};
  if (open == NULL || close == NULL || close < open)
    return false;
  ret_stat->comm = (col_view){.ptr = open + 1, .len = (size_t)(close - open) - 1};
  col_view rest = {.ptr = close + 1, .len = text.len - (size_t)(close - text.ptr) - 1};
  size_t count = 0;
  while (count < 24 && col_word(&rest, &fields[count]))
    count++;
  if (count < 22)
    return false;
  ret_stat->state = fields[0].ptr[0];
  ret_stat->ppid = col_view_number(fields[1]);
  ret_stat->group = col_view_number(fields[2]);
  ret_stat->session = col_view_number(fields[3]);
  ret_stat->terminal = col_view_number(fields[4]);
  ret_stat->user_ticks = (uint64_t)col_view_number(fields[11]);
  ret_stat->system_ticks = (uint64_t)col_view_number(fields[12]);
  bool minus = fields[16].ptr[0] == '-';
  col_view nice = {.ptr = fields[16].ptr + minus, .len = fields[16].len - minus};
  ret_stat->nice = minus ? -col_view_number(nice) : col_view_number(nice);
  ret_stat->threads = col_view_number(fields[17]);
  ret_stat->start_ticks = (uint64_t)col_view_number(fields[19]);
  ret_stat->rss_pages = (uint64_t)col_view_number(fields[21]);
  return true;
}

/* ---- keys ---- */

static bool is_key_type(col_view v)
{
  return col_view_begins(v, "ssh-") || col_view_begins(v, "ecdsa-") || col_view_begins(v, "sk-");
}

/* The options end at the first blank outside quotes. */
static size_t options_len(col_view line)
{
  bool quoted = false;
  size_t i = 0;
  for (; i < line.len; i++) {
    if (line.ptr[i] == '\\' && i + 1 < line.len)
      i++;
    else if (line.ptr[i] == '"')
      quoted = !quoted;
    else if (!quoted && (line.ptr[i] == ' ' || line.ptr[i] == '\t'))
      break;
  }
  return i < line.len ? i : line.len;
}

bool col_key_read(col_view line, col_key_line *ret_line)
{
  line = col_trim(line);
  *ret_line = (col_key_line){.options = {.ptr = "", .len = 0}};
  if (line.len == 0 || line.ptr[0] == '#')
    return false;
  if (!is_key_type(line)) {
    size_t len = options_len(line);
    ret_line->options = (col_view){.ptr = line.ptr, .len = len};
    line.ptr += len;
    line.len -= len;
  }
  if (!col_word(&line, &ret_line->type) || !is_key_type(ret_line->type) ||
      !col_word(&line, &ret_line->key))
    return false;
  ret_line->comment = col_trim(line);
  return true;
}

void col_key_fingerprint(col_view key, char ret_text[64])
{
  uint8_t blob[BASE64_DECODE_LENGTH(KEY_MAX)];
  uint8_t digest[SHA256_DIGEST_SIZE];
  char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE)];
  struct base64_decode_ctx decode;
  struct sha256_ctx sha;
  size_t len = sizeof(blob);
  ret_text[0] = '\0';
  base64_decode_init(&decode);
  if (key.len > KEY_MAX || !base64_decode_update(&decode, &len, blob, key.len, key.ptr) ||
      !base64_decode_final(&decode) || len == 0)
    return;
  sha256_init(&sha);
  sha256_update(&sha, len, blob);
  sha256_digest(&sha, sizeof(digest), digest);
  base64_encode_raw(text, sizeof(digest), digest);
  len = sizeof(text);
  while (len > 0 && text[len - 1] == '=')
    len--;
  (void)snprintf(ret_text, 64, "SHA256:%.*s", (int)len, text);
}

/* ---- logins ---- */

static void take_text(const char *field, size_t size, char *ret_text)
{
  size_t len = strnlen(field, size);
  memcpy(ret_text, field, len);
  ret_text[len] = '\0';
}

void col_login_read(const unsigned char record[COL_UTMP_SIZE], col_login *ret_login)
{
  struct utmp u;
  static const int32_t none[4];
  _Static_assert(sizeof(u) == COL_UTMP_SIZE, "the layout of utmp on Linux");
  memcpy(&u, record, sizeof(u));
  *ret_login =
      (col_login){.type = u.ut_type, .pid = u.ut_pid, .seconds = (int64_t)(uint32_t)u.ut_tv.tv_sec};
  take_text(u.ut_user, sizeof(u.ut_user), ret_login->user);
  take_text(u.ut_line, sizeof(u.ut_line), ret_login->line);
  take_text(u.ut_host, sizeof(u.ut_host), ret_login->host);
  if (memcmp(u.ut_addr_v6, none, sizeof(none)) == 0)
    return;
  bool four = u.ut_addr_v6[1] == 0 && u.ut_addr_v6[2] == 0 && u.ut_addr_v6[3] == 0;
  (void)inet_ntop(four ? AF_INET : AF_INET6, u.ut_addr_v6, ret_login->address,
                  sizeof(ret_login->address));
}

const char *col_login_type(int type)
{
  static const char *const names[] = {
      "empty",        "run level",     "boot",         "new time",     "old time",
      "init process", "login process", "user process", "dead process", "accounting"};
  return type >= 0 && type < 10 ? names[type] : "unknown";
}

void col_lastlog_read(const unsigned char record[COL_LASTLOG_SIZE], col_lastlog *ret_lastlog)
{
  uint32_t seconds = 0;
  memcpy(&seconds, record, sizeof(seconds));
  *ret_lastlog = (col_lastlog){.seconds = seconds};
  take_text((const char *)record + 4, 32, ret_lastlog->line);
  take_text((const char *)record + 36, 256, ret_lastlog->host);
}

static uint32_t u32_at(const unsigned char *bytes)
{
  uint32_t number = 0;
  memcpy(&number, bytes, sizeof(number));
  return number;
}

bool col_acct_read(const unsigned char record[COL_ACCT_SIZE], col_acct *ret_acct)
{
  if ((record[1] & 0x0f) != 3)
    return false;
  *ret_acct = (col_acct){.forked = (record[0] & 1) != 0,
                         .super = (record[0] & 2) != 0,
                         .dumped = (record[0] & 8) != 0,
                         .killed = (record[0] & 16) != 0,
                         .exit_code = u32_at(record + 4),
                         .uid = u32_at(record + 8),
                         .gid = u32_at(record + 12),
                         .pid = u32_at(record + 16),
                         .ppid = u32_at(record + 20),
                         .start = u32_at(record + 24)};
  take_text((const char *)record + 48, 16, ret_acct->command);
  return true;
}

/* ---- single fields ---- */

const char *col_file_kind(const unsigned char *bytes, size_t len)
{
  static const struct {
    const char *magic;
    size_t len;
    const char *kind;
  } kinds[] = {{"\x7f"
                "ELF",
                4, "ELF"},
               {"#!", 2, "script"},
               {"PK\x03\x04", 4, "zip"},
               {"\x1f\x8b", 2, "gzip"},
               {"BZh", 3, "bzip2"},
               {"\xfd"
                "7zXZ",
                5, "xz"},
               {"\x28\xb5\x2f\xfd", 4, "zstd"},
               {"MZ", 2, "PE"},
               {"%PDF", 4, "PDF"},
               {"\xca\xfe\xba\xbe", 4, "Java or Mach-O"},
               {"!<arch>\n", 8, "ar"},
               {"-----BEGIN", 10, "PEM"}};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (len >= kinds[i].len && memcmp(bytes, kinds[i].magic, kinds[i].len) == 0)
      return kinds[i].kind;
  }
  return "";
}

void col_taint_words(uint64_t bits, char *ret_text, size_t size)
{
  static const char *const words[] = {"proprietary module",
                                      "module loaded by force",
                                      "kernel out of its specification",
                                      "module unloaded by force",
                                      "machine check",
                                      "bad page",
                                      "set by a user",
                                      "oops",
                                      "ACPI table overridden",
                                      "warning",
                                      "staging driver",
                                      "workaround for firmware",
                                      "module from outside the tree",
                                      "unsigned module",
                                      "soft lockup",
                                      "live patch",
                                      "distribution's own",
                                      "structure layout randomised",
                                      "test module",
                                      "changed by a user's fwctl"};
  size_t at = 0;
  ret_text[0] = '\0';
  for (unsigned bit = 0; bit < 64 && at < size; bit++) {
    if ((bits >> bit & 1) == 0)
      continue;
    int made = bit < sizeof(words) / sizeof(words[0])
                   ? snprintf(ret_text + at, size - at, "%s%s", at > 0 ? "; " : "", words[bit])
                   : snprintf(ret_text + at, size - at, "%sbit %u", at > 0 ? "; " : "", bit);
    at += made > 0 ? (size_t)made : 0;
  }
}

static const char *method_name(col_view hash)
{
  static const struct {
    const char *begin;
    const char *name;
  } methods[] = {{"$y$", "yescrypt"}, {"$gy$", "gost-yescrypt"}, {"$7$", "scrypt"},
                 {"$6$", "SHA-512"},  {"$5$", "SHA-256"},        {"$2", "bcrypt"},
                 {"$1$", "MD5"},      {"$sha1", "SHA-1"},        {"_", "BSDi DES"}};
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    if (col_view_begins(hash, methods[i].begin))
      return methods[i].name;
  }
  return hash.len == 13 ? "DES" : "unknown";
}

const char *col_password_state(col_view field, char ret_method[24])
{
  ret_method[0] = '\0';
  if (field.len == 0)
    return "none";
  bool locked = field.ptr[0] == '!';
  while (field.len > 0 && field.ptr[0] == '!') {
    field.ptr++;
    field.len--;
  }
  if (field.len == 0)
    return "locked";
  if (field.ptr[0] == '*' || col_view_is(field, "x"))
    return locked ? "locked" : "no login";
  (void)snprintf(ret_method, 24, "%s", method_name(field));
  return locked ? "locked" : "set";
}
