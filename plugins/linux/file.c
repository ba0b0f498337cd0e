#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

size_t facts_file(const char *path, char *ret_text, size_t size)
{
  size_t len = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  while (fd >= 0 && len < size - 1) {
    ssize_t got = read(fd, ret_text + len, size - 1 - len);
    if (got > 0)
      len += (size_t)got;
    else if (got == 0 || errno != EINTR)
      break;
  }
  if (fd >= 0)
    (void)close(fd);
  ret_text[len] = '\0';
  return len;
}
