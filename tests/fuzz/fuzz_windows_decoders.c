/* What the plugin for Windows takes apart: the first byte chooses. t: the XML of a task, v: the
 * value of a registry key, of the type that the next byte says, u: UTF-16. */
#include "reg_text.h"
#include "support/utf16.h"
#include "task_xml.h"

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

static void ended(const char *text, size_t size)
{
  MUST(memchr(text, '\0', size) != NULL);
}

static void try_task(const uint8_t *bytes, size_t len)
{
  win_task k;
  (void)win_task_read(bytes, len, &k);
  ended(k.uri, sizeof(k.uri));
  ended(k.author, sizeof(k.author));
  ended(k.date, sizeof(k.date));
  ended(k.description, sizeof(k.description));
  ended(k.user, sizeof(k.user));
  ended(k.logon_type, sizeof(k.logon_type));
  ended(k.run_level, sizeof(k.run_level));
  ended(k.enabled, sizeof(k.enabled));
  ended(k.hidden, sizeof(k.hidden));
  ended(k.triggers, sizeof(k.triggers));
  ended(k.actions, sizeof(k.actions));
}

static void try_value(uint32_t type, const uint8_t *bytes, size_t len)
{
  char big[REG_TEXT_MAX];
  char small[40];
  char name[16];
  size_t made = win_reg_value_text(type, bytes, len, big, sizeof(big));
  MUST(made < sizeof(big) && big[made] == '\0');
  size_t less = win_reg_value_text(type, bytes, len, small, sizeof(small));
  MUST(less < sizeof(small) && small[less] == '\0');
  MUST(win_reg_type(type, name)[0] != '\0');
}

/* Without unpaired surrogates it is UTF-8, and cut short it is the beginning of the whole. */
static void try_utf16(const uint8_t *bytes, size_t len)
{
  size_t units = len / 2;
  size_t size = 3 * units + 1;
  char *whole = malloc(size);
  char part[16];
  bool cut = true;
  if (whole == NULL)
    return;
  size_t made = sup_utf16_bytes(bytes, units, whole, size, &cut);
  MUST(!cut && made < size && whole[made] == '\0');
  size_t less = sup_utf16_bytes(bytes, units, part, sizeof(part), &cut);
  MUST(less < sizeof(part) && less <= made && memcmp(part, whole, less) == 0);
  MUST(cut == (less < made));
  free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  if (data[0] == 't')
    try_task(data + 1, size - 1);
  else if (data[0] == 'v' && size > 1)
    try_value(data[1], data + 2, size - 2);
  else if (data[0] == 'u')
    try_utf16(data + 1, size - 1);
  return 0;
}
