#include "support/fault.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#ifdef CORDON_FAULT_POINTS

enum { SPEC_MAX = 1024, RULES_MAX = 16, STOP_MS = 60000, STEP_MS = 20 };

static unsigned long reached[RULES_MAX];

/* Whether the item is a rule to do this at this point, and due. */
static bool is_due(const char *item, const char *name, const char *wanted, unsigned long *count)
{
  size_t len = strlen(name);
  if (strncmp(item, name, len) != 0 || item[len] != '=')
    return false;
  const char *action = item + len + 1;
  size_t action_len = strcspn(action, ":,");
  if (action_len != strlen(wanted) || strncmp(action, wanted, action_len) != 0)
    return false;
  unsigned long due = action[action_len] == ':' ? strtoul(action + action_len + 1, NULL, 10) : 1;
  return ++*count == due;
}

/* There is no signal to stop a process by: the file that CORDON_FAULT_GATE names is made, and here
 * it stays until the test has removed it. */
static void stop(void)
{
  char gate[SPEC_MAX];
  ULONGLONG until = GetTickCount64() + STOP_MS;
  DWORD len = GetEnvironmentVariableA("CORDON_FAULT_GATE", gate, sizeof(gate));
  if (len == 0 || len >= sizeof(gate))
    return;
  HANDLE h = CreateFileA(gate, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
  if (h == INVALID_HANDLE_VALUE)
    return;
  (void)CloseHandle(h);
  while (GetFileAttributesA(gate) != INVALID_FILE_ATTRIBUTES && GetTickCount64() < until)
    Sleep(STEP_MS);
}

void sup_fault_point(const char *name)
{
  char spec[SPEC_MAX];
  DWORD len = GetEnvironmentVariableA("CORDON_FAULT", spec, sizeof(spec));
  if (len == 0 || len >= sizeof(spec))
    return;
  const char *item = spec;
  for (size_t i = 0; i < RULES_MAX && item != NULL; i++) {
    if (is_due(item, name, "kill", &reached[i]))
      (void)TerminateProcess(GetCurrentProcess(), 137);
    if (is_due(item, name, "stop", &reached[i]))
      stop();
    item = strchr(item, ',');
    item = item != NULL ? item + 1 : NULL;
  }
}

#endif
