/* Interfaces, addresses, routes and neighbours of each network namespace. */
#include <stdio.h>
#include <string.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "net.h"

typedef struct listing {
  col_task *task;
  const col_space *space;
} listing;

static void put_link(void *data, const sup_message *m)
{
  listing *l = data;
  col_link link;
  if (!col_link_read(m, &link) || col_stop(l->task))
    return;
  col_space_field(l->task, l->space);
  col_num(l->task, link.index);
  col_text(l->task, link.name);
  col_text(l->task, link.kind);
  col_text(l->task, link.mac);
  col_num(l->task, link.mtu);
  col_flag(l->task, (link.flags & IFF_UP) != 0);
  col_flag(l->task, (link.flags & IFF_RUNNING) != 0);
  col_flag(l->task, (link.flags & IFF_PROMISC) != 0);
  col_num(l->task, link.master);
  col_unum(l->task, link.received);
  col_unum(l->task, link.sent);
  (void)col_row(l->task);
}

static void put_address(void *data, const sup_message *m)
{
  listing *l = data;
  col_address a;
  if (!col_address_read(m, &a) || col_stop(l->task))
    return;
  col_space_field(l->task, l->space);
  col_num(l->task, a.index);
  col_text(l->task, a.label);
  col_text(l->task, a.address);
  col_num(l->task, a.prefix);
  col_text(l->task, a.peer);
  (void)col_row(l->task);
}

static void put_route(void *data, const sup_message *m)
{
  static const char *const types[] = {"",         "unicast",   "local",     "broadcast",
                                      "anycast",  "multicast", "blackhole", "unreachable",
                                      "prohibit", "throw",     "nat"};
  listing *l = data;
  col_route r;
  if (!col_route_read(m, &r) || col_stop(l->task))
    return;
  col_space_field(l->task, l->space);
  col_num(l->task, r.table);
  col_text(l->task, r.type < sizeof(types) / sizeof(types[0]) ? types[r.type] : "");
  col_text(l->task, r.to);
  col_num(l->task, r.prefix);
  col_text(l->task, r.via);
  col_num(l->task, r.out);
  col_text(l->task, r.source);
  col_num(l->task, r.priority);
  col_num(l->task, r.protocol);
  (void)col_row(l->task);
}

static void put_neighbour(void *data, const sup_message *m)
{
  listing *l = data;
  col_neighbour n;
  char state[64];
  if (!col_neighbour_read(m, &n) || col_stop(l->task))
    return;
  col_neighbour_state(n.state, state);
  col_space_field(l->task, l->space);
  col_num(l->task, n.index);
  col_text(l->task, n.address);
  col_text(l->task, n.mac);
  col_text(l->task, state);
  col_flag(l->task, (n.flags & NTF_ROUTER) != 0);
  (void)col_row(l->task);
}

static void list(col_task *t, const col_spaces *spaces, uint16_t type, col_message_fn *fn)
{
  struct {
    struct nlmsghdr h;
    struct rtmsg r;
  } request = {.h = {.nlmsg_len = sizeof(request),
                     .nlmsg_type = type,
                     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
  for (size_t i = 0; i < spaces->count && !col_stop(t); i++) {
    listing l = {.task = t, .space = &spaces->items[i]};
    int error = col_dump(t, l.space->route, &request, sizeof(request), fn, &l);
    if (error != 0)
      col_mark(t, COL_PARTIAL, "the kernel does not list them: %s", strerror(error));
  }
}

void col_net_links(col_task *t)
{
  col_spaces spaces;
  col_spaces_open(t, &spaces);
  col_begin(t, "neighbours.csv", "rtnetlink: RTM_GETNEIGH of each network namespace");
  col_head(t, "namespace,interface,address,mac,state,router");
  list(t, &spaces, RTM_GETNEIGH, put_neighbour);
  col_begin(t, "interfaces.csv", "rtnetlink: RTM_GETLINK of each network namespace");
  col_head(t, "namespace,index,name,kind,mac,mtu,up,running,promiscuous,master,received_bytes,"
              "sent_bytes");
  list(t, &spaces, RTM_GETLINK, put_link);
  col_begin(t, "addresses.csv", "rtnetlink: RTM_GETADDR of each network namespace");
  col_head(t, "namespace,interface,label,address,prefix,peer");
  list(t, &spaces, RTM_GETADDR, put_address);
  col_begin(t, "routes.csv", "rtnetlink: RTM_GETROUTE of each network namespace");
  col_head(t, "namespace,table,type,to,prefix,via,interface,source,metric,protocol");
  list(t, &spaces, RTM_GETROUTE, put_route);
  col_spaces_close(&spaces);
}
