/* Undo records that a provider noted while `cordond --restore` ran, when there was no journal to
 * note them in: restore/undo.json of the state folder. The agent moves them into its journal. */
#ifndef AGENT_UNDO_FILE_H
#define AGENT_UNDO_FILE_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/status.h"

#define AGENT_UNDO_FILE_MAX (CD_UNDO_BYTES_MAX + 256u * 1024u)

/* Adds a record to the file; synced. A record that is in it already is not added again. */
CD_MUST_USE cd_code agent_undo_file_add(const char *state_dir, const char *plugin, cd_str record,
                                        cd_err *err);
/* Calls `each` with every record, the oldest first; stops at the first failing code. No file is
 * fine. */
CD_MUST_USE cd_code agent_undo_file_each(const char *state_dir,
                                         cd_code (*each)(void *context, const char *plugin,
                                                         cd_str record, cd_err *err),
                                         void *context, cd_err *err);
CD_MUST_USE cd_code agent_undo_file_remove(const char *state_dir, cd_err *err);
/* The same of a text. */
CD_MUST_USE cd_code agent_undo_text_each(cd_str text,
                                         cd_code (*each)(void *context, const char *plugin,
                                                         cd_str record, cd_err *err),
                                         void *context, cd_err *err);

#endif
