/* Read-outs: the items that a package is made of, asked for one kind at a time by somebody who
 * wants to see it now. Their rows go out as records, and no file is made. */
#ifndef PACKAGE_READOUT_H
#define PACKAGE_READOUT_H

#include <cjson/cJSON.h>

#include "package/item.h"

/* A record has at most so many bytes; a longer row is left out, and told. */
enum { COL_ROW_MAX = 256 * 1024 };

/* Where the rows go, and how many of them. */
typedef struct col_row_sink {
  void *data;
  /* CORDON_E_LIMIT or CORDON_E_CANCELLED: no more. */
  cordon_status (*put)(void *data, const char *json, size_t len);
  uint64_t max_rows;
  uint64_t max_bytes;
} col_row_sink;

typedef struct col_read_totals {
  uint64_t rows;
  uint64_t bytes;
  bool more; /* there is, beyond the ceilings */
} col_read_totals;

/* Runs the items in their order; `tables` (an array) gets an entry for each table. CORDON_OK,
 * CORDON_PARTIAL, CORDON_E_CANCELLED, or why there is nothing at all. */
cordon_status col_read_out(const col_options *o, const col_item *items, size_t count, cJSON *tables,
                           col_read_totals *ret_totals, sup_err *err);

/* What can be asked for. */
typedef struct col_reading {
  const char *what;
  const col_item *items;
  size_t count;
  bool of_path; /* needs `path` */
} col_reading;

typedef struct col_responder {
  const col_reading *readings;
  size_t count;
  /* col_read_out() with what the items share. `path` is NULL or lives for the call. */
  cordon_status (*run)(const col_options *o, const char *path, const col_reading *reading,
                       cJSON *tables, col_read_totals *ret_totals, sup_err *err);
} col_responder;

/* run() and probe() of cordon.respond/1. */
cordon_status col_respond_run(const col_responder *r, const cordon_host *host,
                              const cordon_request *req);
cordon_status col_respond_probe(const col_responder *r, const cordon_host *host,
                                const cordon_request *req);

#endif
