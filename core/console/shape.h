/* The API's resources as JSON: one table of fields for each, which queries ask and which is
 * written. Absent values are there as null; times have seven digits; nothing has a space after its
 * colon. */
#ifndef CON_SHAPE_H
#define CON_SHAPE_H

#include <stdint.h>

#include "base/json.h"
#include "odata.h"
#include "store.h"
#include "store_alert.h"

typedef struct con_shape {
  const char *set; /* "Machines", of the context */
  const con_field *fields;
  size_t field_count;
  con_get get;
} con_shape;

extern const con_shape con_machines; /* rows are con_machine_row */
extern const con_shape con_actions;  /* rows are con_action */
extern const con_shape con_alerts;   /* rows are con_alert_row */

/* An object with the fields that `q` (may be NULL) selects. `base`: the server's URL, with which
 * the context of a single entity is written; empty: without, as in a collection. */
void con_shape_write(const con_shape *s, cd_jw *w, const con_odata *q, const void *row,
                     cd_str base);

/* The same as a member of an object, without a context. */
void con_shape_write_as(const con_shape *s, cd_jw *w, const char *key, const void *row);

/* An alert with what is made of it. */
typedef struct con_alert_row {
  const con_alert *alert;
  cd_buf user; /* JSON: relatedUser; empty: null */
} con_alert_row;

void con_alert_row_open(con_alert_row *r, const con_alert *a);
void con_alert_row_close(con_alert_row *r);

/* A device with its tags taken apart. `addresses` is made by con_machine_row_addresses(). */
typedef struct con_machine_row {
  const con_device *device;
  int64_t now_ms;
  cd_json_doc *doc;
  cd_str tags[CON_TAGS_MAX];
  size_t tag_count;
  cd_buf addresses; /* JSON */
} con_machine_row;

void con_machine_row_open(con_machine_row *r, const con_device *d, int64_t now_ms);
/* The field ipAddresses, by the device's facts; until then it is an empty list. */
void con_machine_row_addresses(con_machine_row *r);
void con_machine_row_close(con_machine_row *r);

/* The API's word for a platform: of "linux" and "debian", "Debian"; `id` may be empty. */
cd_str con_platform_word(cd_str family, cd_str id);

#endif
