/* Devices: what somebody asks to be done with them, each with its audit entry. */
#include "base/clock.h"
#include "base/json.h"
#include "protocol/base64.h"
#include "protocol/statement.h"
#include "store_private.h"

#include <string.h>

#include "base/banned.h"

#define WHO_CONSOLE CD_STR("console")

/* One statement of an id and a text on a device, after which its entry is appended. */
static cd_code change(con_store *s, con_sql which, cd_str id, cd_str text,
                      const con_audit_entry *entry, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, which, &stmt, err);
  if (rc != CD_OK)
    return rc;
  if (text.ptr != NULL)
    store_bind(stmt, "ss", id, text);
  else
    store_bind(stmt, "s", id);
  rc = store_run(s, stmt, "change a device", err);
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no device '%.*s'", CD_STR_ARG(id));
  return rc == CD_OK ? audit_add(s, entry, NULL, err) : rc;
}

static cd_code write_detail(cd_buf *out, const char *key, cd_str value, cd_str comment, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (key != NULL)
    cd_jw_str(&w, key, value);
  cd_jw_str(&w, "comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

cd_code con_device_tag(con_store *s, const con_by *by, cd_str id, cd_str tag, bool add,
                       bool *ret_changed, cd_err *err)
{
  con_device d = {0};
  cd_buf tags = CD_BUF_INIT(64u * 1024u);
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  bool changed = false;
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = con_device_get(s, id, &d, err);
  if (rc == CD_OK)
    rc = tags_change(d.tags, tag, add, &tags, &changed, err);
  if (rc == CD_OK)
    rc = write_detail(&detail, "tag", tag, by->comment, err);
  if (rc == CD_OK && changed) {
    const con_audit_entry entry = {.who = by->who,
                                   .what = add ? CD_STR("device.tag") : CD_STR("device.untag"),
                                   .device = id,
                                   .detail = cd_buf_view(&detail)};
    rc = change(s, CON_SQL_DEVICE_TAGS, id, cd_buf_view(&tags), &entry, err);
  }
  rc = store_end(s, rc, err);
  if (rc == CD_OK && ret_changed != NULL)
    *ret_changed = changed;
  cd_buf_release(&detail);
  cd_buf_release(&tags);
  con_device_release(&d);
  return rc;
}

cd_code con_device_revoke(con_store *s, const con_by *by, cd_str id, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = write_detail(&detail, NULL, (cd_str){0}, by->comment, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    const con_audit_entry entry = {.who = by->who,
                                   .what = CD_STR(CON_WHAT_REVOKE),
                                   .device = id,
                                   .detail = cd_buf_view(&detail)};
    rc = change(s, CON_SQL_DEVICE_REVOKE, id, (cd_str){0}, &entry, err);
    rc = store_end(s, rc, err);
  }
  cd_buf_release(&detail);
  return rc;
}

cd_code con_device_clone_suspected(con_store *s, cd_str id, cd_str detail, cd_err *err)
{
  const con_audit_entry entry = {
      .who = WHO_CONSOLE, .what = CD_STR("device.clone_suspected"), .device = id, .detail = detail};
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = change(s, CON_SQL_DEVICE_CLONE, id, (cd_str){0}, &entry, err);
  return store_end(s, rc, err);
}

static void write_key(cd_jw *w, const char *key, const cd_digest *digest)
{
  char text[CD_DIGEST_TEXT_MAX];
  cd_digest_text(digest, text);
  cd_jw_cstr(w, key, text);
}

cd_code con_device_renew(con_store *s, cd_str id, const cd_digest *tls_key,
                         con_audit_ref *ret_audit, cd_err *err)
{
  con_device d = {0};
  con_audit_ref ref = {0};
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_jw w;
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  write_key(&w, "tls_key", tls_key);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the detail of an audit entry", err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = con_device_get(s, id, &d, err);
    if (rc == CD_OK && d.revoked)
      rc = cd_fail(err, CD_E_DENIED, "device '%.*s' is revoked", CD_STR_ARG(id));
    const con_audit_entry entry = {
        .who = id, .what = CD_STR(CON_WHAT_RENEW), .device = id, .detail = cd_buf_view(&detail)};
    if (rc == CD_OK)
      rc = audit_add(s, &entry, &ref, err);
    rc = store_end(s, rc, err);
  }
  if (rc == CD_OK)
    *ret_audit = ref;
  cd_buf_release(&detail);
  con_device_release(&d);
  return rc;
}

/* ---- enrolment ---- */

static cd_code check_enrolment(const con_enrolment *e, cd_err *err)
{
  cd_digest id;
  if (e->key_id.len != 64 || !cd_unhex(id.bytes, sizeof(id.bytes), e->key_id) ||
      e->device_key.len != CD_BASE64URL_LEN(CD_KEY_DER_SIZE))
    return cd_fail(err, CD_E_INVALID, "the device key is no key in its text form");
  if (e->dns_name.len > CON_NAME_MAX || e->os_platform.len > CON_WORD_MAX ||
      e->agent_version.len > CON_WORD_MAX || e->peer.len > CON_WORD_MAX ||
      !cd_str_utf8_valid(e->dns_name) || !cd_str_utf8_valid(e->os_platform) ||
      !cd_str_utf8_valid(e->agent_version))
    return cd_fail(err, CD_E_INVALID, "a name or version of the device is too long, or no text");
  return CD_OK;
}

static cd_code add_device(con_store *s, const con_enrolment *e, cd_str tags, con_enrolled *out,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  uint8_t random[(CON_DEVICE_TEXT - 1) / 2];
  cd_code rc = store_random(random, sizeof(random), err);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_DEVICE_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  cd_hex(out->device, random, sizeof(random));
  store_bind(stmt, "ssssssssi", cd_str_from(out->device), e->dns_name, e->os_platform,
             e->agent_version, e->peer, tags, e->device_key, e->key_id, cd_wall_ms());
  return store_run(s, stmt, "add a device", err);
}

static cd_code update_device(con_store *s, const con_enrolment *e, cd_str tags,
                             const con_enrolled *known, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_DEVICE_AGAIN, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssssssi", cd_str_from(known->device), e->dns_name, e->os_platform,
             e->agent_version, e->peer, tags, cd_wall_ms());
  return store_run(s, stmt, "enrol a device again", err);
}

/* Who has that key; empty: nobody. An edited row makes nobody another device. */
static cd_code find_known(con_store *s, const con_enrolment *e, char ret_device[CON_DEVICE_TEXT],
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_digest key;
  cd_code rc = store_take(s, CON_SQL_DEVICE_BY_KEY, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", e->key_id);
  rc = store_row(s, stmt, "look for a device", err);
  if (rc == CD_OK && !cd_str_copy(ret_device, CON_DEVICE_TEXT, store_text(stmt, 0)))
    rc = cd_fail(err, CD_E_IO, "the database has a device without an id of ours");
  store_done(stmt);
  if (rc == CD_E_NOTFOUND)
    return CD_OK;
  (void)cd_unhex(key.bytes, sizeof(key.bytes), e->key_id);
  return rc == CD_OK ? backing_device_key(s, cd_str_from(ret_device), &key, err) : rc;
}

/* By its key it is the device it was, whatever it calls itself now. */
static cd_code find_or_add(con_store *s, const con_enrolment *e, cd_str token_tags,
                           con_enrolled *out, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf tags = CD_BUF_INIT(64u * 1024u);
  cd_code rc = store_take(s, CON_SQL_DEVICE_BY_KEY, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", e->key_id);
  rc = store_row(s, stmt, "look for a device", err);
  if (rc == CD_OK) {
    out->known_before = true;
    if (!cd_str_copy(out->device, sizeof(out->device), store_text(stmt, 0)))
      rc = cd_fail(err, CD_E_IO, "the database has a device without an id of ours");
    else
      rc = tags_join(store_text(stmt, 1), token_tags, &tags, err);
  } else if (rc == CD_E_NOTFOUND) {
    rc = tags_join(CD_STR("[]"), token_tags, &tags, err);
  }
  store_done(stmt);
  if (rc == CD_OK)
    rc = out->known_before ? update_device(s, e, cd_buf_view(&tags), out, err)
                           : add_device(s, e, cd_buf_view(&tags), out, err);
  cd_buf_release(&tags);
  return rc;
}

static cd_code audit_enrolment(con_store *s, const con_enrolment *e, const char *token,
                               con_enrolled *out, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_digest device_key;
  cd_jw w;
  (void)cd_unhex(device_key.bytes, sizeof(device_key.bytes), e->key_id);
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  write_key(&w, "tls_key", &e->tls_key);
  write_key(&w, "device_key", &device_key);
  cd_jw_cstr(&w, "token", token);
  cd_jw_str(&w, "hostname", e->dns_name);
  cd_jw_str(&w, "peer", e->peer);
  cd_jw_bool(&w, "again", out->known_before);
  if (e->tag_count > 0) {
    cd_jw_arr(&w, "tags");
    for (size_t i = 0; i < e->tag_count; i++)
      cd_jw_str(&w, NULL, e->tags[i]);
    cd_jw_end_arr(&w);
  }
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the detail of an audit entry", err);
  const con_audit_entry entry = {.who = cd_str_from(out->device),
                                 .what = CD_STR(CON_WHAT_ENROLL),
                                 .device = cd_str_from(out->device),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, &out->audit, err);
  cd_buf_release(&detail);
  return rc;
}

cd_code con_device_enroll(con_store *s, const con_enrolment *enrolment, con_enrolled *ret_enrolled,
                          cd_err *err)
{
  con_enrolled out = {0};
  char token[CD_ID_SIZE] = "";
  char known[CON_DEVICE_TEXT] = "";
  cd_buf tags = CD_BUF_INIT(64u * 1024u);
  cd_code rc = check_enrolment(enrolment, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = find_known(s, enrolment, known, err);
  if (rc == CD_OK)
    rc = token_use(s, enrolment, cd_str_from(known), token, &tags, err);
  if (rc == CD_OK)
    rc = find_or_add(s, enrolment, cd_buf_view(&tags), &out, err);
  if (rc == CD_OK)
    rc = audit_enrolment(s, enrolment, token, &out, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK)
    *ret_enrolled = out;
  cd_buf_release(&tags);
  return rc;
}
