/* The folder of keys: made once, whole or gone on with; each key replaced by one of the next
 * generation. */
#include "signer_place.h"

#include "base/clock.h"
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 7u

static sig_keys load(const char *folder)
{
  sig_keys keys = {0};
  expect_ok(sig_keys_load(folder, cd_wall_ms(), &keys, &err));
  return keys;
}

START_TEST(the_folder_and_its_files_are_private_and_made_once)
{
  static const char *const names[FILES] = {"root.key",      "root.pub", "order.key", "policy.key",
                                           "device-ca.key", "ca.pem",   "chain.pem"};
  struct stat st;
  char path[1024];
  const char *folder = signer_folder();
  ck_assert_int_eq(stat(folder, &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0700);
  for (size_t i = 0; i < FILES; i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
  }
  sig_keys keys = load(folder);
  ck_assert(!cd_public_key_equal(&keys.root, cd_key_public(keys.order.key)));
  ck_assert_uint_eq(keys.order.said.generation, 1);
  sig_keys_free(&keys);
  expect_refused(sig_keys_init(folder, cd_wall_ms(), &err), CD_E_CONFLICT, "holds keys already");
}
END_TEST

START_TEST(the_signer_runs_without_the_root_key_and_cannot_rotate_then)
{
  char path[1024];
  (void)snprintf(path, sizeof(path), "%s/root.key", signer_folder());
  ck_assert_int_eq(rename(path, at("safe")), 0);
  sig_keys keys = load(signer_folder());
  sig_keys_free(&keys);
  expect_refused(sig_keys_rotate(signer_folder(), CD_PURPOSE_ORDER, cd_wall_ms(), &err),
                 CD_E_UNAVAILABLE, "bring it back");
  ck_assert_int_eq(rename(at("safe"), path), 0);
  expect_ok(sig_keys_rotate(signer_folder(), CD_PURPOSE_ORDER, cd_wall_ms(), &err));
}
END_TEST

START_TEST(a_rotated_key_has_the_next_generation_and_the_old_statement_is_stale)
{
  static const cd_purpose purposes[] = {CD_PURPOSE_ORDER, CD_PURPOSE_POLICY, CD_PURPOSE_DEVICE_CA};
  cd_statement s = {0};
  for (size_t i = 0; i < COUNT_OF(purposes); i++) {
    sig_keys before = load(signer_folder());
    expect_ok(sig_keys_rotate(signer_folder(), purposes[i], cd_wall_ms(), &err));
    sig_keys after = load(signer_folder());
    const sig_key *old[] = {&before.order, &before.policy, &before.device_ca};
    const sig_key *new[] = {&after.order, &after.policy, &after.device_ca};
    const cd_statement_known known = {.generation = new[i]->said.generation};
    ck_assert_uint_eq(new[i]->said.generation, old[i]->said.generation + 1);
    ck_assert(!cd_public_key_equal(&new[i]->said.key, &old[i]->said.key));
    expect_ok(
        cd_statement_verify(cd_str_from(new[i]->statement), &after.root, purposes[i], &s, &err));
    ck_assert_int_eq(cd_statement_check(&old[i]->said, &known, &err), CD_E_CONFLICT);
    sig_keys_free(&before);
    sig_keys_free(&after);
  }
}
END_TEST

START_TEST(a_name_that_is_no_key_and_another_roots_key_are_refused)
{
  char from[1024];
  char other[1024];
  FILE *null = fopen("/dev/null", "w");
  ck_assert_ptr_nonnull(null);
  expect_refused(sig_command_rotate(signer_folder(), "root", null, &err), CD_E_INVALID,
                 "order, policy or device-ca");
  (void)snprintf(other, sizeof(other), "%s", at("other"));
  expect_ok(sig_command_init(other, null, &err));
  ck_assert_int_eq(fclose(null), 0);
  (void)snprintf(from, sizeof(from), "%s/root.key", signer_folder());
  copy_file(at("other/root.key"), from);
  expect_refused(sig_keys_rotate(signer_folder(), CD_PURPOSE_ORDER, cd_wall_ms(), &err),
                 CD_E_DENIED, "another root's key");
}
END_TEST

START_TEST(a_key_file_with_another_statement_is_not_loaded)
{
  char order[1024];
  char policy[1024];
  sig_keys keys = {0};
  (void)snprintf(order, sizeof(order), "%s/order.key", signer_folder());
  (void)snprintf(policy, sizeof(policy), "%s/policy.key", signer_folder());
  copy_file(policy, order);
  ck_assert_int_eq(sig_keys_load(signer_folder(), cd_wall_ms(), &keys, &err), CD_E_DENIED);
  put_text(order, "-----BEGIN PRIVATE KEY-----\n");
  ck_assert_int_eq(sig_keys_load(signer_folder(), cd_wall_ms(), &keys, &err), CD_E_INVALID);
  expect_refused(sig_keys_load(at("nowhere"), cd_wall_ms(), &keys, &err), CD_E_NOTFOUND, "--init");
}
END_TEST

static int program(const char *fault, const char *const *argv)
{
  if (fault != NULL)
    ck_assert_int_eq(setenv("CORDON_FAULT", fault, 1), 0);
  int code = run(argv, NULL, 0);
  ck_assert_int_eq(unsetenv("CORDON_FAULT"), 0);
  return code;
}

static bool has_fault_points(void)
{
#ifdef CORDON_FAULT_POINTS
  return true;
#else
  return false;
#endif
}

START_TEST(an_init_that_is_killed_at_any_step_is_gone_on_with)
{
  char fault[64];
  char folder[1024];
  char root[1100];
  sig_keys keys = {0};
  if (!has_fault_points())
    return;
  (void)snprintf(fault, sizeof(fault), "signer.file.written=kill:%d", _i + 1);
  (void)snprintf(folder, sizeof(folder), "%s", at("killed"));
  (void)snprintf(root, sizeof(root), "%s/root.key", folder);
  const char *const argv[] = {SIGNER_PROGRAM, "--init", folder, NULL};
  ck_assert_int_eq(program(fault, argv), 128 + 9);
  copy_file(root, at("root.copy"));
  if (_i + 1 < (int)FILES) {
    ck_assert_int_eq(sig_keys_load(folder, cd_wall_ms(), &keys, &err), CD_E_NOTFOUND);
    ck_assert_int_eq(program(NULL, argv), 0);
  }
  keys = load(folder);
  sig_keys_free(&keys);
  /* What was made before it was killed is what there is. */
  const char *const compare[] = {"cmp", root, at("root.copy"), NULL};
  ck_assert_int_eq(run(compare, NULL, 0), 0);
}
END_TEST

START_TEST(a_rotation_that_is_killed_at_any_step_leaves_the_old_or_the_new_key)
{
  char fault[64];
  if (!has_fault_points())
    return;
  for (int step = 1; step <= 3; step++) {
    sig_keys before = load(signer_folder());
    (void)snprintf(fault, sizeof(fault), "signer.file.written=kill:%d", step);
    const char *const argv[] = {SIGNER_PROGRAM, "--dir",     signer_folder(),
                                "--rotate",     "device-ca", NULL};
    ck_assert_int_eq(program(fault, argv), 128 + 9);
    sig_keys after = load(signer_folder());
    ck_assert_uint_eq(after.device_ca.said.generation,
                      before.device_ca.said.generation + (step == 3 ? 1 : 0));
    sig_keys_free(&before);
    sig_keys_free(&after);
  }
}
END_TEST

START_TEST(a_configuration_is_read_whole_or_refused)
{
  sig_config c = {0};
  expect_ok(
      sig_config_parse(cd_str_from(config_text(",\"caps\":{\"orders_per_minute\":5}")), &c, &err));
  ck_assert_uint_eq(c.orders_per_minute, 5);
  ck_assert_uint_eq(c.isolated_per_hour, 100);
  sig_config_release(&c);
  expect_refused(sig_config_parse(cd_str_from(config_text(",\"cap\":{}")), &c, &err), CD_E_INVALID,
                 "cap");
  expect_refused(
      sig_config_parse(cd_str_from(config_text(",\"protected\":[{\"device\":\"A B\"}]")), &c, &err),
      CD_E_INVALID, "the id of a device");
  expect_refused(sig_config_parse(CD_STR("{}"), &c, &err), CD_E_INVALID, "database");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_folder_and_its_files_are_private_and_made_once,
      the_signer_runs_without_the_root_key_and_cannot_rotate_then,
      a_rotated_key_has_the_next_generation_and_the_old_statement_is_stale,
      a_name_that_is_no_key_and_another_roots_key_are_refused,
      a_key_file_with_another_statement_is_not_loaded,
      a_rotation_that_is_killed_at_any_step_leaves_the_old_or_the_new_key,
      a_configuration_is_read_whole_or_refused,
  };
  return run_suite_with_rows("console.signer.keys", tests, COUNT_OF(tests),
                             an_init_that_is_killed_at_any_step_is_gone_on_with, FILES);
}
