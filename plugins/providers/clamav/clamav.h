/* org.cordon.clamav: a scan by clamd, which is handed one open file after the other. What the parts
 * of the provider share. */
#ifndef CLAMAV_H
#define CLAMAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/call.h"
#include "support/files.h"
#include "support/json.h"

enum {
  CLAM_WINDOW = 64, /* files that clamd works on at once */
  CLAM_SLOTS = 128, /* and those in its queue */
  CLAM_SIGNATURE = 257,
  CLAM_RECORD = 8192 /* a reply of clamd */
};

/* ---- conf.c: clamd.conf. Pure. ---- */

typedef struct clam_conf {
  uint64_t max_file;     /* MaxFileSize; 0: none */
  uint64_t max_scan;     /* MaxScanSize; 0: none */
  uint64_t max_scan_ms;  /* MaxScanTime; 0: none */
  uint32_t max_threads;  /* MaxThreads */
  bool tells_archives;   /* AlertEncrypted or AlertEncryptedArchive: what it could not open */
  bool tells_documents;  /* AlertEncrypted or AlertEncryptedDoc */
  bool opens_archives;   /* ScanArchive */
  char socket[SUP_PATH]; /* LocalSocket; empty: it says none */
  char database[SUP_PATH];
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
  CLAM_LIMITS,    /* it gave up on a file because of its own limits */
  CLAM_ENCRYPTED, /* there is something in it that it has no password for */
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
  char socket[SUP_PATH];
  char user[64];
  char config[SUP_PATH];
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
void clam_report_found(clam_report *r, const sup_call *call, const sup_file *f,
                       const char *signature);
void clam_report_not_scanned(clam_report *r, const char *path, sup_miss reason, uint64_t size);
/* Without a name: so many more. */
void clam_report_rest(clam_report *r, sup_miss reason, uint64_t count);
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
