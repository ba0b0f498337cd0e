/* Interfaces on top of one of another namespace's, as containers have them that are on the network
 * themselves: what they send goes out by the link below and past the rules of family inet. They are
 * named; strict cuts them. */
#ifndef ISO_STACKED_H
#define ISO_STACKED_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "cordon/plugin.h"
#include "support/call.h"

enum { ISO_STACKED_MAX = 32, ISO_STACKED_KIND = 16 };

typedef struct iso_stacked_link {
  char name[IF_NAMESIZE];
  char kind[ISO_STACKED_KIND];
} iso_stacked_link;

typedef struct iso_stacked {
  iso_stacked_link items[ISO_STACKED_MAX];
  size_t count;
  bool done; /* the end of the list was seen */
} iso_stacked;

/* Adds those in a part of the answer to RTM_GETLINK. `own`: of our own namespace, where what is
 * only on top of another link still meets our rules. Pure, over bytes that may be nonsense. */
void iso_stacked_walk(const unsigned char *bytes, size_t len, bool own, iso_stacked *s);

/* Adds `stacked_links` to the details of a result, where there are such. */
void iso_stacked_add(const cordon_host *host, const sup_call *call, cJSON *details);

#endif
