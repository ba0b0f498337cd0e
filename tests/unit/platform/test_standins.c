/* Compiled with the files of a system that is laid out: the whole seam must be there, and what is
 * not filled must say so. */
#include "platform/child.h"
#include "platform/confine.h"
#include "platform/file.h"
#include "platform/library.h"
#include "platform/pass.h"
#include "platform/paths.h"
#include "platform/peer.h"
#include "platform/process.h"
#include "platform/sight.h"
#include "platform/socket.h"
#include "platform/system.h"
#include "platform/terminal.h"

#include <check.h>
#include <stdlib.h>

typedef void (*any_function)(void);

/* The whole seam; the linker finds what is missing. */
static any_function const seam[] = {
    (any_function)pf_privilege_from_name,
    (any_function)pf_confine_self,
    (any_function)pf_confine_cpu,
    (any_function)pf_cpu_watch_new,
    (any_function)pf_cpu_watch_start,
    (any_function)pf_usage_self,
    (any_function)pf_harden_self,
    (any_function)pf_files_raise,
    (any_function)pf_file_read,
    (any_function)pf_file_read_open,
    (any_function)pf_file_replace,
    (any_function)pf_file_sync_name,
    (any_function)pf_file_open_trusted,
    (any_function)pf_file_private,
    (any_function)pf_file_close,
    (any_function)pf_number_close,
    (any_function)pf_dir_ensure,
    (any_function)pf_dir_list,
    (any_function)pf_file_lock,
    (any_function)pf_library_load,
    (any_function)pf_library_data,
    (any_function)pf_paths_installed,
    (any_function)pf_paths_control,
    (any_function)pf_peer_of,
    (any_function)pf_peer_self,
    (any_function)pf_peer_name,
    (any_function)pf_peer_in_group,
    (any_function)pf_peer_listen,
    (any_function)pf_peer_connect,
    (any_function)pf_child_start,
    (any_function)pf_child_pid,
    (any_function)pf_child_handle,
    (any_function)pf_child_kill,
    (any_function)pf_child_close,
    (any_function)pf_process_kill_group,
    (any_function)pf_process_end_followers,
    (any_function)pf_pass_pair,
    (any_function)pf_pass_give,
    (any_function)pf_pass_take,
    (any_function)pf_file_room,
    (any_function)pf_file_reserve,
    (any_function)pf_library_system,
    (any_function)pf_library_function,
    (any_function)pf_sight_serve,
    (any_function)pf_sight_space_at,
    (any_function)pf_sight_holders,
    (any_function)pf_socket_marked,
    (any_function)pf_socket_close,
    (any_function)pf_socket_of,
    (any_function)pf_boot_id,
    (any_function)pf_uptime,
    (any_function)pf_system_name,
    (any_function)pf_service_ready,
    (any_function)pf_service_stopping,
    (any_function)pf_terminal_secret,
};

START_TEST(the_seam_is_whole)
{
  for (size_t i = 0; i < sizeof(seam) / sizeof(seam[0]); i++)
    ck_assert(seam[i] != NULL);
  ck_assert_str_eq(pf_system_name(), TEST_SYSTEM);
  ck_assert_ptr_nonnull(pf_paths_installed()->config_file);
  pf_service_ready();
  pf_service_stopping();
}
END_TEST

START_TEST(what_is_not_filled_says_so)
{
  char boot[PF_BOOT_ID_MAX];
  pf_confine confine = {0};
  pf_usage usage = {0};
  pf_library *library = NULL;
  cd_buf report = CD_BUF_INIT(1024);
  cd_err err[4] = {0};
  ck_assert_int_eq(pf_boot_id(boot, &err[0]), CD_E_UNSUPPORTED);
  ck_assert_int_eq(pf_confine_self(&confine, &report, &err[1]), CD_E_UNSUPPORTED);
  ck_assert_int_eq(pf_usage_self(&usage, &err[2]), CD_E_UNSUPPORTED);
  ck_assert_int_eq(pf_library_load(0, "plugin", &library, &err[3]), CD_E_UNSUPPORTED);
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_ne(err[i].text[0], '\0');
}
END_TEST

int main(void)
{
  Suite *s = suite_create("platform." TEST_SYSTEM);
  TCase *c = tcase_create("standins");
  tcase_add_test(c, the_seam_is_whole);
  tcase_add_test(c, what_is_not_filled_says_so);
  suite_add_tcase(s, c);
  SRunner *runner = srunner_create(s);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
