/* Release codes at the console. The database holds a salt and a digest for each isolation; the code
 * itself is made anew each time out of the action's id and a key that lies in a file beside the
 * database. Who was shown one stands in the audit log, and nowhere else. */
#include "base/clock.h"
#include "base/json.h"
#include "key_file.h"
#include "protocol/secret.h"
#include "store_private.h"

#include <mbedtls/md.h>

#include <stdio.h>

#include "base/banned.h"

#define SECRET_PREFIX "cordon-release-secret-1\n"

_Static_assert(sizeof(con_code_key) == CON_KEY_FILE_SIZE, "the code key is kept in a key file");
_Static_assert(CD_RELEASE_CODE_RANDOM <= CD_DIGEST_SIZE, "one HMAC is enough for a code");

cd_code con_code_key_load(const char *path, con_code_key *ret_key, cd_err *err)
{
  return con_key_file_load(path, "code key", ret_key->bytes, err);
}

/* ---- making ---- */

static cd_code make_code(const con_code_key *key, cd_str device, cd_str action,
                         cd_release_code *ret_code, cd_err *err)
{
  uint8_t secret[CD_DIGEST_SIZE];
  char text[sizeof(SECRET_PREFIX) + CD_DEVICE_ID_MAX + CD_ID_SIZE + 1];
  int len = snprintf(text, sizeof(text), SECRET_PREFIX "%.*s\n%.*s", CD_STR_ARG(device),
                     CD_STR_ARG(action));
  if (len < 0 || (size_t)len >= sizeof(text))
    return cd_fail(err, CD_E_INVALID, "an id is too long for a release code");
  int rc = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key->bytes,
                           sizeof(key->bytes), (const unsigned char *)text, (size_t)len, secret);
  cd_code code = rc == 0
                     ? cd_release_code_make(device, secret, ret_code, err)
                     : cd_fail_os(err, CD_E_INTERNAL, rc, "a release code could not be derived");
  cd_wipe(secret, sizeof(secret));
  return code;
}

/* The old parameters, with these terms' code in the place of theirs. */
static cd_code write_parameters(const cd_json *old, const cd_terms *code, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_members(&w, old, "code");
  cd_terms_write(code, &w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the parameters", err);
}

cd_code code_add(con_store *s, const con_action_new *n, const char *id, cd_buf *out, cd_err *err)
{
  cd_release_code code = {0};
  cd_terms terms;
  cd_json_doc *doc = NULL;
  cd_terms_init(&terms);
  terms.has_code = true;
  cd_code rc = cd_json_parse(n->parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc == CD_OK)
    rc = store_random(terms.code_salt, sizeof(terms.code_salt), err);
  if (rc == CD_OK)
    rc = make_code(&s->code, n->device, cd_str_from(id), &code, err);
  if (rc == CD_OK)
    rc = cd_release_code_digest(&code, n->device, cd_str_from(id), terms.code_salt,
                                &terms.code_digest, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    rc = write_parameters(&root, &terms, out, err);
  }
  cd_wipe(&code, sizeof(code));
  cd_json_free(doc);
  return rc;
}

/* ---- may it be shown ---- */

static cd_code read_terms(const con_action *a, cd_terms *ret_terms, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(a->parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_terms_read(&root, ret_terms);
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  return rc;
}

/* A newer order that the device has, of the console or its own; CD_E_NOTFOUND without a sentence
 * if there is none. */
static cd_code find_newer(con_store *s, const con_action *a, char ret_id[CD_ID_SIZE], cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_NEWER, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sii", a->device, (int64_t)cd_order_kind_state(a->kind), (int64_t)a->generation);
  rc = store_row(s, stmt, "look for a newer order", err);
  if (rc == CD_OK)
    (void)cd_str_copy(ret_id, CD_ID_SIZE, store_text(stmt, 0));
  store_done(stmt);
  return rc;
}

static void say(con_code_state *state, const char *fmt, ...) CD_PRINTF(2, 3);
static void say(con_code_state *state, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(state->sentence, sizeof(state->sentence), fmt, args);
  va_end(args);
}

static bool each_entry(void *context, const con_audit_entry *e)
{
  con_code_state *state = context;
  if (!cd_str_eq_cstr(e->what, CON_WHAT_CODE))
    return true;
  state->shown_ms = e->at_ms;
  (void)cd_str_copy(state->shown_to, sizeof(state->shown_to), e->who);
  return false;
}

static cd_code look_who_saw(con_store *s, const con_action *a, con_code_state *state, cd_err *err)
{
  char at[CD_TIME_TEXT_MAX];
  const con_audit_query query = {.first = 1, .limit = 1000, .action = cd_str_from(a->id)};
  cd_code rc = con_audit_list(s, &query, each_entry, state, err);
  if (rc != CD_OK || state->shown_ms == 0)
    return rc;
  cd_time_text(state->shown_ms, at);
  say(state,
      "the release code of action %s was shown to '%s' at %s, and a code is shown once: ask there",
      a->id, state->shown_to, at);
  return CD_OK;
}

/* The reason that it cannot be shown goes into the sentence; an empty sentence: it can. */
static cd_code judge(con_store *s, const con_action *a, cd_terms *terms, con_code_state *state,
                     cd_err *err)
{
  char newer[CD_ID_SIZE] = "";
  cd_code rc = read_terms(a, terms, err);
  if (rc != CD_OK)
    return rc;
  if (a->kind != CD_ORDER_ISOLATE || !terms->has_code) {
    say(state, "action %s has no release code: only an isolation that this console ordered has one",
        a->id);
    return CD_OK;
  }
  rc = look_who_saw(s, a, state, err);
  if (rc != CD_OK || state->shown_ms != 0)
    return rc;
  rc = find_newer(s, a, newer, err);
  if (rc == CD_OK)
    say(state, "the device has taken a newer order (action %s), so this code is of no use any more",
        newer);
  else if (rc == CD_E_NOTFOUND && a->sent_ms == 0)
    say(state,
        "the order was not sent to the device yet, so there is nothing a code could release");
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_action_code_look(con_store *s, cd_str id, con_code_state *ret_state, cd_err *err)
{
  con_action a = {0};
  cd_terms terms;
  con_code_state state = {0};
  cd_code rc = con_action_get(s, id, &a, err);
  if (rc == CD_OK)
    rc = judge(s, &a, &terms, &state, err);
  if (rc == CD_OK) {
    (void)cd_str_copy(state.device, sizeof(state.device), a.device);
    state.available = state.sentence[0] == '\0';
    *ret_state = state;
  }
  con_action_release(&a);
  return rc;
}

/* ---- showing ---- */

/* The key that made it may have been lost since. */
static cd_code make_again(con_store *s, const con_action *a, const cd_terms *terms,
                          cd_release_code *ret_code, cd_err *err)
{
  cd_digest digest;
  cd_release_code again = {0};
  cd_str id = cd_str_from(a->id);
  cd_code rc = s->has_code ? make_code(&s->code, a->device, id, &again, err)
                           : cd_fail(err, CD_E_CONFLICT, "this console makes no release codes");
  if (rc == CD_OK)
    rc = cd_release_code_digest(&again, a->device, id, terms->code_salt, &digest, err);
  if (rc == CD_OK && !cd_digest_equal(&digest, &terms->code_digest))
    rc = cd_fail(err, CD_E_CONFLICT,
                 "the key that made the release code of action %s is not this console's any more: "
                 "its file was replaced",
                 a->id);
  if (rc == CD_OK)
    *ret_code = again;
  cd_wipe(&again, sizeof(again));
  return rc;
}

static cd_code add_entry(con_store *s, const con_by *by, const con_action *a, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_jw w;
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "comment", by->comment);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the detail of an audit entry", err);
  const con_audit_entry entry = {.who = by->who,
                                 .what = CD_STR(CON_WHAT_CODE),
                                 .device = a->device,
                                 .action = cd_str_from(a->id),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code show(con_store *s, const con_by *by, const con_action *a, cd_release_code *ret_code,
                    cd_err *err)
{
  cd_terms terms;
  con_code_state state = {0};
  cd_code rc = judge(s, a, &terms, &state, err);
  if (rc == CD_OK && state.sentence[0] != '\0')
    rc = cd_fail(err, CD_E_CONFLICT, "%s", state.sentence);
  if (rc == CD_OK)
    rc = make_again(s, a, &terms, ret_code, err);
  return rc == CD_OK ? add_entry(s, by, a, err) : rc;
}

cd_code con_action_code_show(con_store *s, const con_by *by, cd_str id, cd_release_code *ret_code,
                             cd_err *err)
{
  con_action a = {0};
  cd_release_code code = {0};
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = con_action_get(s, id, &a, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = show(s, by, &a, &code, err);
    rc = store_end(s, rc, err);
  }
  if (rc == CD_OK)
    *ret_code = code;
  cd_wipe(&code, sizeof(code));
  con_action_release(&a);
  return rc;
}
