/* Options as `--name value`, `--name=value` or a switch, in any order with the operands; `--` ends
 * the options. The C library's getopt_long is not on every OS, keeps its state in globals and takes
 * abbreviations. */
#include "command.h"

#include <string.h>

#include "base/banned.h"

typedef struct words_left {
  const ctl_command *command;
  int count;
  const char *const *words;
} words_left;

static ctl_option find_option(const ctl_command *command, cd_str name)
{
  for (unsigned i = 0; i < CTL_OPT_COUNT; i++)
    if ((command->options & CTL_HAS(i)) != 0 &&
        cd_str_eq_cstr(name, ctl_option_named((ctl_option)i)->name))
      return (ctl_option)i;
  return CTL_OPT_COUNT;
}

/* Takes an option's value from behind its `=`, or the next word. */
static cd_code take_option(words_left *left, ctl_option option, const char *equals, ctl_args *args,
                           cd_err *err)
{
  const ctl_option_row *row = ctl_option_named(option);
  if (args->value[option] != NULL)
    return cd_fail(err, CD_E_INVALID, "--%s was given twice", row->name);
  if (row->value == NULL) {
    if (equals != NULL)
      return cd_fail(err, CD_E_INVALID, "--%s takes no value", row->name);
    args->value[option] = "";
    return CD_OK;
  }
  if (equals != NULL) {
    args->value[option] = equals + 1;
    return CD_OK;
  }
  if (left->count < 2)
    return cd_fail(err, CD_E_INVALID, "--%s needs a value: %s", row->name, row->value);
  args->value[option] = left->words[1];
  left->words++;
  left->count--;
  return CD_OK;
}

/* words[0] is `--name` or `--name=value`; takes the value's word too. */
static cd_code read_option(words_left *left, ctl_args *args, cd_err *err)
{
  const char *word = left->words[0];
  const char *equals = strchr(word, '=');
  cd_str name = {word + 2, equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2};
  ctl_option option = find_option(left->command, name);
  if (option == CTL_OPT_COUNT)
    return cd_fail(err, CD_E_INVALID, "'%s' has no option --%.*s; 'cordon help %s' lists them",
                   left->command->name, CD_STR_ARG(name), left->command->name);
  return take_option(left, option, equals, args, err);
}

/* `-h` and `-o FILE` are the only short ones. */
static cd_code read_short(words_left *left, ctl_args *args, cd_err *err)
{
  const char *word = left->words[0];
  if (strcmp(word, "-h") == 0) {
    args->value[CTL_OPT_HELP] = "";
    return CD_OK;
  }
  if (strcmp(word, "-o") == 0 && (left->command->options & CTL_HAS(CTL_OPT_OUTPUT)) != 0)
    return take_option(left, CTL_OPT_OUTPUT, NULL, args, err);
  if (strcmp(word, "-o") == 0 && (left->command->options & CTL_HAS(CTL_OPT_FOLDER)) != 0)
    return take_option(left, CTL_OPT_FOLDER, NULL, args, err);
  return cd_fail(err, CD_E_INVALID, "'%s' has no option %s; 'cordon help %s' lists them",
                 left->command->name, word, left->command->name);
}

static cd_code read_operand(const ctl_command *command, const char *word, ctl_args *args,
                            cd_err *err)
{
  if (args->operands == command->operands_max)
    return cd_fail(err, CD_E_INVALID, "'%s' does not take '%s'; see 'cordon help %s'",
                   command->name, word, command->name);
  args->operand[args->operands++] = word;
  return CD_OK;
}

cd_code ctl_args_read(const ctl_command *command, int count, const char *const *words,
                      ctl_args *ret_args, cd_err *err)
{
  ctl_args args = {0};
  words_left left = {command, count, words};
  bool only_operands = false;
  for (; left.count > 0; left.count--, left.words++) {
    const char *word = left.words[0];
    cd_code rc = CD_OK;
    if (only_operands || word[0] != '-' || word[1] == '\0')
      rc = read_operand(command, word, &args, err);
    else if (strcmp(word, "--") == 0)
      only_operands = true;
    else if (word[1] == '-')
      rc = read_option(&left, &args, err);
    else
      rc = read_short(&left, &args, err);
    if (rc != CD_OK)
      return rc;
    if (args.value[CTL_OPT_HELP] != NULL)
      goto done;
  }
  if (args.operands < command->operands_min)
    return cd_fail(err, CD_E_INVALID, "'%s' needs %s", command->name, command->operands);

done:
  *ret_args = args;
  return CD_OK;
}

cd_code ctl_args_number(const ctl_args *args, ctl_option option, uint64_t min, uint64_t max,
                        uint64_t fallback, uint64_t *ret_value, cd_err *err)
{
  const char *text = args->value[option];
  uint64_t value = 0;
  if (text == NULL) {
    *ret_value = fallback;
    return CD_OK;
  }
  if (!cd_str_to_u64(cd_str_from(text), max, &value) || value < min)
    return cd_fail(err, CD_E_INVALID, "--%s must be a number from %llu to %llu, not '%s'",
                   ctl_option_named(option)->name, (unsigned long long)min, (unsigned long long)max,
                   text);
  *ret_value = value;
  return CD_OK;
}
