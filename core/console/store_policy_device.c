/* What each device is to have, was given, and says that it has. */
#include "base/clock.h"
#include "base/json.h"
#include "protocol/policy.h"
#include "store_policy.h"
#include "store_private.h"

#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {
    offsetof(con_device_policy, name), offsetof(con_device_policy, body),
    offsetof(con_device_policy, jws), offsetof(con_device_policy, key),
    offsetof(con_device_policy, standing)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_device_policy_release(con_device_policy *p)
{
  free(p->memory);
  *p = (con_device_policy){0};
}

/* ---- reading ---- */

/* What a policy that is for a device is in force by. */
typedef struct reason {
  cd_buf body;
  bool found;      /* else nothing is for it, and the body is the empty one */
  bool by_default; /* no tag gives it one */
  cd_buf tag;
  uint64_t rank;
} reason;

/* What its tags say; all empty where nothing is for it. `ret_reason` may be NULL. */
static cd_code read_wanted(con_store *s, cd_str device, con_device_policy *p, reason *ret_reason,
                           cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_POLICY_FOR, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", device);
  rc = store_row(s, stmt, "read which policy is for a device", err);
  if (rc == CD_OK && !cd_policy_name_valid(store_text(stmt, 0))) {
    rc = cd_fail(err, CD_E_CONFLICT, "a policy in the database has a name that none can have");
  } else if (rc == CD_OK) {
    (void)cd_str_copy(p->wanted_name, sizeof(p->wanted_name), store_text(stmt, 0));
    p->wanted_revision = store_u64(stmt, 2);
    if (ret_reason != NULL) {
      cd_buf_add_str(&ret_reason->body, store_text(stmt, 1));
      cd_buf_add_str(&ret_reason->tag, store_text(stmt, 3));
      ret_reason->rank = store_u64(stmt, 4);
      ret_reason->by_default = store_u64(stmt, 5) != 0;
      ret_reason->found = true;
    }
  } else if (rc == CD_E_NOTFOUND) {
    rc = CD_OK;
    if (ret_reason != NULL)
      cd_buf_add_cstr(&ret_reason->body, "{}");
  }
  store_done(stmt);
  return rc;
}

static cd_code read_given(con_store *s, cd_str device, con_device_policy *p, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_DEVICE_POLICY_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", device);
  rc = store_row(s, stmt, "read the policy of a device", err);
  if (rc == CD_OK) {
    store_read_texts(stmt, &texts, p);
    p->version = store_u64(stmt, 5);
    p->revision = store_u64(stmt, 6);
    p->issued_ms = sqlite3_column_int64(stmt, 7);
    p->audit.sequence = store_u64(stmt, 8);
    (void)store_blob(stmt, 9, p->audit.digest.bytes, CD_DIGEST_SIZE);
    p->highest = store_u64(stmt, 10);
    rc = store_own_texts(&texts, p, &p->memory, err);
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_device_policy_get(con_store *s, cd_str device, con_device_policy *ret_policy,
                              cd_err *err)
{
  con_device_policy p = {0};
  cd_code rc = read_given(s, device, &p, err);
  if (rc == CD_OK)
    rc = read_wanted(s, device, &p, NULL, err);
  if (rc == CD_OK)
    *ret_policy = p;
  else
    con_device_policy_release(&p);
  return rc;
}

/* ---- giving ---- */

static cd_code add_entry(con_store *s, cd_str device, const con_device_policy *p, uint64_t version,
                         cd_str body, con_audit_ref *ret_ref, cd_err *err)
{
  cd_digest digest;
  char text[CD_DIGEST_TEXT_MAX];
  cd_jw w;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = cd_digest_of(body.ptr, body.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&digest, text);
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "name", p->wanted_name);
  cd_jw_u64(&w, "version", version);
  cd_jw_u64(&w, "revision", p->wanted_revision);
  cd_jw_cstr(&w, "body", text);
  cd_jw_end_obj(&w);
  rc = cd_jw_done(&w, "the detail of an audit entry", err);
  const con_audit_entry entry = {.who = CD_STR("cordon-console"),
                                 .what = CD_STR(CON_WHAT_POLICY),
                                 .device = device,
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, ret_ref, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code give(con_store *s, cd_str device, const con_device_policy *p, cd_str body,
                    cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_audit_ref ref = {0};
  uint64_t version = (p->version > p->highest ? p->version : p->highest) + 1;
  if (version > CD_GENERATION_MAX)
    return cd_fail(err, CD_E_LIMIT, "device '%.*s' has used up its versions", CD_STR_ARG(device));
  cd_code rc = add_entry(s, device, p, version, body, &ref, err);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_DEVICE_POLICY_SET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sisisiib", device, (int64_t)version, cd_str_from(p->wanted_name),
             (int64_t)p->wanted_revision, body, cd_wall_ms(), (int64_t)ref.sequence,
             (cd_str){(const char *)ref.digest.bytes, CD_DIGEST_SIZE});
  return store_run(s, stmt, "record the policy of a device", err);
}

/* A device that took more than we gave (our database is an older copy) gets a higher version. */
static bool is_right(const con_device_policy *p)
{
  return p->version > 0 && p->version >= p->highest && p->revision == p->wanted_revision &&
         cd_str_eq_cstr(p->name, p->wanted_name);
}

/* The rows of the policy and its tag count only as far as the log records them. */
static cd_code check_reason(con_store *s, const con_device_policy *p, const reason *r, cd_err *err)
{
  cd_str name = cd_str_from(p->wanted_name);
  if (!r->found)
    return CD_OK;
  const backing_row row = policy_row(name, cd_buf_view(&r->body), p->wanted_revision);
  cd_code rc = cd_buf_status(&r->body, "the body of a policy", err);
  if (rc == CD_OK)
    rc = cd_buf_status(&r->tag, "the tag of a policy", err);
  if (rc == CD_OK)
    rc = backing_named(s, &row, err);
  if (rc == CD_OK && !r->by_default)
    rc = backing_assigned(s, name, cd_buf_view(&r->tag), r->rank, err);
  return rc;
}

static cd_code look_and_give(con_store *s, cd_str device, bool anew, cd_err *err)
{
  con_device d = {0};
  con_device_policy p = {0};
  reason r = {.body = CD_BUF_INIT(CD_POLICY_BODY_MAX), .tag = CD_BUF_INIT(CON_TAG_MAX)};
  cd_code rc = con_device_get(s, device, &d, err);
  if (rc == CD_OK && d.revoked)
    rc = cd_fail(err, CD_E_DENIED, "device '%.*s' is revoked", CD_STR_ARG(device));
  if (rc == CD_OK)
    rc = read_given(s, device, &p, err);
  if (rc == CD_OK)
    rc = read_wanted(s, device, &p, &r, err);
  if (rc == CD_OK && p.wanted_name[0] == '\0' && p.version == 0 && p.highest == 0)
    rc = CD_E_NOTFOUND;
  bool due = rc == CD_OK && (anew || !is_right(&p));
  if (due)
    rc = check_reason(s, &p, &r, err);
  if (due && rc == CD_OK)
    rc = give(s, device, &p, cd_buf_view(&r.body), err);
  con_device_policy_release(&p);
  con_device_release(&d);
  cd_buf_release(&r.body);
  cd_buf_release(&r.tag);
  return rc;
}

cd_code con_device_policy_issue(con_store *s, cd_str device, bool anew,
                                con_device_policy *ret_policy, cd_err *err)
{
  con_device_policy p = {0};
  /* Most of the time nothing is to be written. */
  cd_code rc = con_device_policy_get(s, device, &p, err);
  bool right = rc == CD_OK && is_right(&p) && !anew;
  if (rc == CD_OK && right) {
    *ret_policy = p;
    return CD_OK;
  }
  con_device_policy_release(&p);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = look_and_give(s, device, anew, err);
  rc = store_end(s, rc, err);
  return rc == CD_OK ? con_device_policy_get(s, device, ret_policy, err) : rc;
}

cd_code con_device_policy_signed(con_store *s, cd_str device, uint64_t version, cd_str jws,
                                 cd_str key, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_DEVICE_POLICY_SIGNED, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "siss", device, (int64_t)version, jws, key);
    rc = store_run(s, stmt, "keep a signed policy", err);
  }
  return store_end(s, rc, err);
}

cd_code con_device_policy_stands(con_store *s, cd_str device, cd_str standing, uint64_t highest,
                                 cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_DEVICE_POLICY_STANDS, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ssi", device, standing, (int64_t)highest);
    rc = store_run(s, stmt, "keep how a device stands with policy", err);
  }
  return store_end(s, rc, err);
}
