/* What the remediation plugin reads: descriptions of containers, undo records and drop-ins that an
 * older or newer version wrote, crontabs, shadow, /proc. The first byte chooses what the rest is: m
 * a description, r a record, p a process, l a drop-in, v one of somebody else, b base64url; c a
 * crontab, s a shadow and o lists of packages, behind the line, name or path that is looked for. */
#include "remediate.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

/* What is read is written and read to be the same. */
static void try_meta(const char *text, size_t len)
{
  rem_meta one = {0};
  rem_meta two = {0};
  sup_err err = {0};
  if (rem_meta_parse(text, len, &one, &err) != CORDON_OK) {
    must(err.sentence[0] != '\0', "a refusal without a sentence");
    rem_meta_release(&one);
    return;
  }
  char *written = rem_meta_write(&one);
  must(rem_meta_parse(written, strlen(written), &two, &err) == CORDON_OK,
       "a description that was written cannot be read");
  must(strcmp(one.path, two.path) == 0 && one.state == two.state &&
           one.attrs.ino == two.attrs.ino && one.attrs.mtime_s == two.attrs.mtime_s,
       "a description changed");
  cJSON_free(written);
  rem_meta_release(&one);
  rem_meta_release(&two);
}

static void try_record(const char *text, size_t len)
{
  const char *what = NULL;
  sup_err err = {0};
  cJSON *record = cJSON_ParseWithLength(text, len);
  if (rem_record_check(record, &what, &err) != CORDON_OK)
    must(err.sentence[0] != '\0', "a refusal without a sentence");
  else
    must(what != NULL, "a record that does nothing");
  cJSON_Delete(record);
}

static void try_lists(const char *path, const char *rest)
{
  for (unsigned list = 0; path[0] == '/' && list < REM_OWNER_LISTS; list++) {
    for (const char *at = rest; *at != '\0';) {
      size_t len = strcspn(at, "\n");
      char *line = strndup(at, len);
      must(line != NULL, "no memory");
      (void)rem_owner_line(list, path, line);
      free(line);
      at += len + (at[len] == '\n' ? 1 : 0);
    }
  }
}

static void try_lines(char kind, const char *text)
{
  size_t at = 0;
  rem_shadow s;
  const char *rest = strchr(text, '\n');
  size_t len = rest != NULL ? strlen(rest + 1) : 0;
  if (rest == NULL)
    return;
  char *first = strndup(text, (size_t)(rest - text));
  must(first != NULL, "no memory");
  rest++;
  if (kind == 'o') {
    if (strlen(first) < REM_PATH)
      try_lists(first, rest);
  } else if (kind == 'c') {
    for (int off = 0; off < 2; off++)
      if (rem_cron_find(rest, len, first, 1, off != 0, &at) > 0)
        must(at + strlen(first) <= len, "a line beyond the end");
  } else if (rem_shadow_find(rest, len, first, &s)) {
    must(s.password_at + s.password_len <= len && s.expire_at + s.expire_len <= len &&
             s.password_at + s.password_len < s.expire_at,
         "a field beyond the end");
  }
  free(first);
}

static void try_bytes(const char *text)
{
  uint8_t bytes[256];
  size_t len = 0;
  if (!rem_unbase64(text, bytes, sizeof(bytes), &len))
    return;
  char *again = rem_base64(bytes, len);
  must(again != NULL && len <= sizeof(bytes), "too many bytes");
  free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  bool active = false;
  rem_proc p;
  if (size == 0)
    return 0;
  char *text = strndup((const char *)data + 1, size - 1);
  must(text != NULL, "no memory");
  switch (data[0]) {
  case 'm': try_meta((const char *)data + 1, size - 1); break;
  case 'r': try_record((const char *)data + 1, size - 1); break;
  case 'p':
    if (rem_proc_parse(text, &p))
      must(p.pid > 0 && strlen(p.name) < sizeof(p.name), "no process");
    break;
  case 'l': cJSON_Delete(rem_links_parse(text, &active)); break;
  case 'v': (void)rem_bar_resets(text); break;
  case 'b': try_bytes(text); break;
  case 'o':
  case 'c':
  case 's': try_lines((char)data[0], text); break;
  default: break;
  }
  free(text);
  return 0;
}
