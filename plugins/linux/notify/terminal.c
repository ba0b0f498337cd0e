/* A terminal is told as wall(1) tells it: a bell, and lines between two blank ones. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

enum { TEXT_MAX = 2048, WRITE_MS = 1000 };

static void note(notify_session *s, const char *what, int os_error)
{
  (void)snprintf(s->note, sizeof(s->note), "%s: %s", what, strerror(os_error));
}

/* A line starts at the left whatever the terminal's settings are. */
static size_t add_line(char *out, size_t len, const char *text)
{
  for (; *text != '\0' && len < TEXT_MAX - 3; text++) {
    if (*text == '\n')
      out[len++] = '\r';
    out[len++] = *text;
  }
  out[len++] = '\r';
  out[len++] = '\n';
  return len;
}

/* A terminal that was stopped takes nothing: no waiting for it. */
static bool write_all(notify_session *s, int fd, const char *bytes, size_t len)
{
  uint64_t until = sup_now_ms() + WRITE_MS;
  for (size_t done = 0; done < len;) {
    ssize_t n = write(fd, bytes + done, len - done);
    if (n > 0) {
      done += (size_t)n;
      continue;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      note(s, "the terminal takes no text", errno);
      return false;
    }
    uint64_t now = sup_now_ms();
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (now >= until || poll(&p, 1, (int)(until - now)) == 0) {
      (void)snprintf(s->note, sizeof(s->note), "the terminal took no text for %d ms", WRITE_MS);
      return false;
    }
  }
  return true;
}

void notify_terminal(notify_session *s, const char *title, const char *body)
{
  char text[TEXT_MAX];
  struct stat st;
  int fd = open(s->place, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    note(s, "the terminal cannot be opened", errno);
    return;
  }
  if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) || isatty(fd) == 0) {
    (void)snprintf(s->note, sizeof(s->note), "it is no terminal");
  } else {
    size_t len = 0;
    memcpy(text, "\a\r\n", 3);
    len = add_line(text, 3, title);
    len = add_line(text, len, body);
    len = len < TEXT_MAX - 2 ? add_line(text, len, "") : len;
    s->told = write_all(s, fd, text, len);
  }
  (void)close(fd);
}
