/* Reading what another process may keep waiting: its command line and its environment lie in its
 * own memory, and a page of that may be a file on a file system which does not answer; its list of
 * maps is locked while it changes it, and all of that while it starts a program. The reading is a
 * helper's, on a thread of its own, which is left behind if it does not come back soon. */
#ifndef COLLECT_PATIENT_H
#define COLLECT_PATIENT_H

#include <stddef.h>
#include <stdint.h>

enum {
  COL_PATIENT_MS = 1000, /* for each reading */
  COL_PATIENT_LEFT = 8   /* helpers that are left behind; then nothing more is read */
};

/* Zero is a good beginning. */
typedef struct col_patient {
  struct col_helper *helper; /* that is idle, or NULL */
  unsigned left;             /* helpers that did not come back */
} col_patient;

/* The first `size` - 1 bytes of a file, with a NUL behind them, which the caller frees; closes
 * `fd`. NULL with -errno in `ret_len`: -ETIMEDOUT if it was not answered, or was not asked because
 * too many were not. */
char *col_patient_read(col_patient *p, int fd, size_t size, int64_t *ret_len);
/* The same of a file in the folder of a process, which is opened by the helper too: that may be
 * kept waiting while the process starts a program. */
char *col_patient_read_at(col_patient *p, int dir, const char *name, size_t size, int64_t *ret_len);
/* Opens a file in the folder of a process, which may be kept waiting too while that process starts
 * a program. A descriptor, or -errno as above. */
int col_patient_open(col_patient *p, int dir, const char *name);
void col_patient_end(col_patient *p);

#endif
