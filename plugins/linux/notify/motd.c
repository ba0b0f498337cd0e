/* The message of the day, for who logs in while the device is isolated: pam_motd(8) shows each file
 * of /run/motd.d. It is gone with the isolation, or with the next start of the device. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#define FOLDER "/run/motd.d"
#define FILE_NAME FOLDER "/cordon"
#define FRESH_NAME FOLDER "/.cordon.new"

static bool failed(char note[NOTIFY_NOTE], const char *what)
{
  int os_error = errno;
  (void)snprintf(note, NOTIFY_NOTE, "'%s' could not be %s: %s", FILE_NAME, what,
                 strerror(os_error));
  return false;
}

static bool write_fresh(const char *text, size_t len)
{
  (void)unlink(FRESH_NAME);
  int fd = open(FRESH_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0)
    return false;
  /* Everybody may read it, whatever the umask is. */
  bool good = fchmod(fd, 0644) == 0 && write(fd, text, len) == (ssize_t)len;
  int os_error = errno;
  (void)close(fd);
  errno = os_error;
  return good;
}

bool notify_motd(const char *title, const char *body, char note[NOTIFY_NOTE])
{
  char text[2048];
  note[0] = '\0';
  if (title == NULL) {
    if (unlink(FILE_NAME) != 0 && errno != ENOENT)
      return failed(note, "taken away");
    return true;
  }
  int len = snprintf(text, sizeof(text), "\n*** %s ***\n%s\n\n", title, body);
  if (len < 0 || len >= (int)sizeof(text)) {
    errno = EMSGSIZE;
    return failed(note, "written");
  }
  if (mkdir(FOLDER, 0755) == 0)
    (void)chmod(FOLDER, 0755);
  else if (errno != EEXIST)
    return failed(note, "written");
  if (!write_fresh(text, (size_t)len) || rename(FRESH_NAME, FILE_NAME) != 0)
    return failed(note, "written");
  return true;
}
