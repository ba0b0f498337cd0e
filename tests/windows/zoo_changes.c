/* There may have been changes whenever one looks. */
#include "zoo.h"

int zoo_changes_open(const char *folder)
{
  (void)folder;
  return 0;
}

bool zoo_changes_wait(int changes, int ms)
{
  (void)changes;
  Sleep((DWORD)ms);
  return true;
}

void zoo_changes_close(int changes)
{
  (void)changes;
}
