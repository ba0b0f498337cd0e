/* Who is logged in, from utmp. */
#include "facts.h"

#include <stdio.h>
#include <string.h>

#include <utmp.h>

#include "support/json.h"

/* A field of utmp, which has no NUL where it is full. */
static void add_field(cJSON *user, const char *name, const char *field, size_t size)
{
  char text[FACTS_TEXT + 1];
  size_t len = strnlen(field, size < FACTS_TEXT ? size : FACTS_TEXT);
  memcpy(text, field, len);
  text[len] = '\0';
  if (len > 0)
    sup_json_add_text(user, name, text);
}

void facts_users_read(const void *bytes, size_t len, cJSON *users)
{
  const unsigned char *at = bytes;
  for (; len >= sizeof(struct utmp); at += sizeof(struct utmp), len -= sizeof(struct utmp)) {
    struct utmp u;
    char since[32];
    memcpy(&u, at, sizeof(u));
    if (u.ut_type != USER_PROCESS || u.ut_user[0] == '\0' ||
        cJSON_GetArraySize(users) >= FACTS_USERS_MAX)
      continue;
    cJSON *user = cJSON_CreateObject();
    add_field(user, "name", u.ut_user, sizeof(u.ut_user));
    add_field(user, "terminal", u.ut_line, sizeof(u.ut_line));
    facts_time(u.ut_tv.tv_sec, since);
    sup_json_add_text(user, "since", since);
    add_field(user, "from", u.ut_host, sizeof(u.ut_host));
    (void)cJSON_AddItemToArray(users, user);
  }
}

void facts_add_users(cJSON *result)
{
  static char bytes[4096 * sizeof(struct utmp) + 1];
  cJSON *users = cJSON_AddArrayToObject(result, "users");
  size_t len = facts_file("/run/utmp", bytes, sizeof(bytes));
  facts_users_read(bytes, len, users);
}
