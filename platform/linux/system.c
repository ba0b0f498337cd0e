/* This run of the machine, and systemd by its notification socket: one datagram, so its library is
 * not needed. */
#include "platform/system.h"

#include "base/buf.h"
#include "platform/file.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

cd_code pf_boot_id(char out[PF_BOOT_ID_MAX], cd_err *err)
{
  cd_buf text = CD_BUF_INIT(PF_BOOT_ID_MAX);
  cd_code rc = pf_file_read(BOOT_ID_FILE, PF_BOOT_ID_MAX, &text, err);
  if (rc == CD_OK) {
    cd_str rest = cd_buf_view(&text);
    cd_str id = cd_str_cut(&rest, '\n');
    if (id.len == 0 || !cd_str_copy(out, PF_BOOT_ID_MAX, id))
      rc = cd_fail(err, CD_E_IO, "'%s' does not hold a boot id", BOOT_ID_FILE);
  }
  cd_buf_release(&text);
  return rc;
}

cd_code pf_uptime(int64_t *ret_ms, cd_err *err)
{
  struct timespec now;
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, errno, "the time since the boot cannot be read: %s",
                      strerror(errno));
  *ret_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  return CD_OK;
}

const char *pf_system_name(void)
{
  return "linux";
}

/* The address from NOTIFY_SOCKET: a path, or after '@' a name outside the file system. */
static bool notify_address(struct sockaddr_un *address, socklen_t *ret_len)
{
  const char *name = getenv("NOTIFY_SOCKET");
  size_t len = name != NULL ? strlen(name) : 0;
  if (len < 2 || len >= sizeof(address->sun_path) || (name[0] != '/' && name[0] != '@'))
    return false;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(address->sun_path, name, len);
  if (name[0] == '@')
    address->sun_path[0] = '\0';
  *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  return true;
}

static void notify(const char *text)
{
  struct sockaddr_un address;
  socklen_t len = 0;
  if (!notify_address(&address, &len))
    return;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  /* A manager that does not read must not stop us; what it then misses, its own deadline for our
   * start tells. */
  struct timeval deadline = {.tv_sec = 1};
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
  (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
  (void)close(fd);
}

void pf_heap_frugal(void)
{
  (void)mallopt(M_ARENA_MAX, 1);
  (void)mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  (void)mallopt(M_TRIM_THRESHOLD, 64 * 1024);
}

void pf_service_ready(void)
{
  notify("READY=1");
}

void pf_service_stopping(void)
{
  notify("STOPPING=1");
}
