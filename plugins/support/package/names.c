/* What the files of the package are called. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "package/private.h"
#include "support/utf8.h"

enum { NAME_PART = 110 };

/* Where the name of a device of Windows ends, which is one whatever comes after its first dot; 0:
 * it is none. */
static size_t device_end(const char *part)
{
  static const char *const devices[] = {"con",         "prn",         "aux",         "nul",
                                        "conin$",      "conout$",     "com\xc2\xb9", "com\xc2\xb2",
                                        "com\xc2\xb3", "lpt\xc2\xb9", "lpt\xc2\xb2", "lpt\xc2\xb3"};
  size_t len = strcspn(part, ".");
  while (len > 0 && part[len - 1] == ' ')
    len--;
  for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
    if (strlen(devices[i]) == len && strncasecmp(part, devices[i], len) == 0)
      return len;
  }
  bool numbered = len == 4 && part[3] >= '0' && part[3] <= '9' &&
                  (strncasecmp(part, "com", 3) == 0 || strncasecmp(part, "lpt", 3) == 0);
  return numbered ? len : 0;
}

void col_clean_name(const char *folder, const char *name, char ret_name[COL_NAME])
{
  char part[NAME_PART + 1];
  size_t at = 0;
  size_t left = strlen(name);
  while (left > 0 && at + 4 <= NAME_PART) {
    size_t len = sup_utf8_sequence(name, left);
    unsigned char c = (unsigned char)name[0];
    if (len == 0 || c < ' ' || c == 0x7f || memchr("/\\:*?\"<>|", c, 9) != NULL) {
      part[at++] = '_';
      len = 1;
    } else {
      memcpy(part + at, name, len);
      at += len;
    }
    name += len;
    left -= len;
  }
  for (size_t i = at; i > 0 && (part[i - 1] == ' ' || part[i - 1] == '.'); i--)
    part[i - 1] = '_';
  part[at] = '\0';
  size_t device = device_end(part);
  (void)snprintf(ret_name, COL_NAME, "%s%s%.*s%s%s", folder, folder[0] != '\0' ? "/" : "",
                 (int)device, part, device > 0 ? "_" : "", at > 0 ? part + device : "_");
}

static bool is_taken(const col_package *p, const char *name)
{
  for (size_t i = 0; i < p->count; i++) {
    if (strcasecmp(p->records[i].name, name) == 0)
      return true;
  }
  return false;
}

/* `plain (n).ext`; the first is `plain.ext`. */
static bool is_number_taken(const col_package *p, const char *plain, size_t dot, unsigned n,
                            char ret_name[COL_NAME])
{
  if (n == 1)
    (void)snprintf(ret_name, COL_NAME, "%s", plain);
  else
    (void)snprintf(ret_name, COL_NAME, "%.*s (%u)%s", (int)dot, plain, n, plain + dot);
  return is_taken(p, ret_name);
}

/* Numbers are given one after the other, so the last one is looked for by halves: the names of many
 * files may be one when they are cut. */
void col_make_unique(const col_package *p, char name[COL_NAME])
{
  char plain[COL_NAME];
  memcpy(plain, name, COL_NAME);
  const char *slash = strrchr(plain, '/');
  const char *dot = strrchr(slash != NULL ? slash : plain, '.');
  size_t len = dot != NULL && dot != plain ? (size_t)(dot - plain) : strlen(plain);
  unsigned taken = 0;
  unsigned is_free = 1;
  while (is_number_taken(p, plain, len, is_free, name)) {
    taken = is_free;
    is_free *= 2;
  }
  while (is_free - taken > 1) {
    unsigned middle = taken + (is_free - taken) / 2;
    if (is_number_taken(p, plain, len, middle, name))
      taken = middle;
    else
      is_free = middle;
  }
  (void)is_number_taken(p, plain, len, is_free, name);
}
