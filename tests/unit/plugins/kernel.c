#include "kernel.h"

#include <check.h>
#include <stdio.h>

fake_host host;
const cordon_state *isolate;

static char params[160 * 1024];

void kernel_setup(void)
{
  bed_make();
  fake_host_open(&host, CORDON_NFTABLES_LIBRARY, "isolate");
  isolate = host.plugin->get_extension(host.plugin, CORDON_EXT_ISOLATE);
  ck_assert_ptr_nonnull(isolate);
  ck_assert_uint_eq(isolate->struct_size, sizeof(*isolate));
}

void kernel_teardown(void)
{
  fake_host_close(&host);
}

const char *kernel_params(const char *exclusions)
{
  (void)snprintf(params, sizeof(params),
                 "{\"type\":\"%s\",\"console\":[{\"address\":\"" CONSOLE4
                 "\",\"port\":8443},{\"address\":\"" CONSOLE6
                 "\",\"port\":8443}],\"resolvers\":[\"" CONSOLE4 "\",\"" CONSOLE6
                 "\"],\"mark\":3234922497,"
                 "\"exclusions\":[%s]}",
                 exclusions != NULL ? "selective" : "full", exclusions != NULL ? exclusions : "");
  return params;
}

void kernel_isolate(const char *exclusions)
{
  cordon_status status = fake_run(&host, isolate->apply, 0, kernel_params(exclusions));
  ck_assert_msg(status == CORDON_OK, "apply: %d %s", (int)status, host.sentence);
  ck_assert_str_eq(fake_text(&host, "state"), "isolated");
}

const char *kernel_state(void)
{
  cordon_status status = fake_run(&host, isolate->query, 0, params);
  ck_assert_msg(status == CORDON_OK, "query: %d %s", (int)status, host.sentence);
  return fake_text(&host, "state");
}
