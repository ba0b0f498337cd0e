/* The audit log: who did what, each entry bound to the one before it.
 *
 * digest = SHA-256("cordon-audit-1\n" || previous digest || canonical JSON of the entry), where the
 * first entry's previous digest is 32 zero bytes and the canonical JSON is compact, its members in
 * this order:
 *   {"sequence":1,"at":MS,"who":TEXT,"what":WORD,"device":ID|null,"action":UUID|null,"detail":{...}}
 *
 * The chain alone shows a change to anybody who knows a later head. It does not show an entry that
 * was added behind the head by someone who can write to the database, so each entry also has a
 * seal: HMAC-SHA-256 over its digest with a key that is kept in a file beside the database and
 * never in it. The signer has that key too, given at its first contact with the console, and signs
 * nothing that rests on an unsealed entry. */
#ifndef CON_AUDIT_H
#define CON_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"
#include "protocol/digest.h"
#include "protocol/limits.h"

#define CON_AUDIT_WHO_MAX 256u
#define CON_AUDIT_WHAT_MAX 40u
#define CON_AUDIT_DETAIL_MAX (64u * 1024u)
#define CON_SEAL_SIZE 32u
#define CON_HEAD_ENTRIES 64u /* that one signed head speaks for */

typedef struct con_store con_store; /* store.h */

/* The words of `what` that the signer acts on. Others are free: lower case, a dot between subject
 * and verb. */
#define CON_WHAT_ENROLL "device.enroll"   /* detail: tls_key, device_key, hostname, token */
#define CON_WHAT_RENEW "device.renew"     /* detail: tls_key */
#define CON_WHAT_REVOKE "device.revoke"   /* nothing is issued on what lies before it */
#define CON_WHAT_CREATE "action.create"   /* detail: kind, type, generation, parameters, ... */
#define CON_WHAT_CANCEL "action.cancel"   /* the action is not signed any more */
#define CON_WHAT_CODE "action.code"       /* the release code was shown; never the code itself */
#define CON_WHAT_PACKAGE "action.package" /* somebody was given a link to the package */
#define CON_WHAT_RESULT "action.result"   /* likewise; detail: status, generation, ... */
/* What the device did by itself, or holds of an order that this log does not know. Detail: kind,
 * requestor, parameters, generation, status, ... */
#define CON_WHAT_LOCAL "action.local"
#define CON_WHAT_ADOPTED "action.adopted"
/* The `requestor` of an entry CON_WHAT_LOCAL about a release, where the device took its isolation
 * back because its rules kept it from the console: what is wanted of it does not change by that. */
#define CON_REQUESTOR_ROLLED_BACK "unreachable"
#define CON_WHAT_SERVER_KEY "console.tls_key" /* detail: tls_key, names */
#define CON_WHAT_POLICY "policy.issue"        /* detail: name, version, body */
#define CON_WHAT_HEAD_ACCEPTED                                                                     \
  "audit.accepted" /* detail: sequence, digest of the head given up                                \
                    */

/* Who wants it, where that is nobody: in the detail of CON_WHAT_CREATE, `source`. Such an action
 * has `repeats`, the number and digest of the entry that asked for the same before. */
#define CON_SOURCE_CONSOLE "Console"
/* What an isolation asks for again because the set that it follows was changed; it names the entry
 * that it follows in `repeats`. */
#define CON_SOURCE_EXCLUSIONS "Exclusions"

typedef struct con_seal_key {
  uint8_t bytes[CON_SEAL_SIZE];
} con_seal_key;

/* Reads the key from `path` (32 bytes in base64url, 0600), or makes it and the file if there is
 * none. The caller wipes it with cd_wipe(). */
CD_MUST_USE cd_code con_seal_key_load(const char *path, con_seal_key *ret_key, cd_err *err);

/* A place in the log: what an order names. */
typedef struct con_audit_ref {
  uint64_t sequence; /* 0: the empty log */
  cd_digest digest;  /* of the empty log: zeroes */
} con_audit_ref;

/* An entry. The texts are the caller's when it is appended; when it is read they last as long as
 * the call of `each`. */
typedef struct con_audit_entry {
  uint64_t sequence; /* given by the log */
  int64_t at_ms;     /* 0 when appended: now */
  cd_str who;        /* 1 to CON_AUDIT_WHO_MAX */
  cd_str what;
  cd_str device; /* empty: null */
  cd_str action; /* empty: null */
  cd_str detail; /* a JSON object, compact; empty when appended: {} */
  cd_digest previous;
  cd_digest digest;
  uint8_t seal[CON_SEAL_SIZE];
} con_audit_entry;

/* Appends, synced on return; *ret_ref (may be NULL) is the new head. CD_E_CONFLICT: the log was
 * changed behind this process's back, and nothing is appended any more until it is opened anew and
 * verified. The functions of store.h that change something append their entry themselves, in the
 * same transaction. */
CD_MUST_USE cd_code con_audit_append(con_store *s, const con_audit_entry *entry,
                                     con_audit_ref *ret_ref, cd_err *err);
CD_MUST_USE cd_code con_audit_head(con_store *s, con_audit_ref *ret_head, cd_err *err);

/* Puts on record that the log was restored from an older copy: `lost` is the head that the signer
 * had seen (con_signer_reply.lost_head). Until then it signs nothing. */
CD_MUST_USE cd_code con_audit_accept_loss(con_store *s, const con_audit_ref *lost,
                                          con_audit_ref *ret_ref, cd_err *err);

/* Calls `each` with the entries from `first` (at least 1) on, oldest first, or from `first` down,
 * newest first (0: from the head), at most `limit`, until it returns false. Not verified. */
typedef struct con_audit_query {
  uint64_t first;
  uint64_t limit;
  bool newest_first;
  cd_str device; /* empty: of any */
  cd_str action; /* empty: of any */
} con_audit_query;
CD_MUST_USE cd_code con_audit_list(con_store *s, const con_audit_query *query,
                                   bool (*each)(void *context, const con_audit_entry *entry),
                                   void *context, cd_err *err);

/* What is wrong with a log. */
typedef enum con_audit_fault {
  CON_AUDIT_INTACT = 0,
  CON_AUDIT_CUT,       /* entries are missing, at the end or before */
  CON_AUDIT_EDITED,    /* an entry's content is not what its digest says, or was replaced */
  CON_AUDIT_REORDERED, /* an entry stands in another's place */
  CON_AUDIT_INSERTED   /* an entry that the console did not make */
} con_audit_fault;
const char *con_audit_fault_name(con_audit_fault fault); /* "intact", "cut", ... */

typedef struct con_audit_report {
  con_audit_fault fault;
  uint64_t sequence;              /* the first entry that is wrong or missing; 0 if intact */
  con_audit_ref head;             /* the last entry up to which all is right */
  char sentence[CD_ERR_TEXT_MAX]; /* for people; also when intact */
} con_audit_report;

/* Reads the log from the entry after `from` (NULL: from its beginning; that entry itself must be
 * there with that digest) to its end, checks numbers, digests, chain and, where `seal` is not NULL,
 * the seals. Where `known` is not NULL, the log must also contain that head. CD_OK: the log could
 * be read; whether it is right is in *ret_report. */
CD_MUST_USE cd_code con_audit_verify(con_store *s, const con_audit_ref *from,
                                     const con_audit_ref *known, const con_seal_key *seal,
                                     con_audit_report *ret_report, cd_err *err);

/* The digest of an entry by its content and `previous`. */
CD_MUST_USE cd_code con_audit_digest(const con_audit_entry *entry, cd_digest *ret_digest,
                                     cd_err *err);
CD_MUST_USE cd_code con_audit_seal(const con_seal_key *key, const cd_digest *digest,
                                   uint8_t ret_seal[CON_SEAL_SIZE], cd_err *err);

/* One entry for an export, appended as a JSON object with its digests in hex: the members of the
 * canonical JSON, then "previous" and "digest". */
void con_audit_entry_write(const con_audit_entry *entry, cd_buf *out);

#endif
