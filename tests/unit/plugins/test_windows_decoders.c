/* What the plugin for Windows reads: UTF-16, values of the registry, the XML of tasks. */
#include "reg_text.h"
#include "support/utf16.h"
#include "task_xml.h"

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct utf16_case {
  const char *from;
  size_t units;
  const char *text;
} utf16_cases[] = {
    {"a\0b\0", 2, "ab"},
    {"\xf6\0", 1, "\xc3\xb6"},
    {"\xac\x20", 1, "\xe2\x82\xac"},
    {"\x3d\xd8\x00\xde", 2, "\xf0\x9f\x98\x80"},
    {"\x00\xd8x\0", 2, "\xed\xa0\x80x"},
    {"\x00\xdc", 1, "\xed\xb0\x80"},
    {"a\0\0\0b\0", 3, "a"},
};

START_TEST(utf16_becomes_utf8_and_loses_nothing)
{
  for (size_t i = 0; i < COUNT_OF(utf16_cases); i++) {
    const struct utf16_case *c = &utf16_cases[i];
    char text[32];
    bool cut = true;
    (void)sup_utf16_text(c->from, c->units, text, sizeof(text), &cut);
    ck_assert_str_eq(text, c->text);
    ck_assert(!cut);
  }
}
END_TEST

START_TEST(utf16_is_cut_between_characters)
{
  char text[5];
  bool cut = false;
  ck_assert_uint_eq(sup_utf16_text("a\0\xac\x20\xac\x20", 3, text, sizeof(text), &cut), 4);
  ck_assert_str_eq(text, "a\xe2\x82\xac");
  ck_assert(cut);
}
END_TEST

#define OF(bytes) bytes, sizeof(bytes) - 1

static const struct value_case {
  uint32_t type;
  const char *bytes;
  size_t len;
  const char *text;
} value_cases[] = {
    {1, OF("a\0b\0\0\0"), "ab"},
    {1, OF("a\0b\0"), "ab"},
    {2, OF("%\0a\0%\0\0"), "%a%"},
    {1, OF("a\0b\0x"), "ab"},
    {7, OF("a\0\0\0b\0c\0\0\0\0\0"), "a | bc"},
    {7, OF(""), ""},
    {4, OF("\x2a\0\0\0"), "42 (0x2a)"},
    {5, OF("\0\0\0\x2a"), "42 (0x2a)"},
    {4, OF("\x2a\0\0"), "2a0000"},
    {11, OF("\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615 (0xffffffffffffffff)"},
    {3, OF("\x01\xfe"), "01fe"},
    {99, OF("\x01"), "01"},
};

START_TEST(a_value_is_told_by_its_type)
{
  for (size_t i = 0; i < COUNT_OF(value_cases); i++) {
    const struct value_case *c = &value_cases[i];
    char text[64];
    ck_assert_uint_eq(win_reg_value_text(c->type, c->bytes, c->len, text, sizeof(text)),
                      strlen(c->text));
    ck_assert_str_eq(text, c->text);
  }
}
END_TEST

/* Windows takes the text to end at its NUL; whoever hides something behind it is shown. */
START_TEST(what_stands_behind_a_nul_is_told)
{
  char text[64];
  size_t len = win_reg_value_text(1, OF("a\0\0\0b\0\0\0"), text, sizeof(text));
  ck_assert_uint_eq(len, 3);
  ck_assert_mem_eq(text, "a\0b", 3);
}
END_TEST

START_TEST(a_long_value_says_that_it_was_cut)
{
  char bytes[4096];
  char text[64];
  memset(bytes, 'a', sizeof(bytes));
  size_t len = win_reg_value_text(3, bytes, sizeof(bytes), text, sizeof(text));
  ck_assert(len < sizeof(text));
  ck_assert_str_eq(text + len - 8, "...(cut)");
}
END_TEST

static const char whole[] =
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?><!-- a > b -->"
    "<Task xmlns=\"x\"><RegistrationInfo><Author>Ev&#105;l &amp; Co</Author>"
    "<Description> two\n words </Description></RegistrationInfo>"
    "<Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger><BootTrigger/></Triggers>"
    "<Principals><Principal id=\"a>b\"><UserId>S-1-5-18</UserId></Principal></Principals>"
    "<Actions Context=\"a\"><Exec><Command>C:\\x.exe</Command><Arguments>&lt;-q&gt;</Arguments>"
    "</Exec><ComHandler><ClassId>{1}</ClassId><Data><![CDATA[<d>]]></Data></ComHandler></Actions>"
    "</Task>";

static void check_whole(const win_task *k)
{
  ck_assert_str_eq(k->author, "Evil & Co");
  ck_assert_str_eq(k->description, "two\n words");
  ck_assert_str_eq(k->triggers, "LogonTrigger Enabled=true; BootTrigger");
  ck_assert_str_eq(k->user, "S-1-5-18");
  ck_assert_str_eq(k->actions, "C:\\x.exe <-q>; COM {1} <d>");
  ck_assert(!k->cut);
}

START_TEST(a_task_says_what_it_runs_and_when)
{
  win_task k;
  ck_assert(win_task_read(whole, sizeof(whole) - 1, &k));
  check_whole(&k);
}
END_TEST

START_TEST(a_task_may_be_utf16_of_either_order)
{
  enum { UNITS = sizeof(whole) - 1 };
  unsigned char bytes[2 * UNITS + 2];
  win_task k;
  for (unsigned big = 0; big < 2; big++) {
    bytes[big] = 0xff;
    bytes[1 - big] = 0xfe;
    for (size_t i = 0; i < UNITS; i++) {
      bytes[2 + 2 * i + big] = (unsigned char)whole[i];
      bytes[2 + 2 * i + 1 - big] = 0;
    }
    ck_assert(win_task_read(bytes, sizeof(bytes), &k));
    check_whole(&k);
  }
}
END_TEST

static const char *const broken[] = {
    "",
    "no document",
    "<Task>",
    "<Task></Task></Task>",
    "<Job></Job>",
    "<!DOCTYPE Task [<!ENTITY a \"aaaa\">]><Task>&a;</Task>",
    "<Task><Actions",
    "<Task a=\"></Task>",
    "<Task><!-- </Task>",
    "<Task><![CDATA[ </Task>",
};

START_TEST(what_is_broken_is_told_so)
{
  win_task k;
  for (size_t i = 0; i < COUNT_OF(broken); i++)
    ck_assert_msg(!win_task_read(broken[i], strlen(broken[i]), &k), "%s", broken[i]);
}
END_TEST

START_TEST(a_deep_task_and_a_long_one_end)
{
  static char text[TASK_XML_MAX + 1];
  win_task k;
  size_t at = 0;
  at += (size_t)snprintf(text, sizeof(text), "<Task>");
  for (int i = 0; i < 100; i++)
    at += (size_t)snprintf(text + at, sizeof(text) - at, "<a>");
  ck_assert(!win_task_read(text, at, &k));
  ck_assert(!win_task_read(text, sizeof(text), &k));
  at = (size_t)snprintf(text, sizeof(text), "<Task><RegistrationInfo><Author>");
  memset(text + at, 'x', 5000);
  at += 5000;
  at += (size_t)snprintf(text + at, sizeof(text) - at, "</Author></RegistrationInfo></Task>");
  ck_assert(win_task_read(text, at, &k));
  ck_assert(k.cut);
  ck_assert_uint_eq(strlen(k.author), sizeof(k.author) - 1);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      utf16_becomes_utf8_and_loses_nothing, utf16_is_cut_between_characters,
      a_value_is_told_by_its_type,          what_stands_behind_a_nul_is_told,
      a_long_value_says_that_it_was_cut,    a_task_says_what_it_runs_and_when,
      a_task_may_be_utf16_of_either_order,  what_is_broken_is_told_so,
      a_deep_task_and_a_long_one_end};
  return run_suite("plugins.windows_decoders", tests, COUNT_OF(tests));
}
