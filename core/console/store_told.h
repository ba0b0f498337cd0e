/* What an action's row may say (store_told.c); private to the store. */
#ifndef CON_STORE_TOLD_H
#define CON_STORE_TOLD_H

#include "protocol/result.h"
#include "store_private.h"

#define TOLD_TEXTS_MAX 32u

/* An action as the signed parts have it: the sealed entries of the audit log about it, and the
 * device's result, whose digest they name. */
typedef struct action_told {
  con_action action; /* what is to be shown; views into the row or into this */
  char altered[CD_ERR_TEXT_MAX];
  char *texts[TOLD_TEXTS_MAX];
  size_t text_count;
  bool no_memory;
  bool asked; /* an entry says that it was ordered, or done by the device itself */
  bool local; /* by the device itself: its result says the rest */
  bool ended; /* an entry says so */
  int64_t ended_ms;
  cd_digest parameters;
  bool has_result;
  cd_digest result_digest;
  cd_result result;
} action_told;

/* `row` stays the caller's, and valid until the release. */
CD_MUST_USE cd_code action_tell(con_store *s, const con_action *row, action_told *ret_told,
                                cd_err *err);
void action_told_release(action_told *t);

/* A keyed digest over what a list shows of an action that has ended, made once the row was found to
 * be as told: so a list need not look at the log for each. */
#define ACTION_MARK_SIZE CON_SEAL_SIZE
CD_MUST_USE cd_code action_mark(const con_store *s, const con_action *row, cd_buf *scratch,
                                uint8_t ret_mark[ACTION_MARK_SIZE], cd_err *err);
/* The row of an ACTION_ statement has the mark that goes with it. */
bool action_is_marked(const con_store *s, sqlite3_stmt *stmt, const con_action *row,
                      cd_buf *scratch);

/* Where the mark is among the columns of an ACTION_ statement. */
extern const int action_mark_column;

#endif
