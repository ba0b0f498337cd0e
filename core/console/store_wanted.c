/* What is wanted of each device, and the generations that its orders get. */
#include "store_private.h"

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

/* The statement stands on the action that decides, or `choice` is NULL: then it is released. */
static cd_code set_wanted(con_store *s, cd_str device, cd_state state, sqlite3_stmt *choice,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  bool isolated = choice != NULL && sqlite3_column_int64(choice, 0) == CD_ORDER_ISOLATE;
  cd_code rc = store_take(s, CON_SQL_WANTED_SET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "siissisi", device, (int64_t)state,
             (int64_t)(isolated ? CD_WANTED_ISOLATED : CD_WANTED_RELEASED),
             isolated ? type_of_scope(store_text(choice, 1)) : (cd_str){0},
             choice != NULL ? store_text(choice, 2) : CD_STR("{}"),
             choice != NULL ? sqlite3_column_int64(choice, 3) : (int64_t)0,
             choice != NULL ? store_text(choice, 4) : (cd_str){0},
             choice != NULL ? sqlite3_column_int64(choice, 5) : (int64_t)0);
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
