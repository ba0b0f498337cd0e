#include "chan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/message.h"
#include "platform/socket.h"

#include "base/banned.h"

struct chan_socket {
  uv_tcp_t tcp;
  uv_connect_t connect;
  chan *chan;
  chan_socket *next;
  uint64_t op; /* of its candidate; 0: nobody waits for it any more */
};

static void step(chan *c);

static void on_socket_closed(uv_handle_t *handle)
{
  free(handle->data);
}

static void discard(chan_socket *s)
{
  if (s == NULL)
    return;
  s->op = 0;
  if (!uv_is_closing((uv_handle_t *)&s->tcp))
    uv_close((uv_handle_t *)&s->tcp, on_socket_closed);
}

static void note_why(chan *c, const char *why)
{
  if (c->dial.why[0] == '\0')
    (void)snprintf(c->dial.why, sizeof(c->dial.why), "%s", why);
}

static void give_up(chan_candidate *x)
{
  x->state = CHAN_FAILED;
  discard(x->socket);
  x->socket = NULL;
}

static void fail_candidate(chan *c, chan_candidate *x, const char *why)
{
  char text[CD_ERR_TEXT_MAX];
  (void)snprintf(text, sizeof(text), "%s port %u: %.400s", x->text, x->port, why);
  cd_log(CD_AREA_CHANNEL, CD_LOG_DEBUG, "%s", text);
  note_why(c, text);
  give_up(x);
}

static chan_candidate *find(chan *c, uint64_t op)
{
  for (unsigned i = 0; op != 0 && i < c->dial.candidate_count; i++) {
    if (c->dial.candidates[i].op == op)
      return &c->dial.candidates[i];
  }
  return NULL;
}

/* ---- candidates ---- */

static void add_candidate(chan *c, unsigned console, const struct sockaddr *address)
{
  chan_dial *d = &c->dial;
  chan_candidate x = {.console = console, .port = d->consoles[console].port};
  bool v6 = address->sa_family == AF_INET6;
  if (v6) {
    struct sockaddr_in6 a;
    memcpy(&a, address, sizeof(a));
    a.sin6_port = htons(x.port);
    (void)uv_ip6_name(&a, x.text, sizeof(x.text));
    memcpy(&x.address, &a, sizeof(a));
  } else {
    struct sockaddr_in a;
    memcpy(&a, address, sizeof(a));
    a.sin_port = htons(x.port);
    (void)uv_ip4_name(&a, x.text, sizeof(x.text));
    memcpy(&x.address, &a, sizeof(a));
  }
  for (unsigned i = 0; i < d->candidate_count; i++) {
    if (d->candidates[i].console == console && strcmp(d->candidates[i].text, x.text) == 0)
      return;
  }
  if (d->candidate_count < CHAN_CANDIDATES_MAX)
    d->candidates[d->candidate_count++] = x;
}

static bool add_text(chan *c, unsigned console, const char *text)
{
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  if (uv_ip4_addr(text, 0, &v4) == 0)
    add_candidate(c, console, (const struct sockaddr *)&v4);
  else if (strchr(text, '%') == NULL && uv_ip6_addr(text, 0, &v6) == 0)
    add_candidate(c, console, (const struct sockaddr *)&v6);
  else
    return false;
  return true;
}

/* ---- names ---- */

/* For the next round, when perhaps no name can be looked up any more. */
static void keep_addresses(chan_console *console, const struct addrinfo *list)
{
  unsigned count = 0;
  for (const struct addrinfo *a = list; a != NULL && count < CHAN_ADDRESSES_MAX; a = a->ai_next) {
    if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) &&
        uv_ip_name(a->ai_addr, console->addresses[count], CHAN_ADDRESS_MAX) == 0)
      count++;
  }
  console->address_count = count;
}

/* The agent remembers them too, for an isolation and for after a restart in one. */
static void tell_addresses(chan *c, const chan_console *console)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "host", console->host);
  cd_jw_u64(&w, "port", console->port);
  cd_jw_arr(&w, "addresses");
  for (unsigned i = 0; i < console->address_count; i++)
    cd_jw_cstr(&w, NULL, console->addresses[i]);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  if (console->address_count > 0 && cd_jw_done(&w, "the addresses", &err) == CD_OK)
    chan_send(c, IPC_CHAN_ADDRESSES, 0, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
  chan_lookup *l = req->data;
  chan *c = l->chan;
  chan_dial *d = &c->dial;
  char why[CD_ERR_TEXT_MAX];
  bool wanted = d->resolving && l->console < d->console_count;
  l->running = false;
  l->done = true;
  if (wanted && status == 0) {
    keep_addresses(&d->consoles[l->console], list);
    tell_addresses(c, &d->consoles[l->console]);
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
      if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
        add_candidate(c, l->console, a->ai_addr);
    }
  } else if (wanted) {
    (void)snprintf(why, sizeof(why), "the name '%s' could not be looked up: %s",
                   d->consoles[l->console].host, uv_strerror(status));
    note_why(c, why);
  }
  uv_freeaddrinfo(list);
  step(c);
}

static void look_up(chan *c, unsigned i)
{
  static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  chan_lookup *l = &c->dial.lookups[i];
  /* One that is stuck from the round before will still bring its answer. */
  if (l->running) {
    l->done = false;
    return;
  }
  l->chan = c;
  l->console = i;
  l->req.data = l;
  l->done = false;
  int rc = uv_getaddrinfo(&c->loop, &l->req, on_looked_up, c->dial.consoles[i].host, NULL, &hints);
  l->running = rc == 0;
  l->done = rc != 0;
  if (rc != 0)
    note_why(c, uv_strerror(rc));
}

static bool names_are_done(const chan_dial *d)
{
  for (unsigned i = 0; i < d->console_count; i++) {
    if (!d->lookups[i].done)
      return false;
  }
  return true;
}

/* Addresses of before come behind those that the name has now. */
static void add_known(chan *c)
{
  chan_dial *d = &c->dial;
  for (unsigned i = 0; i < d->console_count; i++) {
    for (unsigned k = 0; k < d->consoles[i].address_count; k++)
      (void)add_text(c, i, d->consoles[i].addresses[k]);
  }
}

/* ---- sockets ---- */

static void ask_socket(chan *c, chan_candidate *x)
{
  char text[160];
  x->state = CHAN_ASKED;
  x->op = ++c->dial.next_op;
  x->began_ms = cd_mono_ms();
  (void)snprintf(text, sizeof(text), "{\"address\":\"%s\",\"port\":%u}", x->text, x->port);
  chan_send(c, IPC_CHAN_WANT_SOCKET, x->op, cd_str_from(text));
}

void chan_dial_handle(chan *c)
{
  cd_err err = {0};
  chan_socket *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return;
  s->chan = c;
  (void)uv_tcp_init(&c->loop, &s->tcp);
  s->tcp.data = s;
  if (ipc_link_accept(&c->link, (uv_stream_t *)&s->tcp, &err) != CD_OK) {
    cd_log(CD_AREA_CHANNEL, CD_LOG_ERROR, "%s", err.text);
    discard(s);
    return;
  }
  chan_socket **last = &c->dial.arrived;
  while (*last != NULL)
    last = &(*last)->next;
  *last = s;
}

/* Where the agent cannot hand one over: opened here once it has agreed. */
static chan_socket *own_socket(chan *c, const chan_candidate *x, cd_err *err)
{
  uv_os_sock_t socket = NET_NO_SOCKET;
  chan_socket *s = calloc(1, sizeof(*s));
  if (s == NULL) {
    (void)cd_fail(err, CD_E_INTERNAL, "no memory for a socket");
    return NULL;
  }
  s->chan = c;
  (void)uv_tcp_init(&c->loop, &s->tcp);
  s->tcp.data = s;
  cd_code rc = pf_socket_marked(x->address.ss_family == AF_INET6, 0, &socket, err);
  int uv = rc == CD_OK ? uv_tcp_open(&s->tcp, socket) : 0;
  if (rc == CD_OK && uv == 0)
    return s;
  if (uv != 0) {
    pf_socket_close(socket);
    (void)cd_fail_os(err, CD_E_INTERNAL, -uv, "a socket could not be taken: %s", uv_strerror(uv));
  }
  discard(s);
  return NULL;
}

static chan_socket *arrived_socket(chan *c)
{
  chan_socket *s = c->dial.arrived;
  if (s != NULL)
    c->dial.arrived = s->next;
  return s;
}

static void done(chan *c, cd_code code, uv_os_sock_t socket, const chan_candidate *target)
{
  chan_dial *d = &c->dial;
  (void)uv_timer_stop(&d->timer);
  d->running = false;
  d->resolving = false;
  d->on_done(c, code, socket, target);
}

/* The first that is there wins; the others end. */
static void won(chan *c, chan_candidate *x)
{
  cd_err err = {0};
  uv_os_sock_t socket = NET_NO_SOCKET;
  cd_code rc = pf_socket_of(&x->socket->tcp, &socket, &err);
  if (rc != CD_OK) {
    fail_candidate(c, x, err.text);
    step(c);
    return;
  }
  give_up(x);
  for (unsigned i = 0; i < c->dial.candidate_count; i++) {
    chan_candidate *other = &c->dial.candidates[i];
    if (other->state == CHAN_CONNECTING) {
      discard(other->socket);
      other->socket = NULL;
    }
    if (other->state == CHAN_CONNECTING || other->state == CHAN_ASKED) {
      other->state = CHAN_UNTRIED;
      other->op = 0;
    }
  }
  done(c, CD_OK, socket, x);
}

static void on_connected(uv_connect_t *req, int status)
{
  chan_socket *s = req->data;
  chan *c = s->chan;
  chan_candidate *x = find(c, s->op);
  if (x == NULL || x->socket != s)
    return;
  if (status == 0) {
    won(c, x);
    return;
  }
  fail_candidate(c, x, uv_strerror(status));
  step(c);
}

void chan_dial_frame(chan *c, uint64_t op, cd_code code, const char *sentence)
{
  chan_candidate *x = find(c, op);
  chan_socket *s = NULL;
  cd_err err = {0};
  (void)cd_fail(&err, CD_E_INTERNAL, "%s", code == CD_OK ? "the agent sent no socket" : sentence);
  if (code == CD_OK && pf_socket_travels()) {
    s = arrived_socket(c);
    chan_send(c, IPC_CHAN_SOCKET_TAKEN, op, CD_STR("{}"));
  }
  if (x == NULL || x->state != CHAN_ASKED || !c->dial.running) {
    discard(s);
    return;
  }
  if (code == CD_OK && !pf_socket_travels())
    s = own_socket(c, x, &err);
  if (s == NULL) {
    fail_candidate(c, x, err.text);
    step(c);
    return;
  }
  s->op = op;
  s->connect.data = s;
  x->socket = s;
  x->state = CHAN_CONNECTING;
  int rc = uv_tcp_connect(&s->connect, &s->tcp, (const struct sockaddr *)&x->address, on_connected);
  if (rc != 0) {
    fail_candidate(c, x, uv_strerror(rc));
    step(c);
  }
}

/* ---- the round ---- */

static void end_of_resolving(chan *c)
{
  chan_dial *d = &c->dial;
  if (!d->resolving || (!names_are_done(d) && cd_mono_ms() < d->resolve_until_ms))
    return;
  d->resolving = false;
  add_known(c);
}

static void begin_next(chan *c, uint64_t now)
{
  chan_dial *d = &c->dial;
  for (unsigned i = 0; i < d->candidate_count; i++) {
    if (d->candidates[i].state != CHAN_UNTRIED)
      continue;
    d->next_ms = now + CHAN_STAGGER_MS;
    ask_socket(c, &d->candidates[i]);
    return;
  }
}

static void end_late(chan *c, uint64_t now)
{
  for (unsigned i = 0; i < c->dial.candidate_count; i++) {
    chan_candidate *x = &c->dial.candidates[i];
    if ((x->state == CHAN_ASKED || x->state == CHAN_CONNECTING) &&
        now - x->began_ms >= CHAN_CONNECT_MS)
      fail_candidate(c, x, "no answer in time");
  }
}

static unsigned count(const chan_dial *d, chan_candidate_state a, chan_candidate_state b)
{
  unsigned n = 0;
  for (unsigned i = 0; i < d->candidate_count; i++)
    n += d->candidates[i].state == a || d->candidates[i].state == b;
  return n;
}

/* What is to be done now: called whenever something has changed, and by the timer. */
static void step(chan *c)
{
  chan_dial *d = &c->dial;
  if (!d->running)
    return;
  end_of_resolving(c);
  if (d->resolving)
    return;
  uint64_t now = cd_mono_ms();
  end_late(c, now);
  if (now >= d->next_ms || count(d, CHAN_ASKED, CHAN_CONNECTING) == 0)
    begin_next(c, now);
  if (count(d, CHAN_ASKED, CHAN_CONNECTING) == 0 && count(d, CHAN_UNTRIED, CHAN_UNTRIED) == 0)
    done(c, CD_E_UNAVAILABLE, NET_NO_SOCKET, NULL);
}

static void on_timer(uv_timer_t *timer)
{
  step(timer->data);
}

void chan_dial_init(chan *c)
{
  (void)uv_timer_init(&c->loop, &c->dial.timer);
  c->dial.timer.data = c;
}

static void run(chan *c)
{
  c->dial.running = true;
  c->dial.next_ms = 0;
  (void)uv_timer_start(&c->dial.timer, on_timer, CHAN_STAGGER_MS / 4, CHAN_STAGGER_MS / 4);
}

void chan_dial_start(chan *c, chan_console *consoles, unsigned console_count,
                     void (*on_done)(chan *c, cd_code code, uv_os_sock_t socket,
                                     const chan_candidate *target))
{
  chan_dial *d = &c->dial;
  bool all_known = true;
  d->consoles = consoles;
  d->console_count = console_count;
  d->on_done = on_done;
  d->candidate_count = 0;
  d->why[0] = '\0';
  d->resolving = true;
  for (unsigned i = 0; i < console_count; i++) {
    if (add_text(c, i, consoles[i].host)) {
      d->lookups[i].done = true;
    } else {
      look_up(c, i);
      all_known = all_known && consoles[i].address_count > 0;
    }
  }
  d->resolve_until_ms = cd_mono_ms() + (all_known ? CHAN_RESOLVE_KNOWN_MS : CHAN_RESOLVE_MS);
  run(c);
}

void chan_dial_next(chan *c, const char *why)
{
  note_why(c, why);
  run(c);
}

void chan_dial_stop(chan *c)
{
  chan_dial *d = &c->dial;
  d->running = false;
  d->resolving = false;
  (void)uv_timer_stop(&d->timer);
  for (unsigned i = 0; i < d->candidate_count; i++)
    give_up(&d->candidates[i]);
  while (d->arrived != NULL) {
    chan_socket *s = d->arrived;
    d->arrived = s->next;
    discard(s);
  }
}
