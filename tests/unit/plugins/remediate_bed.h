/* A device for the tests of remediation: mounts of its own over /etc, /run, /srv and what else is
 * changed, a host inside the test that keeps undo records on disk, and ways to end it in the
 * middle.
 */
#ifndef REMEDIATE_BED_H
#define REMEDIATE_BED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "cordon/plugin.h"

#define BED_STATE "/srv/agent/plugins/org.cordon.linux.remediate"

typedef struct bed {
  cordon_host host;
  const cordon_plugin *plugin;
  const cordon_job *job;
  void (*on_progress)(const char *what); /* called at each step; may be NULL */
  bool refuse_undo;
  char sentence[512];
  cJSON *result;
  int notes;
} bed;

/* Runs it where no other processes are to be seen, and returns what it returned. */
int bed_alone(int (*run)(void));
/* A checked fixture: what is mounted ends with the test's process. */
void bed_mounts(void);
void bed_open(bed *b);
void bed_close(bed *b);
/* The parameters but for `action`, which is ACTION. */
cordon_status bed_run(bed *b, const char *action, const char *params);
cordon_status bed_dry(bed *b, const char *action, const char *params);
/* With the records of the action on disk, newest first. */
cordon_status bed_undo(bed *b, const char *action);
/* In a process of its own that ends at the point; false: it was not reached. */
bool bed_dies_running(const char *point, const char *action, const char *params);
/* It stands still at the point, so that others can do something; then it goes on, and comes to an
 * end. */
pid_t bed_stopped_at(const char *point, const char *action, const char *params);
cordon_status bed_goes_on(pid_t child);
bool bed_dies_undoing(const char *point, const char *action);

/* Of the last result: whether a step of this name, with this outcome, is there; and its text. */
bool bed_has_step(const bed *b, const char *step, const char *outcome);
const char *bed_undo_text(const bed *b);
const char *bed_measured(const bed *b, const char *what);

void bed_write(const char *path, const char *text, unsigned mode);
char *bed_read(const char *path); /* NULL: there is none; the caller frees it */
/* What is below a folder: kinds, owners, modes, bytes and attributes, and with `times` times. */
char *bed_snapshot(const char *folder, bool times);
bool bed_exists(const char *path);
/* Containers that still have bytes. */
int bed_containers(void);

/* A process that is nobody's child of ours; it runs `program` (NULL: this one, asleep). */
pid_t bed_spawn(const char *program, pid_t wanted);
/* The same with a copy of a shell, which runs the text. */
pid_t bed_spawn_shell(const char *shell, const char *text);
uint64_t bed_start_of(pid_t pid);
char bed_state_of(pid_t pid);             /* '-': there is none */
bool bed_comes_to(pid_t pid, char state); /* within a few seconds */
bool bed_comes_to_run(pid_t pid, const char *program);
void bed_target(pid_t pid, uint64_t start, const char *operation, char *ret, size_t size);
void bed_end(pid_t pid);

#endif
