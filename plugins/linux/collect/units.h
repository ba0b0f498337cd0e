/* Units of systemd, read from their files. */
#ifndef COLLECT_UNITS_H
#define COLLECT_UNITS_H

#include "collect.h"
#include "parse.h"

enum { COL_UNIT_TEXT = 8192, COL_UNIT_NAME = 256, COL_NAMES_MAX = 16384 };

typedef struct col_unit {
  char description[256];
  char run[COL_UNIT_TEXT];   /* every Exec...= with its key, a line each */
  char timer[COL_UNIT_TEXT]; /* every On...=, Unit= and Persistent=, likewise */
  char listen[512];          /* every Listen...= and Path...= */
  char user[64];
  char type[32];
  char wanted_by[256];
  char unit[COL_UNIT_NAME]; /* what a timer starts, if it says */
  bool cut;                 /* something did not fit; its text ends with COL_CUT */
} col_unit;

/* Adds a line of a unit file. Pure. */
void col_unit_add(col_unit *u, col_view line);

/* Lines that end with a backslash go on in the next one, as systemd joins them. */
typedef struct col_unit_lines {
  col_unit *unit;
  bool more; /* the line goes on */
  bool cut;
  size_t len;
  char text[COL_UNIT_TEXT];
} col_unit_lines;
/* Takes a line of the file; `data` is a col_unit_lines. A NUL ends a line too. Pure. */
bool col_unit_line(void *data, const char *line, size_t len);
/* After the last one. */
void col_unit_end(col_unit_lines *l);

/* A unit file, drop-in, alias or link as it is found. `st` is of the file itself. */
typedef struct col_unit_file {
  const char *path;
  const char *name;   /* of the unit */
  const char *kind;   /* unit, drop-in, alias, masked, wants, requires */
  const char *target; /* of a link, else "" */
  const char *user;   /* whose, "" for the system's */
  const struct stat *st;
} col_unit_file;
typedef void col_unit_fn(void *data, const col_unit_file *f);

/* Calls `fn` for each file of the system's and the users' units. `users`: theirs too. */
void col_each_unit(col_task *t, bool users, col_unit_fn *fn, void *data);

/* Reads a unit file. False: it cannot be read. `ret_sha256` may be NULL. */
bool col_unit_read(col_task *t, const col_unit_file *f, col_unit *ret_unit,
                   char ret_sha256[COL_SHA256_HEX + 1]);

/* A list of names. */
typedef struct col_names {
  char **items;
  size_t count;
  bool full; /* there were more */
} col_names;
void col_names_add(col_names *n, const char *name);
bool col_names_has(const col_names *n, const char *name);
void col_names_release(col_names *n);

#endif
