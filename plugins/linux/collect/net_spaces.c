/* Network namespaces, and asking the kernel in each of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "net.h"
#include "package.h"
#include "support/call.h"
#include "support/csv.h"

enum { DUMP_MS = 5000 };

static void add_own(col_spaces *s)
{
  col_space *own = &s->items[s->count];
  sup_err err = {0};
  *own = (col_space){.diag = -1, .route = -1};
  (void)sup_netlink_open(NETLINK_SOCK_DIAG, 0, &own->diag, &err);
  (void)sup_netlink_open(NETLINK_ROUTE, 0, &own->route, &err);
  s->count++;
}

static void add_other(col_spaces *s, const cordon_space *from)
{
  col_space *space = &s->items[s->count++];
  *space = (col_space){.id = from->id, .pid = from->pid, .diag = from->diag, .route = from->route};
  sup_csv_escape(from->name, strnlen(from->name, sizeof(from->name)), space->name,
                 sizeof(space->name));
}

void col_spaces_open(const col_task *t, col_spaces *ret_spaces)
{
  const col_options *o = col_options_of(t);
  const cordon_host *h = o->host;
  const cordon_host_sight *sight = NULL;
  *ret_spaces = (col_spaces){0};
  add_own(ret_spaces);
  if (h != NULL && h->get_extension != NULL)
    sight = h->get_extension(h, CORDON_HOST_SIGHT);
  for (uint32_t i = 0; sight != NULL && !col_stop(t); i++) {
    cordon_space from = {.diag = -1, .route = -1};
    cordon_status status = sight->space(h, i, &from);
    if (status == CORDON_E_NOTFOUND)
      return;
    if (status == CORDON_OK && ret_spaces->count < COL_SPACES_MAX) {
      add_other(ret_spaces, &from);
      continue;
    }
    if (status == CORDON_OK) {
      (void)close(from.diag);
      (void)close(from.route);
    }
    if (ret_spaces->left_out++ == 0)
      (void)snprintf(ret_spaces->why, sizeof(ret_spaces->why),
                     "the namespace of process %d could not be looked into (status %d)",
                     (int)from.pid, (int)status);
    if (ret_spaces->left_out > 4 * COL_SPACES_MAX)
      return;
  }
}

void col_spaces_close(col_spaces *s)
{
  for (size_t i = 0; i < s->count; i++) {
    if (s->items[i].diag >= 0)
      (void)close(s->items[i].diag);
    if (s->items[i].route >= 0)
      (void)close(s->items[i].route);
  }
  s->count = 0;
}

void col_space_field(col_task *t, const col_space *s)
{
  char text[128] = "";
  if (s->id != 0)
    (void)snprintf(text, sizeof(text), "%llu (%s %d)", (unsigned long long)s->id, s->name,
                   (int)s->pid);
  col_text(t, text);
}

/* What the end of a dump says: its error, if there was one. */
static int error_of_end(const sup_message *m)
{
  int error = 0;
  if (m->len >= sizeof(error))
    memcpy(&error, m->payload, sizeof(error));
  if (error >= 0)
    return 0;
  return error < -4095 ? EPROTO : -error;
}

bool col_dump_take(col_dumping *d, const unsigned char *bytes, size_t len, col_message_fn *fn,
                   void *data)
{
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    /* What is left of a dump that was given up. */
    if (m.sequence != d->sequence)
      continue;
    d->changed = d->changed || (m.flags & NLM_F_DUMP_INTR) != 0;
    if (m.type == NLMSG_DONE) {
      d->error = error_of_end(&m);
      return true;
    }
    if (m.type == NLMSG_ERROR) {
      d->error = sup_message_error(&m);
      if (d->error < 0)
        d->error = EPROTO;
      return true;
    }
    fn(data, &m);
  }
  return false;
}

/* Sends it with a number of its own. The buffer is large enough for any request. */
static int send_request(int fd, const void *request, size_t len, uint32_t sequence,
                        unsigned char *buffer)
{
  struct nlmsghdr head;
  sup_err err = {0};
  if (len < sizeof(head) || len > SUP_NETLINK_BUFFER)
    return EINVAL;
  memcpy(buffer, request, len);
  memcpy(&head, buffer, sizeof(head));
  head.nlmsg_seq = sequence;
  memcpy(buffer, &head, sizeof(head));
  if (sup_netlink_send(fd, buffer, len, &err) != CORDON_OK)
    return err.os_error != 0 ? (int)err.os_error : EIO;
  return 0;
}

int col_dump(col_task *t, int fd, const void *request, size_t len, col_message_fn *fn, void *data)
{
  sup_err err = {0};
  size_t got = 0;
  if (fd < 0)
    return ENOTCONN;
  unsigned char *buffer = malloc(SUP_NETLINK_BUFFER);
  if (buffer == NULL)
    return ENOMEM;
  col_dumping d = {.sequence = 1 + atomic_fetch_add(&col_device_of(t)->dumps, 1)};
  d.error = send_request(fd, request, len, d.sequence, buffer);
  uint64_t left = col_left_ms(t) < DUMP_MS ? col_left_ms(t) : DUMP_MS;
  uint64_t until = sup_now_ms() + left;
  while (d.error == 0) {
    if (sup_netlink_receive(fd, buffer, SUP_NETLINK_BUFFER, until, &got, &err) != CORDON_OK) {
      d.error = err.os_error != 0 ? (int)err.os_error : ETIMEDOUT;
      break;
    }
    if (col_dump_take(&d, buffer, got, fn, data))
      break;
  }
  free(buffer);
  if (d.changed)
    col_mark(t, COL_PARTIAL, "it changed while the kernel listed it: rows may be missing");
  return d.error;
}
