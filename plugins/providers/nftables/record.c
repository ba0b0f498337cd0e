/* What the last apply made, in one small file of the plugin's state folder. It only saves work and
 * sharpens query: without it the next apply loads the rules again, and the agent still compares
 * digests. */
#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "support/json.h"
#include "support/text.h"

enum { RECORD_MAX = 8192 };

static bool is_hex(const char *text, size_t len)
{
  return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

/* A number in plain decimal, with what ends it behind it. */
static bool take_number(const char **at, char end, uint64_t most, uint64_t *ret_number)
{
  uint64_t number = 0;
  const char *c = *at;
  for (; *c >= '0' && *c <= '9'; c++) {
    uint64_t digit = (uint64_t)(*c - '0');
    if (digit > most || number > (most - digit) / 10)
      return false;
    number = number * 10 + digit;
  }
  if (c == *at || *c != end)
    return false;
  *at = c + (end != '\0' ? 1 : 0);
  *ret_number = number;
  return true;
}

/* `0 2 4711`: the service, the level, the group. */
static bool read_let(const cJSON *item, iso_let *ret_let)
{
  uint64_t service = 0, level = 0, id = 0;
  const char *at = cJSON_IsString(item) ? item->valuestring : "";
  if (!take_number(&at, ' ', ISO_GROUPS_MAX - 1, &service) ||
      !take_number(&at, ' ', ISO_GROUP_LEVELS, &level) || !take_number(&at, '\0', UINT64_MAX, &id))
    return false;
  *ret_let = (iso_let){.id = id, .level = (uint8_t)level, .service = (uint8_t)service};
  return true;
}

static void read_loaded(const cJSON *list, iso_loaded *ret_loaded)
{
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, list)
  {
    if (ret_loaded->count < ISO_LOADED_MAX && read_let(item, &ret_loaded->items[ret_loaded->count]))
      ret_loaded->count++;
  }
}

static void record_from(const cJSON *doc, iso_record *ret_record)
{
  static const char *const names[] = {"tag", "digest", "groups", NULL};
  static const char prefix[] = "sha256:";
  const char *tag = NULL, *digest = NULL;
  if (sup_json_members(doc, "", names, NULL) != CORDON_OK ||
      sup_json_text(doc, "", "tag", 0, &tag, NULL) != CORDON_OK ||
      sup_json_text(doc, "", "digest", 0, &digest, NULL) != CORDON_OK)
    return;
  if (!is_hex(tag, ISO_TAG_LEN) || strncmp(digest, prefix, sizeof(prefix) - 1) != 0 ||
      !is_hex(digest + sizeof(prefix) - 1, ISO_TAG_LEN))
    return;
  (void)snprintf(ret_record->tag, sizeof(ret_record->tag), "%s", tag);
  (void)snprintf(ret_record->digest, sizeof(ret_record->digest), "%s", digest);
  read_loaded(sup_json_get(doc, "groups"), &ret_record->loaded);
}

void iso_record_load(iso_plugin *self)
{
  self->record = (iso_record){0};
  int fd = self->record_path[0] != '\0' ? open(self->record_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
                                        : -1;
  if (fd < 0)
    return;
  char text[RECORD_MAX];
  ssize_t len = read(fd, text, sizeof(text));
  (void)close(fd);
  cJSON *doc = len > 0 ? sup_json_parse(text, (size_t)len, NULL) : NULL;
  if (doc != NULL)
    record_from(doc, &self->record);
  cJSON_Delete(doc);
}

/* Writes a new file and puts it in the old one's place, so that a reader never sees half of it. Not
 * synced: where the machine loses its power, the rules that it speaks of are lost with it. */
static int replace_file(const char *path, const char *text)
{
  char fresh[ISO_PATH_MAX + 8];
  (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return errno;
  size_t len = strlen(text);
  int os_error = write(fd, text, len) == (ssize_t)len ? 0 : EIO;
  if (close(fd) != 0 && os_error == 0)
    os_error = errno;
  if (os_error == 0 && rename(fresh, path) != 0)
    os_error = errno;
  return os_error;
}

void iso_record_put_away(const iso_plugin *self)
{
  if (self->record_path[0] != '\0')
    (void)unlink(self->record_path);
}

static int write_record(const iso_plugin *self)
{
  const iso_record *r = &self->record;
  sup_text text = SUP_TEXT_INIT(RECORD_MAX);
  const char *before = ",\"groups\":[";
  sup_text_addf(&text, "{\"tag\":\"%s\",\"digest\":\"%s\"", r->tag, r->digest);
  for (size_t i = 0; i < r->loaded.count; i++) {
    const iso_let *l = &r->loaded.items[i];
    sup_text_addf(&text, "%s\"%u %u %" PRIu64 "\"", before, l->service, l->level, l->id);
    before = ",";
  }
  sup_text_add(&text, r->loaded.count > 0 ? "]}\n" : "}\n");
  int os_error = text.failed ? ENOMEM : replace_file(self->record_path, sup_text_get(&text));
  sup_text_release(&text);
  return os_error;
}

void iso_record_keep(iso_plugin *self, const char *tag, const char *digest,
                     const iso_loaded *loaded)
{
  iso_record fresh = {.loaded = {.count = 0}};
  (void)snprintf(fresh.tag, sizeof(fresh.tag), "%s", tag);
  (void)snprintf(fresh.digest, sizeof(fresh.digest), "%s", digest);
  if (loaded != NULL)
    fresh.loaded = *loaded;
  self->record = fresh;
  if (self->record_path[0] == '\0')
    return;
  int os_error = 0;
  if (self->record.tag[0] != '\0')
    os_error = write_record(self);
  else if (unlink(self->record_path) != 0 && errno != ENOENT)
    os_error = errno;
  if (os_error != 0) {
    char why[96];
    if (strerror_r(os_error, why, sizeof(why)) != 0)
      (void)snprintf(why, sizeof(why), "error %d", os_error);
    sup_log(self->host, 0, CORDON_LOG_WARN,
            "%s could not be written (%s); the next apply loads the rules again even if they are "
            "in force",
            self->record_path, why);
  }
}
