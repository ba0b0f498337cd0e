#include "support/fault.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#ifdef CORDON_FAULT_POINTS

enum { SPEC_MAX = 1024, RULES_MAX = 16 };

static unsigned long reached[RULES_MAX];

/* Whether the item is a rule to kill at this point, and due. */
static bool kills(const char *item, const char *name, unsigned long *count)
{
  size_t len = strlen(name);
  if (strncmp(item, name, len) != 0 || item[len] != '=')
    return false;
  const char *action = item + len + 1;
  size_t action_len = strcspn(action, ":,");
  if (action_len != 4 || strncmp(action, "kill", 4) != 0)
    return false;
  unsigned long due = action[action_len] == ':' ? strtoul(action + action_len + 1, NULL, 10) : 1;
  return ++*count == due;
}

/* There is no signal to stop a process by, so `stop` is none of the actions here. */
void sup_fault_point(const char *name)
{
  char spec[SPEC_MAX];
  DWORD len = GetEnvironmentVariableA("CORDON_FAULT", spec, sizeof(spec));
  if (len == 0 || len >= sizeof(spec))
    return;
  const char *item = spec;
  for (size_t i = 0; i < RULES_MAX && item != NULL; i++) {
    if (kills(item, name, &reached[i]))
      (void)TerminateProcess(GetCurrentProcess(), 137);
    item = strchr(item, ',');
    item = item != NULL ? item + 1 : NULL;
  }
}

#endif
