/* What a package keeps while it is made: the runner's own, not for items. */
#ifndef PACKAGE_PRIVATE_H
#define PACKAGE_PRIVATE_H

#include <stdatomic.h>

#include "package/item.h"
#include "package/sha256.h"
#include "package/thread.h"
#include "support/csv.h"

enum {
  COL_BUFFER = 32 * 1024,
  COL_SAID_TIMES = 8,
  /* Of the records, so that items of many files leave room for the others. A list may have 3,965
   * files; a system has some 60 items. */
  COL_RECORDS_KEPT = 96
};

typedef struct col_record {
  char *name; /* in the package, "" if it left no file */
  const char *folder;
  char *item;
  char *source;
  int64_t start_ms; /* since 1970 */
  uint32_t ms;
  uint64_t bytes;
  uint64_t rows;
  char sha256[COL_SHA256_HEX + 1];
  col_status status;
  char *error; /* or NULL */
  char *cap;   /* or NULL */
} col_record;

typedef struct col_package {
  col_options o;
  col_gate *gate; /* the sink, the records; it is told of the ends of tasks */
  col_record *records;
  size_t count;
  size_t left_out;
  int64_t started_ms; /* since 1970 */
  bool full;          /* the sink takes no more ordinary files */
  bool broken;        /* the sink takes nothing */
  bool told;          /* its manifest is whole */
  bool cancelled;
  uint64_t rows;      /* of a read-out, */
  uint64_t row_bytes; /* and how long they are */
  unsigned holders;   /* the runner, and threads that were left behind: the last one frees this */
  col_task *ahead;    /* of the item whose `ahead` runs, or has */
  col_thread *ahead_thread;
} col_package;

/* A time as it was written last. */
typedef struct col_said_time {
  int64_t seconds; /* 0: none */
  char text[40];
} col_said_time;

struct col_task {
  col_package *p;
  const col_item *item;
  uint64_t deadline_ms;
  atomic_bool stop;
  void *found;            /* by what was done ahead, */
  int64_t ahead_ms;       /* since 1970: when that began, or 0, */
  uint64_t ahead_mono_ms; /* and by the other clock */
  bool done;              /* under the gate */
  bool abandoned;         /* under the gate */

  /* The file that is being written. */
  bool begun;
  bool opened;
  bool shut;         /* takes no more */
  bool refused;      /* the sink took no more of it */
  bool last;         /* may use what is reserved for the report and the manifest */
  unsigned left_out; /* files of the item for which there is no record */
  uint64_t id;       /* of the sink */
  int64_t mtime;
  int64_t start_ms;
  uint64_t start_mono_ms;
  uint64_t bytes;
  _Atomic uint64_t rows; /* another thread may read them, if this one does not come back */
  char name[COL_NAME];
  char item_name[COL_NAME];
  char source[COL_SOURCE];
  col_status status;
  char error[COL_SENTENCE];
  char cap[COL_SENTENCE];
  col_sha256 *sha;         /* NULL: there was no memory for it */
  struct col_table *table; /* of a read-out, else NULL */
  sup_csv csv;
  col_said_time times[COL_SAID_TIMES];
  bool told;           /* it holds no more than what went wrong */
  size_t used;         /* of the buffer, */
  atomic_size_t whole; /* and up to here with whole rows and texts: another thread may read them */
  char buffer[COL_BUFFER];
};

col_task *col_task_new(col_package *p, const col_item *item);
void col_task_free(col_task *t);
/* Ends the item; of one of several files it is told if it was stopped. */
void col_end_item(col_task *t);
/* What was put so far may be written by another thread, if this one does not come back. */
void col_settle(col_task *t);
/* Ends the item of a task that did not come back, with what it has settled; the lock is held. */
void col_end_abandoned(col_task *t);
/* A record without a file, of an item that was not begun. */
void col_skip(col_package *p, const col_item *item, col_status status, const char *sentence);

/* The name of its profile. */
const char *col_profile(const col_options *o);
/* CollectionSummaryReport.xls and manifest.json, through a task that may use the reserve. */
void col_write_report(col_task *t);
void col_write_manifest(col_task *t);

/* ---- read-outs ---- */

/* The row that is being made, as JSON. */
typedef struct col_table col_table;

col_table *col_table_new(void);
void col_table_free(col_table *b); /* NULL is fine */
void col_table_head(col_table *b, const char *columns);
/* The next field; what is empty is null. */
void col_table_bytes(col_table *b, const char *bytes, size_t len);
void col_table_number(col_table *b, int64_t number);
void col_table_unsigned(col_table *b, uint64_t number);
void col_table_flag(col_table *b, bool flag);
/* Hands the row on. */
void col_table_row(col_task *t);
/* How the runner runs the items: no files, no report, no manifest. */
void col_run_items(col_package *p, const col_item *items, size_t count);
col_package *col_package_new(const col_options *o, sup_err *err);
void col_package_drop(col_package *p);

/* A name that any sink takes: `folder` and a clean form of `name`. Pure. */
void col_clean_name(const char *folder, const char *name, char ret_name[COL_NAME]);
/* `name (2).ext` where there is a file of that name. The lock is held. */
void col_make_unique(const col_package *p, char name[COL_NAME]);

#endif
