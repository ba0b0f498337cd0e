/* Items of the collector over a device that is a folder, of which the fuzzer writes one file: the
 * databases of dpkg, apk and pacman; what the service manager answers; a collection list, and a
 * file through the filter of secrets. The first byte chooses. */
#include "custom.h"
#include "items.h"
#include "manager.h"

#include <dbus/dbus.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      (void)fprintf(stderr, "%s\n", #condition);                                                   \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static char root[64];
static const uint8_t *input;
static size_t input_len;

/* ---- a package that goes nowhere, but has to be made by the rules ---- */

typedef struct nowhere {
  bool open;
  uint64_t id;
} nowhere;

static cordon_status open_none(void *data, const char *name, const char *meta, uint64_t *ret_id)
{
  nowhere *n = data;
  MUST(!n->open && name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL);
  MUST(meta[0] == '{');
  n->open = true;
  *ret_id = ++n->id;
  return CORDON_OK;
}

static cordon_status write_none(void *data, uint64_t id, const void *bytes, size_t len)
{
  const nowhere *n = data;
  MUST(n->open && id == n->id && (bytes != NULL || len == 0));
  return CORDON_OK;
}

static cordon_status close_none(void *data, uint64_t id, bool complete)
{
  nowhere *n = data;
  (void)complete;
  MUST(n->open && id == n->id);
  n->open = false;
  return CORDON_OK;
}

static void run(const col_item *item)
{
  nowhere to = {.id = 0};
  col_options o = {
      .root = root,
      .deadline_ms = sup_now_ms() + 60000,
      .max_file = 16 * COL_MIB,
      .sink = {.data = &to, .open = open_none, .write = write_none, .close = close_none}};
  col_totals totals;
  sup_err err = {0};
  MUST(col_run(&o, item, 1, &totals, NULL, NULL, &err) >= 0);
  MUST(!to.open);
}

/* ---- files ---- */

static void make_folders(void)
{
  static const char *const folders[] = {"/var",
                                        "/var/lib",
                                        "/var/lib/dpkg",
                                        "/lib",
                                        "/lib/apk",
                                        "/lib/apk/db",
                                        "/var/lib/pacman",
                                        "/var/lib/pacman/local",
                                        "/var/lib/pacman/local/a-1"};
  (void)snprintf(root, sizeof(root), "/tmp/cordon-fuzz-items-%d", (int)getpid());
  (void)mkdir(root, 0700);
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s%s", root, folders[i]);
    (void)mkdir(path, 0700);
  }
}

static void remove_folders(void)
{
  static const char *const all[] = {"/var/lib/pacman/local/a-1",
                                    "/var/lib/pacman/local",
                                    "/var/lib/pacman",
                                    "/lib/apk/db",
                                    "/lib/apk",
                                    "/lib",
                                    "/var/lib/dpkg",
                                    "/var/lib",
                                    "/var",
                                    ""};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s%s", root, all[i]);
    (void)rmdir(path);
  }
}

static void with_file(const char *name, const col_item *item)
{
  char path[256];
  (void)snprintf(path, sizeof(path), "%s%s", root, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  MUST(fd >= 0 && write(fd, input, input_len) == (ssize_t)input_len);
  (void)close(fd);
  run(item);
  (void)unlink(path);
}

static void try_database(const char *name)
{
  static const col_item item = {"F", "programs.csv", "x", col_installed, 30000, false, false};
  with_file(name, &item);
}

/* ---- what the service manager answers ---- */

static void put_answer(col_task *t)
{
  DBusError error;
  dbus_error_init(&error);
  DBusMessage *m = dbus_message_demarshal((const char *)input, (int)input_len, &error);
  if (m != NULL) {
    (void)col_manager_put(t, m);
    dbus_message_unref(m);
  }
  dbus_error_free(&error);
}

/* ---- the profile custom ---- */

static void try_list(void)
{
  col_list *l = NULL;
  sup_err err = {0};
  cJSON *list = cJSON_ParseWithLength((const char *)input, input_len);
  if (list != NULL && col_list_read(list, NULL, &l, &err) == CORDON_OK) {
    for (size_t i = 0; i < l->count; i++) {
      MUST(l->items[i].foreign ||
           (l->items[i].path[0] == '/' && strstr(l->items[i].path, "/../") == NULL));
      MUST(strchr(l->items[i].folder, '/') == NULL && l->items[i].folder[0] != '\0');
      MUST(l->items[i].max_bytes <= COL_LIST_BYTES && l->items[i].max_files <= COL_LIST_FILES);
      (void)col_glob(l->items[i].path, l->items[i].folder);
      (void)col_secret_named(l->items[i].path);
    }
  }
  col_list_free(l);
  cJSON_Delete(list);
}

typedef struct sum {
  size_t len;
  uint64_t hash;
} sum;

static bool add_bytes(void *data, const void *bytes, size_t len)
{
  sum *s = data;
  const unsigned char *at = bytes;
  for (size_t i = 0; i < len; i++)
    s->hash = (s->hash ^ at[i]) * UINT64_C(1099511628211);
  s->len += len;
  return true;
}

static sum scrub(size_t step, unsigned *ret_secrets)
{
  static col_scrub s;
  sum out = {.hash = 14695981039346656037u};
  s = (col_scrub){.put = add_bytes, .data = &out};
  for (size_t at = 0; at < input_len; at += step)
    MUST(
        col_scrub_put(&s, (const char *)input + at, input_len - at < step ? input_len - at : step));
  MUST(col_scrub_end(&s));
  *ret_secrets = s.keys + s.hashes;
  return out;
}

/* However it is read, the same is taken; and all of it where there is no secret. */
static void try_scrub(void)
{
  unsigned one = 0;
  unsigned other = 0;
  sum a = scrub(1, &one);
  sum b = scrub(4096, &other);
  MUST(a.len == b.len && a.hash == b.hash && one == other);
  MUST(one > 0 || a.len == input_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const col_item units = {"F", "units.csv", "x", put_answer, 30000, false, false};
  if (root[0] == '\0') {
    make_folders();
    (void)atexit(remove_folders);
  }
  if (size == 0)
    return 0;
  input = data + 1;
  input_len = size - 1;
  switch (data[0]) {
  case 'd': try_database("/var/lib/dpkg/status"); break;
  case 'a': try_database("/lib/apk/db/installed"); break;
  case 'p': try_database("/var/lib/pacman/local/a-1/desc"); break;
  case 'b': run(&units); break;
  case 'l': try_list(); break;
  case 's': try_scrub(); break;
  default: break;
  }
  return 0;
}
