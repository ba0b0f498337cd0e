/* The man page and the completions are written by hand; here they are held against the tables. */
#include "command.h"

#include "suites.h"

#include "base/buf.h"
#include "platform/file.h"

#include <stdio.h>
#include <string.h>

static void read_into(const char *path, cd_buf *out)
{
  cd_err err = {0};
  cd_buf_init(out, 1024u * 1024);
  ck_assert_msg(pf_file_read(path, 1024u * 1024, out, &err) == CD_OK, "%s", err.text);
}

/* mdoc writes `Fl -json` for --json, the shells `--json`. */
static void check_names_all(const char *path, const char *dashes)
{
  cd_buf text;
  const ctl_command *c = NULL;
  read_into(path, &text);
  for (size_t i = 0; (c = ctl_command_at(i)) != NULL; i++) {
    const char *space = strchr(c->name, ' ');
    const char *word = space != NULL ? space + 1 : c->name;
    ck_assert_msg(strstr(cd_buf_cstr(&text), word) != NULL, "%s does not name %s", path, c->name);
  }
  for (unsigned i = 0; i < CTL_OPT_COUNT; i++) {
    char option[64];
    (void)snprintf(option, sizeof(option), "%s%s", dashes, ctl_option_named((ctl_option)i)->name);
    ck_assert_msg(strstr(cd_buf_cstr(&text), option) != NULL, "%s does not name --%s", path,
                  ctl_option_named((ctl_option)i)->name);
  }
  cd_buf_release(&text);
}

START_TEST(the_man_page_names_every_command_and_option)
{
  check_names_all(CORDON_MAN "/cordon.1", "Fl -");
}
END_TEST

START_TEST(the_completions_name_every_command_and_option)
{
  check_names_all(CORDON_COMPLETION "/cordon.bash", "--");
  check_names_all(CORDON_COMPLETION "/_cordon", "--");
}
END_TEST

START_TEST(the_man_page_has_the_exit_codes_as_help_has_them)
{
  cd_buf text;
  size_t count = 0;
  read_into(CORDON_MAN "/cordon.1", &text);
  const ctl_exit_row *rows = ctl_exit_rows(&count);
  ck_assert_uint_eq(count, 8);
  for (size_t i = 0; i < count; i++) {
    char item[256];
    (void)snprintf(item, sizeof(item), ".It %d\n%c%s", (int)rows[i].code,
                   rows[i].meaning[0] - 'a' + 'A', rows[i].meaning + 1);
    ck_assert_msg(strstr(cd_buf_cstr(&text), item) != NULL, "the man page lacks '%s'", item);
  }
  cd_buf_release(&text);
}
END_TEST

START_TEST(help_names_every_command_and_option)
{
  cd_buf out = CD_BUF_INIT(65536);
  const ctl_command *c = NULL;
  ctl_help_overview(&out);
  for (size_t i = 0; (c = ctl_command_at(i)) != NULL; i++) {
    cd_buf one = CD_BUF_INIT(65536);
    ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&out), c->name));
    ctl_help_command(c, &one);
    for (unsigned o = 0; o < CTL_OPT_COUNT; o++)
      if ((c->options & CTL_HAS(o)) != 0)
        ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&one), ctl_option_named((ctl_option)o)->name));
    cd_buf_release(&one);
  }
  cd_buf_release(&out);
}
END_TEST

Suite *suite_docs(void)
{
  Suite *s = suite_create("ctl.docs");
  TCase *tc = tcase_create("docs");
  tcase_add_test(tc, the_man_page_names_every_command_and_option);
  tcase_add_test(tc, the_completions_name_every_command_and_option);
  tcase_add_test(tc, the_man_page_has_the_exit_codes_as_help_has_them);
  tcase_add_test(tc, help_names_every_command_and_option);
  suite_add_tcase(s, tc);
  return s;
}
