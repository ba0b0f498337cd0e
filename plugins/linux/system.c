/* The system itself: its distribution, kernel, identity and size. */
#include "facts.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/utsname.h>

#include "support/json.h"

enum { FILE_MAX = 64 * 1024, MACHINE_ID_LEN = 32 };

/* A value of os-release, with the quotes and escapes of a shell taken off. */
static void unquote(const char *value, size_t len, char ret_text[FACTS_TEXT])
{
  char quote = len > 0 && (value[0] == '"' || value[0] == '\'') ? value[0] : '\0';
  size_t n = 0;
  for (size_t i = quote != '\0' ? 1 : 0; i < len && n < FACTS_TEXT - 1; i++) {
    if (value[i] == quote)
      break;
    if (value[i] == '\\' && quote != '\'' && i + 1 < len)
      i++;
    ret_text[n++] = value[i];
  }
  ret_text[n] = '\0';
}

void facts_os_read(const char *text, size_t len, facts_os *ret_os)
{
  *ret_os = (facts_os){0};
  const struct {
    const char *key;
    char *value;
  } wanted[] = {{"ID=", ret_os->id}, {"NAME=", ret_os->name}, {"VERSION_ID=", ret_os->version}};
  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    size_t line = end != NULL ? (size_t)(end - text) : len;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
      size_t key = strlen(wanted[i].key);
      if (line > key && memcmp(text, wanted[i].key, key) == 0)
        unquote(text + key, line - key, wanted[i].value);
    }
    size_t used = line + (end != NULL ? 1 : 0);
    text += used;
    len -= used;
  }
}

long long facts_number_after(const char *text, const char *key)
{
  size_t len = strlen(key);
  for (const char *line = text; line != NULL && *line != '\0';) {
    if (strncmp(line, key, len) == 0) {
      char *end = NULL;
      long long number = strtoll(line + len, &end, 10);
      return end != line + len && number >= 0 ? number : -1;
    }
    line = strchr(line, '\n');
    if (line != NULL)
      line++;
  }
  return -1;
}

void facts_time(long long seconds, char ret_text[32])
{
  time_t when = (time_t)seconds;
  struct tm utc = {0};
  if (gmtime_r(&when, &utc) == NULL || strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
    ret_text[0] = '\0';
}

static void add_os(cJSON *result, const struct utsname *name)
{
  static char text[FILE_MAX];
  facts_os os = {0};
  size_t len = facts_file("/etc/os-release", text, sizeof(text));
  if (len == 0)
    len = facts_file("/usr/lib/os-release", text, sizeof(text));
  facts_os_read(text, len, &os);
  cJSON *add = cJSON_AddObjectToObject(result, "os");
  (void)cJSON_AddStringToObject(add, "system", "linux");
  if (os.id[0] != '\0')
    sup_json_add_text(add, "id", os.id);
  sup_json_add_text(add, "name", os.name[0] != '\0' ? os.name : name->sysname);
  sup_json_add_text(add, "version", os.version);
}

/* The first line of a file. */
static void read_line(const char *path, char ret_line[FACTS_TEXT])
{
  (void)facts_file(path, ret_line, FACTS_TEXT);
  ret_line[strcspn(ret_line, "\r\n")] = '\0';
}

/* 32 hex digits; anything else, such as the word that stands there before the first boot, is no
 * identity. */
static bool is_machine_id(const char *text)
{
  size_t len = 0;
  while (isxdigit((unsigned char)text[len]))
    len++;
  return len == MACHINE_ID_LEN && text[len] == '\0';
}

static void add_boot(cJSON *result)
{
  /* Big machines have long lines for each processor and interrupt before this one. */
  static char text[4 * 1024 * 1024];
  char line[FACTS_TEXT];
  char when[32];
  read_line("/proc/sys/kernel/random/boot_id", line);
  sup_json_add_text(result, "boot_id", line);
  (void)facts_file("/proc/stat", text, sizeof(text));
  long long booted = facts_number_after(text, "btime ");
  if (booted > 0) {
    facts_time(booted, when);
    sup_json_add_text(result, "booted", when);
  }
}

static void add_size(cJSON *result)
{
  static char text[FILE_MAX];
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (processors > 0)
    (void)cJSON_AddNumberToObject(result, "processors", (double)processors);
  (void)facts_file("/proc/meminfo", text, sizeof(text));
  long long kib = facts_number_after(text, "MemTotal:");
  if (kib > 0)
    (void)cJSON_AddNumberToObject(result, "memory_bytes", (double)kib * 1024);
}

void facts_add_system(cJSON *result)
{
  struct utsname name = {0};
  char line[FACTS_TEXT];
  (void)uname(&name);
  sup_json_add_text(result, "host_name", name.nodename);
  add_os(result, &name);
  sup_json_add_text(result, "kernel", name.release);
  sup_json_add_text(result, "architecture", name.machine);
  read_line("/etc/machine-id", line);
  sup_json_add_text(result, "machine_id", is_machine_id(line) ? line : NULL);
  add_boot(result);
  add_size(result);
}
