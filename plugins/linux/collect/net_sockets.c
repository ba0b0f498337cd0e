/* Sockets of every kind, and who holds them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net.h"

enum { HOLDERS_TOLD = 16 };

typedef struct looking {
  col_task *task;
  col_holders holders;
  col_users users;
  col_spaces spaces;
  const col_space *space; /* that is looked at */
  const char *protocol;
} looking;

static void put_holder(looking *l, uint64_t inode)
{
  char name[COL_COMM] = "";
  char program[COL_PATH] = "";
  char others[HOLDERS_TOLD * 12] = "";
  size_t count = 0;
  size_t at = 0;
  const col_holder *h = col_holders_find(&l->holders, inode, &count);
  if (h == NULL) {
    col_text(l->task, "");
  } else {
    col_process_name(l->task, h->pid, name);
    col_process_program(l->task, h->pid, program, sizeof(program));
    col_num(l->task, h->pid);
  }
  for (size_t i = 1; h != NULL && i < count && i <= HOLDERS_TOLD && at < sizeof(others); i++)
    at +=
        (size_t)snprintf(others + at, sizeof(others) - at, "%s%d", i > 1 ? " " : "", (int)h[i].pid);
  col_text(l->task, name);
  col_text(l->task, program);
  col_text(l->task, others);
}

static void put_inet(void *data, const sup_message *m)
{
  looking *l = data;
  col_inet s;
  char mark[16] = "";
  bool tcp = strncmp(l->protocol, "tcp", 3) == 0;
  if (!col_inet_read(m, &s) || col_stop(l->task))
    return;
  if (s.has_mark)
    (void)snprintf(mark, sizeof(mark), "0x%x", s.mark);
  col_space_field(l->task, l->space);
  col_text(l->task, l->protocol);
  col_text(l->task, s.local);
  col_num(l->task, s.local_port);
  col_text(l->task, s.remote);
  col_num(l->task, s.remote_port);
  col_text(l->task, col_inet_state(s.state, tcp));
  put_holder(l, s.inode);
  col_num(l->task, s.uid);
  col_text(l->task, col_users_name(&l->users, s.uid));
  col_unum(l->task, s.inode);
  col_text(l->task, mark);
  col_num(l->task, s.interface);
  col_unum(l->task, s.cgroup);
  col_num(l->task, s.receive);
  col_num(l->task, s.send);
  (void)col_row(l->task);
}

static int dump_inet(looking *l, uint8_t family, uint8_t protocol, uint32_t states,
                     col_message_fn *fn)
{
  struct {
    struct nlmsghdr h;
    struct inet_diag_req_v2 r;
  } request = {.h = {.nlmsg_len = sizeof(request),
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
               .r = {.sdiag_family = family, .sdiag_protocol = protocol, .idiag_states = states}};
  return col_dump(l->task, l->space->diag, &request, sizeof(request), fn, l);
}

static void connections(looking *l)
{
  static const struct {
    uint8_t family, protocol;
    const char *name;
  } kinds[] = {{AF_INET, IPPROTO_TCP, "tcp"},   {AF_INET6, IPPROTO_TCP, "tcp6"},
               {AF_INET, IPPROTO_UDP, "udp"},   {AF_INET6, IPPROTO_UDP, "udp6"},
               {AF_INET, IPPROTO_RAW, "raw"},   {AF_INET6, IPPROTO_RAW, "raw6"},
               {AF_INET, IPPROTO_SCTP, "sctp"}, {AF_INET6, IPPROTO_SCTP, "sctp6"}};
  col_task *t = l->task;
  col_begin(t, "connections.csv", "sock_diag: TCP, UDP, RAW and SCTP of each network namespace");
  if (l->spaces.left_out > 0)
    col_mark(t, COL_PARTIAL, "%zu network namespaces are not in it: %s", l->spaces.left_out,
             l->spaces.why);
  if (l->holders.full)
    col_cap(t, "of more than %d sockets the holders are not told", COL_SOCKETS_MAX);
  if (l->holders.not_seen > 0)
    col_mark(t, COL_PARTIAL, "the files of %zu processes may not be seen", l->holders.not_seen);
  col_head(t, "namespace,protocol,local_address,local_port,remote_address,remote_port,state,pid,"
              "process,program,other_pids,uid,user,inode,mark,interface,cgroup_id,receive_queue,"
              "send_queue");
  for (size_t i = 0; i < l->spaces.count && !col_stop(t); i++) {
    l->space = &l->spaces.items[i];
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
      l->protocol = kinds[k].name;
      int error = dump_inet(l, kinds[k].family, kinds[k].protocol, ~0u, put_inet);
      /* A kernel without a protocol has no sockets of it. */
      if (error != 0 && error != ENOENT && error != EINVAL && error != EOPNOTSUPP)
        col_mark(t, COL_PARTIAL, "%s: %s", kinds[k].name, strerror(error));
    }
  }
}

static const char *socket_type(uint8_t type)
{
  static const char *const names[] = {"", "stream", "datagram", "raw", "reliable", "seqpacket"};
  return type < sizeof(names) / sizeof(names[0]) ? names[type] : "";
}

static void put_unix(void *data, const sup_message *m)
{
  looking *l = data;
  col_unix s;
  if (!col_unix_read(m, &s) || col_stop(l->task))
    return;
  col_space_field(l->task, l->space);
  col_text(l->task, socket_type(s.type));
  col_text(l->task, col_inet_state(s.state, s.type != SOCK_DGRAM));
  col_bytes(l->task, s.path, s.path_len);
  col_unum(l->task, s.inode);
  col_unum(l->task, s.peer);
  put_holder(l, s.inode);
  (void)col_row(l->task);
}

static void unix_sockets(looking *l)
{
  col_task *t = l->task;
  struct {
    struct nlmsghdr h;
    struct unix_diag_req r;
  } request = {.h = {.nlmsg_len = sizeof(request),
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
               .r = {.sdiag_family = AF_UNIX,
                     .udiag_states = ~0u,
                     .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER}};
  col_begin(t, "unix_sockets.csv", "sock_diag: AF_UNIX of each network namespace");
  col_head(t, "namespace,type,state,path,inode,peer_inode,pid,process,program,other_pids");
  for (size_t i = 0; i < l->spaces.count && !col_stop(t); i++) {
    l->space = &l->spaces.items[i];
    int error = col_dump(t, l->space->diag, &request, sizeof(request), put_unix, l);
    if (error != 0)
      col_mark(t, COL_PARTIAL, "the kernel does not list them: %s", strerror(error));
  }
}

static void put_packet(void *data, const sup_message *m)
{
  looking *l = data;
  col_packet s;
  char protocol[16];
  if (!col_packet_read(m, &s) || col_stop(l->task))
    return;
  (void)snprintf(protocol, sizeof(protocol), "0x%04x", s.protocol);
  col_space_field(l->task, l->space);
  col_text(l->task, socket_type(s.type));
  col_text(l->task, protocol);
  col_num(l->task, s.interface);
  col_unum(l->task, s.inode);
  put_holder(l, s.inode);
  col_num(l->task, s.uid);
  (void)col_row(l->task);
}

static void packet_sockets(looking *l)
{
  col_task *t = l->task;
  struct {
    struct nlmsghdr h;
    struct packet_diag_req r;
  } request = {.h = {.nlmsg_len = sizeof(request),
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
               .r = {.sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO}};
  col_begin(t, "packet_sockets.csv", "sock_diag: AF_PACKET of each network namespace");
  col_head(t, "namespace,type,protocol,interface,inode,pid,process,program,other_pids,uid");
  for (size_t i = 0; i < l->spaces.count && !col_stop(t); i++) {
    l->space = &l->spaces.items[i];
    int error = col_dump(t, l->space->diag, &request, sizeof(request), put_packet, l);
    if (error != 0)
      col_mark(t, COL_PARTIAL, "the kernel does not list them: %s", strerror(error));
  }
}

static looking *looking_new(col_task *t)
{
  looking *l = calloc(1, sizeof(*l));
  if (l == NULL) {
    col_mark(t, COL_ERROR, "there is no memory to look at the sockets");
    return NULL;
  }
  l->task = t;
  col_spaces_open(t, &l->spaces);
  col_holders_read(t, &l->holders);
  col_users_read(t, &l->users);
  return l;
}

static void looking_free(looking *l)
{
  col_spaces_close(&l->spaces);
  col_holders_release(&l->holders);
  col_users_release(&l->users);
  free(l);
}

void col_net_sockets(col_task *t)
{
  looking *l = looking_new(t);
  if (l == NULL)
    return;
  connections(l);
  unix_sockets(l);
  packet_sockets(l);
  looking_free(l);
}

/* ---- SMB ---- */

static bool is_smb(const col_inet *s)
{
  return s->state == 1 && (s->local_port == 445 || s->local_port == 139 || s->local_port == 2049);
}

static void put_smb(void *data, const sup_message *m)
{
  looking *l = data;
  col_inet s;
  if (!col_inet_read(m, &s) || !is_smb(&s) || col_stop(l->task))
    return;
  col_text(l->task, s.local_port == 2049 ? "nfs" : "smb");
  col_space_field(l->task, l->space);
  col_text(l->task, s.remote);
  col_num(l->task, s.remote_port);
  col_text(l->task, s.local);
  col_num(l->task, s.local_port);
  put_holder(l, s.inode);
  col_text(l->task, "");
  (void)col_row(l->task);
}

void col_net_smb(col_task *t)
{
  static const uint8_t families[] = {AF_INET, AF_INET6};
  looking *l = looking_new(t);
  for (size_t i = 0; l != NULL && i < l->spaces.count && !col_stop(t); i++) {
    l->space = &l->spaces.items[i];
    for (size_t f = 0; f < 2; f++) {
      int error = dump_inet(l, families[f], IPPROTO_TCP, 1u << 1, put_smb);
      if (error != 0)
        col_mark(t, COL_PARTIAL, "the kernel does not list sockets: %s", strerror(error));
    }
  }
  if (l != NULL)
    looking_free(l);
}
