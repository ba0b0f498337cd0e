#include "spaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "packets.h"
#include "sockets.h"
#include "support/json.h"
#include "support/netlink.h"

enum { ANSWER_MS = 2000, SPACES_MAX = 512 };

typedef struct visit {
  const cordon_host *host;
  const cordon_host_sight *sight;
  const sup_call *call;
  const iso_params *params;
  iso_locals *locals;
  unsigned char *buffer; /* SUP_NETLINK_BUFFER */
  iso_spaces *spaces;
} visit;

static void close_space(const cordon_space *s)
{
  if (s->diag >= 0)
    (void)close(s->diag);
  if (s->route >= 0)
    (void)close(s->route);
}

static cordon_status add_addresses(visit *v, int fd, sup_err *err)
{
  struct {
    struct nlmsghdr head;
    struct ifaddrmsg body;
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = RTM_GETADDR,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
           .body = {.ifa_family = AF_UNSPEC}};
  bool done = false;
  cordon_status status = sup_netlink_send(fd, &ask, sizeof(ask), err);
  while (status == CORDON_OK && !done) {
    size_t len = 0;
    status = sup_netlink_receive(fd, v->buffer, SUP_NETLINK_BUFFER,
                                 sup_call_until(v->call, ANSWER_MS), &len, err);
    if (status == CORDON_OK && !iso_locals_walk(v->buffer, len, v->locals, &done))
      status =
          sup_fail(err, CORDON_E_LIMIT, "this machine has more than %d addresses", ISO_LOCALS_MAX);
  }
  return status;
}

static iso_space *note(visit *v, const cordon_space *s, const char *why)
{
  iso_spaces *all = v->spaces;
  if (all->count == ISO_SPACES_TOLD) {
    all->not_told++;
    return NULL;
  }
  iso_space *space = &all->items[all->count++];
  *space = (iso_space){.id = s->id, .pid = s->pid};
  memcpy(space->name, s->name, sizeof(space->name));
  space->name[sizeof(space->name) - 1] = '\0';
  if (why != NULL)
    (void)snprintf(space->why, sizeof(space->why), "%.*s", ISO_SPACE_WHY - 1, why);
  return space;
}

/* The addresses first: what one namespace has is no other's way out of the machine. */
static void see(visit *v, const cordon_space *s)
{
  sup_err why = {0};
  if (add_addresses(v, s->route, &why) != CORDON_OK)
    sup_log(v->host, v->call->op, CORDON_LOG_WARN,
            "the addresses of the namespace of process %d: %s", (int)s->pid, why.sentence);
}

static void end_there(visit *v, const cordon_space *s)
{
  sup_err why = {0};
  iso_ended ended = {0};
  cordon_status status =
      iso_sockets_end_elsewhere(v->params, v->call, v->locals, s->diag, &ended, &why);
  v->spaces->ended += ended.ended;
  if (status == CORDON_OK && ended.ended == 0 && ended.failed == 0)
    return;
  iso_space *space = note(v, s, status != CORDON_OK ? why.sentence : NULL);
  if (space == NULL)
    return;
  space->ended = ended.ended;
  space->failed = ended.failed;
}

/* Calls `fn` in each; those that cannot be had are noted if `skipped`. */
static cordon_status each(visit *v, void (*fn)(visit *v, const cordon_space *s), bool skipped,
                          sup_err *err)
{
  for (uint32_t i = 0; i < SPACES_MAX; i++) {
    cordon_space s = {.diag = -1, .route = -1};
    cordon_status status = sup_call_check(v->call, err);
    if (status != CORDON_OK)
      return status;
    status = v->sight->space(v->host, i, &s);
    if (status == CORDON_E_NOTFOUND)
      return CORDON_OK;
    if (status == CORDON_OK)
      fn(v, &s);
    else if (s.id == 0)
      return CORDON_OK; /* the agent does not answer */
    else if (skipped)
      (void)note(v, &s, "it could not be entered");
    close_space(&s);
  }
  return CORDON_OK;
}

cordon_status iso_spaces_end(const cordon_host *host, const sup_call *call, const iso_params *p,
                             iso_locals *locals, iso_spaces *ret_spaces, sup_err *err)
{
  visit v = {.host = host,
             .sight = iso_sight(host),
             .call = call,
             .params = p,
             .locals = locals,
             .spaces = ret_spaces};
  if (v.sight == NULL)
    return CORDON_OK;
  v.buffer = malloc(SUP_NETLINK_BUFFER);
  if (v.buffer == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look into other namespaces");
  ret_spaces->looked = true;
  cordon_status status = each(&v, see, false, err);
  if (status == CORDON_OK)
    status = each(&v, end_there, true, err);
  free(v.buffer);
  return status;
}

uint32_t iso_spaces_ended(const iso_spaces *s)
{
  return s->ended;
}

void iso_spaces_add(const iso_spaces *s, cJSON *details)
{
  if (!s->looked || s->count == 0)
    return;
  cJSON *list = cJSON_AddArrayToObject(details, "namespaces");
  for (size_t i = 0; i < s->count; i++) {
    const iso_space *space = &s->items[i];
    char id[32];
    cJSON *item = cJSON_CreateObject();
    (void)snprintf(id, sizeof(id), "net:[%llu]", (unsigned long long)space->id);
    (void)cJSON_AddStringToObject(item, "namespace", id);
    (void)cJSON_AddNumberToObject(item, "pid", space->pid);
    sup_json_add_text(item, "name", space->name);
    (void)cJSON_AddNumberToObject(item, "ended", space->ended);
    (void)cJSON_AddNumberToObject(item, "failed", space->failed);
    if (space->why[0] != '\0')
      sup_json_add_text(item, "skipped", space->why);
    (void)cJSON_AddItemToArray(list, item);
  }
  if (s->not_told > 0)
    (void)cJSON_AddNumberToObject(details, "namespaces_not_told", s->not_told);
}
