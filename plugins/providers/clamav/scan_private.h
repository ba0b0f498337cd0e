/* What scan.c (one scan) and scan_link.c (its connection to clamd) share; nobody else includes it.
 */
#ifndef CLAMAV_SCAN_PRIVATE_H
#define CLAMAV_SCAN_PRIVATE_H

#include "clamav.h"

typedef struct scan_slot {
  uint64_t id; /* 0: free */
  sup_file file;
} scan_slot;

typedef struct scan {
  const sup_call *call;
  const clam_settings *set;
  const clam_order *order;
  clam_conf conf;
  clam_version version;
  clam_database db;
  clam_session session;
  sup_plan plan;
  clam_report *report;
  clam_pace pace;
  scan_slot slots[CLAM_SLOTS];
  unsigned window;     /* files that clamd works on */
  unsigned slot_count; /* and those that wait in its queue */
  unsigned flying;
  uint64_t flying_bytes;
  bool again; /* the connection was lost before */
  bool protocol_broken;
  uint64_t max_size;
  uint64_t planned;
  uint64_t planned_weight;
  uint64_t done;
  uint64_t scanned; /* with a verdict */
  uint64_t done_weight;
  uint64_t bytes;
  uint64_t begun_ms;
  uint64_t fed_ms; /* when the counted plan was begun to be scanned */
  uint64_t told_ms;
  uint64_t heard_ms; /* clamd last answered, or last worked, */
  double heard_cpu_s;
  uint64_t looked_ms;
  uint64_t answered_ms; /* last answered, or got something to do */
  uint64_t until_ms;
  sup_err *err;
} scan;

/* scan_link.c */
cordon_status scan_connect(scan *s);
/* Once: clamd was started again, and gets anew what it had. */
cordon_status scan_come_back(scan *s);
/* Whether it answers, or works. */
cordon_status scan_check_alive(scan *s);

#endif
