/* What an isolation would meet on this device: read from the kernel and /proc before anything is
 * changed. survey.c reads, findings.c judges. */
#ifndef ISO_SURVEY_H
#define ISO_SURVEY_H

#include "netifs.h"
#include "owners.h"
#include "params.h"
#include "procs.h"
#include "support/call.h"

enum {
  ISO_NETIFS_MAX = 1024,
  ISO_CUTS_MAX = 64,
  ISO_SERVICES_MAX = 256,
  ISO_SESSIONS_MAX = 16,
  ISO_BRIDGES_MAX = 16,
  ISO_PORTS_TEXT = 160
};

/* How a console is reached once the rules are in force. */
typedef enum iso_way {
  ISO_WAY_NONE, /* no route leads there, now */
  ISO_WAY_OPEN,
  ISO_WAY_DOUBTFUL, /* through a tunnel whose own packets an exclusion may let out */
  ISO_WAY_CUT       /* through a tunnel whose own packets are dropped */
} iso_way;

typedef struct iso_path {
  iso_endpoint to;
  iso_way way;
  char interface[IF_NAMESIZE]; /* empty: none */
  const char *tunnel;          /* "a WireGuard tunnel"; NULL: none */
  iso_addr outer;              /* where the tunnel sends to; family 0: not known */
} iso_path;

/* Whose a socket is, as far as that can be seen. */
typedef struct iso_whose {
  char user[ISO_USER_NAME];
  char process[ISO_PROC_NAME]; /* empty: not to be seen from here */
  uint32_t pid;
  char unit[ISO_UNIT_NAME]; /* empty: not known */
} iso_whose;

/* Connections that are alike: to the same remote, about the same port, of the same process. */
typedef struct iso_cut {
  uint8_t protocol;
  bool in; /* the remote opened them */
  iso_addr remote;
  uint16_t port; /* the remote's, or ours if it opened them */
  uint32_t inode;
  uint64_t cgroup;
  uint32_t uid;
  iso_whose whose;
  unsigned count;
} iso_cut;

typedef struct iso_service {
  iso_addr address;
  uint16_t port;
  unsigned connections; /* of remotes, that would be cut */
  uint32_t inode;
  uint64_t cgroup;
  uint32_t uid;
  iso_whose whose;
} iso_service;

typedef struct iso_session {
  const char *kind; /* "SSH" */
  iso_addr remote;
  uint16_t port;
  char user[ISO_USER_NAME]; /* empty: not known */
} iso_session;

typedef struct iso_bridge {
  unsigned index;
  char name[IF_NAMESIZE];
  unsigned ports;
  char port_names[ISO_PORTS_TEXT]; /* with commas; as many as there is room for */
} iso_bridge;

typedef struct iso_survey {
  const iso_params *params;
  iso_netif *netifs; /* ISO_NETIFS_MAX */
  size_t netif_count;
  iso_path paths[ISO_CONSOLES_MAX];
  iso_procs procs;
  iso_owners owners;
  bool forwards4;
  bool forwards6;
  iso_bridge bridges[ISO_BRIDGES_MAX];
  size_t bridge_count;
  size_t bridges_left;
  iso_cut cuts[ISO_CUTS_MAX];
  size_t cut_count;
  unsigned connections; /* all of them, also those that are in no group */
  unsigned grouped;
  iso_service services[ISO_SERVICES_MAX];
  size_t service_count;
  size_t services_left;
  iso_session sessions[ISO_SESSIONS_MAX];
  size_t session_count;
  size_t sessions_left;
  char unread[256]; /* what could not be read, in words; empty: nothing */
} iso_survey;

/* Reads all of it. What cannot be read is said in `unread`: a preflight that sees less is no reason
 * not to isolate. Only for want of memory, or when the operation is to end, it fails. Release it in
 * any case. */
cordon_status iso_survey_take(const iso_params *p, const sup_call *call, iso_survey *ret_survey,
                              sup_err *err);
void iso_survey_release(iso_survey *s);

/* For survey.c and the tests: how a console fares that is reached through this tunnel. */
iso_way iso_way_through(const iso_params *p, const iso_tunnel *tunnel, const iso_addr *outer,
                        uint16_t outer_port);
/* Notes a socket as iso_sockets_show() shows it. */
void iso_survey_socket(iso_survey *s, const void *shown);
/* Fills in whose the sockets are, and the users of the sessions; and which bridges have ports. */
void iso_survey_name(iso_survey *s);
void iso_survey_bridges(iso_survey *s);

/* findings.c: adds `findings`, `would_cut`, `paths` and what was left out to the result. */
void iso_findings_add(const iso_survey *s, cJSON *result);

#endif
