/* By which links a unit is started, and the drop-in that keeps them in mind. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remediate.h"

enum { LINKS_MAX = 64 };

static bool ends_with(const char *text, const char *end)
{
  size_t a = strlen(text);
  size_t b = strlen(end);
  return a > b && strcmp(text + a - b, end) == 0;
}

static void add(cJSON *list, const char *path, const char *target)
{
  cJSON *item = cJSON_CreateObject();
  rem_bytes_put(item, "path", path);
  rem_bytes_put(item, "target", target);
  (void)cJSON_AddItemToArray(list, item);
}

/* The link of the unit's name in a folder of wishes. */
static void look_in(int units, const char *folder, const char *unit, cJSON *list)
{
  char path[2 * REM_NAME];
  char target[REM_PATH];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, unit);
  ssize_t len = readlinkat(units, path, target, sizeof(target) - 1);
  if (len <= 0 || cJSON_GetArraySize(list) >= LINKS_MAX)
    return;
  target[len] = '\0';
  add(list, path, target);
}

/* Another name of the unit. */
static void look_at(int units, const char *name, const char *unit, cJSON *list)
{
  char target[REM_PATH];
  ssize_t len = readlinkat(units, name, target, sizeof(target) - 1);
  if (len <= 0 || cJSON_GetArraySize(list) >= LINKS_MAX || strcmp(name, unit) == 0)
    return;
  target[len] = '\0';
  const char *last = strrchr(target, '/');
  if (strcmp(last != NULL ? last + 1 : target, unit) == 0)
    add(list, name, target);
}

cJSON *rem_links_find(int units, const char *unit)
{
  cJSON *list = cJSON_CreateArray();
  int fd = openat(units, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (dir == NULL && fd >= 0)
    (void)close(fd);
  for (const struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
    if (ends_with(e->d_name, ".wants") || ends_with(e->d_name, ".requires"))
      look_in(units, e->d_name, unit, list);
    else
      look_at(units, e->d_name, unit, list);
  }
  if (dir != NULL)
    (void)closedir(dir);
  return list;
}

/* Only what can be below the folder: one name, or a folder and a name. */
static bool is_link(const cJSON *item)
{
  char path[2 * REM_NAME];
  char target[REM_PATH];
  sup_err ignored = {0};
  if (rem_bytes_get(item, "path", path, sizeof(path), &ignored) != CORDON_OK ||
      rem_bytes_get(item, "target", target, sizeof(target), &ignored) != CORDON_OK ||
      target[0] == '\0' || path[0] == '/' || path[0] == '.' || strstr(path, "/.") != NULL)
    return false;
  const char *slash = strchr(path, '/');
  return slash == NULL || (strchr(slash + 1, '/') == NULL && slash[1] != '\0');
}

cJSON *rem_links_parse(const char *text, bool *ret_active)
{
  static const char active[] = "# cordon-active\n";
  static const char link[] = "# cordon-link ";
  cJSON *list = cJSON_CreateArray();
  *ret_active = false;
  for (const char *line = text; *line != '\0';) {
    size_t len = strcspn(line, "\n");
    if (strncmp(line, active, sizeof(active) - 1) == 0)
      *ret_active = true;
    if (len > sizeof(link) - 1 && strncmp(line, link, sizeof(link) - 1) == 0 &&
        cJSON_GetArraySize(list) < LINKS_MAX) {
      cJSON *item = cJSON_ParseWithLength(line + sizeof(link) - 1, len - (sizeof(link) - 1));
      if (cJSON_IsObject(item) && is_link(item))
        (void)cJSON_AddItemToArray(list, item);
      else
        cJSON_Delete(item);
    }
    line += len;
    line += *line == '\n' ? 1 : 0;
  }
  return list;
}
