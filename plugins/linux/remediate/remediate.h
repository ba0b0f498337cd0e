/* Private to the plugin: what its parts share. An operation is a rem_job; each step that it makes
 * and each thing that it measures afterwards is written into it, and becomes the result. */
#ifndef REMEDIATE_H
#define REMEDIATE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "support/call.h"
#include "support/err.h"

enum {
  REM_PATH = PATH_MAX,
  REM_NAME = 256,
  REM_SHOW = 320, /* a path as a sentence names it */
  REM_ID = 64,    /* of an action, and of a container */
  REM_ITEMS = 200 /* steps, and things measured, of one operation */
};

#define REM_MIB (1024ull * 1024ull)

typedef struct rem_job {
  const sup_call *call;
  const char *state_dir;
  const char *operation;
  const char *action;
  const cJSON *target;
  const cJSON *known; /* paths of known findings, or NULL */
  bool force;
  bool stop;      /* processes that run the file are ended */
  bool noted;     /* a way back is on record */
  bool changed;   /* something was, or was about to be: no other provider is to begin anew */
  bool partial;   /* something that was asked for is not so */
  bool at_reboot; /* it is in force after a reboot */
  cJSON *steps;
  cJSON *verified;
  size_t steps_size; /* as JSON */
  size_t verified_size;
  uint64_t steps_more;    /* for which there was no room */
  char no_undo[REM_SHOW]; /* why nothing can be taken back; empty: it can, or there was no change */
} rem_job;

/* ---- report.c: what is said ---- */

/* `outcome`: done, already, left, failed, planned (of a dry run). */
void rem_step(rem_job *j, const char *step, const char *outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void rem_measured(rem_job *j, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts a record on the agent's disk that tells how to take back the change that is made next. Takes
 * `record`, of which version and action are filled in. */
cordon_status rem_note(rem_job *j, cJSON *record, sup_err *err);
/* The document that the operation's result is; the caller deletes it. */
cJSON *rem_result(const rem_job *j);
/* CORDON_OK, or which lesser end it was. */
cordon_status rem_outcome(const rem_job *j);

/* ---- bytes.c: text that need not be UTF-8 ---- */

/* A path or line of the parameters: text, or {"base64":"<base64url>"}. No NUL, at most size - 1
 * bytes. */
cordon_status rem_bytes_get(const cJSON *object, const char *name, char *ret_bytes, size_t size,
                            sup_err *err);
/* The same, written. */
void rem_bytes_put(cJSON *object, const char *name, const char *bytes);
char *rem_base64(const void *bytes, size_t len); /* the caller frees it; NULL: no memory */
/* False: it is none, or has more than `size` bytes. */
bool rem_unbase64(const char *text, uint8_t *ret_bytes, size_t size, size_t *ret_len);
void rem_hex(const uint8_t *bytes, size_t len, char *ret_text); /* 2 * len + 1 */
bool rem_unhex(const char *text, uint8_t *ret_bytes, size_t len);
/* As a sentence names it: control characters and what is no UTF-8 escaped, cut if it is long. */
const char *rem_show(const char *bytes, char ret_text[REM_SHOW]);
/* Letters, digits, `-`, `_` and `.`, not beginning with a dot, 1 to `max` bytes. */
bool rem_is_name(const char *text, size_t max);
/* 64 bits do not fit a number of JSON, and travel as text. */
void rem_u64_put(cJSON *to, const char *name, uint64_t value);
bool rem_u64_take(const cJSON *from, const char *name, uint64_t max, uint64_t *ret);
/* A number of at most 2^53 - 1. */
bool rem_number(const cJSON *object, const char *name, uint64_t *ret_number);

/* ---- way.c: to a file by folders that are none of them links ---- */

typedef struct rem_way {
  int dir; /* the folder, opened to name things in it; -1: closed */
  char name[REM_NAME];
  char path[REM_PATH]; /* without doubled slashes */
} rem_way;

cordon_status rem_way_open(const char *path, rem_way *ret_way, sup_err *err);
void rem_way_close(rem_way *w);
/* The file itself, if it is a plain one; O_NOATIME where that may be. */
cordon_status rem_way_file(const rem_way *w, int *ret_fd, struct stat *ret_st, sup_err *err);
/* A folder in the file's folder that only root can enter, made or found again. `ret_name` is what
 * it is called there. */
cordon_status rem_way_private(const rem_way *w, const char *id, int *ret_fd,
                              char ret_name[REM_NAME], sup_err *err);
void rem_way_private_end(const rem_way *w, int fd, const char *name);
/* Names in the folder are on the disk. */
cordon_status rem_sync_folder(const char *path, int dir, sup_err *err);

/* ---- attrs.c: all that a file is besides its bytes ---- */

typedef struct rem_attrs {
  uint64_t dev;
  uint64_t ino;
  uint64_t size;
  uint64_t links;
  uint32_t uid;
  uint32_t gid;
  uint32_t mode;
  int64_t atime_s;
  int64_t mtime_s;
  uint32_t atime_ns;
  uint32_t mtime_ns;
  uint32_t flags; /* of those that are kept: immutable, append-only, ... */
  cJSON *xattrs;  /* [{"name","value"}], values base64url; ACLs and capabilities are among them */
} rem_attrs;

cordon_status rem_attrs_read(int fd, rem_attrs *ret_attrs, sup_err *err);
void rem_attrs_release(rem_attrs *a);
/* Everything but the flags, the times last, and no attribute besides. `beyond`: those that this
 * process has no right to set may be missing. */
cordon_status rem_attrs_apply(int fd, const rem_attrs *a, bool beyond, sup_err *err);
/* Whether there are attributes that this process has no right to set; `ret_names` says which. */
bool rem_attrs_beyond(const rem_attrs *a, char ret_names[REM_SHOW]);
/* Those of the kind trusted.* are shown to few, and the others do not see that there are any. */
bool rem_attrs_sees_trusted(void);
cordon_status rem_attrs_flags(int fd, uint32_t flags, sup_err *err);
bool rem_attrs_fixed(uint32_t flags); /* immutable or append-only: cannot be moved */
/* Whether the file is so now, but for number and links; if not, `ret_why` says in what it
 * differs. Attributes that this process has no right to set and that are missing are named in
 * `ret_lost`. */
bool rem_attrs_same(int fd, const rem_attrs *a, char ret_why[REM_SHOW], char ret_lost[REM_SHOW]);
void rem_attrs_write(const rem_attrs *a, cJSON *to);
bool rem_attrs_parse(const cJSON *from, rem_attrs *ret_attrs);

/* ---- meta.c, container.c: files that were taken away, inert ---- */

typedef enum rem_state {
  REM_SEALED = 1, /* whole, and the file may still be at its place or beside it */
  REM_KEPT,       /* the file is gone from its place */
  REM_RESTORING,  /* a copy is at its place or about to be */
  REM_RESTORED    /* only the memory of it is left */
} rem_state;

typedef struct rem_meta {
  char id[REM_ID];
  char action[REM_ID];
  char path[REM_PATH];
  rem_state state;
  uint8_t key[32];
  uint8_t nonce[8];
  char sha256[65];
  char sha1[41];
  uint64_t sealed_ms;
  uint64_t restored_ms;
  uint64_t restored_dev;
  uint64_t restored_ino;
  rem_attrs attrs;
} rem_meta;

/* Pure; text from the disk. */
cordon_status rem_meta_parse(const char *text, size_t len, rem_meta *ret_meta, sup_err *err);
char *rem_meta_write(const rem_meta *m); /* the caller frees it with cJSON_free */
void rem_meta_release(rem_meta *m);

/* Reads the file and writes its container, whole, read back and on the disk, state REM_SEALED. */
cordon_status rem_container_seal(const rem_job *j, int fd, rem_meta *m, sup_err *err);
/* CORDON_E_NOTFOUND without a sentence where there is none. */
cordon_status rem_container_load(const rem_job *j, const char *id, rem_meta *ret_meta,
                                 sup_err *err);
cordon_status rem_container_save(const rem_job *j, const rem_meta *m, sup_err *err);
/* Writes the plain bytes and checks them against the digest. */
cordon_status rem_container_open(const rem_job *j, const rem_meta *m, int to, sup_err *err);
/* The sealed bytes and their key are gone; the memory stays. */
cordon_status rem_container_spend(const rem_job *j, rem_meta *m, sup_err *err);
/* Digests of the plain bytes of a file; `ret_sha256` NULL: only the other. */
cordon_status rem_hash(const rem_job *j, int fd, uint64_t size, char ret_sha256[65],
                       char ret_sha1[41], sup_err *err);
/* Whether the opened file is the one that was sealed, with the bytes that were. */
bool rem_container_is_of(const rem_job *j, const rem_meta *m, int fd);
void rem_container_drop(const rem_job *j, const char *id);
/* Ids of all containers, and removal of what was never whole. False from `fn` stops. */
typedef bool rem_container_fn(void *data, const char *id);
void rem_container_each(const rem_job *j, rem_container_fn *fn, void *data);
/* The latest one that holds this path and is not restored. */
cordon_status rem_container_of_path(const rem_job *j, const char *path, rem_meta *ret_meta,
                                    sup_err *err);

/* ---- owner.c: packages ---- */

typedef enum rem_owned { REM_OWNED_NO, REM_OWNED_YES, REM_OWNED_UNKNOWN } rem_owned;
/* `ret_by`: the package, or why it cannot be known. */
rem_owned rem_owner_of(const char *path, char ret_by[REM_SHOW]);
enum { REM_OWNER_DPKG, REM_OWNER_PACMAN, REM_OWNER_PORTAGE, REM_OWNER_XBPS, REM_OWNER_LISTS };
/* Whether a line of such a list, which is changed, names the file. Pure. */
bool rem_owner_line(unsigned list, const char *path, char *line);

/* ---- own.c: what is the agent's own, and stays ---- */

bool rem_own_unit(const char *name);
bool rem_own_file(const rem_job *j, const char *path, const struct stat *st);

/* ---- proc.c: processes by identity ---- */

typedef struct rem_proc {
  int64_t pid;
  int64_t parent;
  uint64_t start; /* clock ticks since boot */
  uint32_t uid;
  uint32_t flags;
  char state;
  char name[32];
} rem_proc;

bool rem_proc_parse(const char *text, rem_proc *ret_proc); /* of /proc/N/stat; pure */
bool rem_proc_read(int64_t pid, rem_proc *ret_proc);
/* Whether it must be left alone; `ret_why` says so. */
bool rem_proc_protected(const rem_proc *p, char ret_why[REM_SHOW]);
bool rem_boot_id(char ret_id[40]);
/* A handle of exactly this process; -1 with 0 in *ret_error: it is gone. */
int rem_proc_hold(int64_t pid, uint64_t start, rem_proc *ret_now, int *ret_error);
/* Ends it through the handle and sees it end. */
cordon_status rem_proc_end(int handle, uint64_t deadline_ms, sup_err *err);
/* Calls `fn` for each process. */
typedef bool rem_proc_fn(void *data, const rem_proc *p);
void rem_proc_each(rem_proc_fn *fn, void *data);

cordon_status rem_process_run(rem_job *j, sup_err *err);
cordon_status rem_process_undo(rem_job *j, const cJSON *record, sup_err *err);

/* ---- running.c: who runs a file ---- */

enum { REM_RUNNING = 64 };
typedef struct rem_running {
  rem_proc items[REM_RUNNING];
  size_t count;
  size_t more;
} rem_running;
/* A file as stat names it, and as maps do. */
typedef struct rem_image {
  uint64_t dev;
  uint64_t ino;
  uint64_t map_dev;
  uint64_t map_ino;
} rem_image;
cordon_status rem_image_of(int fd, rem_image *ret_image, sup_err *err);
void rem_running_find(const rem_image *image, rem_running *ret_running);
/* Ends them, if that is asked for. */
cordon_status rem_running_stop(rem_job *j, const rem_image *image, sup_err *err);
/* The same, and names in the job those that are left. */
cordon_status rem_running_settle(rem_job *j, const rem_image *image, sup_err *err);

/* ---- names.c ---- */

/* Of a file that was removed from its path: looks for its other names, and says so. */
void rem_names_left(rem_job *j, int fd, const char *path);

/* ---- quarantine.c, restore.c ---- */

/* What the file must be: digests as text, or NULL. */
typedef struct rem_wanted {
  const char *sha256;
  const char *sha1;
} rem_wanted;
/* `wanted` NULL: whatever it is. */
cordon_status rem_quarantine(rem_job *j, const char *path, const char *id, const rem_wanted *wanted,
                             sup_err *err);
cordon_status rem_quarantine_run(rem_job *j, sup_err *err);
cordon_status rem_restore(rem_job *j, rem_meta *m, sup_err *err);
cordon_status rem_restore_run(rem_job *j, sup_err *err);
cordon_status rem_restore_undo(rem_job *j, const cJSON *record, sup_err *err);
cordon_status rem_startup_run(rem_job *j, sup_err *err);
bool rem_startup_is(const char *path); /* a place where what starts by itself is kept */
cordon_status rem_find_run(rem_job *j, sup_err *err);

/* ---- edit.c: small text files, changed whole ---- */

typedef struct rem_text {
  rem_way way;
  char *bytes;
  size_t len;
  struct stat st;
} rem_text;

/* Reads a plain file of at most 4 MiB. */
cordon_status rem_text_read(const char *path, rem_text *ret_text, sup_err *err);
void rem_text_release(rem_text *t);
/* Removes what a change of this file that was cut short has left beside it. */
void rem_text_tidy(const char *path);
/* Puts other bytes in its place, with the same owner, mode and attributes, unless it was changed
 * since it was read. */
cordon_status rem_text_replace(const rem_text *t, const char *bytes, size_t len, sup_err *err);
/* A new file with these bytes, root's, that must not be there. CORDON_E_CONFLICT: it is. */
cordon_status rem_file_make(const rem_way *w, const char *bytes, unsigned mode, sup_err *err);
/* The bytes with `cut` of them at `at` replaced; the caller frees it. NULL: no memory. */
char *rem_splice(const char *bytes, size_t len, size_t at, size_t cut, const char *put,
                 size_t *ret_len);

/* ---- cron.c ---- */

/* Whether the line is there, as it was or, with `off`, switched off by us: 2: at that number (from
 * 1; 0: none given); 1: once; 0: not; -1: more than once, and not at that number. `ret_at` is where
 * it begins. Pure. */
int rem_cron_find(const char *bytes, size_t len, const char *text, uint64_t line, bool off,
                  size_t *ret_at);
cordon_status rem_cron_run(rem_job *j, sup_err *err);
cordon_status rem_cron_undo(rem_job *j, const cJSON *record, sup_err *err);

/* ---- user.c ---- */

/* Where the fields of an entry of shadow are. Pure. */
typedef struct rem_shadow {
  size_t password_at, password_len;
  size_t expire_at, expire_len;
} rem_shadow;
bool rem_shadow_find(const char *bytes, size_t len, const char *name, rem_shadow *ret_entry);
cordon_status rem_user_run(rem_job *j, sup_err *err);
cordon_status rem_user_undo(rem_job *j, const cJSON *record, sup_err *err);

/* ---- unit.c, unit_bar.c, unit_links.c, bus.c: services and timers of systemd ---- */

cordon_status rem_unit_run(rem_job *j, sup_err *err);
cordon_status rem_unit_undo(rem_job *j, const cJSON *record, sup_err *err);
bool rem_bus_runs(void); /* systemd is the init of this system, and can be asked */
cordon_status rem_bus_reload(sup_err *err);
cordon_status rem_bus_stop(const char *unit, sup_err *err);
cordon_status rem_bus_start(const char *unit, sup_err *err);
cordon_status rem_bus_active(const char *unit, char ret_state[32], sup_err *err);
/* Whether it knows of the condition of unit_bar.c. */
cordon_status rem_bus_barred(const char *unit, bool *ret_barred, sup_err *err);

/* [{"path","target"}]: the links under the folder of the administrator's units by which others
 * start this one. The caller deletes it. */
cJSON *rem_links_find(int units, const char *unit);
/* What is in a drop-in of ours. Pure. */
cJSON *rem_links_parse(const char *text, bool *ret_active);

/* Whether a drop-in forgets the conditions of those before: `Condition...=` with nothing behind it.
 * Pure. */
bool rem_bar_resets(const char *text);

/* ---- module.c ---- */

cordon_status rem_module_run(rem_job *j, sup_err *err);
cordon_status rem_module_undo(rem_job *j, const cJSON *record, sup_err *err);

/* ---- record.c: what undo gets ---- */

enum { REM_RECORD_VERSION = 1 };
/* The kind of a record (`do`) that this plugin can carry out, checked. Pure. */
cordon_status rem_record_check(const cJSON *record, const char **ret_do, sup_err *err);
cordon_status rem_undo_all(rem_job *j, const char *records, size_t len, sup_err *err);

#endif
