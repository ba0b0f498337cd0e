/* How an isolation or a release gets on, on standard error: one line that is updated in place on a
 * terminal, a line per step elsewhere, JSON lines if asked for. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>

#include "command.h"

#include "base/id.h"
#include "base/status.h"
#include "base/str.h"

typedef enum ctl_progress_form {
  CTL_PROGRESS_NONE = 0,
  CTL_PROGRESS_LINES,
  CTL_PROGRESS_LIVE,
  CTL_PROGRESS_JSON
} ctl_progress_form;

typedef struct ctl_progress {
  const ctl_context *ctx;
  ctl_progress_form form;
  const char *verb;        /* "isolate" or "release" */
  size_t columns;          /* of the terminal */
  char action[CD_ID_SIZE]; /* the accepted action; empty: none yet */
  char step[32];           /* the last step that was shown */
  bool line_open;
} ctl_progress;

void ctl_progress_init(ctl_progress *p, const ctl_context *ctx, ctl_progress_form form,
                       const char *verb);
/* One EVENT; `context` is the ctl_progress. An event that this version does not know is passed
 * over. */
cd_code ctl_progress_event(void *context, cd_str payload, cd_err *err);
/* Takes the live line away, so that what follows starts on a line of its own. */
void ctl_progress_end(ctl_progress *p);

#endif
