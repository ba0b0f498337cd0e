/* org.cordon.clamav: a scan by clamd, which is handed one open file after the other. What the parts
 * of the provider share. */
#ifndef CLAMAV_H
#define CLAMAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "support/call.h"
#include "support/json.h"

enum {
  CLAM_PATH = 4096,
  CLAM_DEPTH = 128, /* folders below the one that a walk began with */
  CLAM_ROOTS = 4096,
  CLAM_WINDOW = 64, /* files that clamd works on at once */
  CLAM_SLOTS = 128, /* and those in its queue */
  CLAM_SIGNATURE = 257,
  CLAM_RECORD = 8192 /* a reply of clamd */
};

/* ---- conf.c: clamd.conf. Pure. ---- */

typedef struct clam_conf {
  uint64_t max_file;      /* MaxFileSize; 0: none */
  uint64_t max_scan;      /* MaxScanSize; 0: none */
  uint64_t max_scan_ms;   /* MaxScanTime; 0: none */
  uint32_t max_threads;   /* MaxThreads */
  char socket[CLAM_PATH]; /* LocalSocket; empty: it says none */
  char database[CLAM_PATH];
} clam_conf;

void clam_conf_init(clam_conf *c);
void clam_conf_line(clam_conf *c, const char *line, size_t len);
void clam_conf_text(clam_conf *c, const char *text, size_t len);

/* The header of a .cvd or .cld. False: it is none. */
typedef struct clam_cvd {
  uint64_t version;
  uint64_t signatures;
  uint64_t built_s; /* 0: it does not say */
} clam_cvd;
bool clam_cvd_read(const char *header, size_t len, clam_cvd *ret_cvd);

/* ---- reply.c: what clamd says. Pure. ---- */

typedef enum clam_verdict {
  CLAM_OTHER = 0, /* an answer that is none of these */
  CLAM_OK,
  CLAM_FOUND,
  CLAM_ERROR,
  CLAM_LIMITS, /* it gave up on a file because of its own limits */
  CLAM_PONG
} clam_verdict;

typedef struct clam_reply {
  uint64_t id; /* 0: it has none */
  clam_verdict verdict;
  char text[CLAM_SIGNATURE]; /* the signature, or the error; printable */
} clam_reply;

/* `len` bytes without the NUL at the end. */
void clam_reply_read(const char *record, size_t len, clam_reply *ret_reply);

typedef struct clam_version {
  char engine[64];
  uint64_t database; /* 0: it does not say */
  int64_t built_ms;  /* 0 */
} clam_version;
/* The answer to VERSION. False: it is none. */
bool clam_version_read(const char *record, size_t len, clam_version *ret_version);

/* ---- database.c ---- */

typedef struct clam_database {
  bool exists;      /* there is a file of signatures */
  uint64_t version; /* 0: not known */
  int64_t built_ms;
  uint64_t signatures;
} clam_database;
void clam_database_look(const char *folder, clam_database *ret_db);

/* ---- session.c: one connection to clamd ---- */

typedef struct clam_settings {
  char socket[CLAM_PATH];
  char user[64];
  char config[CLAM_PATH];
  uint64_t max_file; /* 0: as clamd's configuration says */
  uint32_t threads;  /* 0 */
  uint32_t answer_s;
  uint32_t restart_s;
  uint32_t hang_s;
} clam_settings;

typedef struct clam_session {
  int fd;
  int32_t pid;  /* clamd's; 0: not known */
  uint32_t uid; /* who may be at the other end, besides root */
  uint64_t next_id;
  size_t have;
  char text[CLAM_RECORD];
} clam_session;

void clam_session_init(clam_session *s);
/* Connects, makes sure who is there, and asks for its version. CORDON_E_UNAVAILABLE with what to do
 * about it. */
cordon_status clam_session_open(clam_session *s, const sup_call *call, const clam_settings *set,
                                const clam_conf *conf, clam_version *ret_version, sup_err *err);
/* From now on it takes descriptors. */
cordon_status clam_session_begin(clam_session *s, sup_err *err);
/* False: the connection is gone. */
bool clam_session_send(clam_session *s, int file, uint64_t *ret_id);
bool clam_session_ping(clam_session *s);
/* Waits at most that long, and hands each whole answer on. False: the connection is gone. */
bool clam_session_receive(clam_session *s, int wait_ms,
                          void (*each)(void *data, const char *record, size_t len), void *data);
void clam_session_close(clam_session *s);

/* ---- account.c ---- */

/* Of /etc/passwd alone: no directory is asked. False: there is none such. */
bool clam_account_id(const char *name, uint32_t *ret_uid);
bool clam_account_name(uint32_t uid, char ret_name[64]);
/* Each home folder. */
void clam_account_homes(void (*each)(void *data, const char *home), void *data);

/* ---- mounts.c ---- */

typedef enum clam_fs { CLAM_FS_LOCAL = 0, CLAM_FS_PSEUDO, CLAM_FS_FAR } clam_fs;
typedef struct clam_mount {
  char *point;
  clam_fs fs;
  char type[32];
} clam_mount;
typedef struct clam_mounts {
  clam_mount *items; /* by their points */
  size_t count;
} clam_mounts;

clam_fs clam_fs_of(const char *type);                                /* pure */
void clam_mounts_text(clam_mounts *m, const char *text, size_t len); /* pure */
void clam_mounts_read(clam_mounts *m);
/* What is mounted just there, or NULL. */
const clam_mount *clam_mounts_at(const clam_mounts *m, const char *path);
/* What an absolute path is on; NULL: not known. */
const clam_mount *clam_mounts_of(const clam_mounts *m, const char *path);
void clam_mounts_release(clam_mounts *m);

/* ---- seen.c: pairs of device and inode ---- */

typedef struct clam_seen {
  struct clam_pair *slots;
  size_t room;
  size_t count;
  bool full;
} clam_seen;
/* True: it was not there, and is now (or there is no room to remember it). */
bool clam_seen_add(clam_seen *s, uint64_t dev, uint64_t ino);
void clam_seen_clear(clam_seen *s);
void clam_seen_release(clam_seen *s);

/* ---- roots.c, quick.c, images.c: what a scan is about ---- */

typedef struct clam_root {
  char *path;
  bool recent; /* only files that were changed in the last days */
  bool asked;  /* somebody named it: it must be there */
} clam_root;

typedef struct clam_image {
  char *open; /* the way to it that does not go through its name: a link of the kernel */
  char *path;
  bool below; /* `open` is the folder that `path` is below */
  uint64_t dev;
  uint64_t ino;
  bool deleted;
} clam_image;

typedef struct clam_plan {
  clam_root *roots;
  size_t root_count;
  clam_image *images;
  size_t image_count;
  clam_mounts mounts;
  bool cross; /* a walk goes into other local file systems that it meets */
  bool cut;   /* there was more than fits */
} clam_plan;

void clam_plan_add(clam_plan *p, const char *path, bool recent, bool asked);
void clam_plan_quick(clam_plan *p, const sup_call *call);
void clam_plan_full(clam_plan *p);
void clam_plan_images(clam_plan *p, const sup_call *call);
void clam_plan_release(clam_plan *p);
/* A line of /proc/PID/maps that is of a file, and executable; it is changed. Pure. */
bool clam_map_read(char *line, uint64_t *ret_dev, uint64_t *ret_ino, char **ret_path);
/* The program that a line of a unit file starts, or false. Pure. */
bool clam_unit_program(const char *line, size_t len, char ret_path[CLAM_PATH]);

/* ---- walk.c ---- */

typedef enum clam_reason {
  CLAM_TOO_LARGE = 0,
  CLAM_PERMISSION,
  CLAM_VANISHED,
  CLAM_CHANGED,
  CLAM_DEPTH_REASON,
  CLAM_PATH_LENGTH,
  CLAM_SPECIAL,
  CLAM_FILE_SYSTEM,
  CLAM_TIME,
  CLAM_CANCELLED,
  CLAM_ENGINE,
  CLAM_ENGINE_LIMITS,
  CLAM_MISSING,
  CLAM_IO,
  CLAM_REASONS
} clam_reason;
const char *clam_reason_name(clam_reason r);

typedef struct clam_file {
  int fd; /* -1: it was only looked at */
  struct stat st;
  char *path;
  bool deleted;
} clam_file;
void clam_file_release(clam_file *f);

typedef struct clam_walk clam_walk;
typedef struct clam_walk_events {
  void (*not_scanned)(void *data, const char *path, clam_reason reason, uint64_t size);
  void (*left_out)(void *data, const char *path, const char *type); /* NULL type: a special file */
  void *data;
} clam_walk_events;
/* `look`: files are not opened. Everything given must outlive it. */
clam_walk *clam_walk_new(const clam_plan *plan, bool look, uint64_t max_size,
                         const clam_walk_events *events);
/* 1: a file (of a size that is scanned), 0: nothing yet, -1: the end. Returns after a moment in any
 * case. */
int clam_walk_next(clam_walk *w, clam_file *ret_file);
void clam_walk_free(clam_walk *w);

/* ---- open.c: what others may swap ---- */

/* The place of a path (an O_PATH descriptor), below `from` or, with AT_FDCWD, from the top.
 * Negative with errno; ELOOP: there is a link in the way, or at its end. */
int clam_place(int from, const char *path);
/* Opens what is there if it is a regular file, and the planned one (NULL: any). Takes over the
 * place. Negative with errno; ELOOP: it is another. */
int clam_open_file(int place, const struct stat *planned);
int clam_open_folder(int place);
/* What became of a file since it was opened; CLAM_REASONS: nothing. */
clam_reason clam_file_after(const clam_file *f, uint64_t max_size);

/* ---- pace.c: the share of the processors ---- */

typedef struct clam_pace {
  double share; /* of one processor; 0: no limit */
  double credit_s;
  double engine_s;
  double own_s;
  uint64_t at_ms;
  int32_t pid;
} clam_pace;
void clam_pace_begin(clam_pace *p, uint32_t percent, int32_t pid);
/* Whether more may be asked for now. */
bool clam_pace_may(clam_pace *p);
/* Field `number` (4 or more, as proc(5) counts) of the text of a process's stat. False: there is
 * none. Pure. */
bool clam_stat_field(const char *text, int number, uint64_t *ret_value);
/* Processor seconds of a process, and its state letter; false: it is gone. */
bool clam_process_cpu(int32_t pid, double *ret_seconds, char *ret_state);

/* ---- report.c ---- */

typedef struct clam_report clam_report;
clam_report *clam_report_new(void);
void clam_report_found(clam_report *r, const sup_call *call, const clam_file *f,
                       const char *signature);
void clam_report_not_scanned(clam_report *r, const char *path, clam_reason reason, uint64_t size);
/* Without a name: so many more. */
void clam_report_rest(clam_report *r, clam_reason reason, uint64_t count);
void clam_report_left_out(clam_report *r, const char *path, const char *type);
uint64_t clam_report_findings(const clam_report *r);
uint64_t clam_report_missed(const clam_report *r);
/* Who runs what was found. */
void clam_report_processes(clam_report *r, const sup_call *call);
/* Adds findings, not_scanned and what goes with them. */
void clam_report_write(const clam_report *r, cJSON *result);
void clam_report_free(clam_report *r);
/* A path as text, or as {"base64":...} where it is no text. */
void clam_add_path(cJSON *object, const char *name, const char *path);

/* ---- scan.c ---- */

typedef struct clam_order {
  const char *type;
  const cJSON *paths; /* NULL: none */
  uint32_t cpu_percent;
  uint64_t budget_ms;
} clam_order;
cordon_status clam_scan(const sup_call *call, const clam_settings *set, const clam_order *order,
                        sup_err *err);
cordon_status clam_probe(const sup_call *call, const clam_settings *set, sup_err *err);

#endif
