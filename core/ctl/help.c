/* Help, made from the tables of commands, options and exit codes, so that it cannot fall behind
 * them. */
#include "command.h"

#include <string.h>

#include "base/banned.h"

#define NAME_COLUMNS 22

static void add_row(cd_buf *out, const char *name, const char *text)
{
  cd_buf_addf(out, "  %-*s %s\n", NAME_COLUMNS, name, text);
}

static void add_usage(const ctl_command *command, cd_buf *out)
{
  cd_buf_addf(out, "usage: cordon %s", command->name);
  if (command->options != CTL_HAS(CTL_OPT_HELP))
    cd_buf_add_cstr(out, " [OPTION...]");
  if (command->operands != NULL)
    cd_buf_addf(out, " %s", command->operands);
  cd_buf_add_char(out, '\n');
}

static void add_options(const ctl_command *command, bool lab, cd_buf *out)
{
  for (unsigned i = 0; i < CTL_OPT_COUNT; i++) {
    const ctl_option_row *row = ctl_option_named((ctl_option)i);
    char name[32];
    if ((command->options & CTL_HAS(i)) == 0 || row->lab != lab)
      continue;
    (void)snprintf(name, sizeof(name), "--%s%s%s", row->name, row->value != NULL ? " " : "",
                   row->value != NULL ? row->value : "");
    add_row(out, name, row->help);
  }
}

static bool has_lab_options(const ctl_command *command)
{
  for (unsigned i = 0; i < CTL_OPT_COUNT; i++)
    if ((command->options & CTL_HAS(i)) != 0 && ctl_option_named((ctl_option)i)->lab)
      return true;
  return false;
}

void ctl_help_command(const ctl_command *command, cd_buf *out)
{
  add_usage(command, out);
  cd_buf_addf(out, "\n%c%s.\n", command->help[0] - 'a' + 'A', command->help + 1);
  if (command->more != NULL)
    cd_buf_addf(out, "\n%s", command->more);
  cd_buf_add_cstr(out, "\noptions:\n");
  add_options(command, false, out);
  if (!has_lab_options(command))
    return;
  cd_buf_add_cstr(out, "\nfor the lab and for tests:\n");
  add_options(command, true, out);
}

bool ctl_help_group(cd_str word, cd_buf *out)
{
  bool any = false;
  const ctl_command *c = NULL;
  for (size_t i = 0; (c = ctl_command_at(i)) != NULL; i++) {
    cd_str name = cd_str_from(c->name);
    if (!cd_str_starts(name, word) || name.len <= word.len || name.ptr[word.len] != ' ')
      continue;
    if (!any)
      cd_buf_addf(out, "usage: cordon %.*s COMMAND [OPTION...]\n\ncommands:\n", CD_STR_ARG(word));
    any = true;
    add_row(out, c->name + word.len + 1, c->help);
  }
  if (any)
    cd_buf_addf(out, "\n'cordon help %.*s COMMAND' explains one of them.\n", CD_STR_ARG(word));
  return any;
}

void ctl_help_overview(cd_buf *out)
{
  const ctl_command *c = NULL;
  cd_buf_add_cstr(
      out, "usage: cordon COMMAND [OPTION...]\n"
           "       cordon --version\n"
           "\n"
           "Takes response actions on this device, through its agent cordond ('local'), and on a\n"
           "fleet, through its console.\n"
           "\n"
           "commands:\n");
  for (size_t i = 0; (c = ctl_command_at(i)) != NULL; i++)
    add_row(out, c->name, c->help);
  cd_buf_add_cstr(out, "\n'cordon help COMMAND' explains one of them, 'cordon help exit-codes' "
                       "what it ends with.\n");
}

static void help_exit_codes(cd_buf *out)
{
  size_t count = 0;
  const ctl_exit_row *rows = ctl_exit_rows(&count);
  cd_buf_add_cstr(out, "exit codes:\n");
  for (size_t i = 0; i < count; i++)
    cd_buf_addf(out, "  %d  %s\n", (int)rows[i].code, rows[i].meaning);
}

/* The operands are the words of a command's name, of a group's, or exit-codes. */
static bool help_words(const ctl_args *args, cd_buf *out)
{
  int used = 0;
  if (args->operands == 1 && strcmp(args->operand[0], "exit-codes") == 0) {
    help_exit_codes(out);
    return true;
  }
  const ctl_command *command = ctl_command_find((int)args->operands, args->operand, &used);
  if (command != NULL && used == (int)args->operands) {
    ctl_help_command(command, out);
    return true;
  }
  return args->operands == 1 && ctl_help_group(cd_str_from(args->operand[0]), out);
}

ctl_exit ctl_cmd_help(const ctl_context *ctx, const ctl_args *args)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_exit code = CTL_EXIT_DONE;
  if (args->operands == 0) {
    ctl_help_overview(&out);
  } else if (!help_words(args, &out)) {
    cd_err err = {0};
    (void)cd_fail(&err, CD_E_INVALID,
                  "there is no help on '%s%s%s'; 'cordon help' lists the commands",
                  args->operand[0], args->operands > 1 ? " " : "",
                  args->operands > 1 ? args->operand[1] : "");
    code = ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
    goto done;
  }
  code = ctl_put(ctx, cd_buf_view(&out), CTL_EXIT_DONE);

done:
  cd_buf_release(&out);
  return code;
}
