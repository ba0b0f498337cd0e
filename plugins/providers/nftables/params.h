/* The parameters of an isolation, read strictly from the JSON that
 * config/schemas/isolate.params.schema.json describes. */
#ifndef ISO_PARAMS_H
#define ISO_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "addr.h"
#include "groups.h"

enum {
  ISO_CONSOLES_MAX = 32,
  ISO_RESOLVERS_MAX = 16,
  ISO_EXCLUSIONS_MAX = 1024,
  ISO_GROUPS_NOTE = 200
};

enum { ISO_OUT = 1u << 0, ISO_IN = 1u << 1 };
enum {
  ISO_TCP = 1u << 0,
  ISO_UDP = 1u << 1,
  ISO_ICMP = 1u << 2,
  ISO_OTHER = 1u << 3,
  ISO_ANY = 15u
};

typedef struct iso_endpoint {
  iso_addr addr;
  uint16_t port;
} iso_endpoint;

typedef struct iso_exclusion {
  uint8_t directions;  /* ISO_OUT, ISO_IN */
  uint8_t protocols;   /* ISO_TCP ...; all of them for `any` */
  iso_range remote;    /* of a service: family 0 for any */
  uint16_t port_first; /* 0 to 65535 where none was given */
  uint16_t port_last;
  uint16_t service; /* among those: whose */
} iso_exclusion;

typedef struct iso_params {
  bool selective;
  bool strict; /* also at the links, for what has a way past the inet table */
  uint32_t mark;
  size_t console_count;
  iso_endpoint consoles[ISO_CONSOLES_MAX];
  size_t resolver_count;
  iso_addr resolvers[ISO_RESOLVERS_MAX];
  size_t exclusion_count; /* of those for whoever sends */
  iso_exclusion *exclusions;
  size_t by_service_count; /* of those for the sockets of one service */
  iso_exclusion *by_service;
  size_t group_count;
  iso_group *groups; /* the services that these name, each once */
  bool groups_blind; /* which of them run could not be told when they were looked up last */
  char groups_note[ISO_GROUPS_NOTE]; /* why, or why none can run; else empty */
} iso_params;

/* CORDON_OK, or CORDON_E_INVALID, CORDON_E_LIMIT with a sentence that names the member. On success
 * release it. */
cordon_status iso_params_read(const cJSON *doc, iso_params *ret_params, sup_err *err);
void iso_params_release(iso_params *p);

/* Does an exclusion let a flow through that was opened in `direction` with this remote, one
 * protocol and that port (the remote's for ISO_OUT, ours for ISO_IN)? */
bool iso_params_excludes(const iso_params *p, unsigned direction, unsigned protocol,
                         const iso_addr *remote, uint16_t port);

/* Likewise, for a socket that was made in this control group. */
bool iso_params_excludes_group(const iso_params *p, uint64_t group, unsigned direction,
                               unsigned protocol, const iso_addr *remote, uint16_t port);

#endif
