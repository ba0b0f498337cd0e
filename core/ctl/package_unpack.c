/* The folder is new and its owner's alone, and nothing but folders and regular files is made in it:
 * there is no link on the way to any name below it. */
#include "package_unpack.h"

#include "new_file.h"

#include "platform/file.h"
#include "platform/private.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/banned.h"

#define SUFFIX ".zip"
#define MIB (1024u * 1024u)
#define ROOM_KEPT (64u * MIB) /* the file system keeps so many bytes */
#define ROOM_EVERY (4u * MIB) /* written between two looks at what it has */

typedef struct unpacking {
  const char *folder;
  ctl_new_file file;
  uint64_t unlooked; /* bytes that may come before the next look at the free space */
  ctl_told told;
  uint64_t total;            /* of the entry that was begun last, by the manifest */
  uint64_t left;             /* of those */
  char current[CD_PATH_MAX]; /* the entry that was begun last */
} unpacking;

cd_code ctl_unpack_folder(const char *path, const char *given, char out[CD_PATH_MAX], cd_err *err)
{
  cd_str name = cd_str_from(given != NULL ? given : path);
  if (given == NULL && cd_str_ends(name, CD_STR(SUFFIX)) && name.len > sizeof(SUFFIX) - 1)
    name.len -= sizeof(SUFFIX) - 1;
  else if (given == NULL)
    return cd_fail(err, CD_E_INVALID, "%.300s does not end in %s: say with -o where it is to go",
                   path, SUFFIX);
  if (name.len == 0 || cd_str_eq_cstr(name, "-"))
    return cd_fail(err, CD_E_INVALID, "-o needs the name of a folder");
  if (!cd_str_copy(out, CD_PATH_MAX, name))
    return cd_fail(err, CD_E_INVALID, "the name of the folder is too long");
  return CD_OK;
}

/* Each folder on the way to the name; those that are there already are ours. */
static cd_code make_folders(const unpacking *u, const char *name, cd_err *err)
{
  char path[CD_PATH_MAX];
  for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    (void)snprintf(path, sizeof(path), "%s/%.*s", u->folder, (int)(slash - name), name);
    cd_code rc = pf_private_folder(path, err);
    if (rc != CD_OK && rc != CD_E_CONFLICT)
      return rc;
  }
  return CD_OK;
}

static cd_code on_begin(void *context, const char *name, cd_err *err)
{
  unpacking *u = context;
  char path[CD_PATH_MAX];
  if (!ctl_told_bytes(&u->told, cd_str_from(name), &u->total))
    return cd_fail(err, CD_E_INVALID, "the package's manifest does not know '%s'", name);
  u->left = u->total;
  if (snprintf(path, sizeof(path), "%s/%s", u->folder, name) >= (int)sizeof(path))
    return cd_fail(err, CD_E_INVALID, "the name of the folder is too long");
  (void)cd_str_copy(u->current, sizeof(u->current), cd_str_from(name));
  cd_code rc = make_folders(u, name, err);
  if (rc == CD_OK)
    rc = ctl_new_file_open(&u->file, path, false, err);
  u->file.lazy = true;
  return rc;
}

/* Whoever made the package does not fill the disk of whoever unpacks it. */
static cd_code check_room(unpacking *u, size_t len, cd_err *err)
{
  cd_err why = {0};
  uint64_t room = 0;
  if (u->unlooked < len) {
    cd_code rc = pf_file_room(uv_get_osfhandle(u->file.file), &room, &why);
    if (rc != CD_OK && rc != CD_E_UNSUPPORTED)
      return cd_fail_os(err, rc, why.os_error, "%s", why.text);
    if (rc == CD_OK && room < ROOM_KEPT + ROOM_EVERY + len)
      return cd_fail(err, CD_E_LIMIT,
                     "there is no room for more of the package: %llu MiB are free where it goes, "
                     "and %u stay so",
                     (unsigned long long)(room / MIB), ROOM_KEPT / MIB);
    u->unlooked = ROOM_EVERY + len;
  }
  u->unlooked -= len;
  return CD_OK;
}

/* No more than is announced: a package of some kilobytes may hold gigabytes of zeros. */
static cd_code check_total(unpacking *u, size_t len, cd_err *err)
{
  if (len > u->left)
    return cd_fail(err, CD_E_LIMIT,
                   "'%s' of the package has more than the %llu bytes that the manifest tells of, "
                   "and is unpacked no further",
                   u->current, (unsigned long long)u->total);
  u->left -= len;
  return CD_OK;
}

static cd_code on_data(void *context, const void *bytes, size_t len, cd_err *err)
{
  unpacking *u = context;
  cd_code rc = check_total(u, len, err);
  if (rc == CD_OK)
    rc = check_room(u, len, err);
  return rc != CD_OK ? rc : ctl_new_file_add(&u->file, bytes, len, err);
}

static cd_code on_end(void *context, cd_err *err)
{
  unpacking *u = context;
  return ctl_new_file_commit(&u->file, err);
}

static cd_code look_at_manifest(const char *path, ctl_told *ret_told, cd_err *err)
{
  ctl_package p = {0};
  cd_code rc = ctl_package_read_manifest(path, &p, err);
  if (rc == CD_OK)
    rc = ctl_told_read(&p, ret_told, err);
  ctl_package_release(&p);
  return rc;
}

/* ---- taken away again ---- */

static void remove_at(const char *folder, const char *name, size_t len, bool is_folder)
{
  uv_fs_t req;
  char path[CD_PATH_MAX];
  if (snprintf(path, sizeof(path), "%s/%.*s", folder, (int)len, name) >= (int)sizeof(path))
    return;
  (void)(is_folder ? uv_fs_rmdir(NULL, &req, path, NULL) : uv_fs_unlink(NULL, &req, path, NULL));
  uv_fs_req_cleanup(&req);
}

/* The folders above a name, as far as they are empty. */
static void remove_folders(const char *folder, const char *name)
{
  for (size_t len = strlen(name); len > 0; len--)
    if (name[len - 1] == '/')
      remove_at(folder, name, len - 1, true);
}

/* The folder, with what was unpacked and nothing else. */
static void remove_all(const char *folder, const ctl_package *p)
{
  for (size_t i = 0; i < p->count; i++)
    remove_at(folder, p->entries[i].name, strlen(p->entries[i].name), false);
  for (size_t i = 0; i < p->count; i++)
    remove_folders(folder, p->entries[i].name);
  remove_at(folder, "", 0, true);
}

static cd_code unpack(unpacking *u, const char *path, ctl_package *ret_package,
                      ctl_package_report *ret_report, cd_err *err)
{
  const ctl_package_visitor visitor = {
      .begin = on_begin, .data = on_data, .end = on_end, .context = u};
  cd_code rc = pf_private_folder(u->folder, err);
  if (rc == CD_E_CONFLICT)
    return cd_fail(err, CD_E_CONFLICT, "%.300s is there already: say with -o where it is to go",
                   u->folder);
  if (rc != CD_OK)
    return rc;
  rc = ctl_package_read_file(path, &visitor, ret_package, err);
  ctl_new_file_drop(&u->file);
  if (rc == CD_OK)
    rc = ctl_package_check(ret_package, ret_report, err);
  if (rc == CD_OK && ret_report->problems == 0)
    return CD_OK;
  /* Else the next try would find the folder there already. */
  remove_folders(u->folder, u->current);
  remove_all(u->folder, ret_package);
  return rc;
}

cd_code ctl_unpack(const char *path, const char *folder, ctl_package *ret_package,
                   ctl_package_report *ret_report, cd_err *err)
{
  unpacking u = {.folder = folder, .file = {.file = -1}};
  *ret_package = (ctl_package){0};
  *ret_report = (ctl_package_report){.doc = NULL};
  cd_code rc = look_at_manifest(path, &u.told, err);
  if (rc == CD_OK)
    rc = unpack(&u, path, ret_package, ret_report, err);
  ctl_told_release(&u.told);
  return rc;
}
