/* The binary layout of the plugin ABI against the golden file of 64-bit systems: a plugin that was
 * built years ago reads these bytes. Usage: abi_offsets GOLDEN; without it the layout is printed. A
 * change here is a new ABI, except that structs may grow at the end: then add the new lines to the
 * golden file and leave the others. */
#include <cordon/plugin.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static FILE *golden;
static int wrong;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
  char line[256];
  char want[256] = "";
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(line, sizeof(line), fmt, args);
  va_end(args);
  if (golden == NULL) {
    puts(line);
    return;
  }
  if (fgets(want, sizeof(want), golden) != NULL)
    want[strcspn(want, "\n")] = '\0';
  if (strcmp(line, want) != 0) {
    printf("the golden file says '%s', this build '%s'\n", want, line);
    wrong++;
  }
}

#define TYPE(type) say("sizeof %s %zu align %zu", #type, sizeof(type), _Alignof(type))
#define FIELD(type, field)                                                                         \
  say("%s.%s at %zu size %zu", #type, #field, offsetof(type, field), sizeof(((type *)NULL)->field))
#define NUMBER(name) say("%s %ld", #name, (long)(name))
#define TEXT(name) say("%s %s", #name, name)

static void request(void)
{
  TYPE(cordon_request);
  FIELD(cordon_request, struct_size);
  FIELD(cordon_request, flags);
  FIELD(cordon_request, op);
  FIELD(cordon_request, budget_ms);
  FIELD(cordon_request, params);
  FIELD(cordon_request, params_len);
  FIELD(cordon_request, undo);
  FIELD(cordon_request, undo_len);
}

static void host(void)
{
  TYPE(cordon_host);
  FIELD(cordon_host, struct_size);
  FIELD(cordon_host, abi_minor);
  FIELD(cordon_host, host_data);
  FIELD(cordon_host, version);
  FIELD(cordon_host, get_extension);
  FIELD(cordon_host, log);
  FIELD(cordon_host, cancelled);
  FIELD(cordon_host, progress);
  FIELD(cordon_host, emit);
  FIELD(cordon_host, note_undo);
  FIELD(cordon_host, result);
  FIELD(cordon_host, explain);
  TYPE(cordon_host_artifact);
  FIELD(cordon_host_artifact, struct_size);
  FIELD(cordon_host_artifact, reserved);
  FIELD(cordon_host_artifact, open);
  FIELD(cordon_host_artifact, write);
  FIELD(cordon_host_artifact, close);
}

static void plugin(void)
{
  TYPE(cordon_plugin);
  FIELD(cordon_plugin, struct_size);
  FIELD(cordon_plugin, reserved);
  FIELD(cordon_plugin, plugin_data);
  FIELD(cordon_plugin, get_extension);
  FIELD(cordon_plugin, cancel);
  FIELD(cordon_plugin, destroy);
  TYPE(cordon_state);
  FIELD(cordon_state, struct_size);
  FIELD(cordon_state, reserved);
  FIELD(cordon_state, probe);
  FIELD(cordon_state, apply);
  FIELD(cordon_state, release);
  FIELD(cordon_state, query);
  FIELD(cordon_state, verify);
  FIELD(cordon_state, watch);
  TYPE(cordon_job);
  FIELD(cordon_job, struct_size);
  FIELD(cordon_job, reserved);
  FIELD(cordon_job, probe);
  FIELD(cordon_job, run);
  FIELD(cordon_job, undo);
}

static void entry(void)
{
  TYPE(cordon_plugin_entry);
  FIELD(cordon_plugin_entry, struct_size);
  FIELD(cordon_plugin_entry, abi_major);
  FIELD(cordon_plugin_entry, abi_minor);
  FIELD(cordon_plugin_entry, concurrency);
  FIELD(cordon_plugin_entry, reserved);
  FIELD(cordon_plugin_entry, id);
  FIELD(cordon_plugin_entry, version);
  FIELD(cordon_plugin_entry, provides);
  FIELD(cordon_plugin_entry, create);
}

static void numbers(void)
{
  NUMBER(CORDON_ABI_MAJOR);
  TYPE(cordon_op);
  TYPE(cordon_status);
  NUMBER(CORDON_OK);
  NUMBER(CORDON_PARTIAL);
  NUMBER(CORDON_REBOOT);
  NUMBER(CORDON_E_INVALID);
  NUMBER(CORDON_E_UNSUPPORTED);
  NUMBER(CORDON_E_UNAVAILABLE);
  NUMBER(CORDON_E_DENIED);
  NUMBER(CORDON_E_NOTFOUND);
  NUMBER(CORDON_E_CONFLICT);
  NUMBER(CORDON_E_CANCELLED);
  NUMBER(CORDON_E_DEADLINE);
  NUMBER(CORDON_E_LIMIT);
  NUMBER(CORDON_E_UNVERIFIED);
  NUMBER(CORDON_E_IO);
  NUMBER(CORDON_E_INTERNAL);
  NUMBER(CORDON_LOG_DEBUG);
  NUMBER(CORDON_LOG_INFO);
  NUMBER(CORDON_LOG_WARN);
  NUMBER(CORDON_LOG_ERROR);
  NUMBER(CORDON_REQ_DRY_RUN);
  NUMBER(CORDON_REQ_APPLY_FOLLOWS);
  NUMBER(CORDON_REQ_HELD);
}

static void texts(void)
{
  TEXT(CORDON_HOST_ARTIFACT);
  TEXT(CORDON_EXT_ISOLATE);
  TEXT(CORDON_EXT_RESTRICT);
  TEXT(CORDON_EXT_FACTS);
  TEXT(CORDON_EXT_SCAN);
  TEXT(CORDON_EXT_COLLECT);
  TEXT(CORDON_EXT_REMEDIATE);
  TEXT(CORDON_EXT_NOTIFY);
  TEXT(CORDON_EXT_RESPOND);
}

int main(int argc, char **argv)
{
  if (argc > 1 && (golden = fopen(argv[1], "r")) == NULL) {
    perror(argv[1]);
    return 1;
  }
  numbers();
  texts();
  request();
  host();
  plugin();
  entry();
  if (golden != NULL) {
    char more[256];
    if (fgets(more, sizeof(more), golden) != NULL) {
      printf("the golden file goes on with '%s'\n", more);
      wrong++;
    }
    (void)fclose(golden);
  }
  return wrong == 0 ? 0 : 1;
}
