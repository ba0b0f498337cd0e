/* What the collector reads from files and from the kernel, and what it writes of it. The first byte
 * chooses the reader. */
#include "mounts.h"
#include "net.h"
#include "nft.h"
#include "package.h"
#include "parse.h"
#include "read.h"
#include "rpm.h"
#include "support/csv.h"
#include "support/text.h"
#include "support/utf8.h"
#include "units.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      (void)fprintf(stderr, "%s\n", #condition);                                                   \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* Everything that is read lies within what was given. */
static void within(col_view whole, col_view part)
{
  MUST(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void try_words(col_view v)
{
  col_view fields[7];
  col_view key;
  col_view value;
  col_view rest = v;
  size_t count = col_split(v, ':', fields, 7);
  MUST(count >= 1 && count <= 7);
  for (size_t i = 0; i < count; i++)
    within(v, fields[i]);
  while (col_word(&rest, &key))
    within(v, key);
  if (col_header(v, &key, &value)) {
    within(v, key);
    within(v, value);
  }
  if (col_assignment(v, &key, &value)) {
    within(v, key);
    within(v, value);
  }
  MUST(col_view_number(v) >= -1);
}

static void try_cron(col_view v)
{
  col_cron_line l;
  for (int user = 0; user < 2; user++) {
    if (!col_cron_read(v, user == 1, &l))
      continue;
    within(v, l.schedule);
    within(v, l.user);
    within(v, l.command);
  }
}

static void try_keys(col_view v)
{
  col_key_line l;
  char text[64];
  if (!col_key_read(v, &l))
    return;
  within(v, l.options);
  within(v, l.type);
  within(v, l.key);
  within(v, l.comment);
  col_key_fingerprint(l.key, text);
  MUST(strlen(text) < sizeof(text));
}

static void try_texts(col_view v)
{
  char text[64];
  char method[24];
  bool in_value = v.len % 2 == 0;
  MUST(col_mask(v, text, sizeof(text)) < sizeof(text));
  char *whole = malloc(3 * v.len + 4);
  if (whole != NULL)
    MUST(col_mask(v, whole, 3 * v.len + 4) <= 3 * v.len);
  free(whole);
  (void)col_at_sets(v, &in_value);
  MUST(col_audit_field(v, "a0", true, text, sizeof(text)) < (int64_t)sizeof(text));
  (void)col_audit_arguments(v, text, sizeof(text));
  MUST(strlen(text) < sizeof(text));
  MUST(col_xml_attribute(v, "href", text, sizeof(text)) < (int64_t)sizeof(text));
  MUST(col_password_state(v, method) != NULL);
  MUST(col_file_kind((const unsigned char *)v.ptr, v.len) != NULL);
}

static void try_mount(col_view v)
{
  col_mount m;
  col_mounts all = {0};
  if (col_mount_read(v.ptr, v.len, &m))
    MUST(strlen(m.point) < COL_MOUNT_TEXT && strlen(m.type) < sizeof(m.type));
  col_mounts_add(&all, v.ptr, v.len);
  (void)col_mounts_far(&all, "/home/x");
  col_mounts_release(&all);
}

static void try_unit(col_view v)
{
  col_unit u = {0};
  col_unit_lines lines = {.unit = &u};
  col_lines_of(v.ptr, v.len, col_unit_line, &lines);
  col_unit_end(&lines);
  MUST(lines.len == 0 && !lines.more);
  MUST(strlen(u.run) < sizeof(u.run) && strlen(u.timer) < sizeof(u.timer));
  MUST(strlen(u.user) < sizeof(u.user) && strlen(u.description) < sizeof(u.description));
}

static void try_records(col_view v)
{
  unsigned char record[COL_UTMP_SIZE] = {0};
  col_login login;
  col_lastlog last;
  col_acct acct;
  col_proc_stat stat;
  memcpy(record, v.ptr, v.len < sizeof(record) ? v.len : sizeof(record));
  col_login_read(record, &login);
  MUST(strlen(login.user) < sizeof(login.user) && col_login_type(login.type) != NULL);
  col_lastlog_read(record, &last);
  (void)col_acct_read(record, &acct);
  if (col_proc_stat_read(v, &stat))
    within(v, stat.comm);
}

static void no_element(void *data, const char *text)
{
  (void)data;
  MUST(strlen(text) < COL_NFT_TEXT);
}

static void try_netlink(col_view v)
{
  const unsigned char *bytes = (const unsigned char *)v.ptr;
  size_t len = v.len;
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    col_inet inet;
    col_unix local;
    col_packet packet;
    col_link link;
    col_address address;
    col_route route;
    col_neighbour neighbour;
    col_nft nft;
    char text[64];
    (void)col_inet_read(&m, &inet);
    if (col_unix_read(&m, &local))
      MUST(local.path_len <= sizeof(local.path));
    (void)col_packet_read(&m, &packet);
    if (col_link_read(&m, &link))
      MUST(strlen(link.name) < sizeof(link.name) && strlen(link.mac) < sizeof(link.mac));
    (void)col_address_read(&m, &address);
    (void)col_route_read(&m, &route);
    if (col_neighbour_read(&m, &neighbour))
      col_neighbour_state(neighbour.state, text);
    unsigned left = 100;
    col_nft_elements(&m, &left, no_element, NULL);
    if (col_nft_read(&m, &nft))
      MUST(strlen(nft.text) < sizeof(nft.text) && nft.kind != NULL);
  }
}

static void is_utf8(void *data, const char *bytes, size_t len)
{
  sup_text_bytes(data, bytes, len);
}

/* Whatever goes in, what comes out is UTF-8 in one field. */
static void try_csv(col_view v)
{
  sup_text t = SUP_TEXT_INIT(1024 * 1024);
  sup_csv c;
  sup_csv_init(&c, is_utf8, &t);
  sup_csv_bytes(&c, v.ptr, v.len);
  sup_csv_end(&c);
  for (size_t at = 0; at < t.len;) {
    size_t len = sup_utf8_sequence(t.ptr + at, t.len - at);
    MUST(len > 0);
    at += len;
  }
  sup_text_release(&t);
  char name[COL_NAME];
  char *text = strndup(v.ptr, v.len);
  if (text != NULL) {
    col_clean_name("Folder", text, name);
    MUST(strlen(name) > 7 && strlen(name) < 120 && strchr(name + 7, '/') == NULL);
  }
  free(text);
}

static bool within_paths(void *data, const char *path, size_t len)
{
  (void)data;
  MUST(strlen(path) == len && len < COL_PATH);
  return true;
}

static void try_rpm(col_view v)
{
  col_rpm rpm;
  if (col_rpm_read((const unsigned char *)v.ptr, v.len, &rpm))
    MUST(rpm.name[0] != '\0' && strlen(rpm.version) < sizeof(rpm.version));
  (void)col_rpm_files(&rpm, within_paths, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static void (*const readers[])(col_view) = {try_words, try_cron, try_keys,    try_texts,
                                              try_mount, try_unit, try_records, try_netlink,
                                              try_csv,   try_rpm};
  if (size == 0)
    return 0;
  col_view v = {.ptr = (const char *)data + 1, .len = size - 1};
  readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](v);
  return 0;
}
