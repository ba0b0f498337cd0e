#include "platform/system.h"

#include "base/clock.h"
#include "platform/file.h"
#include "platform/paths.h"

#include "place.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static cd_err err;

START_TEST(boot_id_is_the_kernels)
{
  char id[PF_BOOT_ID_MAX];
  char again[PF_BOOT_ID_MAX];
  cd_buf file = CD_BUF_INIT(128);
  ck_assert_int_eq(pf_boot_id(id, &err), CD_OK);
  ck_assert_int_eq(pf_boot_id(again, &err), CD_OK);
  ck_assert_uint_eq(strlen(id), 36);
  ck_assert_str_eq(id, again);
  ck_assert_int_eq(pf_file_read("/proc/sys/kernel/random/boot_id", 128, &file, &err), CD_OK);
  ck_assert_ptr_eq(strstr(cd_buf_cstr(&file), id), cd_buf_cstr(&file));
  cd_buf_release(&file);
}
END_TEST

START_TEST(uptime_is_the_time_since_the_boot)
{
  int64_t first = 0;
  int64_t again = 0;
  struct timespec boot;
  ck_assert_int_eq(pf_uptime(&first, &err), CD_OK);
  ck_assert_int_eq(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
  ck_assert_int_eq(pf_uptime(&again, &err), CD_OK);
  int64_t between = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
  ck_assert(first <= between && between <= again);
}
END_TEST

START_TEST(paths_are_absolute)
{
  const pf_paths *p = pf_paths_installed();
  const char *const all[] = {p->config_file,    p->trust_file, p->state_dir,  p->run_dir,
                             p->control_socket, p->plugin_dir, p->plugin_host};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    ck_assert_int_eq(all[i][0], '/');
    ck_assert_ptr_nonnull(strstr(all[i], "/cordon"));
  }
  ck_assert_ptr_eq(strstr(p->control_socket, p->run_dir), p->control_socket);
  ck_assert_str_eq(pf_system_name(), "linux");
}
END_TEST

/* A datagram socket as the service manager has one; `name` with '@' is outside the file system. */
static int manager(const char *name)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
  memcpy(address.sun_path, name, strlen(name));
  if (name[0] == '@')
    address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
  ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
  return fd;
}

static void expect_datagram(int fd, const char *text)
{
  char got[64] = {0};
  ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
  ck_assert_str_eq(got, text);
}

START_TEST(tells_the_manager_by_path_and_by_abstract_name)
{
  char abstract[64];
  place_new();
  (void)snprintf(abstract, sizeof(abstract), "@cordon-test-%ld", (long)getpid());
  const char *const names[] = {at("notify"), abstract};
  for (size_t i = 0; i < 2; i++) {
    int fd = manager(names[i]);
    pf_service_ready();
    expect_datagram(fd, "READY=1");
    pf_service_stopping();
    expect_datagram(fd, "STOPPING=1");
    (void)close(fd);
  }
}
END_TEST

START_TEST(does_without_a_manager)
{
  char longest[300];
  memset(longest, 'x', sizeof(longest));
  longest[0] = '/';
  longest[sizeof(longest) - 1] = '\0';
  const char *const names[] = {"", "@", "relative", "/nonexistent/notify", longest};
  ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
  pf_service_ready();
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
    pf_service_ready();
    pf_service_stopping();
  }
}
END_TEST

START_TEST(does_not_wait_for_a_manager_that_does_not_read)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  place_new();
  int fd = manager(at("notify"));
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", at("notify"));
  int filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  while (sendto(filler, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1)
    continue;
  ck_assert_int_eq(errno, EAGAIN);
  uint64_t start = cd_mono_ms();
  pf_service_ready();
  ck_assert_uint_lt(cd_mono_ms() - start, 5000);
  (void)close(filler);
  (void)close(fd);
}
END_TEST

Suite *system_suite(void)
{
  Suite *s = suite_create("platform.system");
  TCase *c = tcase_create("system");
  tcase_set_timeout(c, 20);
  tcase_add_test(c, boot_id_is_the_kernels);
  tcase_add_test(c, uptime_is_the_time_since_the_boot);
  tcase_add_test(c, paths_are_absolute);
  tcase_add_test(c, tells_the_manager_by_path_and_by_abstract_name);
  tcase_add_test(c, does_without_a_manager);
  tcase_add_test(c, does_not_wait_for_a_manager_that_does_not_read);
  suite_add_tcase(s, c);
  return s;
}
