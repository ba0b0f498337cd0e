/* The journal's orders and their outcomes. */
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "journal_private.h"

#include "base/banned.h"

#define ACTION_COLUMNS                                                                             \
  "id, kind, state, status, generation, user, user_id, pid, created, started, ended, outcome, "    \
  "comment, params,"                                                                               \
  " provider, sentence, result, order_digest, terms, id IN (SELECT action FROM forced)"

void agent_wanted_release(agent_wanted *w)
{
  free(w->params);
  free(w->terms);
  *w = (agent_wanted){0};
}

cd_code agent_wanted_copy(agent_wanted *to, const agent_wanted *from, cd_err *err)
{
  char *params = from->params != NULL ? cd_str_dup(cd_str_from(from->params)) : NULL;
  char *terms = from->terms != NULL ? cd_str_dup(cd_str_from(from->terms)) : NULL;
  if ((from->params != NULL && params == NULL) || (from->terms != NULL && terms == NULL)) {
    free(params);
    free(terms);
    return cd_fail(err, CD_E_INTERNAL, "no memory for the wanted state");
  }
  agent_wanted_release(to);
  *to = *from;
  to->params = params;
  to->terms = terms;
  return CD_OK;
}

#define WANTED_COLUMNS "state, isolated, generation, action, since, params, terms"

static cd_code put_wanted(agent_journal *j, const char *sql, agent_capability state,
                          const agent_wanted *w, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, sql, &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "iiititt", (sqlite3_int64)state, (sqlite3_int64)w->isolated,
               (sqlite3_int64)w->generation, w->action, (sqlite3_int64)w->since_ms, w->params,
               w->terms);
  return journal_run(j, s, "record what is wanted", err);
}

static const char put_wanted_sql[] =
    "REPLACE INTO wanted(" WANTED_COLUMNS ") VALUES(?,?,?,?,?,?,?)";
static const char put_settled_sql[] =
    "REPLACE INTO settled(" WANTED_COLUMNS ") VALUES(?,?,?,?,?,?,?)";

cd_code journal_put_state(agent_journal *j, agent_capability state, const agent_wanted *wanted,
                          cd_err *err)
{
  cd_code rc = put_wanted(j, put_wanted_sql, state, wanted, err);
  return rc == CD_OK ? put_wanted(j, put_settled_sql, state, wanted, err) : rc;
}

cd_code journal_put_action(agent_journal *j, const agent_action *a, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "INSERT INTO actions(id, kind, state, status, generation, user, "
                               "user_id, pid, created, comment, params, order_digest, terms)"
                               " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  char order[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&a->order, order);
  journal_bind(s, "ttititiiitttt", a->id, agent_kind_name(a->kind), (sqlite3_int64)a->state,
               agent_action_status_name(a->status), (sqlite3_int64)a->generation, a->user,
               (sqlite3_int64)a->user_id, (sqlite3_int64)a->process_id,
               (sqlite3_int64)a->created_ms, a->comment, a->params, a->console ? order : NULL,
               a->terms);
  return journal_run(j, s, "record the order", err);
}

static cd_code put_forced(agent_journal *j, const agent_action *a, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  if (!a->force)
    return CD_OK;
  cd_code rc = journal_prepare(j, "INSERT INTO forced(action) VALUES(?)", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "t", a->id);
  return journal_run(j, s, "record that the order is forced", err);
}

cd_code journal_put_order(agent_journal *j, const agent_action *a, const agent_wanted *wanted,
                          cd_err *err)
{
  cd_code rc = journal_put_action(j, a, err);
  if (rc == CD_OK)
    rc = put_forced(j, a, err);
  return rc == CD_OK && wanted != NULL ? put_wanted(j, put_wanted_sql, a->state, wanted, err) : rc;
}

cd_code agent_journal_order(agent_journal *j, agent_action *a, agent_wanted *wanted, cd_err *err)
{
  agent_wanted now = {0};
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = agent_journal_wanted(j, a->state, &now, err);
  if (rc == CD_OK && wanted != NULL) {
    a->generation = now.generation + 1;
    wanted->generation = a->generation;
  }
  if (rc == CD_OK)
    rc = journal_put_order(j, a, wanted, err);
  CD_FAULT_POINT("journal.order_before_commit");
  rc = journal_end(j, rc, err);
  agent_wanted_release(&now);
  if (rc == CD_OK)
    journal_prune(j);
  return rc;
}

/* The beginning of a job must be on the disk before it begins, for it is never run again. What is
 * wanted of a state is on record as the order, and is taken up again. */
cd_code agent_journal_started(agent_journal *j, const agent_action *a, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = agent_kind_is_job(a->kind) ? journal_begin(j, err) : journal_begin_riding(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_prepare(j, "UPDATE actions SET status = ?, started = ? WHERE id = ? AND ended = 0",
                       &s, err);
  if (rc == CD_OK) {
    journal_bind(s, "tit", agent_action_status_name(a->status), (sqlite3_int64)a->started_ms,
                 a->id);
    rc = journal_run(j, s, "record that the action has started", err);
  }
  return journal_end(j, rc, err);
}

static cd_code update_ended(agent_journal *j, const agent_action *a, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "UPDATE actions SET status = ?, started = max(started, ?), ended = "
                               "?, outcome = ?, provider = ?, sentence = ?, result = ?"
                               " WHERE id = ? AND ended = 0",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  /* That it began may not be on record: then it goes on without. */
  journal_bind(s, "tiiitttt", agent_action_status_name(a->status), (sqlite3_int64)a->started_ms,
               (sqlite3_int64)a->ended_ms, (sqlite3_int64)a->outcome, a->provider, a->sentence,
               a->result, a->id);
  rc = journal_run(j, s, "record the outcome", err);
  if (rc == CD_OK && sqlite3_changes(j->db) != 1)
    rc =
        cd_fail(err, CD_E_CONFLICT, "action %s has ended already, or is not in the journal", a->id);
  return rc;
}

cd_code journal_put_ended(agent_journal *j, const agent_action *a, const agent_wanted *settled,
                          const agent_wanted *wanted, cd_err *err)
{
  cd_code rc = update_ended(j, a, err);
  if (rc == CD_OK && settled != NULL)
    rc = put_wanted(j, put_settled_sql, a->state, settled, err);
  if (rc == CD_OK && wanted != NULL)
    rc = put_wanted(j, put_wanted_sql, a->state, wanted, err);
  /* Of the jobs that somebody here has ordered the console is told what a scan has found. */
  if (rc == CD_OK && j->reporting &&
      (!agent_kind_is_job(a->kind) || a->console || a->kind == AGENT_KIND_SCAN))
    rc = journal_put_outbox(j, a->id, NULL, err);
  return rc;
}

cd_code agent_journal_ended(agent_journal *j, const agent_action *a, const agent_wanted *settled,
                            const agent_wanted *wanted, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_put_ended(j, a, settled, wanted, err);
  CD_FAULT_POINT("journal.ended_before_commit");
  return journal_end(j, rc, err);
}

static cd_code get_wanted(agent_journal *j, const char *sql, agent_capability state,
                          agent_wanted *ret_wanted, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, sql, &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)state);
  agent_wanted w = {0};
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW) {
    w.known = true;
    w.isolated = sqlite3_column_int(s, 0) != 0;
    w.generation = (uint64_t)sqlite3_column_int64(s, 1);
    (void)cd_str_copy(w.action, sizeof(w.action),
                      cd_str_from((const char *)sqlite3_column_text(s, 2)));
    w.since_ms = sqlite3_column_int64(s, 3);
    const char *params = (const char *)sqlite3_column_text(s, 4);
    const char *terms = (const char *)sqlite3_column_text(s, 5);
    if ((params != NULL && !agent_text_set(&w.params, cd_str_from(params))) ||
        (terms != NULL && !agent_text_set(&w.terms, cd_str_from(terms))))
      rc = cd_fail(err, CD_E_INTERNAL, "no memory for the wanted state");
  } else if (step != SQLITE_DONE) {
    rc = journal_fail(j, err, "read what is wanted");
  }
  (void)sqlite3_finalize(s);
  if (rc == CD_OK) {
    agent_wanted_release(ret_wanted);
    *ret_wanted = w;
  } else {
    agent_wanted_release(&w);
  }
  return rc;
}

cd_code agent_journal_wanted(agent_journal *j, agent_capability state, agent_wanted *ret_wanted,
                             cd_err *err)
{
  return get_wanted(
      j, "SELECT isolated, generation, action, since, params, terms FROM wanted WHERE state = ?",
      state, ret_wanted, err);
}

cd_code agent_journal_settled(agent_journal *j, agent_capability state, agent_wanted *ret_settled,
                              cd_err *err)
{
  return get_wanted(
      j, "SELECT isolated, generation, action, since, params, terms FROM settled WHERE state = ?",
      state, ret_settled, err);
}

static cd_str column(sqlite3_stmt *s, int i)
{
  return cd_str_from((const char *)sqlite3_column_text(s, i));
}

static bool column_text(sqlite3_stmt *s, int i, char **field)
{
  return sqlite3_column_type(s, i) == SQLITE_NULL || agent_text_set(field, column(s, i));
}

static cd_code read_action(sqlite3_stmt *s, agent_action **ret_action, cd_err *err)
{
  agent_action *a = calloc(1, sizeof(*a));
  if (a == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for an action");
  bool good = cd_str_copy(a->id, sizeof(a->id), column(s, 0)) &&
              agent_kind_from_name(column(s, 1), &a->kind) &&
              agent_action_status_from_name(column(s, 3), &a->status);
  a->state = (agent_capability)sqlite3_column_int(s, 2);
  a->generation = (uint64_t)sqlite3_column_int64(s, 4);
  (void)cd_str_copy(a->user, sizeof(a->user), column(s, 5));
  a->user_id = (uint64_t)sqlite3_column_int64(s, 6);
  a->process_id = (uint64_t)sqlite3_column_int64(s, 7);
  a->created_ms = sqlite3_column_int64(s, 8);
  a->started_ms = sqlite3_column_int64(s, 9);
  a->ended_ms = sqlite3_column_int64(s, 10);
  a->outcome = (cd_code)sqlite3_column_int(s, 11);
  a->console = sqlite3_column_type(s, 17) != SQLITE_NULL;
  a->force = sqlite3_column_int(s, 19) != 0;
  if (a->console)
    good = good && cd_digest_from_text(column(s, 17), &a->order);
  if (!good || (int)a->state < 0 || a->state >= AGENT_CAP_COUNT) {
    cd_code rc = cd_fail(err, CD_E_INTERNAL,
                         "journal: action '%s' is not one that this version writes", a->id);
    agent_action_free(a);
    return rc;
  }
  if (!column_text(s, 12, &a->comment) || !column_text(s, 13, &a->params) ||
      !column_text(s, 14, &a->provider) || !column_text(s, 15, &a->sentence) ||
      !column_text(s, 16, &a->result) || !column_text(s, 18, &a->terms)) {
    agent_action_free(a);
    return cd_fail(err, CD_E_INTERNAL, "no memory for an action");
  }
  *ret_action = a;
  return CD_OK;
}

/* Takes over the statement. */
static cd_code read_one(agent_journal *j, sqlite3_stmt *s, agent_action **ret_action, cd_err *err)
{
  cd_code rc;
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW)
    rc = read_action(s, ret_action, err);
  else if (step == SQLITE_DONE)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no such action");
  else
    rc = journal_fail(j, err, "read an action");
  (void)sqlite3_finalize(s);
  return rc;
}

static cd_code next_of(agent_journal *j, const char *sql, agent_capability state,
                       agent_action **ret_action, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, sql, &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)state);
  return read_one(j, s, ret_action, err);
}

cd_code agent_journal_next(agent_journal *j, agent_capability state, agent_action **ret_action,
                           cd_err *err)
{
  return next_of(j,
                 "SELECT " ACTION_COLUMNS
                 " FROM actions WHERE ended = 0 AND state = ? ORDER BY seq LIMIT 1",
                 state, ret_action, err);
}

cd_code agent_journal_left_open(agent_journal *j, agent_capability state, agent_action **ret_action,
                                cd_err *err)
{
  return next_of(j,
                 "SELECT " ACTION_COLUMNS " FROM actions WHERE ended = 0 AND state = ?"
                 " AND (order_digest IS NULL OR status != 'Pending') ORDER BY seq LIMIT 1",
                 state, ret_action, err);
}

cd_code agent_journal_unfinished_count(agent_journal *j, agent_capability state,
                                       unsigned *ret_count, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc =
      journal_prepare(j, "SELECT count(*) FROM actions WHERE ended = 0 AND state = ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)state);
  if (sqlite3_step(s) == SQLITE_ROW)
    *ret_count = (unsigned)sqlite3_column_int64(s, 0);
  else
    rc = journal_fail(j, err, "count the open actions");
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_action(agent_journal *j, const char *id, agent_action **ret_action,
                             cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "SELECT " ACTION_COLUMNS " FROM actions WHERE id = ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "t", id);
  return read_one(j, s, ret_action, err);
}

cd_code agent_journal_actions(agent_journal *j, unsigned limit, const char *before,
                              void (*each)(void *context, const agent_action *a), void *context,
                              cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "SELECT " ACTION_COLUMNS " FROM actions"
                               " WHERE ?1 IS NULL OR seq < (SELECT seq FROM actions WHERE id = ?1) "
                               "ORDER BY seq DESC LIMIT ?2",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "ti", before, (sqlite3_int64)limit);
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW && rc == CD_OK) {
    agent_action *a = NULL;
    rc = read_action(s, &a, err);
    if (rc == CD_OK)
      each(context, a);
    agent_action_free(a);
  }
  if (rc == CD_OK && step != SQLITE_DONE)
    rc = journal_fail(j, err, "read the actions");
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_results(agent_journal *j, agent_kind kind, const char *text, unsigned limit,
                              void (*each)(void *context, cd_str result), void *context,
                              cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "SELECT result FROM actions WHERE kind = ? AND instr(result, ?) > 0"
                               " ORDER BY seq DESC LIMIT ?",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tti", agent_kind_name(kind), text, (sqlite3_int64)limit);
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW)
    each(context,
         (cd_str){(const char *)sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0)});
  if (step != SQLITE_DONE)
    rc = journal_fail(j, err, "read the results");
  (void)sqlite3_finalize(s);
  return rc;
}
