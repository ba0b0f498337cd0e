#include "audit_log.h"

#include "audit_walk.h"
#include "store.h"

#include <uv.h>

#include "base/banned.h"

void sig_log_close(sig_log *log)
{
  con_store_close(log->store);
  log->store = NULL;
  log->whole = false;
}

/* A database that was put in the place of the one that is open would not be seen through it. */
static cd_code open_current(sig_log *log, cd_err *err)
{
  uv_fs_t req;
  int rc = uv_fs_stat(NULL, &req, log->path, NULL);
  uint64_t device = req.statbuf.st_dev;
  uint64_t inode = req.statbuf.st_ino;
  uv_fs_req_cleanup(&req);
  if (rc != 0)
    return cd_fail_os(err, cd_code_from_errno(rc), -rc, "the console's database '%s': %s",
                      log->path, uv_strerror(rc));
  if (log->store != NULL && log->device == device && log->inode == inode)
    return CD_OK;
  sig_log_close(log);
  log->device = device;
  log->inode = inode;
  return con_store_open_reader(log->path, &log->store, err);
}

typedef struct noting {
  sig_log *log;
  uint64_t known; /* entries up to here were noted before */
} noting;

static cd_code note_loss(sig_log *log, const con_audit_entry *e, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  cd_str digest = {0};
  con_audit_ref named = {0};
  con_audit_ref lost = {0};
  cd_code rc = sig_state_lost(log->state, &lost, err);
  if (rc != CD_OK || lost.sequence == 0)
    return rc;
  if (cd_json_parse(e->detail, CON_AUDIT_DETAIL_MAX, "the entry", &doc, &ignored) != CD_OK)
    return CD_OK;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "sequence", CD_GENERATION_MAX, &named.sequence);
  cd_json_str(&root, "digest", CD_DIGEST_TEXT_MAX, &digest);
  bool same = cd_json_status(&root, &ignored) == CD_OK &&
              cd_digest_from_text(digest, &named.digest) && named.sequence == lost.sequence &&
              cd_digest_equal(&named.digest, &lost.digest);
  cd_json_free(doc);
  return same ? sig_state_loss_recorded(log->state, lost.sequence, err) : CD_OK;
}

static cd_code note_standing(sig_log *log, const con_audit_entry *e, cd_err *err)
{
  uint64_t generation = 0;
  cd_code rc = sig_standing_note(log->standing, e, err);
  if (rc != CD_OK || !cd_str_eq_cstr(e->what, CON_WHAT_CREATE))
    return rc;
  rc = sig_state_signed_generation(log->state, e->action, &generation, err);
  return rc == CD_OK && generation > 0
             ? sig_standing_signed(log->standing, e->action, generation, err)
             : rc;
}

static cd_code note(void *context, const con_audit_entry *e, cd_err *err)
{
  noting *n = context;
  sig_state *st = n->log->state;
  cd_code rc = note_standing(n->log, e, err);
  if (rc != CD_OK || e->sequence <= n->known)
    return rc;
  if (cd_str_eq_cstr(e->what, CON_WHAT_CANCEL) || cd_str_eq_cstr(e->what, CON_WHAT_RESULT))
    return sig_state_close_action(st, e->action, err);
  if (cd_str_eq_cstr(e->what, CON_WHAT_ENROLL))
    return sig_state_enrolled(st, e->device, e->sequence, err);
  if (cd_str_eq_cstr(e->what, CON_WHAT_REVOKE))
    return sig_state_revoked(st, e->device, e->sequence, err);
  if (cd_str_eq_cstr(e->what, CON_WHAT_HEAD_ACCEPTED))
    return note_loss(n->log, e, err);
  return CD_OK;
}

static cd_code judge(const con_audit_report *r, cd_err *err)
{
  if (r->fault == CON_AUDIT_INTACT)
    return CD_OK;
  return cd_fail(err, CD_E_CONFLICT,
                 "%s; nothing is signed until it is put right (if an older copy was restored on "
                 "purpose: cordon-signer --accept-head)",
                 r->sentence);
}

/* Within a transaction of the state. */
static cd_code verify(sig_log *log, const con_audit_ref *head, con_audit_ref *ret_head, cd_err *err)
{
  con_audit_report report = {0};
  noting n = {.log = log, .known = head->sequence};
  const con_audit_walk walk = {.from = log->whole ? head : NULL,
                               .known = head,
                               .seal = &log->seal,
                               .each = note,
                               .context = &n};
  cd_code rc = log->whole ? CD_OK : sig_standing_clear(log->standing, err);
  if (rc == CD_OK)
    rc = con_audit_walk_log(log->store, &walk, &report, err);
  if (rc == CD_OK)
    rc = judge(&report, err);
  if (rc == CD_OK && report.head.sequence > head->sequence)
    rc = sig_state_set_head(log->state, &report.head, err);
  if (rc == CD_OK)
    *ret_head = report.head;
  return rc;
}

static cd_code check_sealed(const sig_log *log, cd_err *err)
{
  return log->sealed ? CD_OK
                     : cd_fail(err, CD_E_UNAVAILABLE,
                               "no console has introduced itself to this signer yet");
}

static cd_code catch_up(sig_log *log, cd_code (*begin)(sig_state *st, cd_err *err),
                        con_audit_ref *ret_head, cd_err *err)
{
  con_audit_ref head = {0};
  con_audit_ref end = {0};
  cd_code rc = check_sealed(log, err);
  if (rc == CD_OK)
    rc = open_current(log, err);
  if (rc == CD_OK)
    rc = begin(log->state, err);
  if (rc != CD_OK)
    return rc;
  rc = sig_state_head(log->state, &head, err);
  if (rc == CD_OK)
    rc = verify(log, &head, &end, err);
  rc = sig_state_end(log->state, rc, err);
  log->whole = rc == CD_OK;
  if (rc == CD_OK && ret_head != NULL)
    *ret_head = end;
  return rc;
}

cd_code sig_log_catch_up(sig_log *log, con_audit_ref *ret_head, cd_err *err)
{
  return catch_up(log, sig_state_begin, ret_head, err);
}

cd_code sig_log_catch_up_riding(sig_log *log, cd_err *err)
{
  return catch_up(log, sig_state_begin_riding, NULL, err);
}

cd_code sig_log_look(sig_log *log, con_audit_ref *ret_head, cd_err *err)
{
  con_audit_report report = {0};
  cd_code rc = check_sealed(log, err);
  if (rc == CD_OK)
    rc = open_current(log, err);
  if (rc == CD_OK)
    rc = con_audit_verify(log->store, NULL, NULL, &log->seal, &report, err);
  if (rc == CD_OK && report.fault != CON_AUDIT_INTACT)
    rc = cd_fail(err, CD_E_CONFLICT, "%s", report.sentence);
  if (rc == CD_OK)
    *ret_head = report.head;
  return rc;
}

/* ---- one entry ---- */

void sig_entry_release(sig_entry *e)
{
  cd_json_free(e->detail);
  *e = (sig_entry){0};
}

static cd_code take(void *context, const con_audit_entry *e, cd_err *err)
{
  sig_entry *out = context;
  out->at_ms = e->at_ms;
  if (!cd_str_copy(out->who, sizeof(out->who), e->who) ||
      !cd_str_copy(out->what, sizeof(out->what), e->what) ||
      !cd_str_copy(out->device, sizeof(out->device), e->device) ||
      !cd_str_copy(out->action, sizeof(out->action), e->action))
    return cd_fail(err, CD_E_INVALID, "entry %llu of the audit log has a member that is too long",
                   (unsigned long long)e->sequence);
  return cd_json_parse(e->detail, CON_AUDIT_DETAIL_MAX, "the entry of the audit log", &out->detail,
                       err);
}

cd_code sig_entry_read(sig_log *log, const con_audit_ref *ref, sig_entry *ret_entry, cd_err *err)
{
  sig_entry e = {0};
  cd_code rc = con_audit_look_at(log->store, ref, &log->seal, take, &e, err);
  if (rc == CD_OK)
    *ret_entry = e;
  else
    sig_entry_release(&e);
  return rc;
}
