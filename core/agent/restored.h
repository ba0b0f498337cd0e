/* What `cordond --restore` did in this run of the machine: a file in the run folder, written once
 * and read by the agent when it starts, so that status and console are told, and that nobody takes
 * for tampering what the boot did. */
#ifndef AGENT_RESTORED_H
#define AGENT_RESTORED_H

#include "base/buf.h"
#include "base/json.h"
#include "config.h"
#include "platform/system.h"

/* Where the parameters came from. */
typedef enum agent_restore_source {
  AGENT_FROM_NONE = 0,
  AGENT_FROM_CURRENT,  /* the rule file */
  AGENT_FROM_PREVIOUS, /* the one before it */
  AGENT_FROM_JOURNAL,  /* the order on record, which was never proven */
  AGENT_FROM_BUILTIN   /* a full isolation but for the consoles that are known */
} agent_restore_source;

typedef enum agent_restore_outcome {
  AGENT_RESTORE_NONE = 0, /* nothing was done */
  AGENT_RESTORE_DONE,     /* in force, as it was */
  AGENT_RESTORE_FALLBACK, /* in force, but not by what was last shown to hold */
  AGENT_RESTORE_FAILED    /* wanted, and not in force */
} agent_restore_outcome;

typedef struct agent_restored {
  agent_restore_outcome outcome;
  agent_restore_source source;
  char boot[PF_BOOT_ID_MAX];
  int64_t at_ms;
  uint64_t took_ms;
  uint64_t generation; /* 0: not known */
  char provider[AGENT_ID_MAX];
  char digest[160]; /* of what was put in force; empty: nothing was */
  char sentence[CD_ERR_TEXT_MAX];
} agent_restored;

const char *agent_restore_source_name(agent_restore_source source); /* "current" */
const char *agent_restore_outcome_name(agent_restore_outcome outcome);

CD_MUST_USE cd_code agent_restored_write(const agent_restored *r, cd_buf *out, cd_err *err);
/* Replaces *ret on success only. */
CD_MUST_USE cd_code agent_restored_read(cd_str text, agent_restored *ret, cd_err *err);

CD_MUST_USE cd_code agent_restored_store(const char *run_dir, const agent_restored *r, cd_err *err);
/* *ret is left with outcome AGENT_RESTORE_NONE, with CD_OK, where there is no such file or it is of
 * another run of the machine. */
CD_MUST_USE cd_code agent_restored_load(const char *run_dir, agent_restored *ret, cd_err *err);
/* For `status`: an object, or null where nothing was done. */
void agent_restored_describe(const agent_restored *r, cd_jw *w, const char *key);

#endif
