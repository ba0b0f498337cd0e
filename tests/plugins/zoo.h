/* The zoo: plugins that misbehave, each in one way, for the tests of the plugin host and of the
 * agent.
 *
 * All of them are the same faithful but fake isolation provider (zoo_state.c), which keeps its
 * state in a file. Before each call the member's zoo_act() is asked, and may do its worst instead.
 *
 * Settings that all of them understand:
 *   state_file      where the fake state lives; default: "state" in the plugin's state_dir
 *   log_file        each call appends a line "CALL op=N", e.g. "apply op=3"; default: none
 *   at              the call at which the member misbehaves: create probe dry_run apply release
 *                   query verify watch destroy; default apply
 *   CALL_delay_ms   e.g. apply_delay_ms: takes so long, but ends at once when cancelled
 *   console_dropped what query says of it
 *   verify          "fails": verify ends as unverified
 *   finding         the check of the one finding that the dry run has, and
 *   severity        its severity; default warn
 *   dry_run         "unsupported": there is none; "garbage": its result makes no sense
 *
 * The state file holds "isolated DIGEST" and a newline; other content counts as partial, no file as
 * released. */
#ifndef ZOO_H
#define ZOO_H

#include "cordon/plugin.h"

#include <stdbool.h>

#define ZOO_TEXT_MAX 1024

/* The file that is empty; the build says so where it has another name. */
#ifndef ZOO_NOTHING
#define ZOO_NOTHING "/dev/null"
#endif

/* The member's own: sets *ret_done if it took the call over, and returns its status. `req` is NULL
 * in create and destroy, where the status does not matter; create fails if it is not CORDON_OK. */
cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done);

/* At the start of each call: logs it, lets the member act, takes the time that the settings ask
 * for. *ret_done: nothing is left to do but to return the status. */
cordon_status zoo_enter(const char *call, const cordon_request *req, bool *ret_done);

/* For members with an entry or a table of their own. */
const cordon_plugin *CORDON_CALL zoo_create(const cordon_host *h, const char *config, size_t len);
extern const cordon_state zoo_table;

const cordon_host *zoo_host(void);
/* A setting, text or number, as text. False, with `out` the empty string, if it is not there. */
bool zoo_setting(const char *key, char out[ZOO_TEXT_MAX]);
unsigned long zoo_number(const char *key, unsigned long fallback);
bool zoo_setting_is(const char *key, const char *value);
/* Whether this is the call that settings.at names. */
bool zoo_is_at(const char *call);

/* Passes time and looks whether the operation is cancelled. True if it is. */
bool zoo_wait(const cordon_request *req, unsigned long ms);
/* The result, and its status from the host. */
__attribute__((format(printf, 2, 3))) cordon_status zoo_result(const cordon_request *req,
                                                               const char *fmt, ...);
void zoo_explain(const cordon_request *req, int os_error, const char *sentence);

/* Changes in a folder: -1 if they cannot be watched; whether there may have been some, after `ms`
 * at the latest. */
int zoo_changes_open(const char *folder);
bool zoo_changes_wait(int changes, int ms);
void zoo_changes_close(int changes);

/* The fake state. */
const char *zoo_state_file(void);
bool zoo_read_state(char out[ZOO_TEXT_MAX]);
cordon_status zoo_write_state(const char *text);
/* What apply does when nobody misbehaves; `details` is a JSON object for the result. */
cordon_status zoo_apply_with(const cordon_request *req, const char *details);

#endif
