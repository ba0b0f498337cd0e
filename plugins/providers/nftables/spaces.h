/* The network namespaces of others on this machine, containers' above all, and the sockets in them.
 *
 * Where their traffic passes through this device it is dropped; the sockets are ended as well, so
 * that what is in them notices. The agent opens what that takes in each namespace
 * (cordon_host_sight): we have not the right to enter one, and need none. */
#ifndef ISO_SPACES_H
#define ISO_SPACES_H

#include <cjson/cJSON.h>

#include "cordon/plugin.h"
#include "locals.h"
#include "params.h"
#include "support/call.h"

enum { ISO_SPACES_TOLD = 64, ISO_SPACE_WHY = 120 };

typedef struct iso_space {
  uint64_t id;
  int32_t pid;
  char name[64];
  uint32_t ended;
  uint32_t failed;
  char why[ISO_SPACE_WHY]; /* why it was skipped; empty if it was not */
} iso_space;

typedef struct iso_spaces {
  iso_space items[ISO_SPACES_TOLD];
  size_t count;
  uint32_t ended;    /* in all of them */
  uint32_t not_told; /* that many more are not in the list */
  bool looked;       /* false: the agent does not look for us */
} iso_spaces;

/* Ends what leaves the machine from the namespaces of others. `locals`: our own addresses, to which
 * theirs are added. A namespace that cannot be had is noted and skipped; only a cancel or the
 * deadline is a failure. */
cordon_status iso_spaces_end(const cordon_host *host, const sup_call *call, const iso_params *p,
                             iso_locals *locals, iso_spaces *ret_spaces, sup_err *err);

uint32_t iso_spaces_ended(const iso_spaces *s);

/* Adds `namespaces` to the details of a result, those with something to tell. */
void iso_spaces_add(const iso_spaces *s, cJSON *details);

#endif
