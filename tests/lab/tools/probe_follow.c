/* An established flow to watch: downloads without end, prints how much has come, and says how it
 * ended. */
#include "probe.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* Whoever forgets the process in a test finds it gone after this. */
#define FOLLOW_SILENCE_S 120

static int open_stream(const char *host, const char *port, uint32_t mark)
{
  probe p = {.kind = NULL};
  if (!probe_aim(&p, "http", host, port))
    return -1;
  int fd = socket(p.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct timeval silence = {.tv_sec = FOLLOW_SILENCE_S};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) ||
      (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark)) ||
      connect(fd, (struct sockaddr *)&p.address, p.address_len)) {
    fprintf(stderr, "lab-probe: no connection to %s port %s: %s\n", host, port, strerror(errno));
    if (fd >= 0)
      close(fd);
    return -1;
  }
  return fd;
}

int probe_follow(const char *host, const char *port, uint32_t mark)
{
  static const char request[] = "GET /endless HTTP/1.1\r\nHost: lab\r\n\r\n";
  unsigned long long total = 0;
  char piece[16384];

  int fd = open_stream(host, port, mark);
  if (fd < 0)
    return 1;
  ssize_t got = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
  while (got > 0) {
    got = recv(fd, piece, sizeof piece, 0);
    if (got > 0) {
      total += (unsigned long long)got;
      printf("%llu\n", total);
      fflush(stdout);
    }
  }
  printf("ended %s\n", got == 0 ? "EOF" : strerrorname_np(errno));
  close(fd);
  return 0;
}
