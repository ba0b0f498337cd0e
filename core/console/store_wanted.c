/* What is wanted of each device, and the generations that its orders get. */
#include "base/clock.h"
#include "base/json.h"
#include "store_private.h"
#include "store_terms.h"

#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {offsetof(con_wanted, type), offsetof(con_wanted, parameters)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_wanted_release(con_wanted *w)
{
  free(w->memory);
  *w = (con_wanted){0};
}

/* CD_E_NOTFOUND without a sentence where nothing was ever wanted. */
static cd_code take_row(con_store *s, cd_str device, cd_state state, sqlite3_stmt **ret_stmt,
                        cd_err *err)
{
  cd_code rc = store_take(s, CON_SQL_WANTED_GET, ret_stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(*ret_stmt, "si", device, (int64_t)state);
  return store_row(s, *ret_stmt, "read what is wanted", err);
}

cd_code con_wanted_get(con_store *s, cd_str device, cd_state state, con_wanted *ret_wanted,
                       cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_wanted w = {.state = state, .value = CD_WANTED_RELEASED};
  cd_code rc = take_row(s, device, state, &stmt, err);
  if (rc == CD_OK) {
    store_read_texts(stmt, &texts, &w);
    w.value = sqlite3_column_int64(stmt, 2) == CD_WANTED_ISOLATED ? CD_WANTED_ISOLATED
                                                                  : CD_WANTED_RELEASED;
    w.generation = store_u64(stmt, 3);
    w.value_generation = store_u64(stmt, 4);
    (void)cd_str_copy(w.action, sizeof(w.action), store_text(stmt, 5));
    w.since_ms = sqlite3_column_int64(stmt, 6);
    rc = store_own_texts(&texts, &w, &w.memory, err);
  } else if (rc == CD_E_NOTFOUND) {
    w.parameters = CD_STR("{}");
    rc = CD_OK;
  }
  store_done(stmt);
  if (rc == CD_OK)
    *ret_wanted = w;
  return rc;
}

cd_code con_wanted_raise(con_store *s, cd_str device, cd_state state, uint64_t generation,
                         cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  if (generation > CD_GENERATION_MAX)
    return cd_fail(err, CD_E_INVALID, "a generation of %llu is out of range",
                   (unsigned long long)generation);
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_WANTED_RAISE, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "sii", device, (int64_t)state, (int64_t)generation);
    rc = store_run(s, stmt, "record the generation that a device holds", err);
  }
  return store_end(s, rc, err);
}

cd_code wanted_next(con_store *s, cd_str device, cd_state state, uint64_t *ret_generation,
                    cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  uint64_t highest = 0;
  cd_code rc = take_row(s, device, state, &stmt, err);
  if (rc == CD_OK)
    highest = store_u64(stmt, 3);
  store_done(stmt);
  if (rc != CD_OK && rc != CD_E_NOTFOUND)
    return rc;
  if (highest >= CD_GENERATION_MAX)
    return cd_fail(err, CD_E_LIMIT, "device '%.*s' has used up its generations",
                   CD_STR_ARG(device));
  rc = store_take(s, CON_SQL_WANTED_GENERATION, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sii", device, (int64_t)state, (int64_t)highest + 1);
  rc = store_run(s, stmt, "take the next generation", err);
  if (rc == CD_OK)
    *ret_generation = highest + 1;
  return rc;
}

static cd_str type_of_scope(cd_str scope)
{
  if (cd_str_eq_cstr(scope, "Full"))
    return CD_STR("full");
  return cd_str_eq_cstr(scope, "Selective") ? CD_STR("selective") : (cd_str){0};
}

/* Until when it is wanted isolated; 0: without an end, or it is not. */
static cd_code set_lease(con_store *s, cd_str device, cd_state state, int64_t until_ms, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, until_ms != 0 ? CON_SQL_LEASE_SET : CON_SQL_LEASE_NONE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, until_ms != 0 ? "sii" : "si", device, (int64_t)state, until_ms);
  return store_run(s, stmt, "record how long an isolation lasts", err);
}

/* The statement stands on the action that decides, or `choice` is NULL: then it is released. It is
 * too once the lease of the isolation has ended, whether or not the device was there. */
static cd_code set_wanted(con_store *s, cd_str device, cd_state state, sqlite3_stmt *choice,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  bool isolated = choice != NULL && sqlite3_column_int64(choice, 0) == CD_ORDER_ISOLATE;
  int64_t until = isolated ? con_parameters_lease(store_text(choice, 2)) : 0;
  int64_t lapsed = until != 0 && until <= cd_wall_ms() ? until : 0;
  isolated = isolated && lapsed == 0;
  cd_code rc = set_lease(s, device, state, isolated ? until : 0, err);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_WANTED_SET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "siissisi", device, (int64_t)state,
             (int64_t)(isolated ? CD_WANTED_ISOLATED : CD_WANTED_RELEASED),
             isolated ? type_of_scope(store_text(choice, 1)) : (cd_str){0},
             choice != NULL && lapsed == 0 ? store_text(choice, 2) : CD_STR("{}"),
             choice != NULL ? sqlite3_column_int64(choice, 3) : (int64_t)0,
             choice != NULL ? store_text(choice, 4) : (cd_str){0},
             lapsed != 0      ? lapsed
             : choice != NULL ? sqlite3_column_int64(choice, 5)
                              : (int64_t)0);
  return store_run(s, stmt, "record what is wanted", err);
}

/* What has not ended will still be carried out, so the newest of those says what is wanted. Else it
 * is what was asked for last, unless the device did something by itself since: we heard of that
 * later, and its generation is not below. What failed or was cancelled gives way; an action that
 * nobody heard the end of (TimeOut) is still wanted. */
cd_code wanted_settle(con_store *s, cd_str device, cd_state state, cd_err *err)
{
  sqlite3_stmt *choice = NULL;
  cd_code rc = store_take(s, CON_SQL_WANTED_CHOICE, &choice, err);
  if (rc != CD_OK)
    return rc;
  store_bind(choice, "si", device, (int64_t)state);
  rc = store_row(s, choice, "read what is wanted", err);
  if (rc == CD_OK)
    rc = set_wanted(s, device, state, choice, err);
  else if (rc == CD_E_NOTFOUND)
    rc = set_wanted(s, device, state, NULL, err);
  store_done(choice);
  return rc;
}

/* ---- leases ---- */

typedef struct lapsed_row {
  char device[CD_DEVICE_ID_MAX + 1];
  char action[CD_ID_SIZE];
  cd_state state;
  int64_t until_ms;
} lapsed_row;

/* CD_E_NOTFOUND without a sentence when there is none. */
static cd_code find_lapsed(con_store *s, int64_t now_ms, lapsed_row *out, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_LEASE_ENDED, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "i", now_ms);
  rc = store_row(s, stmt, "look for leases that have ended", err);
  if (rc == CD_OK) {
    if (!cd_str_copy(out->device, sizeof(out->device), store_text(stmt, 0)) ||
        !cd_str_copy(out->action, sizeof(out->action), store_text(stmt, 2)))
      rc = cd_fail(err, CD_E_IO, "the database has a wanted state that is not ours");
    out->state = (cd_state)sqlite3_column_int(stmt, 1);
    out->until_ms = sqlite3_column_int64(stmt, 3);
  }
  store_done(stmt);
  return rc;
}

static cd_code add_lapsed_entry(con_store *s, const lapsed_row *row, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(256);
  cd_jw w;
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "state", cd_state_name(row->state));
  cd_jw_i64(&w, "until", row->until_ms);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the detail of an audit entry", err);
  const con_audit_entry entry = {.who = CD_STR("console"),
                                 .what = CD_STR("lease.end"),
                                 .device = cd_str_from(row->device),
                                 .action = cd_str_from(row->action),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code lapse(con_store *s, const lapsed_row *row, cd_err *err)
{
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = wanted_settle(s, cd_str_from(row->device), row->state, err);
  if (rc == CD_OK)
    rc = add_lapsed_entry(s, row, err);
  return store_end(s, rc, err);
}

cd_code con_wanted_lapse(con_store *s, unsigned most,
                         void (*each)(void *context, const char *action, cd_str device),
                         void *context, cd_err *err)
{
  for (unsigned i = 0; i < most; i++) {
    lapsed_row row = {0};
    cd_code rc = find_lapsed(s, cd_wall_ms(), &row, err);
    if (rc == CD_E_NOTFOUND)
      return CD_OK;
    if (rc == CD_OK)
      rc = lapse(s, &row, err);
    if (rc != CD_OK)
      return rc;
    if (each != NULL)
      each(context, row.action, cd_str_from(row.device));
  }
  return CD_OK;
}
