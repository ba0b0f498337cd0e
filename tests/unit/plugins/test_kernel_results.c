/* One of each result and record, for the test that compares them with the schemas. */
#include "kernel.h"

#include "suite.h"

#define FRIEND                                                                                     \
  "{\"direction\":\"out\",\"address\":\"10.77.0.3\"},"                                             \
  "{\"direction\":\"out\",\"service\":\"cordontest-none.service\"}"

START_TEST(gives_one_result_of_each_function)
{
  fake_thread watching;
  ck_assert_int_eq(fake_run(&host, isolate->probe, 0, "{}"), CORDON_OK);
  fake_save(host.result, "isolate.probe");
  ck_assert_int_eq(fake_run(&host, isolate->apply, CORDON_REQ_DRY_RUN, kernel_params(FRIEND)),
                   CORDON_OK);
  fake_save(host.result, "isolate.dry_run");
  ck_assert_str_eq(kernel_state(), "released");
  fake_save(host.result, "isolate.query.released");
  kernel_isolate(FRIEND);
  fake_save(host.result, "isolate.apply");
  ck_assert_str_eq(kernel_state(), "isolated");
  fake_save(host.result, "isolate.query.isolated");
  ck_assert_int_eq(fake_run(&host, isolate->verify, 0, kernel_params(FRIEND)), CORDON_OK);
  fake_save(host.result, "isolate.verify");
  fake_start(&host, isolate->watch, &watching);
  ck_assert(fake_wait_records(&host, 1, 5000));
  bed_shell("nft insert rule inet cordon output accept");
  ck_assert(fake_wait_records(&host, 2, 5000));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  fake_save(host.records[0], "isolate.watch.watching");
  fake_save(host.records[1], "isolate.watch.changed");
  ck_assert_str_eq(kernel_state(), "partial");
  fake_save(host.result, "isolate.query.partial");
  ck_assert_int_eq(fake_run(&host, isolate->verify, 0, kernel_params(FRIEND)), CORDON_E_UNVERIFIED);
  fake_save(host.result, "isolate.verify.passed");
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  fake_save(host.result, "isolate.release");
  ck_assert_int_eq(fake_run(&host, isolate->verify, 0, kernel_params(FRIEND)), CORDON_E_UNVERIFIED);
  fake_save(host.result, "isolate.verify.released");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {gives_one_result_of_each_function};
  return run_kernel_suite("plugins.nftables.results", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
