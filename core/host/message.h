/* What the agent says to this host, read and checked, and what the host answers, written. Pure
 * functions over text: the fuzzer lives here (tests/fuzz/fuzz_host_messages.c). docs/ipc.md has
 * every member. */
#ifndef PH_MESSAGE_H
#define PH_MESSAGE_H

#include "capability.h"
#include "package.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"
#include "platform/confine.h"

#define PH_ID_MAX 101u      /* a plugin id and its NUL, as the manifest's schema has it */
#define PH_VERSION_MAX 41u  /* a version and its NUL, likewise */
#define PH_USER_MAX 64u     /* a user name and its NUL */
#define PH_FUNCTION_MAX 32u /* a function's name and its NUL; ours are under 10 */

typedef struct ph_setup {
  char plugin[PH_ID_MAX];
  char version[PH_VERSION_MAX];
  const ph_capability *capability;
  char library[CD_PATH_MAX]; /* for sentences only */
  char user[PH_USER_MAX];
  char state_dir[CD_PATH_MAX];
  pf_confine confine; /* its user points to `user` or is NULL, its state_dir to `state_dir` */
  char *config;       /* the JSON text for the plugin's create() */
  size_t config_len;
} ph_setup;

/* Fills *ret_setup, which the caller then releases; on failure there is nothing to release. The
 * struct must not be moved afterwards. */
CD_MUST_USE cd_code ph_setup_parse(cd_str payload, ph_setup *ret_setup, cd_err *err);
void ph_setup_release(ph_setup *setup);

typedef struct ph_start {
  char function[PH_FUNCTION_MAX];
  uint32_t flags;
  uint64_t budget_ms;
  uint32_t cpu_s;
  char *params; /* JSON object, NUL-terminated */
  size_t params_len;
  char *undo; /* JSON array, NUL-terminated, or NULL */
  size_t undo_len;
  bool packs; /* it makes a package; its file came by pf_pass */
  ph_package_limits package;
} ph_start;

CD_MUST_USE cd_code ph_start_parse(cd_str payload, ph_start *ret_start, cd_err *err);
void ph_start_release(ph_start *start);

CD_MUST_USE cd_code ph_credit_parse(cd_str payload, uint64_t *ret_records, cd_err *err);
CD_MUST_USE cd_code ph_undo_done_parse(cd_str payload, cd_code *ret_status, cd_err *err);

/* How an operation, or the start of this host, ended. */
typedef struct ph_end {
  cd_code status;
  uint32_t os_error;
  const char *sentence;
  uint32_t threads_left;
  uint32_t files_left;
  bool leaving; /* this host ends itself after it: what is started now would never begin */
} ph_end;

/* Each appends one payload to `out`. */
CD_MUST_USE cd_code ph_end_write(const ph_end *end, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code ph_refused_write(const cd_err *why, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code ph_log_write(int level, cd_str line, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code ph_progress_write(uint64_t done, uint64_t total, const char *what, cd_buf *out,
                                      cd_err *err);

typedef struct ph_hello {
  const char *plugin;
  const char *version;
  uint32_t abi_minor;
  uint32_t concurrency;
  const char *functions[PH_FUNCTIONS_MAX + 1]; /* ends with NULL */
  cd_str confined;                             /* JSON object */
} ph_hello;

CD_MUST_USE cd_code ph_hello_write(const ph_hello *hello, cd_buf *out, cd_err *err);

#endif
