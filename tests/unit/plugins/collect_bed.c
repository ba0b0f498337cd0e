#include "collect_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_parents(char *path)
{
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(path, 0700);
    *slash = '/';
  }
}

static cordon_status bed_open(void *data, const char *name, const char *meta, uint64_t *ret_id)
{
  bed_folder *b = data;
  char path[1024];
  bool last = strstr(meta, "\"last\":true") != NULL;
  if (b->fd >= 0)
    return CORDON_E_CONFLICT;
  if (!last && b->limit != 0 && b->bytes >= b->limit)
    return CORDON_E_LIMIT;
  (void)snprintf(path, sizeof(path), "%s/%s", b->path, name);
  make_parents(path);
  b->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (b->fd < 0)
    return errno == EEXIST ? CORDON_E_CONFLICT : CORDON_E_IO;
  b->files++;
  *ret_id = ++b->id;
  return CORDON_OK;
}

static cordon_status bed_write(void *data, uint64_t id, const void *bytes, size_t len)
{
  bed_folder *b = data;
  if (b->fd < 0 || id != b->id)
    return CORDON_E_INVALID;
  if (b->last_limit != 0 && b->bytes + len > b->last_limit)
    return CORDON_E_LIMIT;
  b->bytes += len;
  return write(b->fd, bytes, len) == (ssize_t)len ? CORDON_OK : CORDON_E_IO;
}

static cordon_status bed_close(void *data, uint64_t id, bool complete)
{
  bed_folder *b = data;
  if (b->fd < 0 || id != b->id)
    return CORDON_E_INVALID;
  (void)close(b->fd);
  b->fd = -1;
  b->incomplete += complete ? 0 : 1;
  return CORDON_OK;
}

col_sink bed_folder_sink(bed_folder *to)
{
  to->fd = -1;
  return (col_sink){.data = to, .open = bed_open, .write = bed_write, .close = bed_close};
}
