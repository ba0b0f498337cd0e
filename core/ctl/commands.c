/* Which commands there are, and the way from a command line to one of them. */
#include "commands.h"

#include <string.h>

#include "base/banned.h"

const ctl_command *ctl_command_at(size_t index)
{
  const ctl_command_group *const groups[] = {&ctl_commands_local, &ctl_commands_fleet,
                                             &ctl_commands_console};
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    if (index < groups[i]->count)
      return &groups[i]->commands[index];
    index -= groups[i]->count;
  }
  return NULL;
}

/* How many of the words the name takes up; 0 if they are not its words. */
static int words_of_name(const char *name, int count, const char *const *words)
{
  cd_str rest = cd_str_from(name);
  int used = 0;
  while (rest.len > 0) {
    cd_str word = cd_str_cut(&rest, ' ');
    if (used == count || !cd_str_eq_cstr(word, words[used]))
      return 0;
    used++;
  }
  return used;
}

const ctl_command *ctl_command_find(int count, const char *const *words, int *ret_words)
{
  const ctl_command *best = NULL;
  int best_words = 0;
  const ctl_command *at = NULL;
  for (size_t i = 0; (at = ctl_command_at(i)) != NULL; i++) {
    int used = words_of_name(at->name, count, words);
    if (used > best_words) {
      best = at;
      best_words = used;
    }
  }
  if (best != NULL)
    *ret_words = best_words;
  return best;
}

static bool is_help(const char *word)
{
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static ctl_exit print_version(const ctl_context *ctx)
{
  return ctl_put(ctx,
                 ctx->json ? CD_STR("{\"version\":\"" CORDON_VERSION "\"}\n")
                           : CD_STR("cordon " CORDON_VERSION "\n"),
                 CTL_EXIT_DONE);
}

/* Words that name no command: a group such as "local", --help, --version, or a mistake. */
static ctl_exit run_no_command(const ctl_context *ctx, int count, const char *const *words)
{
  cd_err err = {0};
  if (count > 0 && strcmp(words[0], "--version") == 0)
    return print_version(ctx);
  if (count > 0 && is_help(words[0]))
    return ctl_cmd_help(ctx, &(ctl_args){0});
  if (count == 0) {
    (void)cd_fail(&err, CD_E_INVALID, "a command is needed; 'cordon help' lists them");
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  }
  cd_buf group = CD_BUF_INIT(CTL_OUTPUT_MAX);
  bool is_group = ctl_help_group(cd_str_from(words[0]), &group);
  ctl_exit code = CTL_EXIT_USAGE;
  if (is_group && count > 1 && is_help(words[1])) {
    code = ctl_put(ctx, cd_buf_view(&group), CTL_EXIT_DONE);
    goto done;
  }
  if (is_group && count == 1)
    (void)cd_fail(&err, CD_E_INVALID, "'%s' needs a command; 'cordon %s --help' lists them",
                  words[0], words[0]);
  else if (is_group)
    (void)cd_fail(&err, CD_E_INVALID, "there is no command '%s %s'; 'cordon %s --help' lists them",
                  words[0], words[1], words[0]);
  else
    (void)cd_fail(&err, CD_E_INVALID, "there is no command '%s'; 'cordon help' lists them",
                  words[0]);
  code = ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);

done:
  cd_buf_release(&group);
  return code;
}

static ctl_exit print_help(const ctl_context *ctx, const ctl_command *command)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_help_command(command, &out);
  ctl_exit code = ctl_put(ctx, cd_buf_view(&out), CTL_EXIT_DONE);
  cd_buf_release(&out);
  return code;
}

ctl_exit ctl_run(ctl_context *ctx, int count, const char *const *words)
{
  /* Known before anything can fail, so that a mistake in the command line is reported as JSON too.
   */
  for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
    if (strcmp(words[i], "--json") == 0)
      ctx->json = true;

  int used = 0;
  const ctl_command *command = ctl_command_find(count, words, &used);
  if (command == NULL)
    return run_no_command(ctx, count, words);
  ctl_args args = {0};
  cd_err err = {0};
  if (ctl_args_read(command, count - used, words + used, &args, &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  if (args.value[CTL_OPT_HELP] != NULL && command->run != ctl_cmd_help)
    return print_help(ctx, command);
  return command->run(ctx, &args);
}
