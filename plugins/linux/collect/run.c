/* The run of a package on Linux: what its items share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "custom.h"
#include "package.h"
#include "read.h"

static void device_free(void *own)
{
  col_device *d = own;
  col_list_free(d->list);
  col_mounts_release(&d->mounts);
  free(d->hashes);
  free(d);
}

col_device *col_device_of(const col_task *t)
{
  return t->p->o.own;
}

cordon_status col_run(const col_options *o, const col_item *items, size_t count,
                      col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err)
{
  col_options mine = *o;
  col_device *d = calloc(1, sizeof(*d));
  if (d == NULL) {
    col_list_free(o->list);
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for the package");
  }
  atomic_init(&d->dumps, 0);
  d->list = o->list;
  col_read_mounts(o->root, &d->mounts);
  if (o->list != NULL) {
    mine.list_name = o->list->name != NULL ? o->list->name : "";
    mine.list_version = o->list->version;
  }
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
    mine.ahead = NULL;
  mine.own = d;
  mine.own_free = device_free;
  return col_package_run(&mine, items, count, ret_totals, on_cap, data, err);
}

void col_mark_os(col_task *t, int os_error, const char *what)
{
  bool denied = os_error == EACCES || os_error == EPERM || col_is_refusal(os_error);
  col_status status = os_error == ENOENT || os_error == ENOTDIR ? COL_ABSENT
                      : denied                                  ? COL_DENIED
                                                                : COL_ERROR;
  col_mark(t, status, "%s: %s", what, col_why(os_error));
}

bool col_is_refusal(int os_error)
{
  return os_error == ELOOP || os_error == EREMOTE || os_error == COL_E_NOT_PLAIN ||
         os_error == COL_E_SECRET;
}

const char *col_why(int os_error)
{
  switch (os_error) {
  case ELOOP: return "it is a link, which is not followed";
  case COL_E_NOT_PLAIN: return "it is no plain file, and not read";
  case EREMOTE: return "it is on a file system that may hang, and not read";
  case COL_E_SECRET:
    return "secrets are never taken: a link leads to one, or it is another name of one";
  default: return strerror(os_error);
  }
}

void col_octal(col_task *t, uint32_t mode)
{
  char digits[11];
  size_t at = sizeof(digits);
  do {
    digits[--at] = (char)('0' + (mode & 7));
    mode >>= 3;
  } while (mode > 0 || at > sizeof(digits) - 4);
  col_plain(t, digits + at, sizeof(digits) - at);
}

void col_stat(col_task *t, const struct stat *st)
{
  if (st == NULL) {
    for (int i = 0; i < COL_STAT_FIELDS; i++)
      col_plain(t, "", 0);
    return;
  }
  col_octal(t, st->st_mode & 07777);
  col_num(t, st->st_uid);
  col_num(t, st->st_gid);
  col_num(t, st->st_size);
  col_time(t, st->st_mtim.tv_sec);
  col_time(t, st->st_ctim.tv_sec);
  col_time(t, st->st_atim.tv_sec);
}
