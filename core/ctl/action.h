/* An action as the agent tells it, and what follows from it. */
#ifndef CTL_ACTION_H
#define CTL_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "exit.h"
#include "table.h"

#include "base/json.h"

/* In the order of the words in docs/ipc.md. */
typedef enum ctl_action_status {
  CTL_ACTION_PENDING = 0,
  CTL_ACTION_IN_PROGRESS,
  CTL_ACTION_SUCCEEDED,
  CTL_ACTION_FAILED,
  CTL_ACTION_TIMED_OUT,
  CTL_ACTION_CANCELLED
} ctl_action_status;

/* Views into the document that it was read from; absent text is empty. */
typedef struct ctl_action {
  cd_str id;
  cd_str kind;
  ctl_action_status status;
  cd_str status_name;
  cd_str outcome;
  cd_str sentence;
  cd_str comment;
  cd_str provider;
  cd_str user;
  cd_str created;
  cd_str started;
  cd_str ended;
  cd_str type;       /* params.type: full or selective */
  size_t exclusions; /* params.exclusions: how many */
  cd_json result;
  bool has_result;
  bool holds;        /* result.verify.holds: the probes were blocked by us */
  cd_str proven;     /* result.proven.value */
  cd_str enforced;   /* result.enforced.value */
  cd_json preflight; /* result.preflight, or a dead reader */
  cd_str verdict;    /* its verdict: go, refuse, forced; empty: there was none */
} ctl_action;

/* A failure sticks to the document, as with all readers. */
void ctl_action_read(cd_json *obj, ctl_action *ret_action);
/* What an action of this kind is called in a sentence: "isolation" for isolate. */
cd_str ctl_action_noun(cd_str kind);
/* Whether what was wanted was measured: an isolation's probes hold, a release left nothing. */
bool ctl_action_is_proven(const ctl_action *a);
/* How the program ends after it waited for this action; the reason, if it is not CTL_EXIT_DONE,
 * goes to `why`. */
ctl_exit ctl_action_exit(const ctl_action *a, cd_err *why);
/* The fields and the evidence, for people. */
CD_MUST_USE cd_code ctl_action_render(const ctl_action *a, const ctl_style *style, cd_buf *out,
                                      cd_err *err);
/* render_preflight.c: what the preflight found, and what would be cut. `all`: that was asked for;
 * else only what is more than information. */
CD_MUST_USE cd_code ctl_preflight_render(const ctl_action *a, bool all, const ctl_style *style,
                                         cd_buf *out, cd_err *err);
/* "check: sentence" of the first finding that is so severe, and how many more there are. */
void ctl_preflight_reason(const ctl_action *a, const char *severity, cd_buf *out);
bool ctl_action_is_preflight(const ctl_action *a);
/* The colour that its status deserves. */
ctl_colour ctl_action_colour(const ctl_action *a);

#endif
