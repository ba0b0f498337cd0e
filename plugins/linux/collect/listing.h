/* Tables of the lines of files: a row for each line that matters, with what stat and SHA-256 say of
 * its file; of a file without such lines one row that says that it is there. */
#ifndef COLLECT_LISTING_H
#define COLLECT_LISTING_H

#include "collect.h"
#include "parse.h"
#include "proctab.h"

#define COL_LISTING_COLUMNS "path,user," COL_STAT_COLUMNS ",sha256,line,text"

enum { COL_LISTED_LINES_MAX = 20000 };

typedef struct col_listing {
  col_task *task;
  const char *user;               /* whose file it is, "" for the system's */
  bool (*wanted)(col_view line);  /* NULL: what is neither empty nor a comment */
  bool (*name)(const char *name); /* of files in folders; NULL: all */
  bool masked;                    /* what may be a password is left out */
  bool jobs;                      /* of at: what sets their environment is left out */
  unsigned files;                 /* how many were there */
} col_listing;

/* A field with the line, without what may be a password. */
void col_masked(col_task *t, col_view line);

/* Neither empty nor a comment. Pure. */
bool col_is_content(col_view line);

void col_list_file(col_listing *l, const char *path);
void col_list_folder(col_listing *l, const char *path);
/* Of the home of a user. */
void col_list_below(col_listing *l, const char *home, const char *rel);

/* Calls `fn` for each user who has a home of their own, each home once. */
typedef void col_home_fn(void *data, const char *user, const char *home);
void col_each_home(col_task *t, col_home_fn *fn, void *data);

/* The front of a row about a file: path, user, stat, SHA-256. */
void col_file_fields(col_task *t, const char *path, const char *user, const struct stat *st,
                     const char *sha256);
/* The same without a file: empty fields. */
void col_no_file_fields(col_task *t, const char *path, const char *user);

#endif
