/* Files that the Linux plugin reads its facts from, which may hold anything. The first byte chooses
 * what the rest is: o os-release, n a file of numbers, u an image of utmp. */
#include "facts.h"

#include <stdbool.h>
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

static void try_os(const char *text, size_t len)
{
  facts_os os;
  facts_os_read(text, len, &os);
  must(strlen(os.id) < FACTS_TEXT && strlen(os.name) < FACTS_TEXT &&
           strlen(os.version) < FACTS_TEXT,
       "a text without its end");
}

static void try_numbers(const char *text, size_t len)
{
  char *copy = strndup(text, len);
  if (copy == NULL)
    return;
  must(facts_number_after(copy, "btime ") >= -1, "a number below none");
  must(facts_number_after(copy, "MemTotal:") >= -1, "a number below none");
  free(copy);
}

static void try_users(const void *bytes, size_t len)
{
  cJSON *users = cJSON_CreateArray();
  facts_users_read(bytes, len, users);
  must(cJSON_GetArraySize(users) <= FACTS_USERS_MAX, "more users than may be");
  char *text = cJSON_PrintUnformatted(users);
  must(text != NULL, "users that cannot be printed");
  cJSON_free(text);
  cJSON_Delete(users);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  const char *rest = (const char *)data + 1;
  switch (data[0]) {
  case 'o': try_os(rest, size - 1); break;
  case 'n': try_numbers(rest, size - 1); break;
  case 'u': try_users(rest, size - 1); break;
  default: break;
  }
  return 0;
}
