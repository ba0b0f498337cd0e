/* An investigation package: what its items are made of, whatever the OS.
 *
 * An item is one thing to be looked at. It runs on a thread of its own with a time and a ceiling,
 * writes one file of the package after another through the calls below, and is left behind if it
 * does not come back: a file system that hangs costs its own item and no more. Every file gets a
 * record, which ends in the manifest and in the report.
 */
#ifndef PACKAGE_ITEM_H
#define PACKAGE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cordon/plugin.h"
#include "package/sha256.h"
#include "support/err.h"

enum {
  COL_NAME = 256,     /* a name in the package */
  COL_SENTENCE = 256, /* what went wrong */
  COL_SOURCE = 200,
  COL_RECORDS_MAX = 4096,
  COL_STATUSES = 5
};

#define COL_MIB (1024ull * 1024)

/* What a text ends with that did not fit. */
#define COL_CUT "...(cut)"

typedef enum col_status { COL_OK, COL_ABSENT, COL_PARTIAL, COL_DENIED, COL_ERROR } col_status;

const char *col_status_name(col_status status);

/* Where the files go; one is open at a time. */
typedef struct col_sink {
  void *data;
  cordon_status (*open)(void *data, const char *name, const char *meta, uint64_t *ret_id);
  cordon_status (*write)(void *data, uint64_t id, const void *bytes, size_t len);
  cordon_status (*close)(void *data, uint64_t id, bool complete);
} col_sink;

typedef struct col_task col_task;

typedef struct col_item {
  const char *folder;
  const char *name;   /* of its file; of an item that makes several, what it is called */
  const char *source; /* where it looks */
  void (*collect)(col_task *t);
  uint32_t budget_ms;
  bool several; /* calls col_begin() itself */
  bool extended;
} col_item;

typedef struct col_options {
  const char *root; /* in front of every path; "" but in tests */
  const char *device;
  const char *action;
  bool extended;
  struct col_list *list; /* of the profile custom, which the OS's own col_run() takes; else NULL */
  const char *list_name; /* of that list; NULL: the profile is none of a list */
  uint64_t list_version;
  uint64_t deadline_ms; /* of sup_now_ms() */
  uint64_t max_file;    /* bytes */
  /* NULL, or what of the item that calls `ahead_of` may be done beside the items in front of it,
   * from the first one on, on a thread of its own. It writes nothing, and leaves what it found in
   * col_ahead(), a block that is freed with the task. */
  void (*ahead)(col_task *t);
  void (*ahead_of)(col_task *t);
  const cordon_host *host;
  cordon_op op;
  col_sink sink;
  const struct col_row_sink
      *rows;  /* of a read-out (package/readout.h), which makes no files; else NULL */
  void *data; /* of the two below */
  bool (*cancelled)(void *data);
  void (*progress)(void *data, uint64_t done, uint64_t total, const char *what);
  void *own; /* what the OS's items share. The run owns it: threads left behind may still use it */
  void (*own_free)(void *own);
} col_options;

typedef struct col_totals {
  uint32_t count[COL_STATUSES];
  uint64_t bytes;
  uint32_t files;
} col_totals;

typedef void col_cap_fn(void *data, const char *text);

/* Runs the items in their order, then writes the report and the manifest. `on_cap` hears of each
 * ceiling that was hit. CORDON_OK, CORDON_PARTIAL, CORDON_E_CANCELLED, or what kept the package
 * from being written. */
cordon_status col_package_run(const col_options *o, const col_item *items, size_t count,
                              col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err);

/* ---- for items ---- */

const col_options *col_options_of(const col_task *t);
/* Time or a ceiling is over, or somebody cancelled: end soon. Cheap. */
bool col_stop(const col_task *t);
/* The same without the ceilings of the file: whether an item of several files begins the next. */
bool col_over(const col_task *t);
/* What `ahead` has found, or NULL. */
void **col_ahead(col_task *t);
/* Milliseconds until the item's deadline. */
uint64_t col_left_ms(const col_task *t);

/* Begins the next file, below the item's folder, and ends the one before. `name` may hold anything,
 * `source` says where it is from. */
void col_begin(col_task *t, const char *name, const char *source);
/* Ends the file that is open, with its record. */
void col_end(col_task *t);
/* Whether anything but `ok` is to be said of the file. */
bool col_is_marked(const col_task *t);
/* When what is copied was changed last. Before the first byte. */
void col_set_mtime(col_task *t, int64_t seconds);
/* False: nothing more is taken. */
bool col_put(col_task *t, const void *bytes, size_t len);
bool col_puts(col_task *t, const char *text);
bool col_printf(col_task *t, const char *format, ...) __attribute__((format(CORDON_PRINTF, 2, 3)));
/* What is to be said of the file; the first sentence of the worst status stays. */
void col_mark(col_task *t, col_status status, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 3, 4)));
/* A ceiling was hit: partial. */
void col_cap(col_task *t, const char *format, ...) __attribute__((format(CORDON_PRINTF, 2, 3)));

/* Rows of a CSV (support/csv.h). The header is "a,b,c". */
void col_head(col_task *t, const char *columns);
void col_text(col_task *t, const char *text);
void col_bytes(col_task *t, const char *bytes, size_t len);
void col_num(col_task *t, int64_t number);
void col_unum(col_task *t, uint64_t number);
/* RFC 3339 in UTC; empty for 0. */
void col_time(col_task *t, int64_t seconds);
void col_flag(col_task *t, bool flag);
/* A field that its writer knows to need neither quotes nor escapes. */
void col_plain(col_task *t, const char *text, size_t len);
/* False: no more rows. */
bool col_row(col_task *t);
/* Of the file that is begun. */
uint64_t col_rows(const col_task *t);

/* ---- the rest of the package ---- */

void col_utc(int64_t seconds, uint32_t ms, bool with_ms, char ret_text[40]);
/* Milliseconds since 1970. */
int64_t col_wall_ms(void);

#endif
