/* Telling people: the words, who is there, a terminal, and a desktop with a real message bus. */
#include "notify.h"

#include "suite.h"
#include "test_notify_bus.h"

#include <fcntl.h>
#include <pty.h>
#include <pwd.h>
#include <string.h>
#include <termios.h>

static const struct language {
  const char *locale;
  notify_language language;
} languages[] = {
    {"ja_JP.UTF-8", NOTIFY_JA}, {"ja_JP.utf8", NOTIFY_JA},
    {"ja.UTF-8", NOTIFY_JA},    {"ja_JP.eucJP", NOTIFY_EN},
    {"ja_JP", NOTIFY_EN},       {"jam_JM.UTF-8", NOTIFY_EN},
    {"en_US.UTF-8", NOTIFY_EN}, {"de_DE.UTF-8", NOTIFY_EN},
    {"C", NOTIFY_EN},           {"", NOTIFY_EN},
};

START_TEST(the_language_is_the_readers_where_there_is_a_text)
{
  for (size_t i = 0; i < COUNT_OF(languages); i++)
    ck_assert_msg(notify_language_of(languages[i].locale) == languages[i].language, "%s",
                  languages[i].locale);
}
END_TEST

START_TEST(a_tag_of_a_language_says_nothing_of_an_encoding)
{
  static const struct language tags[] = {{"ja", NOTIFY_JA},    {"ja-JP", NOTIFY_JA},
                                         {"JA-jp", NOTIFY_JA}, {"jam-JM", NOTIFY_EN},
                                         {"en-US", NOTIFY_EN}, {"", NOTIFY_EN}};
  for (size_t i = 0; i < COUNT_OF(tags); i++)
    ck_assert_msg(notify_language_of_tag(tags[i].locale) == tags[i].language, "%s", tags[i].locale);
}
END_TEST

START_TEST(the_words_are_whole_and_name_whom_to_ask)
{
  char body[1024];
  notify_body(NOTIFY_ISOLATED, NOTIFY_EN, "", body, sizeof(body));
  ck_assert_ptr_nonnull(strstr(body, "leave the device switched on."));
  ck_assert_ptr_null(strchr(body, '\n'));
  notify_body(NOTIFY_ISOLATED, NOTIFY_JA, "内線 123", body, sizeof(body));
  ck_assert_ptr_nonnull(strstr(body, "\nお問い合わせ: 内線 123"));
  ck_assert_str_ne(notify_title(NOTIFY_ISOLATED, NOTIFY_JA),
                   notify_title(NOTIFY_RELEASED, NOTIFY_JA));
}
END_TEST

/* Whatever the room is, no character is cut in two. */
START_TEST(a_body_is_cut_between_characters)
{
  char whole[1024];
  char body[1024];
  notify_body(NOTIFY_RELEASED, NOTIFY_JA, "", whole, sizeof(whole));
  for (size_t size = 2; size < strlen(whole); size++) {
    notify_body(NOTIFY_RELEASED, NOTIFY_JA, "", body, size);
    size_t len = strlen(body);
    ck_assert_int_eq(strncmp(whole, body, len), 0);
    ck_assert_msg(((unsigned char)whole[len] & 0xc0) != 0x80, "cut within a character at %zu", len);
    ck_assert_uint_ge(len + 4, size);
  }
}
END_TEST

START_TEST(the_language_is_found_in_an_environment_and_in_a_file)
{
  char locale[NOTIFY_NAME];
  static const char both[] = "HOME=/home/a\0LANG=en_US.UTF-8\0LC_ALL=ja_JP.UTF-8\0";
  static const char alone[] = "XLANG=no\0LANG=de_DE.UTF-8";
  notify_locale_from_environ(both, sizeof(both), locale);
  ck_assert_str_eq(locale, "ja_JP.UTF-8");
  notify_locale_from_environ(alone, sizeof(alone) - 1, locale);
  ck_assert_str_eq(locale, "de_DE.UTF-8");
  notify_locale_from_environ("", 0, locale);
  ck_assert_str_eq(locale, "");
  notify_locale_from_file("# LANG=no\nLANG=\"ja_JP.UTF-8\"\n", locale);
  ck_assert_str_eq(locale, "ja_JP.UTF-8");
  notify_locale_from_file("LC_ALL=x\n", locale);
  ck_assert_str_eq(locale, "");
}
END_TEST

static const struct session {
  const char *text;
  bool graphical;
} sessions[] = {
    {"# private\nUID=1000\nTYPE=wayland\nCLASS=user\nLEADER=4711\n", true},
    {"CLASS=user\nTYPE=x11\nUID=1000\nLEADER=4711", true},
    {"UID=1000\nTYPE=tty\nCLASS=user\nLEADER=4711\n", false},
    {"UID=1000\nTYPE=wayland\nCLASS=greeter\nLEADER=4711\n", false},
    {"UID=-1\nTYPE=wayland\nCLASS=user\n", false},
    {"UID=1000x\nTYPE=wayland\nCLASS=user\n", false},
    {"XUID=1000\nTYPE=wayland\nCLASS=user\n", false},
    {"", false},
};

START_TEST(a_session_with_a_screen_is_told_from_others)
{
  for (size_t i = 0; i < COUNT_OF(sessions); i++) {
    uid_t uid = 0;
    pid_t leader = 0;
    ck_assert_msg(notify_session_is_graphical(sessions[i].text, &uid, &leader) ==
                      sessions[i].graphical,
                  "%s", sessions[i].text);
    if (sessions[i].graphical) {
      ck_assert_uint_eq(uid, 1000);
      ck_assert_int_eq(leader, 4711);
    }
  }
}
END_TEST

START_TEST(only_terminals_are_opened)
{
  static const char *const good[] = {"pts/0", "tty1", "ttyS0", "ttyUSB0"};
  static const char *const bad[] = {"",          "pts/",    "tty",   "pts/../sda", "sda",
                                    "/dev/tty1", "pts/1/2", "tty1 ", ":0"};
  for (size_t i = 0; i < COUNT_OF(good); i++)
    ck_assert_msg(notify_terminal_valid(good[i]), "%s", good[i]);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    ck_assert_msg(!notify_terminal_valid(bad[i]), "%s", bad[i]);
}
END_TEST

/* ---- a terminal ---- */

static notify_session terminal(int *ret_master, int *ret_slave)
{
  notify_session s = {.kind = NOTIFY_TERMINAL};
  ck_assert_int_eq(openpty(ret_master, ret_slave, NULL, NULL, NULL), 0);
  ck_assert_int_eq(ttyname_r(*ret_slave, s.place, sizeof(s.place)), 0);
  return s;
}

START_TEST(a_terminal_shows_title_and_body)
{
  char text[1024] = "";
  int master = -1;
  int slave = -1;
  notify_session s = terminal(&master, &slave);
  notify_terminal(&s, "the title", "a body\nof two lines");
  ck_assert_msg(s.told, "%s", s.note);
  ck_assert_int_gt(read(master, text, sizeof(text) - 1), 0);
  ck_assert_ptr_nonnull(strstr(text, "the title\r"));
  ck_assert_ptr_nonnull(strstr(text, "of two lines\r"));
  (void)close(slave);
  (void)close(master);
}
END_TEST

START_TEST(a_terminal_that_was_stopped_holds_nobody_up)
{
  char filler[4096];
  int master = -1;
  int slave = -1;
  notify_session s = terminal(&master, &slave);
  ck_assert_int_eq(tcflow(slave, TCOOFF), 0);
  ck_assert_int_eq(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
  memset(filler, 'x', sizeof(filler));
  while (write(slave, filler, sizeof(filler)) > 0) {
  }
  notify_terminal(&s, "the title", "a body");
  ck_assert(!s.told);
  ck_assert_ptr_nonnull(strstr(s.note, "took no text"));
  (void)close(slave);
  (void)close(master);
}
END_TEST

START_TEST(what_is_no_terminal_gets_nothing)
{
  notify_session s = {.kind = NOTIFY_TERMINAL, .place = "/dev/zero"};
  notify_terminal(&s, "the title", "a body");
  ck_assert(!s.told);
  ck_assert_str_eq(s.note, "it is no terminal");
  s = (notify_session){.kind = NOTIFY_TERMINAL, .place = "/dev/pts/none"};
  notify_terminal(&s, "the title", "a body");
  ck_assert(!s.told);
  ck_assert_ptr_nonnull(strstr(s.note, "cannot be opened"));
}
END_TEST

/* ---- a desktop ---- */

static notify_session desktop(const bus *b, uid_t uid)
{
  notify_session s = {.kind = NOTIFY_DESKTOP, .uid = uid};
  (void)snprintf(s.place, sizeof(s.place), "%s", b->path);
  return s;
}

static uid_t nobody(void)
{
  const struct passwd *entry = getpwnam("nobody");
  ck_assert_ptr_nonnull(entry);
  return entry->pw_uid;
}

START_TEST(a_desktop_shows_it_to_its_user)
{
  bus b;
  bus_start(&b, nobody(), BUS_SHOWS);
  notify_session s = desktop(&b, nobody());
  notify_desktop(&s, "この端末", "a body\nof two lines");
  ck_assert_msg(s.told, "%s", s.note);
  ck_assert_str_eq(bus_shown(&b), "この端末\na body\nof two lines\n");
  bus_stop(&b);
}
END_TEST

START_TEST(a_bus_that_shows_nothing_is_said)
{
  bus b;
  bus_start(&b, nobody(), BUS_NOBODY);
  notify_session s = desktop(&b, nobody());
  notify_desktop(&s, "title", "body");
  ck_assert(!s.told);
  ck_assert_msg(strstr(s.note, "org.freedesktop.Notifications") != NULL, "%s", s.note);
  bus_stop(&b);
}
END_TEST

START_TEST(a_desktop_that_hangs_is_left)
{
  bus b;
  bus_start(&b, nobody(), BUS_HANGS);
  notify_session s = desktop(&b, nobody());
  notify_desktop(&s, "title", "body");
  ck_assert(!s.told);
  ck_assert_str_ne(s.note, "");
  bus_stop(&b);
}
END_TEST

START_TEST(another_users_bus_is_not_spoken_to)
{
  bus b;
  bus_start(&b, nobody(), BUS_SHOWS);
  const struct passwd *other = getpwnam("games");
  ck_assert_ptr_nonnull(other);
  notify_session s = desktop(&b, other->pw_uid);
  notify_desktop(&s, "title", "body");
  ck_assert(!s.told);
  bus_stop(&b);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_language_is_the_readers_where_there_is_a_text,
      a_tag_of_a_language_says_nothing_of_an_encoding,
      the_words_are_whole_and_name_whom_to_ask,
      a_body_is_cut_between_characters,
      the_language_is_found_in_an_environment_and_in_a_file,
      a_session_with_a_screen_is_told_from_others,
      only_terminals_are_opened,
      a_terminal_shows_title_and_body,
      a_terminal_that_was_stopped_holds_nobody_up,
      what_is_no_terminal_gets_nothing,
      a_desktop_shows_it_to_its_user,
      a_bus_that_shows_nothing_is_said,
      a_desktop_that_hangs_is_left,
      another_users_bus_is_not_spoken_to,
  };
  return run_kernel_suite("plugins.notify", tests, COUNT_OF(tests), NULL, NULL);
}
