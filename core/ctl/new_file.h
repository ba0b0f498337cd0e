/* A file that appears whole or not at all: written beside its place under another name, readable
 * for its owner alone, and put there at the end. */
#ifndef CTL_NEW_FILE_H
#define CTL_NEW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "exit.h"

#include "base/id.h"
#include "base/limits.h"
#include "base/status.h"

typedef struct ctl_new_file {
  uv_file file; /* -1: not open */
  bool overwrite;
  bool lazy; /* set it after opening: the disk may have it later */
  char path[CD_PATH_MAX];
  char temporary[CD_PATH_MAX];
  char id[CD_ID_SIZE]; /* of what it is written for; empty: nobody has said it */
} ctl_new_file;

/* Without `overwrite` a file that is there already is refused, now and at the end; a folder, a
 * device, an empty name and "-" always are. */
CD_MUST_USE cd_code ctl_new_file_open(ctl_new_file *f, const char *path, bool overwrite,
                                      cd_err *err);
/* How a command ends whose file cannot be opened. */
ctl_exit ctl_new_file_exit(const cd_err *err);
CD_MUST_USE cd_code ctl_new_file_add(ctl_new_file *f, const void *bytes, size_t len, cd_err *err);
/* What is written beside the file is called FILE.ID.part from now on, so that it can be told what a
 * command left that was killed; ctl_new_file_commit() of the same removes that. Where the file
 * system has no links it keeps its name. Harmless the second time. */
void ctl_new_file_call(ctl_new_file *f, const char *id);
/* On disk, and in its place; failing, it may be in its place and not be there after a power cut. */
CD_MUST_USE cd_code ctl_new_file_commit(ctl_new_file *f, cd_err *err);
/* Removes what was written, if it was not committed; harmless afterwards. */
void ctl_new_file_drop(ctl_new_file *f);

#endif
