/* Landlock: where a plugin may write, and whom it and its children may signal. The kernel's header
 * may be older than the kernel, so that the numbers of its interface, which never change, are here.
 */
#include "linux/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

#define ACCESS_REFER (UINT64_C(1) << 13)    /* since version 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* since version 3 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)     /* since version 6 */

enum { VERSION_REFER = 2, VERSION_TRUNCATE = 3, VERSION_SCOPE = 6 };

/* What can be allowed on something that is not a folder. */
#define ON_FILES (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)

typedef struct ruleset_attr {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
} ruleset_attr;

/* 0: there is none, in this kernel or for this process. */
static long version(void)
{
  long found = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return found > 0 ? found : 0;
}

static uint64_t writing(long abi)
{
  uint64_t all = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
  if (abi >= VERSION_REFER)
    all |= ACCESS_REFER;
  if (abi >= VERSION_TRUNCATE)
    all |= ACCESS_TRUNCATE;
  return all;
}

static cd_code allow(int ruleset, int fd, uint64_t access, const char *path, cd_err *err)
{
  struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
  if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, errno, "writing to '%s' could not be allowed: %s",
                      path, strerror(errno));
  return CD_OK;
}

static cd_code allow_path(int ruleset, const char *path, int flags, uint64_t access, cd_err *err)
{
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags);
  cd_code rc = allow(ruleset, fd, access, path, err);
  if (fd >= 0)
    (void)close(fd);
  return rc;
}

static cd_code fill_and_load(int ruleset, const char *state_dir, uint64_t access, cd_err *err)
{
  cd_code rc = allow_path(ruleset, "/dev/null", 0, access & ON_FILES, err);
  if (rc == CD_OK && state_dir != NULL)
    rc = allow_path(ruleset, state_dir, O_DIRECTORY, access, err);
  if (rc == CD_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
    rc = cd_fail_os(err, CD_E_UNAVAILABLE, errno, "Landlock could not be applied: %s",
                    strerror(errno));
  return rc;
}

cd_code pf_landlock_self(const char *state_dir, bool signals, bool *ret_applied, cd_err *err)
{
  long abi = version();
  *ret_applied = false;
  if (abi == 0)
    return CD_OK;
  bool scoped = signals && abi >= VERSION_SCOPE;
  ruleset_attr attr = {.handled_access_fs = writing(abi), .scoped = scoped ? SCOPE_SIGNAL : 0};
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
  if (ruleset < 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, errno, "Landlock could not be set up: %s",
                      strerror(errno));
  cd_code rc = fill_and_load(ruleset, state_dir, attr.handled_access_fs, err);
  (void)close(ruleset);
  *ret_applied = rc == CD_OK;
  return rc;
}
