/* watch: sleeps until the kernel tells of a transaction that touched our table and was not ours, of
 * a change of the network, or of an excluded service that starts. */
#include "isolate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "events.h"
#include "network.h"
#include "support/json.h"
#include "support/netlink.h"

enum {
  APART_MS = 50,           /* between two records: at most twenty a second */
  NETWORK_APART_MS = 1000, /* between two of the network's, where one change brings many notices */
  PENDING_MAX = 32,
  RECEIVE_BUFFER = 4 * 1024 * 1024, /* a large set of somebody else's is many notices at once */
  ROUNDS = 64                       /* buffers read before the pending ones are looked at */
};

typedef struct watch {
  iso_plugin *self;
  const sup_call *call;
  int notices;
  int network; /* hears of links, addresses and routes */
  int wake;
  int groups; /* inotify, for services that start */
  bool groups_watched;
  unsigned char *buffer; /* SUP_NETLINK_BUFFER */
  bool in_first_namespace;
  bool touched; /* our table, since the last new generation */
  bool lost;    /* the kernel had to drop notices */
  bool started; /* an excluded service, it may be; not told yet */
  iso_event pending[PENDING_MAX];
  size_t pending_count;
  bool changed; /* by somebody else, `by` being the last one; not told yet */
  iso_event by;
  uint64_t next_record_ms;
  iso_network moved; /* what of the network has changed; not told yet */
  uint64_t next_network_ms;
} watch;

cordon_status iso_watch_open(int *ret_fd, sup_err *err)
{
  return sup_netlink_open(NETLINK_NETFILTER, NFNLGRP_NFTABLES, ret_fd, err);
}

/* The kernel tells numbers of the first PID namespace, whose name has been fixed ever since there
 * are such. */
static bool is_first_namespace(void)
{
  struct stat st;
  return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == 0xEFFFFFFCu;
}

static void on_event(void *data, const iso_event *e)
{
  watch *w = data;
  if (e->touches_us)
    w->touched = true;
  if (!e->new_generation)
    return;
  if (w->touched && w->pending_count < PENDING_MAX)
    w->pending[w->pending_count++] = *e;
  else if (w->touched)
    w->lost = true;
  w->touched = false;
}

/* Reads what there is, without waiting. */
static cordon_status read_notices(watch *w, sup_err *err)
{
  for (int i = 0; i < ROUNDS; i++) {
    size_t len = 0;
    sup_err why = {0};
    cordon_status status =
        sup_netlink_receive(w->notices, w->buffer, SUP_NETLINK_BUFFER, 0, &len, &why);
    if (status == CORDON_E_DEADLINE)
      return CORDON_OK;
    if (status == CORDON_E_LIMIT) {
      /* Notices were dropped: what happened is not known, only that something did. */
      w->lost = true;
      continue;
    }
    if (status != CORDON_OK) {
      *err = why;
      return status;
    }
    iso_events_walk(w->buffer, len, on_event, w);
  }
  return CORDON_OK;
}

/* Sorts the pending generations into ours, theirs, and those of a load of ours that has not ended
 * yet, which stay. */
static void settle(watch *w)
{
  size_t kept = 0;
  for (size_t i = 0; i < w->pending_count; i++) {
    iso_maker maker = iso_gens_maker(&w->self->gens, w->pending[i].generation);
    if (maker == ISO_UNSETTLED) {
      w->pending[kept++] = w->pending[i];
    } else if (maker == ISO_THEIRS) {
      w->changed = true;
      w->by = w->pending[i];
    }
  }
  w->pending_count = kept;
}

static cordon_status emit_changed(watch *w)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "event", "changed");
  if (w->changed) {
    cJSON *by = cJSON_AddObjectToObject(record, "by");
    if (w->in_first_namespace && w->by.thread != 0)
      (void)cJSON_AddNumberToObject(by, "pid", w->by.thread);
    sup_json_add_text(by, "name", w->by.name);
  }
  if (w->lost)
    (void)cJSON_AddStringToObject(
        record, "note", "there were more notices than could be kept; anything may have changed");
  else if (w->started)
    (void)cJSON_AddStringToObject(record, "note", "an excluded service may have started");
  cordon_status status = sup_call_emit(w->call, record);
  cJSON_Delete(record);
  w->changed = false;
  w->lost = false;
  w->started = false;
  w->next_record_ms = sup_now_ms() + APART_MS;
  return status;
}

static cordon_status emit_network(watch *w)
{
  char note[96];
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "event", "network");
  (void)snprintf(note, sizeof(note), "%s%s%s%s have changed", w->moved.links ? "links " : "",
                 w->moved.addresses ? "addresses " : "", w->moved.routes ? "routes " : "",
                 w->moved.lost ? "and more" : "");
  (void)cJSON_AddStringToObject(record, "note", note);
  cordon_status status = sup_call_emit(w->call, record);
  cJSON_Delete(record);
  w->moved = (iso_network){.links = false};
  w->next_network_ms = sup_now_ms() + NETWORK_APART_MS;
  return status;
}

static void sleep_at_most(int *timeout_ms, uint64_t until_ms, uint64_t now_ms)
{
  int left = (int)(until_ms - now_ms);
  if (*timeout_ms < 0 || left < *timeout_ms)
    *timeout_ms = left;
}

/* Tells what is due and says how long to sleep: for ever, unless something waits for its turn. */
static cordon_status tell(watch *w, int *ret_timeout_ms)
{
  cordon_status status = CORDON_OK;
  *ret_timeout_ms = -1;
  settle(w);
  uint64_t now = sup_now_ms();
  bool changed = w->changed || w->lost || w->started;
  if (changed && now >= w->next_record_ms)
    status = emit_changed(w);
  else if (changed)
    sleep_at_most(ret_timeout_ms, w->next_record_ms, now);
  if (status != CORDON_OK || !iso_network_moved(&w->moved))
    return status;
  if (now >= w->next_network_ms)
    return emit_network(w);
  sleep_at_most(ret_timeout_ms, w->next_network_ms, now);
  return CORDON_OK;
}

/* What started before it was watched is looked for as well. */
static void watch_groups(watch *w)
{
  bool any = iso_names_any(&w->self->names);
  if (!any && w->groups_watched) {
    /* Nobody is waited for any more: a new one hears nothing. */
    (void)close(w->groups);
    w->groups = iso_group_watch_open();
    w->groups_watched = false;
  }
  if (w->groups_watched || w->groups < 0 || !any)
    return;
  w->groups_watched = iso_group_watch_add(w->groups);
  w->started = w->groups_watched;
}

/* Likewise, for the network. */
static cordon_status read_network(watch *w, sup_err *err)
{
  for (int i = 0; i < ROUNDS; i++) {
    size_t len = 0;
    sup_err why = {0};
    cordon_status status =
        sup_netlink_receive(w->network, w->buffer, SUP_NETLINK_BUFFER, 0, &len, &why);
    if (status == CORDON_E_DEADLINE)
      return CORDON_OK;
    if (status == CORDON_E_LIMIT) {
      w->moved.lost = true;
      continue;
    }
    if (status != CORDON_OK) {
      *err = why;
      return status;
    }
    iso_network_walk(w->buffer, len, &w->moved);
  }
  return CORDON_OK;
}

static cordon_status watch_loop(watch *w, sup_err *err)
{
  for (;;) {
    int timeout_ms = -1;
    watch_groups(w);
    cordon_status status = tell(w, &timeout_ms);
    if (status != CORDON_OK)
      return sup_fail(err, status, "the host takes no more records");
    if (sup_call_cancelled(w->call))
      return sup_fail(err, CORDON_E_CANCELLED, "the watch was ended");
    struct pollfd fds[4] = {{.fd = w->notices, .events = POLLIN},
                            {.fd = w->wake, .events = POLLIN},
                            {.fd = w->network, .events = POLLIN},
                            {.fd = w->groups, .events = POLLIN}};
    if (poll(fds, 4, timeout_ms) < 0 && errno != EINTR)
      return sup_fail_os(err, errno, "the watch could not wait");
    uint64_t woken = 0;
    if (fds[1].revents != 0 && read(w->wake, &woken, sizeof(woken)) < 0 && errno != EAGAIN)
      return sup_fail_os(err, errno, "the watch could not be woken");
    if (fds[3].revents != 0 && iso_group_watch_read(w->groups, &w->self->names))
      w->started = true;
    if (fds[0].revents != 0)
      status = read_notices(w, err);
    if (status == CORDON_OK && fds[2].revents != 0)
      status = read_network(w, err);
    if (status != CORDON_OK)
      return status;
  }
}

static cordon_status watch_begin(watch *w, sup_err *err)
{
  w->buffer = malloc(SUP_NETLINK_BUFFER);
  if (w->buffer == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to watch");
  cordon_status status = iso_watch_open(&w->notices, err);
  if (status != CORDON_OK)
    return status;
  /* Past the system's limit where we may; a smaller buffer only means that notices are lost sooner.
   */
  int size = RECEIVE_BUFFER;
  if (setsockopt(w->notices, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
    (void)setsockopt(w->notices, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  status = iso_network_open(&w->network, err);
  if (status != CORDON_OK)
    return status;
  w->groups = iso_group_watch_open();
  w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (w->wake < 0)
    return sup_fail_os(err, errno, "there is no eventfd for the watch");
  if (!iso_watchers_add(&w->self->watchers, w->call->op, w->wake))
    return sup_fail(err, CORDON_E_LIMIT, "more than %d watches at once", ISO_WATCHERS_MAX);
  return CORDON_OK;
}

static cordon_status emit_watching(const watch *w, sup_err *err)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "event", "watching");
  cordon_status status = sup_call_emit(w->call, record);
  cJSON_Delete(record);
  if (status != CORDON_OK)
    return sup_fail(err, status, "the host takes no records");
  return CORDON_OK;
}

cordon_status iso_watch(iso_plugin *self, const sup_call *call, sup_err *err)
{
  watch w = {.self = self,
             .call = call,
             .notices = -1,
             .network = -1,
             .wake = -1,
             .groups = -1,
             .in_first_namespace = is_first_namespace()};
  cordon_status status = watch_begin(&w, err);
  if (status == CORDON_OK)
    status = emit_watching(&w, err);
  if (status == CORDON_OK)
    status = watch_loop(&w, err);
  iso_watchers_remove(&self->watchers, call->op);
  if (w.notices >= 0)
    (void)close(w.notices);
  if (w.network >= 0)
    (void)close(w.network);
  if (w.wake >= 0)
    (void)close(w.wake);
  if (w.groups >= 0)
    (void)close(w.groups);
  free(w.buffer);
  return status;
}
