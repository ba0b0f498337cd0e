/* What the last apply made, in one small file of the plugin's state folder. It only saves work and
 * sharpens query: without it the next apply loads the rules again, and the agent still compares
 * digests. */
#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "support/json.h"

enum { RECORD_MAX = 4096 };

static bool is_hex(const char *text, size_t len)
{
  return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static void record_from(const cJSON *doc, iso_record *ret_record)
{
  static const char *const names[] = {"tag", "digest", NULL};
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

void iso_record_keep(iso_plugin *self, const char *tag, const char *digest)
{
  (void)snprintf(self->record.tag, sizeof(self->record.tag), "%s", tag);
  (void)snprintf(self->record.digest, sizeof(self->record.digest), "%s", digest);
  if (self->record_path[0] == '\0')
    return;
  int os_error = 0;
  if (tag[0] == '\0') {
    if (unlink(self->record_path) != 0 && errno != ENOENT)
      os_error = errno;
  } else {
    char text[RECORD_MAX];
    (void)snprintf(text, sizeof(text), "{\"tag\":\"%s\",\"digest\":\"%s\"}\n", tag, digest);
    os_error = replace_file(self->record_path, text);
  }
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
