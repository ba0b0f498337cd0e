/* How often this program has synced a file. Included by one source of a test: it takes the place of
 * the C library's function. */
#ifndef TEST_SYNCS_H
#define TEST_SYNCS_H

#include <sys/syscall.h>
#include <unistd.h>

static unsigned syncs;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
  syncs++;
  return (int)syscall(SYS_fdatasync, fd);
}

#endif
