/* Reading without a trace. O_NOATIME is for a file's owner; a mount that is set to noatime serves
 * everybody, and in a namespace of one's own nobody else sees that it is. */
#include "linux/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

/* <linux/mount.h> is younger than some kernels' headers, and does not go with <sys/mount.h>. */
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define WHOLE_TREE 0x8000u   /* AT_RECURSIVE */
#define ATTR_NOATIME 0x10u   /* MOUNT_ATTR_NOATIME */
#define ATTR_ALL_ATIME 0x70u /* MOUNT_ATTR__ATIME */

static bool begins(const char *text, const char *with)
{
  return strncmp(text, with, strlen(with)) == 0;
}

static const char *word_at(const char *text, int index)
{
  for (; index > 0; index--) {
    text += strcspn(text, " ");
    text += strspn(text, " ");
  }
  return text;
}

/* Whether what is mounted and unmounted here is so in copies too, as systemd has it. Where not, a
 * copy would hold what people believe to be unmounted, and may take out. */
static bool copies_follow(void)
{
  char *line = NULL;
  size_t size = 0;
  bool follow = false;
  FILE *f = fopen("/proc/self/mountinfo", "re");
  while (f != NULL && getline(&line, &size, f) > 0) {
    const char *point = word_at(line, 4);
    const char *tags = word_at(point, 2);
    /* Of more than one on "/" the last is what is seen. */
    if (begins(point, "/ "))
      follow = begins(tags, "shared:") || begins(tags, "master:");
  }
  if (f != NULL)
    (void)fclose(f);
  free(line);
  return follow;
}

bool pf_atime_keep(void)
{
  /* Mounts arrive from the device and none go there. */
  const struct {
    uint64_t set, clear, propagation, user_namespace;
  } how = {.set = ATTR_NOATIME, .clear = ATTR_ALL_ATIME, .propagation = MS_SLAVE};
  /* Before 5.12 there is no such call, and no namespace is made for nothing. */
  if (syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) != 0 && errno == ENOSYS)
    return false;
  /* All mounts or none. Neither call asks a file system, which might not answer. */
  return copies_follow() && unshare(CLONE_NEWNS) == 0 &&
         syscall(SYS_mount_setattr, AT_FDCWD, "/", WHOLE_TREE, &how, sizeof(how)) == 0;
}
