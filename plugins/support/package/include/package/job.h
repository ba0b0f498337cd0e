/* What a collector's run() and probe() do, whatever the OS: parameters, the host's artifacts, the
 * result. */
#ifndef PACKAGE_JOB_H
#define PACKAGE_JOB_H

#include <cjson/cJSON.h>

#include "package/item.h"

typedef struct col_job {
  const char *const *profiles; /* NULL-terminated */
  /* Says which items run, and completes the options from the params, which live as long as the
   * run. */
  cordon_status (*choose)(const char *profile, const cJSON *params, col_options *o,
                          const col_item **ret_items, size_t *ret_count, sup_err *err);
  cordon_status (*run)(const col_options *o, const col_item *items, size_t count,
                       col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err);
} col_job;

cordon_status col_job_run(const col_job *j, const cordon_host *host, const cordon_request *req);
cordon_status col_job_probe(const col_job *j, const cordon_host *host, const cordon_request *req);

#endif
