/* Where packages lie until they have been fetched: state_dir/spool, for root only. ID.part is one
 * that is being made, ID.zip one that is whole, and ID.gone says why one that somebody still waits
 * for was removed. */
#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/status.h"

typedef struct agent_spool {
  char folder[CD_PATH_MAX];
} agent_spool;

/* Makes the folder, and removes what an agent before this one has not finished. */
CD_MUST_USE cd_code agent_spool_open(agent_spool *s, const char *state_dir, cd_err *err);
/* Hears of a package that is about to be removed, and why. */
typedef struct agent_spool_ear {
  void (*removes)(void *context, const char *id, const char *why);
  void *context;
} agent_spool_ear;
/* Removes packages that are older than that, and returns how many bytes the others have. */
CD_MUST_USE cd_code agent_spool_tidy(const agent_spool *s, uint64_t keep_s,
                                     const agent_spool_ear *ear, uint64_t *ret_bytes, cd_err *err);
/* Removes the oldest until those that are left have no more bytes. */
CD_MUST_USE cd_code agent_spool_shrink(const agent_spool *s, uint64_t max_bytes,
                                       const agent_spool_ear *ear, cd_err *err);
/* Makes, and reads, the note of why a package is not there any more. */
CD_MUST_USE cd_code agent_spool_note(const agent_spool *s, const char *id, const char *why,
                                     cd_err *err);
CD_MUST_USE cd_code agent_spool_gone(const agent_spool *s, const char *id, cd_buf *out,
                                     cd_err *err);
/* A new, empty file, which the caller closes. */
CD_MUST_USE cd_code agent_spool_make(const agent_spool *s, const char *id, uv_file *ret_file,
                                     cd_err *err);
/* It is whole; on disk when this returns. May block for long: not on the loop's thread. */
CD_MUST_USE cd_code agent_spool_keep(const agent_spool *s, const char *id, uv_file file,
                                     cd_err *err);
/* Calls `each` with the id of every package that is whole, and then of every one with a note, each
 * oldest first, until it returns false. */
CD_MUST_USE cd_code agent_spool_each(const agent_spool *s, bool (*each)(void *context, cd_str id),
                                     void *context, cd_err *err);
/* Removes what there is of it. */
void agent_spool_drop(const agent_spool *s, const char *id);
/* Reads at most `max` bytes from `offset` on of one that is whole; *ret_size is all of it. */
CD_MUST_USE cd_code agent_spool_read(const agent_spool *s, const char *id, uint64_t offset,
                                     size_t max, cd_buf *out, uint64_t *ret_size, cd_err *err);

#endif
