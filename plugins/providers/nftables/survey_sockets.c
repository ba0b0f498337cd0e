/* The sockets of a survey: grouped, named, and which of them are somebody's session. Pure but for
 * the names of users. */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "sockets.h"

enum { UTMP_MAX = 256 * 1024 };

static iso_service *find_service(iso_survey *s, uint16_t port)
{
  for (size_t i = 0; i < s->service_count; i++) {
    if (s->services[i].port == port)
      return &s->services[i];
  }
  return NULL;
}

/* One for each port: the families and addresses of a service are the same to whoever uses it. */
static void note_service(iso_survey *s, const iso_socket *k)
{
  if (iso_addr_is_loopback(&k->local) || find_service(s, k->local_port) != NULL)
    return;
  if (s->service_count == ISO_SERVICES_MAX) {
    s->services_left++;
    return;
  }
  s->services[s->service_count++] = (iso_service){.address = k->local,
                                                  .port = k->local_port,
                                                  .inode = k->inode,
                                                  .cgroup = k->cgroup,
                                                  .uid = k->user};
}

/* The process is not known yet: sockets of one user and control group count as one process's. */
static iso_cut *find_cut(iso_survey *s, const iso_shown *shown, uint16_t port)
{
  const iso_socket *k = shown->socket;
  for (size_t i = 0; i < s->cut_count; i++) {
    iso_cut *c = &s->cuts[i];
    if (c->protocol == shown->protocol && c->in == shown->opened_by_remote && c->port == port &&
        c->uid == k->user && c->cgroup == k->cgroup &&
        iso_addr_compare(&c->remote, &k->remote) == 0)
      return c;
  }
  return NULL;
}

static void note_cut(iso_survey *s, const iso_shown *shown)
{
  const iso_socket *k = shown->socket;
  uint16_t port = shown->opened_by_remote ? k->local_port : k->remote_port;
  iso_cut *c = find_cut(s, shown, port);
  s->connections++;
  if (c == NULL && s->cut_count == ISO_CUTS_MAX)
    return;
  if (c == NULL) {
    c = &s->cuts[s->cut_count++];
    *c = (iso_cut){.protocol = shown->protocol,
                   .in = shown->opened_by_remote,
                   .remote = k->remote,
                   .port = port,
                   .inode = k->inode,
                   .cgroup = k->cgroup,
                   .uid = k->user};
  }
  c->count++;
  s->grouped++;
}

static const char *session_kind(const iso_procs *p, uint16_t port, const char *process)
{
  for (size_t i = 0; i < p->sshd_port_count; i++) {
    if (p->sshd_ports[i] == port)
      return "SSH";
  }
  if (port == 22 || strncmp(process, "sshd", 4) == 0)
    return "SSH";
  if (port == 3389 || strncmp(process, "xrdp", 4) == 0)
    return "remote desktop";
  if ((port >= 5900 && port <= 5909) || strncmp(process, "Xvnc", 4) == 0)
    return "VNC";
  return NULL;
}

static void note_session(iso_survey *s, const iso_socket *k)
{
  const iso_proc *holder = iso_procs_holder(&s->procs, k);
  const char *kind = session_kind(&s->procs, k->local_port, holder != NULL ? holder->name : "");
  if (kind == NULL)
    return;
  for (size_t i = 0; i < s->session_count; i++) {
    if (s->sessions[i].port == k->local_port &&
        iso_addr_compare(&s->sessions[i].remote, &k->remote) == 0)
      return;
  }
  if (s->session_count == ISO_SESSIONS_MAX) {
    s->sessions_left++;
    return;
  }
  s->sessions[s->session_count++] =
      (iso_session){.kind = kind, .remote = k->remote, .port = k->local_port};
}

void iso_survey_socket(iso_survey *s, const void *data)
{
  const iso_shown *shown = data;
  if (shown->listens) {
    note_service(s, shown->socket);
    return;
  }
  note_cut(s, shown);
  if (!shown->opened_by_remote)
    return;
  iso_service *service = find_service(s, shown->socket->local_port);
  if (service != NULL)
    service->connections++;
  note_session(s, shown->socket);
}

/* ---- names ---- */

static void name_it(const iso_procs *p, const iso_socket *s, iso_whose *w)
{
  const iso_proc *holder = iso_procs_holder(p, s);
  const char *unit = iso_procs_unit(p, s);
  (void)iso_user_name(s->user, w->user);
  if (holder != NULL) {
    memcpy(w->process, holder->name, sizeof(w->process));
    w->pid = holder->pid;
  }
  if (unit != NULL)
    (void)snprintf(w->unit, sizeof(w->unit), "%s", unit);
}

static void name_session(iso_survey *s, iso_session *session, const unsigned char *utmp, size_t len)
{
  if (iso_utmp_user(utmp, len, &session->remote, session->user))
    return;
  if (strcmp(session->kind, "SSH") == 0 && !s->procs.ssh_users_differ)
    memcpy(session->user, s->procs.ssh_user, sizeof(session->user));
}

static void name_sessions(iso_survey *s)
{
  unsigned char *utmp = s->session_count > 0 ? malloc(UTMP_MAX) : NULL;
  FILE *f = utmp != NULL ? fopen("/run/utmp", "re") : NULL;
  size_t len = f != NULL ? fread(utmp, 1, UTMP_MAX, f) : 0;
  for (size_t i = 0; i < s->session_count; i++)
    name_session(s, &s->sessions[i], utmp, len);
  if (f != NULL)
    (void)fclose(f);
  free(utmp);
}

void iso_survey_name(iso_survey *s)
{
  for (size_t i = 0; i < s->cut_count; i++) {
    iso_cut *c = &s->cuts[i];
    const iso_socket k = {.inode = c->inode, .cgroup = c->cgroup, .user = c->uid};
    name_it(&s->procs, &k, &c->whose);
  }
  for (size_t i = 0; i < s->service_count; i++) {
    iso_service *v = &s->services[i];
    const iso_socket k = {.inode = v->inode, .cgroup = v->cgroup, .user = v->uid};
    if (v->connections > 0)
      name_it(&s->procs, &k, &v->whose);
  }
  name_sessions(s);
}
