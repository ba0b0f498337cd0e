/* What a device is: the readers of files by tables, and the plugin's whole answer on this machine.
 */
#include "facts.h"

#include "fake_host.h"
#include "suite.h"

#include <string.h>
#include <sys/utsname.h>
#include <utmp.h>

static const struct os_case {
  const char *text;
  const char *id;
  const char *name;
  const char *version;
} os_cases[] = {
    {"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian "
     "GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
     "debian", "Debian GNU/Linux", "12"},
    {"ID='fedora'\nNAME=Fedora\nVERSION_ID=40", "fedora", "Fedora", "40"},
    {"NAME=\"A \\\"quoted\\\" \\$name\"\n", "", "A \"quoted\" $name", ""},
    {"#ID=no\n ID=no\nXID=no\nID_LIKE=debian\nID=\n", "", "", ""},
    {"NAME=\"unclosed\nID=x", "x", "unclosed", ""},
    {"", "", "", ""},
};

START_TEST(reads_os_release)
{
  for (size_t i = 0; i < COUNT_OF(os_cases); i++) {
    facts_os os;
    facts_os_read(os_cases[i].text, strlen(os_cases[i].text), &os);
    ck_assert_str_eq(os.id, os_cases[i].id);
    ck_assert_str_eq(os.name, os_cases[i].name);
    ck_assert_str_eq(os.version, os_cases[i].version);
  }
}
END_TEST

START_TEST(finds_numbers_at_the_front_of_lines)
{
  ck_assert_int_eq(facts_number_after("cpu 1 2\nbtime 1700000000\n", "btime "), 1700000000);
  ck_assert_int_eq(facts_number_after("MemTotal:       16316412 kB\n", "MemTotal:"), 16316412);
  ck_assert_int_eq(facts_number_after("xbtime 5\n", "btime "), -1);
  ck_assert_int_eq(facts_number_after("btime x\n", "btime "), -1);
  ck_assert_int_eq(facts_number_after("btime -5\n", "btime "), -1);
  ck_assert_int_eq(facts_number_after("", "btime "), -1);
}
END_TEST

START_TEST(writes_times_by_rfc_3339)
{
  char text[32];
  facts_time(1700000000, text);
  ck_assert_str_eq(text, "2023-11-14T22:13:20Z");
  facts_time(0, text);
  ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
}
END_TEST

START_TEST(reads_logins_from_utmp)
{
  struct utmp image[4];
  memset(image, 0, sizeof(image));
  image[0].ut_type = BOOT_TIME;
  memcpy(image[0].ut_user, "reboot", 6);
  image[1].ut_type = USER_PROCESS;
  memcpy(image[1].ut_user, "ada", 3);
  memcpy(image[1].ut_line, "pts/0", 5);
  memcpy(image[1].ut_host, "10.0.0.7", 8);
  image[1].ut_tv.tv_sec = 1700000000;
  image[2].ut_type = DEAD_PROCESS;
  memcpy(image[2].ut_user, "gone", 4);
  image[3].ut_type = USER_PROCESS;
  memset(image[3].ut_user, 0xff, sizeof(image[3].ut_user)); /* full, and no UTF-8 */
  cJSON *users = cJSON_CreateArray();
  /* The last record is cut short the second time. */
  facts_users_read(image, sizeof(image), users);
  ck_assert_int_eq(cJSON_GetArraySize(users), 2);
  const cJSON *ada = cJSON_GetArrayItem(users, 0);
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(ada, "name")->valuestring, "ada");
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(ada, "terminal")->valuestring, "pts/0");
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(ada, "since")->valuestring,
                   "2023-11-14T22:13:20Z");
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(ada, "from")->valuestring, "10.0.0.7");
  const cJSON *odd = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(users, 1), "name");
  ck_assert_uint_eq(strlen(odd->valuestring), sizeof(image[3].ut_user));
  ck_assert_int_eq(odd->valuestring[0], '?');
  facts_users_read(image, sizeof(image) - 1, users);
  ck_assert_int_eq(cJSON_GetArraySize(users), 3);
  cJSON_Delete(users);
}
END_TEST

START_TEST(the_plugin_tells_what_this_machine_is)
{
  fake_host host;
  struct utsname name;
  fake_host_open(&host, CORDON_LINUX_LIBRARY, "facts");
  ck_assert_str_eq(host.entry->id, "org.cordon.linux");
  const cordon_job *facts = host.plugin->get_extension(host.plugin, CORDON_EXT_FACTS);
  ck_assert_ptr_nonnull(facts);
  ck_assert_ptr_null(host.plugin->get_extension(host.plugin, CORDON_EXT_ISOLATE));
  ck_assert_int_eq(fake_run(&host, facts->probe, 0, "{}"), CORDON_OK);
  ck_assert_int_eq(fake_run(&host, facts->run, 0, "{}"), CORDON_OK);
  ck_assert_int_eq(uname(&name), 0);
  ck_assert_str_eq(fake_text(&host, "host_name"), name.nodename);
  ck_assert_str_eq(fake_text(&host, "kernel"), name.release);
  ck_assert_uint_eq(strlen(fake_text(&host, "boot_id")), 36);
  ck_assert(fake_number(&host, "memory_bytes") > 1024 * 1024);
  const cJSON *lo = NULL;
  cJSON_ArrayForEach(lo, cJSON_GetObjectItemCaseSensitive(host.result, "interfaces"))
  {
    if (strcmp(cJSON_GetObjectItemCaseSensitive(lo, "name")->valuestring, "lo") == 0)
      break;
  }
  ck_assert_msg(lo != NULL, "no loopback interface");
  fake_save(host.result, "facts.run");
  fake_host_close(&host);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      reads_os_release,       finds_numbers_at_the_front_of_lines,   writes_times_by_rfc_3339,
      reads_logins_from_utmp, the_plugin_tells_what_this_machine_is,
  };
  return run_suite("plugins.linux.facts", tests, COUNT_OF(tests));
}
