/* A line without echo. While it is read, keys that would send a signal are read as characters and
 * signals that would end the process wait, so that the terminal always gets its echo back. */
#include "platform/terminal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/banned.h"

enum {
  KEY_INTERRUPT = 0x03,
  KEY_END = 0x04,
  KEY_BACKSPACE = 0x08,
  KEY_CLEAR = 0x15,
  KEY_QUIT = 0x1c,
  KEY_DELETE = 0x7f
};

typedef struct line {
  char bytes[PF_SECRET_MAX];
  size_t len;
} line;

/* The compiler may not leave it out. */
static void wipe(line *l)
{
  volatile char *at = l->bytes;
  for (size_t i = 0; i < sizeof(l->bytes); i++)
    at[i] = 0;
  l->len = 0;
}

static void put(int tty, const char *text)
{
  size_t len = strlen(text);
  while (len > 0) {
    ssize_t n = write(tty, text, len);
    if (n <= 0)
      return;
    text += n;
    len -= (size_t)n;
  }
}

static cd_code read_key(int tty, uint64_t until_ms, char *ret_key, cd_err *err)
{
  for (;;) {
    uint64_t now_ms = cd_mono_ms();
    struct pollfd wait = {.fd = tty, .events = POLLIN};
    int ready = now_ms < until_ms ? poll(&wait, 1, (int)(until_ms - now_ms)) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready == 0)
      return cd_fail(err, CD_E_DEADLINE, "nothing was typed in time");
    ssize_t n = ready > 0 ? read(tty, ret_key, 1) : -1;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return cd_fail_os(err, cd_code_from_errno(errno), errno, "the terminal cannot be read: %s",
                        strerror(errno));
    return n == 1 ? CD_OK : cd_fail(err, CD_E_CANCELLED, "the terminal is gone");
  }
}

static cd_code take_key(line *l, char key, bool *ret_over, cd_err *err)
{
  switch (key) {
  case '\r':
  case '\n': *ret_over = true; return CD_OK;
  case KEY_INTERRUPT:
  case KEY_QUIT:
  case KEY_END: return cd_fail(err, CD_E_CANCELLED, "it was interrupted, and nothing was done");
  case KEY_BACKSPACE:
  case KEY_DELETE: l->len -= l->len > 0 ? 1 : 0; return CD_OK;
  case KEY_CLEAR: l->len = 0; return CD_OK;
  default: break;
  }
  if (l->len == sizeof(l->bytes))
    return cd_fail(err, CD_E_LIMIT, "the line is longer than %u bytes", PF_SECRET_MAX);
  l->bytes[l->len++] = key;
  return CD_OK;
}

static cd_code read_line(int tty, uint32_t timeout_ms, cd_buf *out, cd_err *err)
{
  line l = {.len = 0};
  uint64_t until_ms = cd_mono_ms() + timeout_ms;
  bool over = false;
  cd_code rc = CD_OK;
  while (rc == CD_OK && !over) {
    char key = 0;
    rc = read_key(tty, until_ms, &key, err);
    if (rc == CD_OK)
      rc = take_key(&l, key, &over, err);
  }
  if (rc == CD_OK) {
    cd_buf_add(out, l.bytes, l.len);
    rc = cd_buf_status(out, "the line", err);
  }
  wipe(&l);
  return rc;
}

static cd_code ask(int tty, const struct termios *before, const char *prompt, uint32_t timeout_ms,
                   cd_buf *out, cd_err *err)
{
  struct termios quiet = *before;
  quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
  quiet.c_cc[VMIN] = 1;
  quiet.c_cc[VTIME] = 0;
  if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, errno, "the terminal's echo cannot be turned off: %s",
                      strerror(errno));
  put(tty, prompt);
  cd_code rc = read_line(tty, timeout_ms, out, err);
  (void)tcsetattr(tty, TCSAFLUSH, before);
  put(tty, "\n");
  return rc;
}

cd_code pf_terminal_secret(const char *prompt, uint32_t timeout_ms, cd_buf *out, cd_err *err)
{
  struct termios before;
  sigset_t held;
  sigset_t old;
  int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (tty < 0 || tcgetattr(tty, &before) != 0) {
    int why = errno;
    if (tty >= 0)
      (void)close(tty);
    return cd_fail_os(err, CD_E_UNAVAILABLE, why, "there is no terminal to ask at");
  }
  (void)sigemptyset(&held);
  (void)sigaddset(&held, SIGINT);
  (void)sigaddset(&held, SIGTERM);
  (void)sigaddset(&held, SIGHUP);
  (void)sigaddset(&held, SIGQUIT);
  (void)sigaddset(&held, SIGTSTP);
  (void)sigprocmask(SIG_BLOCK, &held, &old);
  cd_code rc = ask(tty, &before, prompt, timeout_ms, out, err);
  (void)sigprocmask(SIG_SETMASK, &old, NULL);
  (void)close(tty);
  return rc;
}
