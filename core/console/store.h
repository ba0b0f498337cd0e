/* The console's memory: devices, actions, what is wanted, tokens, applications and the audit log.
 *
 * SQLite in WAL mode, every commit synced. All functions are plain and block; one that
 * writes blocks for the time of one fdatasync. A con_store belongs to one thread at a time and has
 * no lock of its own. The server calls it on its loop's thread, as cordond does with its journal:
 * an order must be on disk before anything else may happen to it, so a second thread would only add
 * waiting. A scan (the `_each` functions) takes as long as it has rows; a server with tens of
 * thousands of devices opens a second con_store with con_store_open_reader() for scans and uses it
 * on the thread pool, one at a time; WAL lets it read beside the writer.
 *
 * Everything that changes something on somebody's behalf names who asked (`con_by`) and appends its
 * audit entry in the same transaction. Outputs are set on success only. CD_E_NOTFOUND has a
 * sentence with the id that was looked for. Texts are UTF-8; times are milliseconds since 1970, 0
 * for never. */
#ifndef CON_STORE_H
#define CON_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit.h"
#include "base/id.h"
#include "base/status.h"
#include "protocol/kind.h"
#include "protocol/limits.h"
#include "protocol/release_code.h"
#include "protocol/statement.h"
#include "protocol/values.h"

#define CON_NAME_MAX 253u /* a DNS name */
#define CON_WORD_MAX 64u  /* a version, a platform, an address */
#define CON_TAG_MAX 200u  /* one tag */
#define CON_TAGS_MAX 64u  /* tags of one device */
#define CON_NOTE_MAX 200u
#define CON_SECRET_SIZE 32u
#define CON_SERIAL_TEXT_MAX 41u /* a certificate's serial number: at most 20 bytes in hex */
#define CON_DEVICE_TEXT 41u     /* 40 hex digits and the NUL */

/* ---- opening ---- */

/* What the release codes of isolations are made of. */
typedef struct con_code_key {
  uint8_t bytes[32];
} con_code_key;
/* As con_seal_key_load(). */
CD_MUST_USE cd_code con_code_key_load(const char *path, con_code_key *ret_key, cd_err *err);

typedef struct con_store_options {
  const char *path; /* the database; its folder must exist. Made with 0600, or 0640 if shared */
  const con_seal_key *seal; /* copied */
  const con_code_key *code; /* copied; NULL: isolations get no release code */
  bool shared; /* the folder's group may read: that is how the signer, another user, does */
} con_store_options;

CD_MUST_USE cd_code con_store_open(const con_store_options *options, con_store **ret_store,
                                   cd_err *err);
/* Writes back what waits in the WAL, if it is much: where no order waits for the disk. */
void con_store_write_back(con_store *s);
/* Read only: every function that changes something fails (CD_E_DENIED). */
CD_MUST_USE cd_code con_store_open_reader(const char *path, con_store **ret_store, cd_err *err);
/* So that it can hold rows against the log. */
void con_store_lend_seal(con_store *reader, const con_seal_key *seal);
void con_store_close(con_store *s); /* NULL is fine */

/* What many changes have in common is their commit: between the two calls every function works as
 * ever and is undone alone if it fails, and nothing is on disk before the second one's CD_OK. Not
 * nested, and not longer than one turn of the loop. */
CD_MUST_USE cd_code con_store_many_begin(con_store *s, cd_err *err);
CD_MUST_USE cd_code con_store_many_end(con_store *s, cd_err *err);
/* Ends it as if nothing of it had been. */
void con_store_many_undo(con_store *s);

/* Who asks, for the audit log. */
typedef struct con_by {
  cd_str who;     /* a user's or an application's name, 1 to CON_AUDIT_WHO_MAX bytes */
  cd_str comment; /* may be empty */
} con_by;

/* ---- devices ---- */

/* A device. The texts are views: into `memory` when it came from a `_get` (con_device_release()),
 * during the call only in an `_each`. Absent texts are empty. */
typedef struct con_device {
  cd_str id;
  cd_str dns_name;
  cd_str os_platform; /* "Linux", "Windows11" */
  cd_str os_version;
  cd_str os_build;
  cd_str os_architecture;
  cd_str agent_version;
  cd_str last_ip;          /* by its facts */
  cd_str last_external_ip; /* the peer's address, as the listener saw it */
  cd_str facts;            /* JSON object as last reported, or empty */
  cd_str tags;             /* JSON array of texts, sorted */
  cd_str values;           /* JSON array: the three values of each state, or empty */
  cd_str device_key;       /* SubjectPublicKeyInfo, base64url */
  cd_str key_id;           /* its key id */
  cd_str statement;        /* the device CA's about it; empty until the signer made one */
  cd_str cert_serial;      /* of the certificate that counts, lower-case hex; empty: none yet */
  int64_t cert_not_after_ms;
  int64_t first_seen_ms;
  int64_t last_seen_ms;
  uint64_t report_number; /* of the last report's connection */
  int64_t report_at_ms;   /* by the device's clock */
  bool revoked;
  bool clone_suspected;
  unsigned risk; /* the worst con_severity of its open alerts; 0: there are none */
  char *memory;
} con_device;

void con_device_release(con_device *d);

CD_MUST_USE cd_code con_device_get(con_store *s, cd_str id, con_device *ret_device, cd_err *err);
/* By id or, case ignored, exact DNS name. CD_E_CONFLICT: several devices have that name, and the
 * sentence lists up to eight of their ids; con_device_each() finds them all. */
CD_MUST_USE cd_code con_device_find(con_store *s, cd_str id_or_name, con_device *ret_device,
                                    cd_err *err);
/* Narrows a scan by index; everything else is the callback's to judge. Empty members match all. */
typedef struct con_device_query {
  cd_str dns_name; /* exact, case ignored */
  cd_str tag;      /* exact, or a prefix if tag_prefix */
  bool tag_prefix;
  cd_str ip; /* last_ip or last_external_ip */
  int64_t seen_since_ms;
} con_device_query;
/* In the order of the ids, until `each` returns false. `each` must not call functions of the store.
 */
CD_MUST_USE cd_code con_device_each(con_store *s, const con_device_query *query,
                                    bool (*each)(void *context, const con_device *device),
                                    void *context, cd_err *err);
CD_MUST_USE cd_code con_device_count(con_store *s, uint64_t *ret_count, cd_err *err);

/* Enrolment, all of it in one transaction: the token is judged and one use of it taken, the device
 * found by its device key or made, its token's tags added, the entry "device.enroll" appended. The
 * proof and the CSR must have been verified before. CD_E_DENIED: the token is not known, revoked,
 * used up or expired, or does not let a device choose what it asks for (the sentence says which;
 * tell the peer no more than "refused"). */
typedef struct con_enrolment {
  uint8_t token[CON_SECRET_SIZE];
  cd_str device_key; /* SubjectPublicKeyInfo, base64url */
  cd_str key_id;     /* its key id, 64 hex digits */
  cd_digest tls_key; /* SHA-256 of the SubjectPublicKeyInfo of the CSR's key */
  cd_str dns_name;
  cd_str os_platform;
  cd_str agent_version;
  cd_str peer;        /* address */
  const cd_str *tags; /* which it asks for: each must be one that its token lets it choose */
  size_t tag_count;
} con_enrolment;
typedef struct con_enrolled {
  char device[CON_DEVICE_TEXT];
  bool known_before;   /* re-enrolled: its revocation and suspicion are lifted */
  con_audit_ref audit; /* what issue_certificate and state_device_key name */
} con_enrolled;
CD_MUST_USE cd_code con_device_enroll(con_store *s, const con_enrolment *enrolment,
                                      con_enrolled *ret_enrolled, cd_err *err);
/* Records that the device may have a certificate for this key ("device.renew"). CD_E_DENIED: it is
 * revoked. */
CD_MUST_USE cd_code con_device_renew(con_store *s, cd_str id, const cd_digest *tls_key,
                                     con_audit_ref *ret_audit, cd_err *err);
/* What the signer issued; an empty `statement` leaves that as it was. From then on only this serial
 * number counts. */
CD_MUST_USE cd_code con_device_certified(con_store *s, cd_str id, cd_str serial,
                                         int64_t not_after_ms, cd_str statement, cd_err *err);

/* It was there just now; empty texts leave what is known. No audit entry. */
CD_MUST_USE cd_code con_device_seen(con_store *s, cd_str id, int64_t at_ms, cd_str agent_version,
                                    cd_str peer, cd_err *err);
/* A verified report; empty texts leave what is known. No audit entry. */
typedef struct con_device_report {
  uint64_t number;
  int64_t at_ms;   /* the device's */
  int64_t seen_ms; /* ours */
  cd_str values;   /* JSON array, as cd_values_write() makes it */
  cd_str facts;    /* JSON object */
  cd_str dns_name; /* from here on: read from the facts by the caller */
  cd_str os_platform;
  cd_str os_version;
  cd_str os_build;
  cd_str os_architecture;
  cd_str last_ip;
} con_device_report;
CD_MUST_USE cd_code con_device_reported(con_store *s, cd_str id, const con_device_report *report,
                                        cd_err *err);
/* Adds or removes; *ret_changed (may be NULL) is false if it was so already, and then nothing is
 * audited. CD_E_LIMIT above CON_TAGS_MAX. */
CD_MUST_USE cd_code con_device_tag(con_store *s, const con_by *by, cd_str id, cd_str tag, bool add,
                                   bool *ret_changed, cd_err *err);
CD_MUST_USE cd_code con_device_revoke(con_store *s, const con_by *by, cd_str id, cd_err *err);
/* The same key was seen in two places at once; `detail` says where, as a JSON object. */
CD_MUST_USE cd_code con_device_clone_suspected(con_store *s, cd_str id, cd_str detail, cd_err *err);

/* ---- what is wanted ---- */

typedef struct con_wanted {
  cd_state state;
  cd_wanted_value value;
  cd_str type;               /* "full", "selective"; empty when released */
  cd_str parameters;         /* of the order that asked for it */
  uint64_t generation;       /* the highest that is known, of the console or the device; 0: none */
  uint64_t value_generation; /* of the order that asked for the value */
  char action[CD_ID_SIZE];
  int64_t since_ms;
  char *memory;
} con_wanted;
void con_wanted_release(con_wanted *w);
/* A state that nothing was ever wanted of is released with generation 0, never CD_E_NOTFOUND. */
CD_MUST_USE cd_code con_wanted_get(con_store *s, cd_str device, cd_state state,
                                   con_wanted *ret_wanted, cd_err *err);
/* The device's mark: the next generation that is given will be above this. */
CD_MUST_USE cd_code con_wanted_raise(con_store *s, cd_str device, cd_state state,
                                     uint64_t generation, cd_err *err);

/* What is wanted isolated by a lease that has ended is wanted released from then on, whether or not
 * the device is there; appends "lease.end". At most `most` at once; `each` (may be NULL) hears of
 * each. */
CD_MUST_USE cd_code con_wanted_lapse(con_store *s, unsigned most,
                                     void (*each)(void *context, const char *action, cd_str device),
                                     void *context, cd_err *err);

/* ---- actions ---- */

/* An action; views as in con_device. */
typedef struct con_action {
  char id[CD_ID_SIZE];
  uint64_t number; /* counts up in the order of creation */
  cd_str device;
  cd_str dns_name; /* of the device now */
  cd_order_kind kind;
  cd_str type;  /* the API's word: "Isolate", "Unisolate" */
  cd_str scope; /* "Full", "Selective" or empty */
  cd_str requestor;
  cd_str comment;
  cd_str ticket; /* the caller's own reference */
  cd_str source; /* "PublicApi", "Portal", "Device", "Console" */
  cd_str parameters;
  cd_action_status status;
  int64_t created_ms;
  int64_t updated_ms;
  int64_t expires_ms;
  uint64_t generation; /* 0 for a kind without a state */
  con_audit_ref audit; /* the entry that records it */
  int64_t sent_ms;     /* when an order for it was last handed to the device; 0: never */
  bool accepted;       /* the device has it in its journal, or refused it */
  cd_str order;        /* JWS, as last signed */
  cd_str result;       /* JWS of the device */
  cd_str evidence;     /* JSON: the result's document */
  cd_str outcome;      /* a status name, or empty */
  cd_str sentence;
  cd_str cancel_by;
  cd_str cancel_comment;
  int64_t cancelled_ms;
  cd_str progress;     /* JSON of the last progress: what it is doing now */
  cd_str related_file; /* JSON: the file that a remediation names by its hash, or empty */
  cd_str altered;      /* what the database had otherwise than the signed parts; empty: nothing */
  char *memory;
} con_action;
void con_action_release(con_action *a);

typedef struct con_action_new {
  cd_str device;
  cd_order_kind kind;
  cd_str type;
  cd_str scope;
  cd_str ticket;
  cd_str source;
  cd_str parameters;     /* JSON object, already checked; "{}" for none */
  cd_str exclusions_set; /* that an isolation follows (store_exclusions.h); empty: none */
  uint64_t exclusions_revision;
  cd_str
      collection; /* name and version of the list of a package, for the audit log; may be empty */
  int64_t expires_ms;
  bool one_at_a_time; /* refuse (CD_E_CONFLICT) while one of this device and type has not ended */
  const con_audit_ref *repeats; /* NULL, or the entry that asked for it before: the signer then
                                   looks whether that is what stands last */
} con_action_new;
typedef struct con_action_made {
  char id[CD_ID_SIZE];
  uint64_t generation;
  con_audit_ref audit;
  int64_t created_ms;
} con_action_made;
/* Creates the action, gives it the next generation of its kind's state, makes that state wanted,
 * and appends "action.create", in one transaction. An isolation gets a release code: its salt and
 * digest replace the member "code" of the parameters. The audit entry's requestor and comment are
 * what the signed order will say. CD_E_NOTFOUND: no such device; CD_E_DENIED: it is revoked. */
CD_MUST_USE cd_code con_action_create(con_store *s, const con_by *by, const con_action_new *action,
                                      con_action_made *ret_made, cd_err *err);
CD_MUST_USE cd_code con_action_get(con_store *s, cd_str id, con_action *ret_action, cd_err *err);
/* For whoever shows it, or goes by what it says: the row is held against the sealed entries of the
 * audit log and the signed result; where it differs these count, and `altered` says so. */
CD_MUST_USE cd_code con_action_checked(con_store *s, cd_str id, con_action *ret_action,
                                       cd_err *err);
/* The API's word for what a device did by itself. */
cd_str con_action_local_type(cd_order_kind kind);
/* The newest action of the type on the device that has not ended; CD_E_NOTFOUND without a sentence
 * if there is none. `type` empty: of any. */
CD_MUST_USE cd_code con_action_active(con_store *s, cd_str device, cd_str type,
                                      con_action *ret_action, cd_err *err);
/* Newest first, until `each` returns false. `each` must not call functions of the store. With a
 * seal key the rows are checked as by con_action_checked(); of one that has ended and was checked
 * before, its mark is enough, and then there are neither evidence, order nor result. */
typedef struct con_action_query {
  cd_str device;           /* empty: of any */
  cd_action_status status; /* 0: any */
  uint64_t before;         /* only numbers below this; 0: from the newest */
  uint64_t limit;          /* 0: no limit */
  bool cancels;            /* also those of kind `cancel`, which are nobody's request */
} con_action_query;
CD_MUST_USE cd_code con_action_each(con_store *s, const con_action_query *query,
                                    bool (*each)(void *context, const con_action *action),
                                    void *context, cd_err *err);
/* Holds some actions behind *after (0: from the first) against the log, and marks those that have
 * ended and are as it says. *after is where to go on; 0: that were all. At least one is looked at,
 * and no more of them after `budget_ms`. `altered` must not call functions of the store. */
#define CON_SWEEP_MAX 64u
typedef struct con_sweep {
  uint64_t budget_ms;
  void (*altered)(void *context, const con_action *action);
  void *context;
} con_sweep;
CD_MUST_USE cd_code con_actions_sweep(con_store *s, const con_sweep *how, uint64_t *after,
                                      cd_err *err);
/* What a device is due now, oldest first: of each conflict group (a state) the oldest action that
 * has not ended, and every unfinished one that changes no state. Groups do not wait for each other.
 */
CD_MUST_USE cd_code con_action_due(con_store *s, cd_str device,
                                   bool (*each)(void *context, const con_action *action),
                                   void *context, cd_err *err);

/* Gives an action that the device does not have the next generation above all that is known, where
 * its own is not above what con_wanted_raise() said. *ret_generation is the one that counts. */
CD_MUST_USE cd_code con_action_refresh(con_store *s, cd_str id, uint64_t *ret_generation,
                                       cd_err *err);
/* The order as signed and handed over; Pending stays Pending. */
CD_MUST_USE cd_code con_action_sent(con_store *s, cd_str id, cd_str order, cd_err *err);
/* The device has it: Pending becomes InProgress. Harmless when it is that or has ended. */
CD_MUST_USE cd_code con_action_accepted(con_store *s, cd_str id, cd_err *err);
/* What it is doing now, JSON; nothing happens to one that has ended. */
CD_MUST_USE cd_code con_action_progress(con_store *s, cd_str id, cd_str progress, cd_err *err);
/* The device's verified result, or our own word where there is none (`result` empty): ends the
 * action, appends "action.result". A failed or cancelled action gives way to what was wanted
 * before; a timed-out one stays wanted. The result of an action that has ended already (say, timed
 * out) is stored and takes the place of what was there, once: CD_OK; the same result again: CD_OK
 * and nothing changes; another one: CD_E_CONFLICT. */
typedef struct con_action_outcome {
  cd_action_status status; /* a final one */
  cd_str outcome;          /* "ok", "failed" ...: cd_code_name() */
  cd_str sentence;
  cd_str result;       /* JWS */
  cd_str evidence;     /* JSON object */
  uint64_t generation; /* as the result says; 0: our own word */
  bool stands;         /* it failed, and by its result the device goes on with it all the same */
} con_action_outcome;
CD_MUST_USE cd_code con_action_ended(con_store *s, cd_str id, const con_action_outcome *outcome,
                                     cd_err *err);
/* Cancels an action that has not ended; CD_E_CONFLICT: it has. *ret_was_sent (may be NULL): the
 * device may have it, so it is to be told by an action of kind CD_ORDER_CANCEL. */
CD_MUST_USE cd_code con_action_cancel(con_store *s, const con_by *by, cd_str id, bool *ret_was_sent,
                                      cd_err *err);
/* Pending actions whose time is over become TimeOut, and those that the device has and says nothing
 * about CON_SILENT_MS later; `each` (may be NULL) hears of each. */
#define CON_SILENT_MS INT64_C(3600000)
CD_MUST_USE cd_code con_action_expire(con_store *s, int64_t now_ms,
                                      void (*each)(void *context, const char *id, cd_str device),
                                      void *context, cd_err *err);
/* How often the device has rolled back, by itself and because it could not reach us through the
 * rules, what somebody wanted of it last. */
CD_MUST_USE cd_code con_action_rolled_back(con_store *s, cd_str device, uint64_t *ret_count,
                                           cd_err *err);
/* An action that was given on the device itself and whose verified result came, or (`adopted`) one
 * that the device holds by its own signed word and that this database does not know: recorded as
 * ended, and if its generation is above what is wanted, it is what is wanted. Known already: CD_OK.
 */
typedef struct con_action_local {
  char id[CD_ID_SIZE];
  cd_str device;
  cd_order_kind kind;
  cd_str type;
  cd_str scope;
  cd_str requestor;
  cd_str comment;
  uint64_t generation;
  int64_t created_ms;
  con_action_outcome outcome;
  bool adopted;
} con_action_local;
CD_MUST_USE cd_code con_action_given_locally(con_store *s, const con_action_local *action,
                                             cd_err *err);

/* ---- release codes ---- */

typedef struct con_code_state {
  char device[CON_DEVICE_TEXT];
  bool available;   /* it can be shown now */
  int64_t shown_ms; /* 0: nobody was shown it */
  char shown_to[CON_AUDIT_WHO_MAX + 1];
  char sentence[CD_ERR_TEXT_MAX]; /* why it cannot be shown; else empty */
} con_code_state;
/* Whether the release code of an isolation can be shown, and who was shown it. */
CD_MUST_USE cd_code con_action_code_look(con_store *s, cd_str id, con_code_state *ret_state,
                                         cd_err *err);
/* Appends "action.package": `by` was given a link to the package. */
CD_MUST_USE cd_code con_action_package_shown(con_store *s, const con_by *by, const con_action *a,
                                             cd_err *err);
/* What is remembered of a package that is not here. */
typedef enum con_package_fate {
  CON_PACKAGE_COMES = 1, /* the device may go on sending it */
  CON_PACKAGE_GIVEN_UP,  /* too much that came was not it: no more of it is taken */
  CON_PACKAGE_REMOVED,   /* it was here */
  CON_PACKAGE_LOST       /* the device has it no more */
} con_package_fate;
typedef struct con_package_note {
  con_package_fate fate;
  uint64_t bad; /* how often what came was not what the device's result tells of */
  int64_t at_ms;
  char sentence[CD_SENTENCE_MAX + 1];
} con_package_note;
/* *ret_note is all zero if there is none. */
CD_MUST_USE cd_code con_package_note_get(con_store *s, cd_str action, con_package_note *ret_note,
                                         cd_err *err);
CD_MUST_USE cd_code con_package_note_set(con_store *s, cd_str action, const con_package_note *note,
                                         cd_err *err);
CD_MUST_USE cd_code con_package_note_remove(con_store *s, cd_str action, cd_err *err);
/* Shows it, once, and appends "action.code". CD_E_CONFLICT: it was shown, or is of no use; the
 * sentence says which. The caller wipes it. */
CD_MUST_USE cd_code con_action_code_show(con_store *s, const con_by *by, cd_str id,
                                         cd_release_code *ret_code, cd_err *err);

/* ---- enrolment tokens ---- */

typedef struct con_token {
  char id[CD_ID_SIZE];
  uint64_t uses_left;
  uint64_t uses_made;
  int64_t created_ms;
  int64_t expires_ms;
  cd_str created_by;
  cd_str tags; /* JSON array: what devices that enrol with it get */
  cd_str note;
  cd_str choices; /* JSON array: what devices may ask for besides */
  bool revoked;
} con_token;
typedef struct con_token_new {
  uint64_t uses;
  int64_t expires_ms;
  const cd_str *tags;
  size_t tag_count;
  cd_str note;
  const cd_str *choices;
  size_t choice_count;
} con_token_new;
/* `ret_secret` is shown once; only its SHA-256 is stored. The caller wipes it. */
CD_MUST_USE cd_code con_token_make(con_store *s, const con_by *by, const con_token_new *token,
                                   char ret_id[CD_ID_SIZE], uint8_t ret_secret[CON_SECRET_SIZE],
                                   cd_err *err);
/* The same with the members at hand. */
#define con_token_create(s, by, n_uses, until_ms, tag_list, n_tags, about, ret_id, ret_secret,     \
                         err)                                                                      \
  con_token_make((s), (by),                                                                        \
                 &(const con_token_new){.uses = (n_uses),                                          \
                                        .expires_ms = (until_ms),                                  \
                                        .tags = (tag_list),                                        \
                                        .tag_count = (n_tags),                                     \
                                        .note = (about)},                                          \
                 (ret_id), (ret_secret), (err))
/* Newest first. */
CD_MUST_USE cd_code con_token_each(con_store *s, bool (*each)(void *context, const con_token *t),
                                   void *context, cd_err *err);
CD_MUST_USE cd_code con_token_revoke(con_store *s, const con_by *by, cd_str id, cd_err *err);
/* CD_OK if it could be used now, else CD_E_DENIED with the reason; takes no use. */
CD_MUST_USE cd_code con_token_check(con_store *s, const uint8_t secret[CON_SECRET_SIZE],
                                    cd_err *err);

/* ---- applications ---- */

typedef struct con_app {
  char id[CD_ID_SIZE]; /* the client id */
  cd_str name;
  cd_str permissions; /* JSON array of texts: "Machine.Isolate" */
  int64_t created_ms;
  bool revoked;
  char *memory;
} con_app;
void con_app_release(con_app *a);
/* The secret is 32 random bytes in base64url, shown once; stored as SHA-256 (it has 256 bits, so
 * there is nothing to guess that a slow hash would slow down). The caller wipes it. */
#define CON_APP_SECRET_TEXT 44u
CD_MUST_USE cd_code con_app_create(con_store *s, const con_by *by, cd_str name,
                                   const cd_str *permissions, size_t permission_count,
                                   char ret_id[CD_ID_SIZE], char ret_secret[CON_APP_SECRET_TEXT],
                                   cd_err *err);
/* CD_E_DENIED, with the same sentence, for an unknown id, a wrong secret and a revoked one;
 * compared in constant time. */
CD_MUST_USE cd_code con_app_check(con_store *s, cd_str id, cd_str secret, con_app *ret_app,
                                  cd_err *err);
CD_MUST_USE cd_code con_app_get(con_store *s, cd_str id, con_app *ret_app, cd_err *err);
CD_MUST_USE cd_code con_app_each(con_store *s, bool (*each)(void *context, const con_app *app),
                                 void *context, cd_err *err);
CD_MUST_USE cd_code con_app_revoke(con_store *s, const con_by *by, cd_str id, cd_err *err);

/* ---- statements about keys ---- */

/* Known already: CD_OK. */
CD_MUST_USE cd_code con_statement_keep(con_store *s, cd_purpose purpose, cd_str statement,
                                       cd_err *err);
/* The newest first, until `each` returns false. */
CD_MUST_USE cd_code con_statement_each(con_store *s, cd_purpose purpose,
                                       bool (*each)(void *context, cd_str statement), void *context,
                                       cd_err *err);

#endif
