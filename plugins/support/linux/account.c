/* Names of users, from /etc/passwd alone: a lookup over the network could hang, and this process
 * has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"

typedef struct entry {
  char *field[7];
} entry;

static bool split(char *line, entry *e)
{
  for (int i = 0; i < 7; i++) {
    e->field[i] = strsep(&line, ":");
    if (e->field[i] == NULL)
      return false;
  }
  return true;
}

static void each_entry(bool (*take)(void *data, const entry *e), void *data)
{
  char line[4096];
  FILE *f = fopen("/etc/passwd", "re");
  if (f == NULL)
    return;
  while (fgets(line, sizeof(line), f) != NULL) {
    entry e;
    if (split(line, &e) && !take(data, &e))
      break;
  }
  (void)fclose(f);
}

typedef struct search {
  const char *name;
  uint32_t uid;
  char *ret_name;
  bool found;
  void (*each)(void *data, const char *home);
  void *data;
} search;

static bool id_of(const entry *e, uint32_t *ret_uid)
{
  char *end = NULL;
  unsigned long uid = strtoul(e->field[2], &end, 10);
  *ret_uid = (uint32_t)uid;
  return end != e->field[2] && *end == '\0' && uid <= UINT32_MAX;
}

static bool match_name(void *data, const entry *e)
{
  search *s = data;
  s->found = strcmp(e->field[0], s->name) == 0 && id_of(e, &s->uid);
  return !s->found;
}

static bool match_id(void *data, const entry *e)
{
  search *s = data;
  uint32_t uid = 0;
  s->found = id_of(e, &uid) && uid == s->uid;
  if (s->found)
    (void)snprintf(s->ret_name, 64, "%s", e->field[0]);
  return !s->found;
}

static bool take_home(void *data, const entry *e)
{
  const search *s = data;
  const char *home = e->field[5];
  if (home[0] == '/' && home[1] != '\0')
    s->each(s->data, home);
  return true;
}

bool sup_account_id(const char *name, uint32_t *ret_uid)
{
  search s = {.name = name};
  each_entry(match_name, &s);
  if (s.found)
    *ret_uid = s.uid;
  return s.found;
}

bool sup_account_name(uint32_t uid, char ret_name[64])
{
  search s = {.uid = uid, .ret_name = ret_name};
  ret_name[0] = '\0';
  each_entry(match_id, &s);
  return s.found;
}

void sup_account_homes(void (*each)(void *data, const char *home), void *data)
{
  search s = {.each = each, .data = data};
  each_entry(take_home, &s);
}
