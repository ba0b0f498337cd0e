/* The command line and the listening sockets of lab-serve. */
#include "serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX 16
#define SERVICES_MAX 16

static const char usage[] =
    "usage: lab-serve --name NAME --answer4 A --answer6 A --address A ... KIND/PROTOCOL/PORT ...\n"
    "       KIND echo, http or dns; PROTOCOL tcp or udp. Prints `ready` once every socket is "
    "bound.\n";

typedef struct service {
  serve_kind kind;
  int is_tcp;
  int port;
} service;

typedef struct plan {
  const char *addresses[ADDRESSES_MAX];
  size_t address_count;
  service services[SERVICES_MAX];
  size_t service_count;
} plan;

static int fail(const char *what, const char *which, int rc)
{
  fprintf(stderr, "lab-serve: %s %s: %s\n", what, which, rc ? uv_strerror(rc) : "makes no sense");
  return 0;
}

static int read_service(const char *text, service *out)
{
  static const struct {
    const char *name;
    serve_kind kind;
  } kinds[] = {{"echo/", SERVE_ECHO}, {"http/", SERVE_HTTP}, {"dns/", SERVE_DNS}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    size_t len = strlen(kinds[i].name);
    if (strncmp(text, kinds[i].name, len) != 0)
      continue;
    out->kind = kinds[i].kind;
    out->is_tcp = strncmp(text + len, "tcp/", 4) == 0;
    if (!out->is_tcp && strncmp(text + len, "udp/", 4) != 0)
      return 0;
    out->port = (int)strtol(text + len + 4, NULL, 10);
    return out->port > 0 && out->port < 65536;
  }
  return 0;
}

static int read_plan(serve *s, plan *p, int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--name") == 0)
      s->name = value;
    else if (strcmp(argv[i], "--answer4") == 0 && uv_inet_pton(AF_INET, value, &s->answer4) < 0)
      return fail("IPv4 address", value, 0);
    else if (strcmp(argv[i], "--answer6") == 0 && uv_inet_pton(AF_INET6, value, &s->answer6) < 0)
      return fail("IPv6 address", value, 0);
    else if (strcmp(argv[i], "--address") == 0 && p->address_count < ADDRESSES_MAX)
      p->addresses[p->address_count++] = value;
    if (strncmp(argv[i], "--", 2) == 0) {
      i++;
      continue;
    }
    if (p->service_count == SERVICES_MAX ||
        !read_service(argv[i], &p->services[p->service_count++]))
      return fail("service", argv[i], 0);
  }
  return s->name && p->address_count && p->service_count;
}

static int address_of(const char *text, int port, struct sockaddr_storage *out)
{
  if (uv_ip4_addr(text, port, (struct sockaddr_in *)out) == 0)
    return 0;
  return uv_ip6_addr(text, port, (struct sockaddr_in6 *)out);
}

static void on_udp_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  static char room[2048];
  *buf = uv_buf_init(room, sizeof room);
}

/* A datagram is answered at once or, if the socket is full, not at all, as networks do. */
static void on_datagram(uv_udp_t *udp, ssize_t got, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
  serve_listener *l = udp->data;
  unsigned char out[600];
  if (got <= 0 || !from || (flags & UV_UDP_PARTIAL))
    return;
  uv_buf_t answer = uv_buf_init(buf->base, (unsigned)got);
  if (l->kind == SERVE_DNS) {
    size_t len =
        serve_dns_answer(l->owner, (unsigned char *)buf->base, (size_t)got, out, sizeof out);
    if (len == 0)
      return;
    answer = uv_buf_init((char *)out, (unsigned)len);
  }
  (void)uv_udp_try_send(udp, &answer, 1, from);
}

static int listen_on(serve *s, const char *address, const service *what)
{
  struct sockaddr_storage at;
  memset(&at, 0, sizeof at);
  int rc = address_of(address, what->port, &at);
  serve_listener *l = calloc(1, sizeof *l);
  if (rc < 0 || !l) {
    free(l);
    return fail("address", address, rc);
  }
  l->owner = s;
  l->kind = what->kind;
  if (what->is_tcp) {
    rc = uv_tcp_init(&s->loop, &l->u.tcp);
    if (rc == 0)
      rc = uv_tcp_bind(&l->u.tcp, (struct sockaddr *)&at,
                       UV_TCP_IPV6ONLY * (at.ss_family == AF_INET6));
    l->u.handle.data = l;
    if (rc == 0)
      rc = uv_listen((uv_stream_t *)&l->u.tcp, 64, serve_accept);
  } else {
    rc = uv_udp_init(&s->loop, &l->u.udp);
    if (rc == 0)
      rc = uv_udp_bind(&l->u.udp, (struct sockaddr *)&at,
                       UV_UDP_REUSEADDR | (at.ss_family == AF_INET6 ? UV_UDP_IPV6ONLY : 0));
    l->u.handle.data = l;
    if (rc == 0)
      rc = uv_udp_recv_start(&l->u.udp, on_udp_room, on_datagram);
  }
  if (rc < 0)
    fprintf(stderr, "lab-serve: port %d: %s\n", what->port, uv_strerror(rc));
  return rc < 0 ? fail("listening on", address, rc) : 1;
}

int main(int argc, char **argv)
{
  serve s = {.name = NULL};
  plan p = {.address_count = 0};

  signal(SIGPIPE, SIG_IGN);
  if (!read_plan(&s, &p, argc, argv)) {
    fputs(usage, stderr);
    return 2;
  }
  if (uv_loop_init(&s.loop) < 0)
    return 1;
  for (size_t a = 0; a < p.address_count; a++)
    for (size_t k = 0; k < p.service_count; k++)
      if (!listen_on(&s, p.addresses[a], &p.services[k]))
        return 1;
  puts("ready");
  fflush(stdout);
  /* It serves until the machine it runs on is switched off, which is a SIGKILL. */
  return uv_run(&s.loop, UV_RUN_DEFAULT);
}
