/* Nothing of an entry is believed but what its digest covers; the digests that the console sends
 * along only tell where the log was changed. */
#include "fleet_audit.h"

#include "fleet_read.h"

#include <string.h>

#include "base/banned.h"

#define PREFIX "cordon-audit-1\n"
#define ENTRY_MAX (512u * 1024u)
#define SEQUENCE_MAX (UINT64_C(1) << 53)
#define TIME_MAX INT64_C(253402300799999)

/* With "sha256:" in front or without. */
static bool digest_read(cd_str text, cd_digest *ret_digest)
{
  cd_digest d;
  if (cd_digest_from_text(text, ret_digest))
    return true;
  if (!cd_unhex(d.bytes, sizeof(d.bytes), text))
    return false;
  *ret_digest = d;
  return true;
}

bool fleet_audit_head_read(cd_str text, fleet_audit_head *ret_head)
{
  fleet_audit_head h = {0};
  cd_str number = cd_str_cut(&text, ':');
  if (!cd_str_to_u64(number, SEQUENCE_MAX, &h.sequence) || h.sequence == 0 ||
      !digest_read(text, &h.digest))
    return false;
  *ret_head = h;
  return true;
}

static void read_digest(cd_json *obj, const char *key, cd_digest *out)
{
  cd_str text = {0};
  cd_json_str(obj, key, FLEET_TEXT_MAX, &text);
  if (!digest_read(text, out))
    cd_json_bad(obj, key, "must be a SHA-256 in hex");
}

static void write_text(cd_jw *w, const char *key, cd_str text)
{
  if (text.len == 0)
    cd_jw_null(w, key);
  else
    cd_jw_str(w, key, text);
}

/* The bytes that the digest is made of; *ret_sequence is the entry's. */
static void add_entry(cd_json *entry, const cd_digest *previous, uint64_t *ret_sequence,
                      cd_buf *out)
{
  int64_t at = 0;
  cd_str who = {0};
  cd_str what = {0};
  cd_str device = {0};
  cd_str action = {0};
  cd_json detail = {0};
  cd_jw w;
  cd_err unused = {0};
  cd_json_u64(entry, "sequence", SEQUENCE_MAX, ret_sequence);
  cd_json_i64(entry, "at", 0, TIME_MAX, &at);
  cd_json_str(entry, "who", FLEET_TEXT_MAX, &who);
  cd_json_str(entry, "what", FLEET_TEXT_MAX, &what);
  (void)cd_json_opt_str(entry, "device", FLEET_TEXT_MAX, &device);
  (void)cd_json_opt_str(entry, "action", FLEET_TEXT_MAX, &action);
  cd_json_obj(entry, "detail", &detail);
  cd_buf_add_cstr(out, PREFIX);
  cd_buf_add(out, previous->bytes, sizeof(previous->bytes));
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "sequence", *ret_sequence);
  cd_jw_i64(&w, "at", at);
  cd_jw_str(&w, "who", who);
  cd_jw_str(&w, "what", what);
  write_text(&w, "device", device);
  write_text(&w, "action", action);
  if (detail.node != NULL)
    cd_jw_value(&w, "detail", &detail);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "the entry", &unused) != CD_OK)
    cd_buf_fail(out, unused.code);
}

static cd_code wrong(uint64_t sequence, const char *why, cd_err *err)
{
  return cd_fail(err, CD_E_UNVERIFIED, "the audit log is wrong from entry %llu on: %s",
                 (unsigned long long)sequence, why);
}

/* The entry that was just taken, held against what is known. */
static cd_code meet_known(fleet_audit *a, cd_err *err)
{
  for (size_t i = 0; i < FLEET_AUDIT_KNOWN; i++) {
    fleet_audit_known *k = &a->known[i];
    if (k->head.sequence != a->head.sequence)
      continue;
    if (!cd_digest_equal(&k->head.digest, &a->head.digest))
      return wrong(a->head.sequence, "it is not the one that is known; the log was written anew",
                   err);
    k->met = true;
  }
  return CD_OK;
}

/* The entry behind the last one. */
static cd_code take_entry(fleet_audit *a, cd_json *entry, cd_buf *scratch, cd_err *err)
{
  fleet_audit_head next = {0};
  cd_digest previous = {0};
  cd_digest stated = {0};
  cd_buf_reset(scratch);
  add_entry(entry, &a->head.digest, &next.sequence, scratch);
  read_digest(entry, "previous", &previous);
  read_digest(entry, "digest", &stated);
  /* What the digest does not cover must not stand in an entry. */
  cd_json_no_more(entry);
  cd_code rc = cd_json_status(entry, err);
  if (rc == CD_OK)
    rc = cd_buf_status(scratch, "the entry", err);
  if (rc == CD_OK)
    rc = cd_digest_of(scratch->ptr, scratch->len, &next.digest, err);
  if (rc != CD_OK)
    return rc;
  uint64_t due = a->head.sequence + 1;
  if (next.sequence != due)
    return wrong(due, next.sequence > due ? "it is missing" : "an earlier one stands there", err);
  if (!cd_digest_equal(&previous, &a->head.digest))
    return wrong(due, "it does not follow the one before it", err);
  if (!cd_digest_equal(&stated, &next.digest))
    return wrong(due, "its content is not what its digest says", err);
  a->head = next;
  return meet_known(a, err);
}

cd_code fleet_audit_entry(cd_json *entry, fleet_audit_head *ret_place, cd_err *err)
{
  fleet_audit_head place = {0};
  cd_digest previous = {0};
  cd_digest stated = {0};
  cd_buf scratch = CD_BUF_INIT(ENTRY_MAX);
  read_digest(entry, "previous", &previous);
  read_digest(entry, "digest", &stated);
  add_entry(entry, &previous, &place.sequence, &scratch);
  cd_json_no_more(entry);
  cd_code rc = cd_json_status(entry, err);
  if (rc == CD_OK)
    rc = cd_buf_status(&scratch, "the entry", err);
  if (rc == CD_OK)
    rc = cd_digest_of(scratch.ptr, scratch.len, &place.digest, err);
  if (rc == CD_OK && !cd_digest_equal(&stated, &place.digest))
    rc = wrong(place.sequence, "its content is not what its digest says", err);
  if (rc == CD_OK)
    *ret_place = place;
  cd_buf_release(&scratch);
  return rc;
}

cd_code fleet_audit_take(fleet_audit *a, cd_json *page, size_t *ret_count, cd_err *err)
{
  cd_json list = {0};
  cd_buf scratch = CD_BUF_INIT(ENTRY_MAX);
  cd_json_arr(page, "value", FLEET_LIST_MAX, &list);
  cd_code rc = cd_json_status(page, err);
  for (size_t i = 0; rc == CD_OK && i < cd_json_len(&list); i++) {
    cd_json entry = {0};
    cd_json_at_obj(&list, i, &entry);
    rc = take_entry(a, &entry, &scratch, err);
  }
  if (rc == CD_OK)
    *ret_count = cd_json_len(&list);
  cd_buf_release(&scratch);
  return rc;
}

cd_code fleet_audit_stated(cd_json *answer, fleet_audit_head *ret_head, cd_err *err)
{
  cd_json head = {0};
  fleet_audit_head h = {0};
  cd_json_obj(answer, "head", &head);
  cd_json_u64(&head, "sequence", SEQUENCE_MAX, &h.sequence);
  if (h.sequence > 0)
    read_digest(&head, "digest", &h.digest);
  cd_code rc = cd_json_status(answer, err);
  if (rc == CD_OK)
    *ret_head = h;
  return rc;
}

cd_code fleet_audit_finish(const fleet_audit *a, cd_err *err)
{
  for (size_t i = 0; i < FLEET_AUDIT_KNOWN; i++)
    if (a->known[i].head.sequence > 0 && !a->known[i].met)
      return cd_fail(err, CD_E_UNVERIFIED,
                     "the audit log ends at entry %llu, and entry %llu is known: it was cut",
                     (unsigned long long)a->head.sequence,
                     (unsigned long long)a->known[i].head.sequence);
  return CD_OK;
}
