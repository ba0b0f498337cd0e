/* What the provider for ClamAV reads: clamd's answers, its configuration, the headers of its
 * databases, what is mounted, and unit files. The first byte chooses the reader. */
#include "clamav.h"

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

static void is_printable(const char *text, size_t size)
{
  size_t len = strnlen(text, size);
  MUST(len < size);
  for (size_t i = 0; i < len; i++)
    MUST(text[i] >= ' ' && text[i] <= '~');
}

/* Nothing but the word at the very end makes a verdict. */
static void try_reply(const char *text, size_t len)
{
  clam_reply r;
  clam_version v;
  clam_reply_read(text, len, &r);
  is_printable(r.text, sizeof(r.text));
  MUST(r.verdict != CLAM_OK || (len >= 4 && memcmp(text + len - 4, ": OK", 4) == 0));
  MUST((r.verdict != CLAM_FOUND && r.verdict != CLAM_LIMITS && r.verdict != CLAM_ENCRYPTED) ||
       (len >= 6 && memcmp(text + len - 6, " FOUND", 6) == 0));
  if (clam_version_read(text, len, &v)) {
    is_printable(v.engine, sizeof(v.engine));
    MUST(v.built_ms >= 0);
  }
}

static void try_conf(const char *text, size_t len)
{
  clam_conf c;
  clam_conf_init(&c);
  clam_conf_text(&c, text, len);
  MUST(c.max_threads >= 1 && c.max_threads <= 4096);
  MUST(strnlen(c.socket, sizeof(c.socket)) < sizeof(c.socket));
  MUST(c.socket[0] == '\0' || c.socket[0] == '/');
  MUST(c.database[0] == '/');
}

static void try_cvd(const char *text, size_t len)
{
  clam_cvd c = {0};
  if (clam_cvd_read(text, len, &c))
    MUST(c.built_s <= UINT64_C(1) << 40);
}

static void try_mounts(const char *text, size_t len)
{
  sup_mounts m = {0};
  sup_mounts_text(&m, text, len);
  for (size_t i = 0; i < m.count; i++) {
    MUST(m.items[i].point[0] == '/');
    MUST(i == 0 || strcmp(m.items[i - 1].point, m.items[i].point) < 0);
    MUST(sup_mounts_at(&m, m.items[i].point) == &m.items[i]);
    MUST(sup_mounts_of(&m, m.items[i].point) != NULL);
  }
  sup_mounts_release(&m);
}

static void try_unit(const char *text, size_t len)
{
  char path[SUP_PATH];
  if (sup_unit_program(text, len, path))
    MUST(path[0] == '/' && strnlen(path, sizeof(path)) < sizeof(path));
}

static void try_proc(const char *text, size_t len)
{
  uint64_t dev = 0;
  uint64_t ino = 0;
  char *path = NULL;
  char *copy = calloc(1, len + 1);
  if (copy == NULL)
    return;
  memcpy(copy, text, len);
  (void)clam_stat_field(copy, 22, &ino);
  if (sup_map_read(copy, &dev, &ino, &path))
    MUST(path >= copy && path < copy + len && *path == '/');
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static void (*const tries[])(const char *text, size_t len) = {try_reply,  try_conf, try_cvd,
                                                                try_mounts, try_unit, try_proc};
  if (size == 0)
    return 0;
  size_t len = size - 1;
  char *text = malloc(len > 0 ? len : 1);
  if (text == NULL)
    return 0;
  memcpy(text, data + 1, len);
  tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](text, len);
  free(text);
  return 0;
}
