/* From the payload of a RESPONSE to text and an exit code. Pure functions: nothing is read but the
 * payload, nothing written but the buffer, so that a fuzzer can drive them. */
#ifndef CTL_RESPONSE_H
#define CTL_RESPONSE_H

#include <stdbool.h>

#include "exit.h"
#include "table.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "base/str.h"

/* What was asked, and so what the result is. */
typedef enum ctl_kind {
  CTL_KIND_STATUS = 0,
  CTL_KIND_PLUGINS,
  CTL_KIND_ACTIONS,
  CTL_KIND_ACTION,       /* an action of the history; how it ended is no failure of the question */
  CTL_KIND_ORDER,        /* an action as accepted */
  CTL_KIND_ORDER_WAITED, /* an action that ended: the exit code says how */
  CTL_KIND_UNQUARANTINE,
  CTL_KIND_ENROLL,
  CTL_KIND_POLICY,
  CTL_KIND_COUNT
} ctl_kind;

typedef struct ctl_view {
  ctl_kind kind;
  bool json;         /* the result as it came, one compact document */
  const char *order; /* CTL_KIND_ORDER*: the kind of action that was asked for; an answer about
                        another is none */
  ctl_style style;
} ctl_view;

/* Renders into `out`. CD_OK: *ret_exit is the exit code, and if that is not CTL_EXIT_DONE, *ret_why
 * says why. Else: the agent's error with its sentence, or CD_E_INVALID for a payload that is no
 * response; *ret_exit is set there too. */
CD_MUST_USE cd_code ctl_response_render(const ctl_view *view, cd_str payload, cd_buf *out,
                                        ctl_exit *ret_exit, cd_err *ret_why);

/* render_status.c, render_plugins.c, render_action.c, render_policy.c: each reads a result and
 * appends what it says.
 */
CD_MUST_USE cd_code ctl_render_status(cd_json *result, const ctl_style *style, cd_buf *out,
                                      cd_err *err);
CD_MUST_USE cd_code ctl_render_plugins(cd_json *result, const ctl_style *style, cd_buf *out,
                                       cd_err *err);
CD_MUST_USE cd_code ctl_render_actions(cd_json *result, const ctl_style *style, cd_buf *out,
                                       cd_err *err);
CD_MUST_USE cd_code ctl_render_unquarantine(cd_json *result, const ctl_style *style, cd_buf *out,
                                            cd_err *err);
CD_MUST_USE cd_code ctl_render_policy(cd_json *result, const ctl_style *style, cd_buf *out,
                                      cd_err *err);
/* Its member "states" alone: the three values of each. */
void ctl_render_states(cd_json *result, const ctl_style *style, cd_buf *out);
CD_MUST_USE cd_code ctl_render_enroll(cd_json *result, const ctl_style *style, cd_buf *out,
                                      cd_err *err);

#endif
