/* Alerts: what was found on devices, for people to work through.
 *
 * Made of findings of signed results, or by somebody's own word. Findings of a device with the same
 * title are one alert while that is open. Nothing acts by an alert, so nothing rests on its row;
 * every change has its entry in the audit log all the same.
 *
 * A device may say what it likes, so what one of them can fill here is limited: CON_ALERTS_A_DAY
 * and CON_EVIDENCE_A_DAY; what goes beyond is counted, in the alert that it belongs to or in one
 * that says that there is too much. */
#ifndef CON_STORE_ALERT_H
#define CON_STORE_ALERT_H

#include "store.h"

#define CON_ALERT_ID_SIZE 40u    /* "da" and 18 digits, "_", a whole number of 32 bits */
#define CON_ALERT_TITLE_MAX 512u /* bytes, as the texts below */
#define CON_ALERT_TEXT_MAX 8192u /* a description, a recommended action */
#define CON_ALERT_COMMENTS_MAX 100u
#define CON_ALERT_BATCH_MAX 500u
#define CON_ALERTS_A_DAY 100u    /* new ones of one device in 24 hours */
#define CON_EVIDENCE_MAX 200u    /* items of one alert */
#define CON_EVIDENCE_A_DAY 2000u /* new items of one device in 24 hours */

typedef enum con_severity {
  CON_SEVERITY_INFORMATIONAL = 1,
  CON_SEVERITY_LOW,
  CON_SEVERITY_MEDIUM,
  CON_SEVERITY_HIGH,
  CON_SEVERITY_COUNT
} con_severity;

typedef enum con_alert_status {
  CON_ALERT_NEW = 1,
  CON_ALERT_IN_PROGRESS,
  CON_ALERT_RESOLVED,
  CON_ALERT_STATUS_COUNT
} con_alert_status;

/* The words of the public API; any case is read. */
const char *con_severity_name(con_severity severity);
bool con_severity_from_name(cd_str name, con_severity *ret_severity);
const char *con_alert_status_name(con_alert_status status);
bool con_alert_status_from_name(cd_str name, con_alert_status *ret_status);
/* The word as it is written, or NULL. `classification` may be empty: then any determination. */
const char *con_classification_word(cd_str word);
const char *con_determination_word(cd_str classification, cd_str word);
const char *con_category_word(cd_str word);

typedef struct con_alert {
  char id[CON_ALERT_ID_SIZE];
  uint64_t number; /* counts up in the order of creation */
  cd_str device;
  cd_str dns_name; /* of the device now */
  cd_str title;
  cd_str description;
  cd_str recommended; /* what to do */
  cd_str category;
  cd_str source;    /* detectionSource */
  cd_str threat;    /* the signature; may be empty */
  cd_str family;    /* likewise */
  cd_str user;      /* whose file it is, first of all; may be empty */
  cd_str reference; /* of one that was made by reference; else empty */
  cd_str assigned_to;
  cd_str classification; /* empty: none, as determination */
  cd_str determination;
  cd_str comments; /* JSON array */
  cd_str evidence; /* JSON array, or empty where it was not asked for */
  con_severity severity;
  con_alert_status status;
  int64_t created_ms;
  int64_t first_ms; /* of the events */
  int64_t last_ms;
  int64_t updated_ms;
  int64_t resolved_ms; /* 0: it is not resolved */
  uint64_t findings;   /* that were counted for it */
  uint64_t left_out;   /* of these, those without an item of evidence */
  char *memory;
} con_alert;
void con_alert_release(con_alert *a);

CD_MUST_USE cd_code con_alert_get(con_store *s, cd_str id, con_alert *ret_alert, cd_err *err);
typedef struct con_alert_query {
  cd_str device; /* empty: of any */
  bool evidence; /* with the items */
} con_alert_query;
/* Newest first, until `each` returns false, which must not call functions of the store. */
CD_MUST_USE cd_code con_alert_each(con_store *s, const con_alert_query *query,
                                   bool (*each)(void *context, const con_alert *alert),
                                   void *context, cd_err *err);
/* Cordon's own words about each item: JSON objects, oldest first. */
CD_MUST_USE cd_code con_alert_findings(con_store *s, cd_str id,
                                       bool (*each)(void *context, cd_str finding), void *context,
                                       cd_err *err);
/* The ids of the first 100 actions that found it, as a JSON array. */
CD_MUST_USE cd_code con_alert_actions(con_store *s, cd_str id, cd_buf *out, cd_err *err);
/* How many are not resolved. */
CD_MUST_USE cd_code con_alert_open_count(con_store *s, uint64_t *ret_count, cd_err *err);

/* ---- by people ---- */

/* What is not said stays as it is. Texts were checked by the caller. */
typedef struct con_alert_change {
  con_alert_status status; /* 0: not said */
  bool has_assigned;
  cd_str assigned_to; /* may be empty: nobody */
  bool has_classification;
  cd_str classification; /* may be empty: none */
  bool has_determination;
  cd_str determination;
  cd_str comment; /* empty: none is added */
} con_alert_change;
/* All of them, or none: CD_E_NOTFOUND names the one that is not there; CD_E_LIMIT: it has too many
 * comments. Appends "alert.change" for each. */
CD_MUST_USE cd_code con_alert_change_all(con_store *s, const con_by *by, const cd_str *ids,
                                         size_t count, const con_alert_change *change, cd_err *err);

typedef struct con_alert_new {
  cd_str device;
  cd_str title;
  cd_str description;
  cd_str recommended;
  cd_str category;
  cd_str reference;
  con_severity severity;
  int64_t event_ms;
} con_alert_new;
/* By somebody's own word; appends "alert.create". An open one of the same device and title takes it
 * up instead ("alert.merge"). */
CD_MUST_USE cd_code con_alert_create(con_store *s, const con_by *by, const con_alert_new *alert,
                                     char ret_id[CON_ALERT_ID_SIZE], cd_err *err);

/* ---- by devices ---- */

/* One finding, or a word about a result that cannot be read. Texts are cut, never refused. */
typedef struct con_found {
  cd_str title;
  cd_str category;
  cd_str threat;
  cd_str family;
  cd_str user;
  con_severity severity;
  cd_str item;    /* JSON object: the item of evidence, as the API has it; empty: none */
  cd_str finding; /* JSON object: what Cordon says of it */
  cd_digest key;  /* the same key in the same alert is the same item */
} con_found;
typedef struct con_find {
  cd_str device;
  cd_str action; /* the scan; what it found is taken once */
  cd_str source;
  cd_str recommended;
  cd_str about; /* a sentence about the scan, for the description */
  int64_t at_ms;
  uint64_t unnamed; /* findings that the device counted and did not name */
  const con_found *found;
  size_t count;
} con_find;
typedef struct con_find_result {
  unsigned created;
  unsigned merged;
  uint64_t left_out; /* findings without an item of evidence */
} con_find_result;
/* Appends "alert.found". */
CD_MUST_USE cd_code con_alert_found(con_store *s, const con_find *find, con_find_result *ret_result,
                                    cd_err *err);

/* Removes those that nothing happened to since then, at most `most` at once; appends "alert.expire"
 * if there are any. */
CD_MUST_USE cd_code con_alert_expire(con_store *s, int64_t before_ms, unsigned most,
                                     unsigned *ret_removed, cd_err *err);

#endif
