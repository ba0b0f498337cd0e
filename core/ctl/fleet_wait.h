/* Waiting for an action of the console, and what became of it. */
#ifndef CTL_FLEET_WAIT_H
#define CTL_FLEET_WAIT_H

#include "fleet_find.h"
#include "progress.h"

/* One action's document, of GET /api/cordon/actions/ID. */
CD_MUST_USE ctl_exit fleet_action_get(fleet_session *s, const char *id, cd_json_doc **ret_doc,
                                      cd_err *err);
/* One look at it; *ret_doc is the action, whether it has ended or not. */
CD_MUST_USE ctl_exit fleet_action_look(fleet_session *s, const char *id, cd_json_doc **ret_doc,
                                       bool *ret_ended, cd_err *err);
/* Polls it until it has ended, at growing intervals, showing how it gets on. CTL_EXIT_DONE:
 * *ret_doc is the action as it ended, however that was. CTL_EXIT_WAITING: the deadline passed, or
 * an interrupt came, or the console went away; the action goes on. */
CD_MUST_USE ctl_exit fleet_action_wait(fleet_session *s, const char *id, ctl_progress *progress,
                                       cd_json_doc **ret_doc, cd_err *err);
/* The next interval after `ms`; 0: the first. */
uint64_t fleet_poll_ms(uint64_t ms);

/* Renders an action's document for people and judges it; `waited`: its end is the exit code, and
 * what is wrong goes to `why`. Broken documents are CTL_EXIT_UNREACHABLE. */
CD_MUST_USE ctl_exit fleet_action_print(cd_json *answer, const ctl_style *style, bool waited,
                                        cd_buf *out, cd_err *why);

ctl_progress_form fleet_progress_form(const ctl_context *ctx, const ctl_args *args);

#endif
