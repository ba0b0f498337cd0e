/* The links that frames leave this device by, as the kernel lists them. */
#ifndef ISO_LINKS_H
#define ISO_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "support/err.h"

enum { ISO_HOOKS_MAX = 128 };

typedef struct iso_hook {
  char name[IF_NAMESIZE];
  unsigned index;
} iso_hook;

typedef struct iso_hooks {
  iso_hook items[ISO_HOOKS_MAX];
  size_t count;
  bool too_many;
  bool unspeakable; /* one has a name that cannot be written into rules */
  bool done;        /* the end of the list was seen */
  int os_error;     /* the kernel refused, 0 if not */
} iso_hooks;

/* Adds the links in a part of the kernel's answer that send frames by themselves: not loopback, and
 * not what is stacked on another link of this namespace or only joins others, whose frames leave by
 * those. Pure, over bytes that may be nonsense. */
void iso_hooks_walk(const unsigned char *bytes, size_t len, iso_hooks *hooks);

/* Those of this device now. CORDON_E_LIMIT if they are too many, CORDON_E_UNSUPPORTED if one cannot
 * be named. */
cordon_status iso_hooks_read(iso_hooks *ret_hooks, sup_err *err);

bool iso_hooks_have(const iso_hooks *hooks, const char *name);

#endif
