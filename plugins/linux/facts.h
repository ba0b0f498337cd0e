/* What a Linux device is, read from the kernel and from files, with no privilege at all. Everything
 * read is bounded and may be missing: what cannot be told is left out or null, as
 * config/schemas/facts.results.schema.json allows. */
#ifndef FACTS_H
#define FACTS_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "support/err.h"

enum {
  FACTS_TEXT = 256,
  FACTS_USERS_MAX = 256,
  FACTS_ADDRESSES_MAX = 1024,
  FACTS_INTERFACES_MAX = 256
};

typedef struct facts_os {
  char id[FACTS_TEXT]; /* "debian"; empty if unknown, like the others */
  char name[FACTS_TEXT];
  char version[FACTS_TEXT];
} facts_os;

/* Reads the text of an os-release file. Pure. */
void facts_os_read(const char *text, size_t len, facts_os *ret_os);

/* The number after `key` on a line of its own, as /proc/stat and /proc/meminfo have them; -1 if
 * there is none. Pure. */
long long facts_number_after(const char *text, const char *key);

/* RFC 3339 in UTC. */
void facts_time(long long seconds, char ret_text[32]);

/* Logins from an image of a utmp file. Pure. */
void facts_users_read(const void *bytes, size_t len, cJSON *users);

/* The first `size` - 1 bytes of a file, with a NUL behind them. `ret_len` bytes, 0 if it cannot be
 * read. */
size_t facts_file(const char *path, char *ret_text, size_t size);

/* Each adds its part to the result. */
void facts_add_system(cJSON *result);
void facts_add_interfaces(cJSON *result);
void facts_add_users(cJSON *result);

#endif
