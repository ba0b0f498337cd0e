#include "package_state.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#include <stdio.h>

#include "base/banned.h"

typedef unsigned long long ull;

typedef struct standing {
  con_package expected;
  con_package_note note;
  uint64_t kept;
  bool whole;
} standing;

/* CD_E_NOTFOUND: the action has made none. */
static cd_code look(const con_server *s, const con_action *a, standing *ret, cd_err *err)
{
  standing at = {.whole = false};
  cd_code rc = con_package_expected(a, &at.expected, err);
  if (rc == CD_OK)
    rc = con_package_note_get(s->store, cd_str_from(a->id), &at.note, err);
  if (rc != CD_OK)
    return rc;
  at.kept = con_package_look(s, a->id, &at.whole);
  if (!at.whole && at.kept > at.expected.bytes)
    at.kept = 0; /* it cannot be of this package, and is begun anew */
  *ret = at;
  return CD_OK;
}

static const char *name_of(const standing *at)
{
  if (at->whole)
    return "here";
  if (at->note.fate == CON_PACKAGE_GIVEN_UP)
    return "given_up";
  if (at->note.fate == CON_PACKAGE_REMOVED)
    return "removed";
  if (at->note.fate == CON_PACKAGE_LOST)
    return "lost";
  return at->kept > 0 ? "coming" : "waiting";
}

static void add_missing(const standing *at, cd_buf *out)
{
  ull lacks = at->expected.bytes - at->kept;
  if (at->note.fate == CON_PACKAGE_REMOVED) {
    cd_buf_add_cstr(out, at->note.sentence);
    return;
  }
  if (at->kept == 0)
    cd_buf_addf(out, "all of its %llu bytes are missing", (ull)at->expected.bytes);
  else
    cd_buf_addf(out, "%llu of its %llu bytes are missing", lacks, (ull)at->expected.bytes);
  if (at->note.fate == CON_PACKAGE_GIVEN_UP)
    cd_buf_addf(out, ", and no more of it is taken, after %llu tries: %s", (ull)at->note.bad,
                at->note.sentence);
  else if (at->note.fate == CON_PACKAGE_LOST)
    cd_buf_addf(out, ", and will not come, as the device has it no more: %s", at->note.sentence);
  else if (at->note.sentence[0] != '\0')
    cd_buf_addf(out, "; the last try ended: %s", at->note.sentence);
}

cd_code con_package_write(const con_server *s, const con_action *a, cd_jw *w, cd_err *err)
{
  standing at;
  cd_buf sentence = CD_BUF_INIT(2048);
  cd_code rc = look(s, a, &at, err);
  if (rc == CD_E_NOTFOUND) {
    cd_jw_null(w, "package");
    return CD_OK;
  }
  if (rc != CD_OK)
    return rc;
  cd_jw_obj(w, "package");
  cd_jw_cstr(w, "state", name_of(&at));
  cd_jw_u64(w, "bytes", at.expected.bytes);
  cd_jw_u64(w, "kept", at.kept);
  cd_jw_u64(w, "badTries", at.note.bad);
  cd_jw_time(w, "at", at.note.at_ms);
  if (at.whole) {
    cd_jw_null(w, "missing");
  } else {
    add_missing(&at, &sentence);
    cd_jw_str(w, "missing", cd_buf_view(&sentence));
  }
  cd_jw_end_obj(w);
  cd_buf_release(&sentence);
  return CD_OK;
}

cd_code con_package_missing(const con_server *s, const con_action *a, cd_buf *out, bool *ret_over,
                            cd_err *err)
{
  standing at;
  cd_code rc = look(s, a, &at, err);
  if (rc != CD_OK)
    return rc;
  add_missing(&at, out);
  *ret_over = at.note.fate == CON_PACKAGE_GIVEN_UP || at.note.fate == CON_PACKAGE_REMOVED ||
              at.note.fate == CON_PACKAGE_LOST;
  return CD_OK;
}

/* ---- what is remembered ---- */

static void keep(const con_server *s, const char *id, const con_package_note *note)
{
  cd_err err = {0};
  if (con_package_note_set(s->store, cd_str_from(id), note, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "action=%s: %s", id, err.text);
}

static con_package_note known(const con_server *s, const char *id)
{
  con_package_note note = {0};
  cd_err err = {0};
  if (con_package_note_get(s->store, cd_str_from(id), &note, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "action=%s: %s", id, err.text);
  return note;
}

cd_code con_package_comes(const con_server *s, const char *id, cd_err *err)
{
  con_package_note note = {0};
  cd_code rc = con_package_note_get(s->store, cd_str_from(id), &note, err);
  if (rc == CD_OK && note.fate == CON_PACKAGE_GIVEN_UP)
    rc = cd_fail(err, CD_E_DENIED, "no more of the package of action %s is taken: %s", id,
                 note.sentence);
  if (rc == CD_OK && note.fate == CON_PACKAGE_REMOVED)
    rc = cd_fail(err, CD_E_DENIED, "the package of action %s is not taken again: %s", id,
                 note.sentence);
  return rc;
}

void con_package_failed(con_server *s, const char *id, bool bad, const char *sentence)
{
  con_package_note note = known(s, id);
  note.bad += bad ? 1 : 0;
  note.fate = note.bad >= CON_PACKAGE_BAD_MAX ? CON_PACKAGE_GIVEN_UP : CON_PACKAGE_COMES;
  note.at_ms = cd_wall_ms();
  (void)cd_str_copy(note.sentence, sizeof(note.sentence), cd_str_from(sentence));
  if (note.fate == CON_PACKAGE_GIVEN_UP)
    con_package_drop_part(s, id);
  keep(s, id, &note);
}

void con_package_lost(con_server *s, const char *id, const char *sentence)
{
  con_package_note note = known(s, id);
  note.fate = CON_PACKAGE_LOST;
  note.at_ms = cd_wall_ms();
  (void)cd_str_copy(note.sentence, sizeof(note.sentence), cd_str_from(sentence));
  con_package_drop_part(s, id);
  keep(s, id, &note);
}

void con_package_came(const con_server *s, const char *id)
{
  cd_err err = {0};
  if (con_package_note_remove(s->store, cd_str_from(id), &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "action=%s: %s", id, err.text);
}

void con_package_removed(const con_server *s, const char *id, bool whole)
{
  con_package_note note = known(s, id);
  if (note.fate != CON_PACKAGE_GIVEN_UP)
    note.fate = whole ? CON_PACKAGE_REMOVED : CON_PACKAGE_COMES;
  note.at_ms = cd_wall_ms();
  (void)snprintf(note.sentence, sizeof(note.sentence),
                 whole ? "it was here and was removed: packages are kept for %llu days"
                       : "what had come of it was removed: it is kept for %llu days",
                 (ull)s->config.package_days);
  keep(s, id, &note);
}
