/* The profile custom: files that a list names, each item within its ceilings, and no secrets. How
 * files are found, opened and judged is the system's, below; all else is the same everywhere. */
#ifndef PACKAGE_LIST_H
#define PACKAGE_LIST_H

#include <cjson/cJSON.h>

#include "package/item.h"
#include "package/keys.h"

/* As the agent checks them (docs/package.md); the plugin goes no further whatever it is given. */
enum {
  COL_LIST_ITEMS = 64,
  COL_LIST_FILES = 2000,
  COL_LIST_DEPTH = 32,
  COL_LIST_PATH = 1024,
  COL_LIST_PARTS = 32, /* of a path */
  COL_LIST_KEEP_OUT = 8,
  COL_LIST_FOUND = 4096,   /* bytes of a path that is found */
  COL_LIST_LOOKED = 200000 /* names, of an item */
};
#define COL_LIST_BYTES (1024 * COL_MIB)

typedef struct col_list col_list;

typedef struct col_list_item {
  char folder[COL_NAME];
  const char *path;
  const char *why;
  bool foreign;       /* the path is one of another system's */
  uint64_t max_bytes; /* of one file */
  unsigned max_files;
  unsigned max_depth; /* of a part that is ** */
} col_list_item;

/* An entry of a folder, as the system tells of it while it lists the folder. */
typedef bool col_list_entry_fn(void *data, const char *name, bool folder);

typedef struct col_list_os {
  /* What a path begins with, up to its first separator: "" or "C:". False: it is none of a path of
   * this system, in which no part is empty, `.` or `..` (those are looked for elsewhere). */
  bool (*root_of)(const char *path, size_t *ret_len);
  char separator;
  /* Calls `fn` for each entry whose name is what a part of a path says, and counts all that it
   * looks at, at most COL_LIST_LOOKED; a link is no folder. 0 or an error. */
  int (*each)(const col_task *t, const char *folder, const char *pattern, size_t len,
              col_list_entry_fn *fn, void *data, unsigned *looked);
  /* Whether the folder has an entry of this name. 0 or an error. */
  int (*look)(const col_task *t, const char *folder, const char *name, bool *ret_there);
  /* Whether an error says that there is no such folder. */
  bool (*is_absent)(int error);
  void (*tell)(int error, char *ret_text, size_t size);
  /* Where a folder really is, to be freed, or NULL. */
  char *(*real_folder)(const char *folder);
  /* Writes one file into the file of the package that is begun, or marks why not. `facts` is
   * zero. */
  void (*take)(col_task *t, const col_list *l, const col_list_item *i, const char *path,
               void *facts);
  /* The fields behind path, status, why, file. */
  const char *columns;
  void (*put_facts)(col_task *t, const void *facts);
  size_t facts_size;
} col_list_os;

struct col_list {
  const col_list_os *os;
  cJSON *doc; /* owns every text */
  const char *name;
  uint64_t version;
  char *keep_out[COL_LIST_KEEP_OUT]; /* folders of which nothing is taken, links followed */
  unsigned keep_out_count;
  col_list_item *items;
  size_t count;
  col_item *runs; /* for col_run(): the list itself, and each item in its order */
};

/* Takes a copy of the list and of the folders that are kept out (an array, or NULL). */
cordon_status col_list_read_for(const col_list_os *os, const cJSON *list, const cJSON *keep_out,
                                col_list **ret_list, sup_err *err);
void col_list_free(col_list *l); /* NULL is fine */
/* What col_run() runs of it. */
const col_item *col_list_runs(const col_list *l, size_t *ret_count);

/* ---- parts of it ---- */

/* Whether a text is what a pattern says: `*` any characters, `?` one. Time is bounded by the
 * product of both lengths. Pure. */
bool col_glob(const char *pattern, const char *text);
bool col_glob_part(const char *pattern, size_t len, const char *text);

/* The files that match the path of an item, by their paths. */
typedef struct col_found {
  char **paths;
  size_t count;
  unsigned looked;            /* at this many names */
  bool more;                  /* matched, but beyond the ceiling */
  bool deeper;                /* there are folders below the depth of ** */
  bool unfinished;            /* not everywhere was looked */
  char trouble[COL_SENTENCE]; /* the first folder that could not be looked into */
} col_found;
void col_find(const col_task *t, const col_list_os *os, const col_list_item *item,
              col_found *ret_found);
void col_found_release(col_found *f);

/* Which secret a file of this path holds on any system, by its name: a few words, or NULL. The path
 * is in lower case and has slashes. Pure. */
const char *col_secret_common(const char *lower);
void col_say_secret(col_task *t, const char *what);

/* Leaves private keys and hashes of passwords out of a stream of bytes. Zero is a good beginning
 * but for the two below; without `put` the bytes are looked at and not put. */
enum { COL_SCRUB_WINDOW = 16 * 1024 };
typedef enum col_scrub_state { SCRUB_TEXT, SCRUB_KEY, SCRUB_END, SCRUB_HASH } col_scrub_state;
typedef struct col_scrub {
  bool (*put)(void *data, const void *bytes, size_t len);
  void *data;
  char held[COL_SCRUB_WINDOW]; /* what may be the beginning of a secret */
  size_t held_len;
  size_t skip; /* of what is held, so much is not put */
  col_scrub_state state;
  bool wide;   /* the secret is in UTF-16 */
  char before; /* the last byte that was put */
  unsigned keys;
  unsigned endless; /* of them, whose end is not there */
  unsigned hashes;
  col_key key; /* how far it goes */
} col_scrub;
bool col_scrub_put(col_scrub *s, const char *bytes, size_t len);
/* From here on it is put: what came before, without `put`, tells whether this is within a secret.
 */
void col_scrub_begin(col_scrub *s, bool (*put)(void *data, const void *bytes, size_t len),
                     void *data);
/* The end: what is held is put. */
bool col_scrub_end(col_scrub *s);

/* An open file of which nobody knows what is in it. */
typedef struct col_stream {
  void *data;
  /* Bytes, 0 at the end, or below 0 (then `tell` marks why). */
  int64_t (*read)(void *data, void *ret_bytes, size_t max);
  void (*seek)(void *data, uint64_t from);
  void (*tell)(void *data, col_task *t);
  uint64_t size;
} col_stream;
/* Its last `max` bytes, without secrets, into the file that is begun. */
void col_copy_scrubbed(col_task *t, col_stream *from, uint64_t max);

#endif
