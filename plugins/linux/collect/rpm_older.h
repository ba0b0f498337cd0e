/* Databases of rpm from before it was SQLite: Berkeley DB, as RHEL up to 8 has it, and ndb, as SUSE
 * has it. They are read as they lie there: no lock is taken, no file of the environment is looked
 * at, nothing is written. Anybody may have made them: every number is checked. */
#ifndef COLLECT_RPM_OLDER_H
#define COLLECT_RPM_OLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COL_RPM_HEADER_MAX = 64 * 1024 * 1024 };

typedef struct col_rpm_older {
  int fd; /* borrowed; read by offset */
  uint64_t size;
  /* A header, valid during the call. False: no more. */
  bool (*header)(void *data, const unsigned char *bytes, size_t len);
  bool (*stop)(void *data); /* asked between any two reads */
  void *data;
  uint32_t damaged; /* records that could not be read, counted by the reader */
} col_rpm_older;

/* `Packages`: a hash of Berkeley DB 4 or 5, of either byte order. NULL, or why it is none. */
const char *col_rpm_bdb(col_rpm_older *o);
/* `Packages.db` of ndb. NULL, or why it is none. */
const char *col_rpm_ndb(col_rpm_older *o);

/* For the two: exactly these bytes; false where the file has not as many. */
bool col_rpm_read_at(const col_rpm_older *o, uint64_t offset, void *ret_bytes, size_t len);
/* Room for `len` bytes, kept from call to call; false: more than a header may have, or no memory.
 */
typedef struct col_rpm_room {
  unsigned char *bytes;
  size_t size;
} col_rpm_room;
bool col_rpm_make_room(col_rpm_room *room, size_t len);

#endif
