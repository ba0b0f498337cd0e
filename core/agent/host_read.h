/* What a plugin host says, read and checked. Pure functions over text that somebody else's code may
 * have written: the fuzzer lives here (tests/fuzz/fuzz_agent_messages.c). docs/ipc.md has every
 * member. */
#ifndef AGENT_HOST_READ_H
#define AGENT_HOST_READ_H

#include <stdint.h>

#include "base/json.h"
#include "base/status.h"
#include "capability.h"

typedef struct host_hello {
  uint32_t functions;         /* bit per agent_function */
  uint32_t concurrency;       /* at least 1 */
  char note[CD_ERR_TEXT_MAX]; /* what of the confinement did not take; empty: all did */
} host_hello;

/* `plugin`: the id that it must give. */
CD_MUST_USE cd_code host_hello_read(cd_str payload, const char *plugin, host_hello *ret_hello,
                                    cd_err *err);

/* How an operation ended; of REFUSED only status, os_error and sentence. */
typedef struct host_end {
  cd_code status;
  int64_t os_error;
  uint64_t threads_left;
  uint64_t files_left;
  bool leaving; /* the host ends itself after this */
  char sentence[CD_ERR_TEXT_MAX];
} host_end;

CD_MUST_USE cd_code host_end_read(cd_str payload, host_end *ret_end, cd_err *err);
CD_MUST_USE cd_code host_refused_read(cd_str payload, host_end *ret_refused, cd_err *err);

/* What the host says of the package that the operation made. */
typedef struct host_package {
  cd_code status; /* CD_OK: it is finished */
  uint64_t bytes; /* of the zip */
  uint64_t content_bytes;
  uint64_t artifacts;
  uint64_t incomplete;
  cd_str incomplete_names; /* JSON array, in `text` */
  char cap[32];            /* the ceiling that was met first; empty: none */
  char sentence[CD_ERR_TEXT_MAX];
  cd_buf text;
} host_package;
#define HOST_PACKAGE_NAMES_MAX 64u

/* The caller releases *ret_package, also on failure. */
CD_MUST_USE cd_code host_package_read(cd_str payload, host_package *ret_package, cd_err *err);
void host_package_release(host_package *p);

/* The text is a view into *ret_doc, which the caller frees; on failure there is nothing to free. */
CD_MUST_USE cd_code host_log_read(cd_str payload, cd_json_doc **ret_doc, uint64_t *ret_level,
                                  cd_str *ret_line, cd_err *err);
CD_MUST_USE cd_code host_progress_read(cd_str payload, cd_json_doc **ret_doc, uint64_t *ret_done,
                                       uint64_t *ret_total, cd_str *ret_what, cd_err *err);

/* Whether it is a JSON object of at most `max` bytes; `what` is for the sentence. */
CD_MUST_USE cd_code host_object_check(cd_str payload, size_t max, const char *what, cd_err *err);

#endif
