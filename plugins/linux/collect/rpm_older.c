/* What the readers of rpm's older databases share. */
#include "rpm_older.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

bool col_rpm_read_at(const col_rpm_older *o, uint64_t offset, void *ret_bytes, size_t len)
{
  unsigned char *to = ret_bytes;
  size_t have = 0;
  if (offset > o->size || len > o->size - offset)
    return false;
  while (have < len) {
    ssize_t n = pread(o->fd, to + have, len - have, (off_t)(offset + have));
    if (n == 0 || (n < 0 && errno != EINTR))
      return false;
    have += n > 0 ? (size_t)n : 0;
  }
  return true;
}

bool col_rpm_make_room(col_rpm_room *room, size_t len)
{
  if (len > COL_RPM_HEADER_MAX)
    return false;
  if (len <= room->size && room->bytes != NULL)
    return true;
  unsigned char *bytes = realloc(room->bytes, len > 0 ? len : 1);
  if (bytes == NULL)
    return false;
  *room = (col_rpm_room){.bytes = bytes, .size = len};
  return true;
}
