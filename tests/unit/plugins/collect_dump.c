/* Usage: collect_dump FOLDER [standard|extended] [ROOT]. Writes what the collector finds on this
 * machine into a folder, without a host. For tests. */
#include "collect_bed.h"

#include <stdio.h>
#include <string.h>

#include "items.h"
#include "support/call.h"

static void tell(void *data, uint64_t done, uint64_t total, const char *what)
{
  (void)data;
  (void)printf("%llu/%llu %s at %llu ms\n", (unsigned long long)done, (unsigned long long)total,
               what, (unsigned long long)sup_now_ms());
}

int main(int argc, char **argv)
{
  size_t count = 0;
  const col_item *items = col_items(&count);
  bed_folder to = {0};
  col_totals totals;
  sup_err err = {0};
  if (argc < 2)
    return 2;
  (void)snprintf(to.path, sizeof(to.path), "%s", argv[1]);
  col_options o = {.root = argc > 3 ? argv[3] : "",
                   .device = "this machine",
                   .extended = argc > 2 && strcmp(argv[2], "extended") == 0,
                   .deadline_ms = sup_now_ms() + 120000,
                   .max_file = 256 * COL_MIB,
                   .ahead = col_search_hidden,
                   .ahead_of = col_hidden_processes,
                   .sink = bed_folder_sink(&to),
                   .progress = tell};
  cordon_status status = col_run(&o, items, count, &totals, NULL, NULL, &err);
  (void)printf("status %d: %s\n", (int)status, err.sentence);
  return status >= 0 ? 0 : 1;
}
