/* Owner, mode, times, flags and extended attributes of a file, kept and put back. ACLs and file
 * capabilities are extended attributes of the kernel's. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "remediate.h"
#include "support/json.h"

enum { NAMES_MAX = 65536, VALUE_MAX = 65536, XATTRS_MAX = 128 };

#define FLAGS_KEPT (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL)
#define NS_END 1000000000u

bool rem_attrs_fixed(uint32_t flags)
{
  return (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0;
}

/* 0 where the file system has none. */
static uint32_t flags_of(int fd)
{
  int flags = 0;
  return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 ? (uint32_t)flags & FLAGS_KEPT : 0;
}

cordon_status rem_attrs_flags(int fd, uint32_t flags, sup_err *err)
{
  int now = 0;
  if (flags_of(fd) == flags)
    return CORDON_OK;
  if (ioctl(fd, FS_IOC_GETFLAGS, &now) != 0)
    return sup_fail_os(err, errno, "the flags of the file cannot be read");
  now = (int)(((uint32_t)now & ~(uint32_t)FLAGS_KEPT) | flags);
  if (ioctl(fd, FS_IOC_SETFLAGS, &now) != 0)
    return sup_fail_os(err, errno, "the flags of the file cannot be set");
  return CORDON_OK;
}

static cordon_status add_xattr(cJSON *list, int fd, const char *name, char *room, sup_err *err)
{
  ssize_t len = fgetxattr(fd, name, room, VALUE_MAX);
  if (len < 0)
    return sup_fail_os(err, errno, "the attribute '%s' of the file cannot be read", name);
  char *text = rem_base64(room, (size_t)len);
  cJSON *item = cJSON_CreateObject();
  rem_bytes_put(item, "name", name);
  (void)cJSON_AddStringToObject(item, "value", text != NULL ? text : "");
  (void)cJSON_AddItemToArray(list, item);
  bool ok = text != NULL;
  free(text);
  return ok ? CORDON_OK : sup_fail(err, CORDON_E_LIMIT, "there is no memory for attributes");
}

static cordon_status read_xattrs(int fd, cJSON *list, sup_err *err)
{
  char *names = malloc(NAMES_MAX);
  char *room = malloc(VALUE_MAX);
  cordon_status status = CORDON_OK;
  ssize_t len = names != NULL && room != NULL ? flistxattr(fd, names, NAMES_MAX) : -1;
  if (len < 0 && errno != ENOTSUP && errno != ENOSYS)
    status = sup_fail_os(err, errno, "the attributes of the file cannot be listed");
  for (ssize_t at = 0; at < len && status == CORDON_OK; at += (ssize_t)strlen(names + at) + 1) {
    if (cJSON_GetArraySize(list) == XATTRS_MAX)
      status = sup_fail(err, CORDON_E_LIMIT, "the file has more than %d attributes", XATTRS_MAX);
    else
      status = add_xattr(list, fd, names + at, room, err);
  }
  free(names);
  free(room);
  return status;
}

cordon_status rem_attrs_read(int fd, rem_attrs *ret_attrs, sup_err *err)
{
  struct stat st;
  if (fstat(fd, &st) != 0)
    return sup_fail_os(err, errno, "the file cannot be looked at");
  rem_attrs a = {.dev = st.st_dev,
                 .ino = st.st_ino,
                 .size = (uint64_t)st.st_size,
                 .links = st.st_nlink,
                 .uid = st.st_uid,
                 .gid = st.st_gid,
                 .mode = st.st_mode & 07777,
                 .atime_s = st.st_atim.tv_sec,
                 .atime_ns = (uint32_t)st.st_atim.tv_nsec,
                 .mtime_s = st.st_mtim.tv_sec,
                 .mtime_ns = (uint32_t)st.st_mtim.tv_nsec,
                 .flags = flags_of(fd),
                 .xattrs = cJSON_CreateArray()};
  cordon_status status = read_xattrs(fd, a.xattrs, err);
  if (status == CORDON_OK)
    *ret_attrs = a;
  else
    rem_attrs_release(&a);
  return status;
}

void rem_attrs_release(rem_attrs *a)
{
  cJSON_Delete(a->xattrs);
  a->xattrs = NULL;
}

/* ---- what this process may not set ---- */

static bool has_right(unsigned right)
{
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {0};
  return syscall(SYS_capget, &head, sets) == 0 &&
         (sets[right / 32].effective & (1u << (right % 32))) != 0;
}

bool rem_attrs_sees_trusted(void)
{
  return has_right(CAP_SYS_ADMIN);
}

static bool begins(const char *text, const char *with)
{
  return strncmp(text, with, strlen(with)) == 0;
}

/* A label of SELinux is the module's own to allow, where it runs. */
static bool is_beyond(const char *name)
{
  if (has_right(CAP_SYS_ADMIN) || strcmp(name, "security.capability") == 0)
    return false;
  if (strcmp(name, "security.selinux") == 0 && access("/sys/fs/selinux/enforce", F_OK) == 0)
    return false;
  return begins(name, "security.") || begins(name, "trusted.");
}

/* The name of an attribute, where it is beyond. */
static bool beyond_name(const cJSON *item, char ret_name[REM_NAME])
{
  sup_err ignored = {0};
  return rem_bytes_get(item, "name", ret_name, REM_NAME, &ignored) == CORDON_OK &&
         is_beyond(ret_name);
}

static void add_name(char names[REM_SHOW], const char *name)
{
  char show[REM_SHOW];
  size_t at = strlen(names);
  (void)snprintf(names + at, REM_SHOW - at, "%s%s", at > 0 ? ", " : "", rem_show(name, show));
}

bool rem_attrs_beyond(const rem_attrs *a, char ret_names[REM_SHOW])
{
  char name[REM_NAME];
  const cJSON *item = NULL;
  ret_names[0] = '\0';
  cJSON_ArrayForEach(item, a->xattrs)
  {
    if (beyond_name(item, name))
      add_name(ret_names, name);
  }
  return ret_names[0] != '\0';
}

/* ---- put back ---- */

static cordon_status set_xattr(int fd, const cJSON *item, bool beyond, sup_err *err)
{
  char name[REM_NAME];
  uint8_t *value = malloc(VALUE_MAX);
  const cJSON *text = sup_json_get(item, "value");
  size_t len = 0;
  cordon_status status = rem_bytes_get(item, "name", name, sizeof(name), err);
  if (status == CORDON_OK && (value == NULL || !cJSON_IsString(text) ||
                              !rem_unbase64(text->valuestring, value, VALUE_MAX, &len)))
    status = sup_fail(err, CORDON_E_IO, "the attribute '%s' of the file was not kept well", name);
  if (status == CORDON_OK && fsetxattr(fd, name, value, len, 0) != 0 &&
      !(beyond && errno == EPERM && is_beyond(name)))
    status = sup_fail_os(err, errno, "the attribute '%s' of the file cannot be put back", name);
  free(value);
  return status;
}

static bool has_xattr(const cJSON *list, const char *name)
{
  char other[REM_NAME];
  sup_err ignored = {0};
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, list)
  {
    if (rem_bytes_get(item, "name", other, sizeof(other), &ignored) == CORDON_OK &&
        strcmp(other, name) == 0)
      return true;
  }
  return false;
}

/* A new file gets some from its folder, such as the entries of a default ACL. What cannot be
 * removed shows when the file is compared. */
static cordon_status remove_others(int fd, const cJSON *wanted, sup_err *err)
{
  char name[REM_NAME];
  const cJSON *item = NULL;
  cJSON *now = cJSON_CreateArray();
  cordon_status status = read_xattrs(fd, now, err);
  cJSON_ArrayForEach(item, now)
  {
    if (status == CORDON_OK)
      status = rem_bytes_get(item, "name", name, sizeof(name), err);
    if (status == CORDON_OK && !has_xattr(wanted, name))
      (void)fremovexattr(fd, name);
  }
  cJSON_Delete(now);
  return status;
}

cordon_status rem_attrs_apply(int fd, const rem_attrs *a, bool beyond, sup_err *err)
{
  struct timespec times[2] = {{.tv_sec = a->atime_s, .tv_nsec = (long)a->atime_ns},
                              {.tv_sec = a->mtime_s, .tv_nsec = (long)a->mtime_ns}};
  /* A change of owner takes capabilities and set-user-id away, so that it comes first; an ACL and
   * the mode are of one another, so that the mode comes last of the two. */
  if (fchown(fd, a->uid, a->gid) != 0)
    return sup_fail_os(err, errno, "the owner of the file cannot be put back");
  cordon_status status = remove_others(fd, a->xattrs, err);
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, a->xattrs)
  {
    if (status == CORDON_OK)
      status = set_xattr(fd, item, beyond, err);
  }
  if (status != CORDON_OK)
    return status;
  if (fchmod(fd, a->mode) != 0)
    return sup_fail_os(err, errno, "the mode of the file cannot be put back");
  if (futimens(fd, times) != 0)
    return sup_fail_os(err, errno, "the times of the file cannot be put back");
  return CORDON_OK;
}

static bool has_same(const cJSON *list, const cJSON *wanted)
{
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, list)
  {
    if (cJSON_Compare(item, wanted, 1))
      return true;
  }
  return false;
}

/* Each list has each name once. */
static bool same_xattrs(const cJSON *now, const cJSON *wanted, char ret_lost[REM_SHOW])
{
  char name[REM_NAME];
  int lost = 0;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, wanted)
  {
    if (has_same(now, item))
      continue;
    if (!beyond_name(item, name) || has_xattr(now, name))
      return false;
    add_name(ret_lost, name);
    lost++;
  }
  return cJSON_GetArraySize(now) + lost == cJSON_GetArraySize(wanted);
}

bool rem_attrs_same(int fd, const rem_attrs *a, char ret_why[REM_SHOW], char ret_lost[REM_SHOW])
{
  rem_attrs now = {0};
  sup_err err = {0};
  const char *differs = NULL;
  ret_lost[0] = '\0';
  if (rem_attrs_read(fd, &now, &err) != CORDON_OK) {
    (void)snprintf(ret_why, REM_SHOW, "%.*s", REM_SHOW - 1, err.sentence);
    return false;
  }
  if (now.size != a->size)
    differs = "its size";
  else if (now.uid != a->uid || now.gid != a->gid)
    differs = "its owner";
  else if (now.mode != a->mode)
    differs = "its mode";
  else if (now.mtime_s != a->mtime_s || now.mtime_ns != a->mtime_ns)
    differs = "its time of change";
  else if (now.atime_s != a->atime_s || now.atime_ns != a->atime_ns)
    differs = "its time of access";
  else if (now.flags != a->flags)
    differs = "its flags";
  else if (!same_xattrs(now.xattrs, a->xattrs, ret_lost))
    differs = "its attributes or ACL";
  if (differs != NULL)
    (void)snprintf(ret_why, REM_SHOW, "%s differs", differs);
  rem_attrs_release(&now);
  return differs == NULL;
}

void rem_u64_put(cJSON *to, const char *name, uint64_t value)
{
  char text[24];
  (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
  (void)cJSON_AddStringToObject(to, name, text);
}

void rem_attrs_write(const rem_attrs *a, cJSON *to)
{
  rem_u64_put(to, "dev", a->dev);
  rem_u64_put(to, "ino", a->ino);
  rem_u64_put(to, "size", a->size);
  rem_u64_put(to, "links", a->links);
  rem_u64_put(to, "uid", a->uid);
  rem_u64_put(to, "gid", a->gid);
  rem_u64_put(to, "mode", a->mode);
  rem_u64_put(to, "atime_s", (uint64_t)a->atime_s);
  rem_u64_put(to, "atime_ns", a->atime_ns);
  rem_u64_put(to, "mtime_s", (uint64_t)a->mtime_s);
  rem_u64_put(to, "mtime_ns", a->mtime_ns);
  rem_u64_put(to, "flags", a->flags);
  (void)cJSON_AddItemToObject(to, "xattrs", cJSON_Duplicate(a->xattrs, 1));
}

/* Numbers travel as text: 64 bits do not fit a number of JSON. */
bool rem_u64_take(const cJSON *from, const char *name, uint64_t max, uint64_t *ret)
{
  const cJSON *v = sup_json_get(from, name);
  char *end = NULL;
  if (!cJSON_IsString(v) || v->valuestring[0] < '0' || v->valuestring[0] > '9')
    return false;
  errno = 0;
  unsigned long long n = strtoull(v->valuestring, &end, 10);
  if (errno != 0 || *end != '\0' || n > max)
    return false;
  *ret = n;
  return true;
}

static bool take_u32(const cJSON *from, const char *name, uint32_t max, uint32_t *ret)
{
  uint64_t n = 0;
  bool ok = rem_u64_take(from, name, max, &n);
  *ret = (uint32_t)n;
  return ok;
}

static bool take_time(const cJSON *from, const char *seconds, const char *ns, int64_t *ret_s,
                      uint32_t *ret_ns)
{
  uint64_t s = 0;
  bool ok = rem_u64_take(from, seconds, UINT64_MAX, &s) && take_u32(from, ns, NS_END - 1, ret_ns);
  *ret_s = (int64_t)s;
  return ok;
}

bool rem_attrs_parse(const cJSON *from, rem_attrs *ret_attrs)
{
  rem_attrs a = {0};
  const cJSON *list = sup_json_get(from, "xattrs");
  bool ok = rem_u64_take(from, "dev", UINT64_MAX, &a.dev) &&
            rem_u64_take(from, "ino", UINT64_MAX, &a.ino) &&
            rem_u64_take(from, "size", INT64_MAX, &a.size) &&
            rem_u64_take(from, "links", UINT64_MAX, &a.links) &&
            take_u32(from, "uid", UINT32_MAX, &a.uid) &&
            take_u32(from, "gid", UINT32_MAX, &a.gid) && take_u32(from, "mode", 07777, &a.mode) &&
            take_u32(from, "flags", FLAGS_KEPT, &a.flags) &&
            (a.flags & ~(uint32_t)FLAGS_KEPT) == 0 &&
            take_time(from, "atime_s", "atime_ns", &a.atime_s, &a.atime_ns) &&
            take_time(from, "mtime_s", "mtime_ns", &a.mtime_s, &a.mtime_ns) &&
            cJSON_IsArray(list) && cJSON_GetArraySize(list) <= XATTRS_MAX;
  if (ok)
    a.xattrs = cJSON_Duplicate(list, 1);
  if (ok && a.xattrs != NULL)
    *ret_attrs = a;
  return ok && a.xattrs != NULL;
}
