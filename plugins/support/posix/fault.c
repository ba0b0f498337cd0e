#include "support/fault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CORDON_FAULT_POINTS

enum { SPEC_MAX = 1024, RULES_MAX = 16 };

/* How often the point of each rule has been reached. In a variable, because a kill point must be
 * one line in the code that it kills. */
static unsigned long reached[RULES_MAX];

/* 0 where the item is no rule for this point, or not due. */
static int signal_of(const char *item, const char *name, unsigned long *count)
{
  size_t len = strlen(name);
  if (strncmp(item, name, len) != 0 || item[len] != '=')
    return 0;
  const char *action = item + len + 1;
  size_t action_len = strcspn(action, ":");
  unsigned long due = action[action_len] == ':' ? strtoul(action + action_len + 1, NULL, 10) : 1;
  if (++*count != due)
    return 0;
  if (action_len == 4 && strncmp(action, "kill", 4) == 0)
    return SIGKILL;
  return action_len == 4 && strncmp(action, "stop", 4) == 0 ? SIGSTOP : 0;
}

void sup_fault_point(const char *name)
{
  char spec[SPEC_MAX];
  const char *wanted = getenv("CORDON_FAULT");
  if (wanted == NULL)
    return;
  (void)snprintf(spec, sizeof(spec), "%s", wanted);
  char *rest = spec;
  for (size_t i = 0; i < RULES_MAX && rest != NULL; i++) {
    const char *item = strsep(&rest, ",");
    int number = signal_of(item, name, &reached[i]);
    if (number != 0)
      (void)raise(number);
  }
}

#endif
