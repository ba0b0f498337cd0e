/* The processes of this device, as far as this one may see them: names, whom the sessions of sshd
 * are of, and whose the sockets are. */
#ifndef ISO_PROCS_H
#define ISO_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

enum {
  ISO_PROC_NAME = 16,
  ISO_UNIT_NAME = 64,
  ISO_USER_NAME = 40,
  ISO_PROCS_MAX = 8192,
  ISO_PROC_SOCKETS_MAX = 16384,
  ISO_UNITS_MAX = 512,
  ISO_SSHD_PORTS_MAX = 8
};

typedef struct iso_proc {
  uint32_t pid;
  char name[ISO_PROC_NAME]; /* printable ASCII */
} iso_proc;

typedef struct iso_proc_socket {
  uint32_t inode;
  uint32_t pid;
} iso_proc_socket;

/* A control group of the second hierarchy. */
typedef struct iso_unit {
  uint64_t id;
  char name[ISO_UNIT_NAME]; /* its last part: "ssh.service" */
} iso_unit;

typedef struct iso_procs {
  iso_proc *procs;
  size_t count;
  iso_proc_socket *sockets;
  size_t socket_count;
  iso_unit *units;
  size_t unit_count;
  uint16_t sshd_ports[ISO_SSHD_PORTS_MAX]; /* given to a running sshd by `-p` or in its settings */
  size_t sshd_port_count;
  char ssh_user[ISO_USER_NAME]; /* of all sessions that run, if it is but one; else empty */
  bool ssh_users_differ;
} iso_procs;

/* Reads /proc below `root` ("" for this device's own). What cannot be read is not there. False:
 * there is no memory. Release it in any case. */
bool iso_procs_read(const char *root, iso_procs *ret_procs);
void iso_procs_release(iso_procs *p);

/* Who holds the socket; NULL: not to be seen from here. */
const iso_proc *iso_procs_holder(const iso_procs *p, const iso_socket *s);
/* The unit that made it, NULL if that is not known. */
const char *iso_procs_unit(const iso_procs *p, const iso_socket *s);

/* The name of a user of this device's own list of users, or its number. */
const char *iso_user_name(uint32_t uid, char ret_name[ISO_USER_NAME]);

/* The user of a session by the title of its sshd: `sshd: alice@pts/0`, `sshd-session: alice
 * [priv]`. False: it is no session's. Pure. */
bool iso_sshd_user(const char *title, char ret_user[ISO_USER_NAME]);
/* Adds the ports of `Port N` lines of sshd's settings, or of `-p N` among its words. Pure. */
void iso_sshd_ports(const char *text, iso_procs *to);
/* Who is at the other end of a session of that address, by a file of utmp. Pure. */
bool iso_utmp_user(const unsigned char *bytes, size_t len, const iso_addr *remote,
                   char ret_user[ISO_USER_NAME]);

#endif
