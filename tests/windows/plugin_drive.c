/* Usage: plugin_drive LIBRARY EXTENSION FUNCTION FOLDER [PARAMS [UNDO]]. Loads a plugin of one job
 * as the plugin host does, runs a function of it, writes its files below FOLDER, its records to
 * FOLDER.records, one to a line, and its result, with the status, the sentence and the undo
 * records, the newest first, to FOLDER.json. The undo records are also in FOLDER.undo as soon as
 * they are noted, for a plugin that is killed. Texts that begin with @ are names of files that have
 * them. With DRIVE_CANCEL=N in the environment the operation is cancelled behind record N; with
 * DRIVE_BUDGET=MS it has so much time; with DRIVE_DRY_RUN it is a dry run; DRIVE_CONFIG is the
 * plugin's configuration. The function `serve` takes orders from the input, one to a line with tabs
 * between: FUNCTION FOLDER PARAMS UNDO CANCEL BUDGET; each is answered `done`. For tests. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include "cordon/plugin.h"

enum { PATH_UNITS = 1024, TEXT = 1024, UNDO = 256 * 1024 };

typedef struct driver {
  wchar_t folder[PATH_UNITS];
  FILE *file;
  uint64_t id;
  FILE *records;
  long left; /* records until the cancel; -1: there is none */
  char *result;
  char sentence[TEXT];
  char undo[UNDO]; /* of a list without its brackets */
} driver;

static void path_of(const driver *d, const char *name, wchar_t ret_path[PATH_UNITS])
{
  wchar_t wide[PATH_UNITS / 2];
  (void)MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, PATH_UNITS / 2);
  (void)swprintf(ret_path, PATH_UNITS, L"\\\\?\\%ls\\%ls", d->folder, wide);
  for (wchar_t *at = ret_path + 4; *at != L'\0'; at++) {
    if (*at != L'/' && *at != L'\\')
      continue;
    *at = L'\0';
    (void)CreateDirectoryW(ret_path, NULL);
    *at = L'\\';
  }
}

static cordon_status CORDON_CALL on_open(const cordon_host *h, cordon_op op, const char *name,
                                         const char *meta, uint64_t *ret_id)
{
  driver *d = h->host_data;
  wchar_t path[PATH_UNITS];
  (void)op;
  (void)meta;
  if (d->file != NULL)
    return CORDON_E_CONFLICT;
  path_of(d, name, path);
  d->file = _wfopen(path, L"wbx");
  if (d->file == NULL)
    return CORDON_E_IO;
  *ret_id = ++d->id;
  return CORDON_OK;
}

static cordon_status CORDON_CALL on_write(const cordon_host *h, cordon_op op, uint64_t id,
                                          const void *bytes, size_t len)
{
  driver *d = h->host_data;
  (void)op;
  if (d->file == NULL || id != d->id)
    return CORDON_E_INVALID;
  return fwrite(bytes, 1, len, d->file) == len ? CORDON_OK : CORDON_E_IO;
}

static cordon_status CORDON_CALL on_close(const cordon_host *h, cordon_op op, uint64_t id,
                                          int32_t complete)
{
  driver *d = h->host_data;
  (void)op;
  (void)complete;
  if (d->file == NULL || id != d->id)
    return CORDON_E_INVALID;
  bool good = fclose(d->file) == 0;
  d->file = NULL;
  return good ? CORDON_OK : CORDON_E_IO;
}

static const cordon_host_artifact artifacts = {
    .struct_size = sizeof(artifacts), .open = on_open, .write = on_write, .close = on_close};

static const void *CORDON_CALL on_extension(const cordon_host *h, const char *id)
{
  (void)h;
  return strcmp(id, CORDON_HOST_ARTIFACT) == 0 ? &artifacts : NULL;
}

static void CORDON_CALL on_log(const cordon_host *h, cordon_op op, int32_t level, const char *line)
{
  (void)h;
  (void)op;
  (void)fprintf(stderr, "log %d: %s\n", (int)level, line);
}

static int32_t CORDON_CALL on_cancelled(const cordon_host *h, cordon_op op)
{
  const driver *d = h->host_data;
  (void)op;
  return d->left == 0;
}

static cordon_status CORDON_CALL on_emit(const cordon_host *h, cordon_op op, const char *json,
                                         size_t len)
{
  driver *d = h->host_data;
  (void)op;
  if (d->left == 0)
    return CORDON_E_CANCELLED;
  if (d->records == NULL) {
    wchar_t path[PATH_UNITS];
    (void)swprintf(path, PATH_UNITS, L"%ls.records", d->folder);
    d->records = _wfopen(path, L"wb");
  }
  d->left -= d->left > 0 ? 1 : 0;
  return d->records != NULL && fwrite(json, 1, len, d->records) == len &&
                 fputc('\n', d->records) != EOF
             ? CORDON_OK
             : CORDON_E_IO;
}

static void CORDON_CALL on_progress(const cordon_host *h, cordon_op op, uint64_t done,
                                    uint64_t total, const char *what)
{
  (void)h;
  (void)op;
  (void)fprintf(stderr, "%llu/%llu %s at %llu ms\n", (unsigned long long)done,
                (unsigned long long)total, what, (unsigned long long)GetTickCount64());
}

static cordon_status CORDON_CALL on_result(const cordon_host *h, cordon_op op, const char *json,
                                           size_t len)
{
  driver *d = h->host_data;
  (void)op;
  free(d->result);
  d->result = malloc(len + 1);
  if (d->result == NULL)
    return CORDON_E_LIMIT;
  memcpy(d->result, json, len);
  d->result[len] = '\0';
  return CORDON_OK;
}

static void CORDON_CALL on_explain(const cordon_host *h, cordon_op op, uint32_t os_error,
                                   const char *sentence)
{
  driver *d = h->host_data;
  (void)op;
  (void)os_error;
  (void)snprintf(d->sentence, sizeof(d->sentence), "%s", sentence);
}

static bool keep_undo(const driver *d)
{
  wchar_t path[PATH_UNITS];
  (void)swprintf(path, PATH_UNITS, L"%ls.undo", d->folder);
  FILE *f = _wfopen(path, L"wb");
  bool good = f != NULL && fprintf(f, "[%s]\n", d->undo) > 0;
  return f != NULL && fclose(f) == 0 && good;
}

static cordon_status CORDON_CALL on_undo(const cordon_host *h, cordon_op op, const char *json,
                                         size_t len)
{
  driver *d = h->host_data;
  size_t used = strlen(d->undo);
  (void)op;
  if (used + len + 2 > UNDO)
    return CORDON_E_LIMIT;
  memmove(d->undo + len + (used > 0 ? 1 : 0), d->undo, used + 1);
  memcpy(d->undo, json, len);
  if (used > 0)
    d->undo[len] = ',';
  return keep_undo(d) ? CORDON_OK : CORDON_E_IO;
}

/* The text of an argument. */
static void text_of(const wchar_t *arg, char *ret_text, size_t size)
{
  ret_text[0] = '\0';
  if (arg[0] != L'@') {
    (void)WideCharToMultiByte(CP_UTF8, 0, arg, -1, ret_text, (int)size, NULL, NULL);
    return;
  }
  FILE *f = _wfopen(arg + 1, L"rb");
  size_t len = f != NULL ? fread(ret_text, 1, size - 1, f) : 0;
  ret_text[len] = '\0';
  if (f != NULL)
    (void)fclose(f);
}

static cordon_op_fn function_of(const cordon_job *job, const char *name)
{
  return strcmp(name, "probe") == 0 ? job->probe : strcmp(name, "run") == 0 ? job->run : job->undo;
}

static void write_result(const driver *d, cordon_status status)
{
  wchar_t path[PATH_UNITS];
  (void)swprintf(path, PATH_UNITS, L"%ls.json", d->folder);
  FILE *f = _wfopen(path, L"wb");
  if (f == NULL)
    return;
  (void)fprintf(f, "{\"status\":%d,\"result\":%s,\"undo\":[%s],\"sentence\":\"", (int)status,
                d->result != NULL ? d->result : "null", d->undo);
  for (const char *at = d->sentence; *at != '\0'; at++)
    (void)fprintf(f, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
  (void)fprintf(f, "\"}\n");
  (void)fclose(f);
}

/* ---- one operation after the other ---- */

static char params[UNDO];
static char undo[UNDO];

static void drive(driver *d, const cordon_plugin *plugin, cordon_op_fn fn, uint64_t budget_ms)
{
  static cordon_op op;
  cordon_request request = {
      .struct_size = sizeof(request),
      .op = ++op,
      .flags = GetEnvironmentVariableA("DRIVE_DRY_RUN", NULL, 0) > 0 ? CORDON_REQ_DRY_RUN : 0,
      .budget_ms = budget_ms,
      .params = params,
      .params_len = strlen(params),
      .undo = undo[0] != '\0' ? undo : NULL,
      .undo_len = strlen(undo)};
  write_result(d, fn(plugin, &request));
  if (d->records != NULL)
    (void)fclose(d->records);
  d->records = NULL;
  free(d->result);
  d->result = NULL;
  d->sentence[0] = '\0';
  d->undo[0] = '\0';
}

/* The next word of a line, whose words tabs are between. */
static char *next_word(char **line)
{
  char *word = *line;
  char *end = word + strcspn(word, "\t\r\n");
  *line = *end == '\t' ? end + 1 : end;
  *end = '\0';
  return word;
}

static void to_wide(const char *text, wchar_t ret_text[PATH_UNITS])
{
  (void)MultiByteToWideChar(CP_UTF8, 0, text, -1, ret_text, PATH_UNITS);
}

/* Takes its orders from its input. */
static void serve(driver *d, const cordon_plugin *plugin, const cordon_job *job)
{
  static char line[4 * PATH_UNITS];
  wchar_t file[PATH_UNITS];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    char *rest = line;
    cordon_op_fn fn = function_of(job, next_word(&rest));
    to_wide(next_word(&rest), d->folder);
    to_wide(next_word(&rest), file);
    text_of(file, params, UNDO);
    to_wide(next_word(&rest), file);
    text_of(file, undo, UNDO);
    d->left = strtol(next_word(&rest), NULL, 10);
    drive(d, plugin, fn, strtoull(next_word(&rest), NULL, 10));
    (void)printf("done\n");
    (void)fflush(stdout);
  }
}

static const cordon_plugin_entry *load(const wchar_t *library)
{
  HMODULE module = LoadLibraryExW(library, NULL,
                                  LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
  const cordon_plugin_entry *entry = NULL;
  FARPROC symbol = module != NULL ? GetProcAddress(module, "cordon_plugin_entry_1") : NULL;
  /* It is data, and the call gives the address of either. */
  memcpy(&entry, &symbol, sizeof(entry));
  if (entry == NULL)
    (void)fprintf(stderr, "not loaded: error %lu\n", (unsigned long)GetLastError());
  return entry;
}

/* What the C library calls with texts in UTF-16. */
int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
  static driver d;
  char text[2][TEXT];
  char config[TEXT] = "{}";
  const cordon_plugin_entry *entry = argc >= 5 ? load(argv[1]) : NULL;
  if (entry == NULL)
    return argc < 5 ? 2 : 1;
  text_of(argv[2], text[0], TEXT);
  text_of(argv[3], text[1], TEXT);
  text_of(argc > 5 ? argv[5] : L"{}", params, UNDO);
  text_of(argc > 6 ? argv[6] : L"", undo, UNDO);
  const char *cancel = getenv("DRIVE_CANCEL");
  const char *budget = getenv("DRIVE_BUDGET");
  d.left = cancel != NULL ? strtol(cancel, NULL, 10) : -1;
  (void)swprintf(d.folder, PATH_UNITS, L"%ls", argv[4]);
  cordon_host host = {.struct_size = sizeof(host),
                      .host_data = &d,
                      .version = "test",
                      .get_extension = on_extension,
                      .log = on_log,
                      .cancelled = on_cancelled,
                      .progress = on_progress,
                      .emit = on_emit,
                      .note_undo = on_undo,
                      .result = on_result,
                      .explain = on_explain};
  (void)GetEnvironmentVariableA("DRIVE_CONFIG", config, TEXT);
  const cordon_plugin *plugin = entry->create(&host, config, strlen(config));
  const cordon_job *job = plugin != NULL ? plugin->get_extension(plugin, text[0]) : NULL;
  bool serves = strcmp(text[1], "serve") == 0;
  cordon_op_fn fn = job != NULL && !serves ? function_of(job, text[1]) : NULL;
  if (job == NULL || (fn == NULL && !serves)) {
    (void)fprintf(stderr, "no such extension or function\n");
    return 1;
  }
  if (serves)
    serve(&d, plugin, job);
  else
    drive(&d, plugin, fn, budget != NULL ? strtoull(budget, NULL, 10) : 300000);
  plugin->destroy(plugin);
  return 0;
}
