/* Private to the plugin: what its parts share. An operation is a rem_job; each step that it makes
 * and each thing that it measures afterwards is written into it, and becomes the result. */
#ifndef REMEDIATE_H
#define REMEDIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <windows.h>

#include <cjson/cJSON.h>

#include "support/call.h"
#include "support/err.h"

enum {
  REM_RECORD_VERSION = 1,
  REM_NAME = 256,
  REM_KEY = 512,
  REM_DATA_MAX = 32 * 1024,
  REM_PATH = 4096, /* units of UTF-16, or bytes of UTF-8 */
  REM_SHOW = 320,  /* a path as a sentence names it */
  REM_ID = 64,     /* of an action, and of a container */
  REM_STREAMS = 64,
  REM_DESCRIPTOR = 64 * 1024 /* whom a file belongs to, and who may do what with it */
};

#define REM_MIB (1024ull * 1024ull)

typedef struct rem_job {
  const sup_call *call;
  const wchar_t *state_dir; /* with \\?\; empty: nothing can be kept */
  const char *operation;
  const char *action;
  const cJSON *target;
  const cJSON *known; /* paths of known findings, or NULL */
  bool force;
  bool stop;    /* processes that run the file are ended */
  bool noted;   /* a way back is on record */
  bool changed; /* something was, or was about to be */
  bool partial; /* something that was asked for is not so */
  cJSON *steps;
  cJSON *verified;
  char no_undo[REM_NAME]; /* why nothing can be taken back */
} rem_job;

/* ---- report.c ---- */

/* `outcome`: done, already, left, failed, planned (of a dry run). */
void rem_step(rem_job *j, const char *step, const char *outcome, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 4, 5)));
void rem_measured(rem_job *j, const char *what, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 3, 4)));
/* Puts a record on the agent's disk that tells how to take back the change that is made next. Takes
 * `record`, of which version and action are filled in. */
cordon_status rem_note(rem_job *j, cJSON *record, sup_err *err);
cJSON *rem_result(const rem_job *j);
/* Takes back what the records say, the newest first; each is tried, and the first failure told. */
cordon_status rem_undo_all(rem_job *j, const char *records, size_t len, sup_err *err);

/* A text member as UTF-16. */
cordon_status rem_wide(const cJSON *object, const char *name, wchar_t *ret_text, size_t units,
                       sup_err *err);
/* A whole number of a JSON number or, above 2^53, of a text. */
bool rem_number(const cJSON *object, const char *name, uint64_t *ret_number);
void rem_u64_put(cJSON *object, const char *name, uint64_t value); /* as text */
/* Lower-case digits, which the caller frees; NULL: no memory. */
char *rem_hex(const void *bytes, size_t len);
/* False: it is none of exactly `len` bytes. */
bool rem_unhex(const char *text, void *ret_bytes, size_t len);
/* Letters, digits, `-`, `_` and `.`, not beginning with a dot, 1 to `max` bytes. */
bool rem_is_name(const char *text, size_t max);
/* As a sentence names it: control characters are `?`, and it is cut if it is long. */
const char *rem_show(const char *text, char ret_text[REM_SHOW]);
const char *rem_show_wide(const wchar_t *text, char ret_text[REM_SHOW]);

/* ---- file.c: files by handle, on the disks of this machine, with no link on the way ---- */

typedef struct rem_place {
  wchar_t full[REM_PATH]; /* \\?\C:\... */
  char path[REM_PATH];    /* C:\... */
} rem_place;

/* A file is known again by the volume and its number there, and by its bytes. */
typedef struct rem_identity {
  uint64_t volume;
  uint64_t index;
} rem_identity;

typedef struct rem_look {
  rem_identity identity;
  uint64_t size;
  uint64_t links;
  uint32_t attributes;
} rem_look;

/* The path, checked in its form only. */
cordon_status rem_place_of(const char *path, rem_place *ret_place, sup_err *err);
cordon_status rem_place_read(const cJSON *object, const char *name, rem_place *ret_place,
                             sup_err *err);
/* Opens the file and keeps everybody else from writing, moving or removing it until it is closed;
 * the place is its real name then, with no short one in it. CORDON_E_NOTFOUND: nothing is there.
 * CORDON_E_CONFLICT: somebody holds it open. */
cordon_status rem_hold(rem_place *p, HANDLE *ret_handle, rem_look *ret_look, sup_err *err);
/* The same with more rights. */
cordon_status rem_hold_for(rem_place *p, DWORD more_rights, HANDLE *ret_handle, rem_look *ret_look,
                           sup_err *err);
/* What it is and whose, of one that cannot be held: no process can deny that. */
cordon_status rem_glance(rem_place *p, rem_look *ret_look, char ret_owner[REM_NAME], sup_err *err);
/* Opens it to be read, whatever others do with it. 0 or an error; with ERROR_CANT_ACCESS_FILE it is
 * no plain file of a local disk, or behind a link. */
DWORD rem_peek(const wchar_t *full, HANDLE *ret_handle, rem_look *ret_look);
bool rem_look_at(HANDLE h, rem_look *ret_look);
bool rem_same_file(const rem_identity *a, const rem_identity *b);
/* Where the handle leads is where the path says. */
bool rem_leads_there(HANDLE h, const wchar_t *full);
/* Removes the name by which it was opened. 0, or an error, and then it is as it was. */
DWORD rem_remove(HANDLE h, const rem_look *look);
void rem_close(HANDLE *h);
/* Moves the opened file there, unless something is there. 0 or an error. */
DWORD rem_move(HANDLE h, const wchar_t *full);
/* \\?\folder\name; false: it does not fit. */
bool rem_join(const wchar_t *folder, const wchar_t *name, wchar_t ret_path[REM_PATH]);
/* The folder above. */
void rem_above(const wchar_t *full, wchar_t ret_folder[REM_PATH]);
/* What a path below %windir% is: \\?\C:\Windows; and the same of a path of another folder. */
bool rem_is_below(const wchar_t *full, const wchar_t *folder);
bool rem_windows_folder(wchar_t ret_path[REM_PATH]);

/* ---- attrs.c: all that a file is besides its bytes ---- */

typedef struct rem_stream {
  wchar_t name[REM_NAME + 48]; /* :name:$DATA */
  uint64_t size;
  char sha256[65]; /* of what is sealed */
  HANDLE held;     /* nobody writes to it meanwhile; NULL: it is not held */
} rem_stream;

typedef struct rem_attrs {
  rem_look look;
  uint64_t created; /* 100 ns since 1601 */
  uint64_t accessed;
  uint64_t written;
  uint64_t changed;
  uint8_t *descriptor; /* self-relative: owner, group, DACL with what is inherited, label */
  uint32_t descriptor_len;
  rem_stream *streams; /* besides the bytes */
  uint32_t stream_count;
  bool streams_known; /* the file system could be asked */
  uint32_t extended;  /* bytes of extended attributes, which are not kept */
} rem_attrs;

cordon_status rem_attrs_read(HANDLE h, rem_attrs *ret_attrs, sup_err *err);
void rem_attrs_release(rem_attrs *a);
/* Closes the streams that are held. */
void rem_attrs_let_go(rem_attrs *a);
/* Sets attributes, compression and times. What could not be set is told by rem_attrs_same(). */
void rem_attrs_apply(HANDLE h, const rem_attrs *a);
void rem_attrs_times(HANDLE h, const rem_attrs *a);
/* Sets whose it is and who may do what with it; `ret_why` says what was refused, or is empty. */
void rem_attrs_give(HANDLE h, const rem_attrs *a, char ret_why[REM_SHOW]);
/* CORDON_E_CONFLICT: there are others than those that were listed, or of another size. */
cordon_status rem_attrs_streams_stay(HANDLE h, const rem_attrs *a, sup_err *err);
/* What a description says is the same. */
bool rem_attrs_equal(const rem_attrs *a, const rem_attrs *b);
/* False: it does not fit, or is no text, and would not be the same when it is read again. */
bool rem_text_of(const wchar_t *name, char *ret_text, size_t size);
/* Whether the file is so now; if not, `ret_why` says in what it differs. */
bool rem_attrs_same(HANDLE h, const rem_attrs *a, char ret_why[REM_SHOW]);
void rem_attrs_write(const rem_attrs *a, cJSON *to);
bool rem_attrs_parse(const cJSON *from, rem_attrs *ret_attrs);
/* Whose it is, as text; empty if that is not known. */
void rem_attrs_owner(const rem_attrs *a, char ret_sid[REM_NAME]);
/* The same of what is open; false: it is not known. */
bool rem_owner_read(HANDLE h, char ret_sid[REM_NAME]);

/* ---- meta.c, container.c: files that were taken away, inert ---- */

typedef enum rem_state {
  REM_SEALED = 1, /* whole, and the file may still be at its place */
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
  rem_identity restored;
  rem_attrs attrs;
} rem_meta;

/* Pure; text from the disk. */
cordon_status rem_meta_parse(const char *text, size_t len, rem_meta *ret_meta, sup_err *err);
char *rem_meta_write(const rem_meta *m); /* the caller frees it with cJSON_free */
bool rem_meta_equal(const rem_meta *a, const rem_meta *b);
void rem_meta_release(rem_meta *m);

/* Reads the file and its streams and writes its container, whole, read back and on the disk, state
 * REM_SEALED. The streams are held from then on. */
cordon_status rem_container_seal(const rem_job *j, const rem_place *p, HANDLE h, rem_meta *m,
                                 sup_err *err);
/* CORDON_E_NOTFOUND without a sentence where there is none. */
cordon_status rem_container_load(const rem_job *j, const char *id, rem_meta *ret_meta,
                                 sup_err *err);
cordon_status rem_container_save(const rem_job *j, const rem_meta *m, sup_err *err);
/* Writes the plain bytes, and the streams as those of `full`, and checks all digests; `to` NULL:
 * they are only checked. */
cordon_status rem_container_open(const rem_job *j, const rem_meta *m, HANDLE to,
                                 const wchar_t *full, sup_err *err);
/* The sealed bytes and their key are gone; the memory stays. */
cordon_status rem_container_spend(const rem_job *j, rem_meta *m, sup_err *err);
void rem_container_drop(const rem_job *j, const char *id);
/* Ids of all containers, and removal of what was never whole. False from `fn` stops. */
typedef bool rem_container_fn(void *data, const char *id);
void rem_container_each(const rem_job *j, rem_container_fn *fn, void *data);
/* The latest one that holds this path and is not restored. */
cordon_status rem_container_of_path(const rem_job *j, const char *path, rem_meta *ret_meta,
                                    sup_err *err);
/* Digests of the bytes of a file; `ret_sha256` NULL: only the other. */
cordon_status rem_hash(const rem_job *j, HANDLE h, uint64_t size, char ret_sha256[65],
                       char ret_sha1[41], sup_err *err);
/* Whether the opened file is the one that was sealed, with the bytes that were. */
bool rem_container_is_of(const rem_job *j, const rem_meta *m, HANDLE h);

/* ---- own.c: what is the agent's own, and what is Windows' ---- */

bool rem_own_file(const rem_job *j, const wchar_t *full);
/* Whether it runs a program of the agent's folder. */
bool rem_own_image(HANDLE process);
/* Whether Windows protects the file; `ret_why` says how that is known. */
bool rem_windows_own(const rem_place *p, const char *owner, char ret_why[REM_SHOW]);

/* ---- process.c, running.c ---- */

cordon_status rem_process_run(rem_job *j, sup_err *err);
cordon_status rem_process_undo(rem_job *j, const cJSON *record, sup_err *err);
/* Whether it must be left alone; `ret_why` says so. */
bool rem_process_protected(HANDLE process, DWORD pid, char ret_why[REM_SHOW]);
uint64_t rem_process_start(HANDLE process);

enum { REM_RUNNING = 64 };
typedef struct rem_running {
  struct {
    DWORD pid;
    uint64_t start;
    char name[REM_NAME];
  } items[REM_RUNNING];
  size_t count;
  size_t more;
} rem_running;
/* Who runs the file, or has loaded it as a library. */
void rem_running_find(const rem_place *p, const rem_identity *identity, rem_running *ret_running);
/* Ends them, as often as there are new ones, if that is asked for. */
cordon_status rem_running_stop(rem_job *j, const rem_place *p, const rem_identity *identity,
                               rem_running *ret_left, sup_err *err);
/* Calls `fn` with the full path of each program that runs and of each library that is loaded. */
typedef bool rem_image_fn(void *data, const wchar_t *full);
void rem_images_each(rem_image_fn *fn, void *data);

/* ---- names.c ---- */

/* The other names of a file (hard links), which keep its bytes. */
enum { REM_NAMES = 64 };
typedef struct rem_names {
  wchar_t *full[REM_NAMES];
  size_t count;
  DWORD error; /* why they are not known */
} rem_names;
void rem_names_read(const rem_place *p, rem_names *ret_names);
void rem_names_release(rem_names *n);
void rem_names_left(rem_job *j, const rem_names *n, uint64_t links);

/* ---- quarantine.c, restore.c, find.c, places.c, startup.c ---- */

/* What the file must be: digests as text, or NULL. */
typedef struct rem_wanted {
  const char *sha256;
  const char *sha1;
} rem_wanted;
/* `wanted` NULL: whatever it is. */
/* The place is that of the file afterwards. */
cordon_status rem_quarantine(rem_job *j, rem_place *p, const char *id, const rem_wanted *wanted,
                             sup_err *err);
cordon_status rem_quarantine_run(rem_job *j, sup_err *err);
cordon_status rem_restore(rem_job *j, rem_meta *m, sup_err *err);
cordon_status rem_restore_run(rem_job *j, sup_err *err);
cordon_status rem_restore_undo(rem_job *j, const cJSON *record, sup_err *err);
cordon_status rem_find_run(rem_job *j, sup_err *err);
cordon_status rem_startup_run(rem_job *j, sup_err *err);
/* Whether a file of this path is one that Windows starts at logon: it is in a start-up folder. */
bool rem_startup_is(const wchar_t *full);

/* Files in the places where what does not belong there is usually put. */
typedef struct rem_search {
  bool (*file)(void *data, const wchar_t *full); /* false stops */
  bool (*goes_on)(void *data);
  void (*missed)(void *data, const wchar_t *full, DWORD error);
  void *data;
} rem_search;
void rem_places_walk(const rem_search *s);

/* ---- service.c, value.c, task.c ---- */

cordon_status rem_service_run(rem_job *j, sup_err *err);
cordon_status rem_service_undo(rem_job *j, const cJSON *record, sup_err *err);
cordon_status rem_value_run(rem_job *j, sup_err *err);
cordon_status rem_value_undo(rem_job *j, const cJSON *record, sup_err *err);
cordon_status rem_task_run(rem_job *j, sup_err *err);
cordon_status rem_task_undo(rem_job *j, const cJSON *record, sup_err *err);

#endif
