/* Who else has to do with packets on this device: known by the tables and chains of nftables, by
 * interfaces and by processes. Pure functions over what may be nonsense. */
#ifndef ISO_OWNERS_H
#define ISO_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ISO_OWNER_NAME = 64, ISO_OWNED_MAX = 16 };

typedef enum iso_owner {
  ISO_OWNER_NONE,
  ISO_FIREWALLD,
  ISO_UFW,
  ISO_DOCKER,
  ISO_PODMAN,
  ISO_LIBVIRT,
  ISO_LXD,
  ISO_KUBE,
  ISO_CALICO,
  ISO_FLANNEL,
  ISO_CILIUM, /* and other eBPF data paths */
  ISO_OVN,
  ISO_OWNER_COUNT
} iso_owner;

const char *iso_owner_name(iso_owner o);
/* It forwards below the rules. */
bool iso_owner_is_ebpf(iso_owner o);
/* It runs containers or guests. */
bool iso_owner_hosts(iso_owner o);

iso_owner iso_owner_of_table(const char *name);
iso_owner iso_owner_of_chain(const char *name);
iso_owner iso_owner_of_interface(const char *name);
iso_owner iso_owner_of_process(const char *name);

/* A table that only one process may change. */
typedef struct iso_owned {
  char name[ISO_OWNER_NAME];
  uint32_t port; /* netlink's, mostly the process id */
} iso_owned;

/* Where each was seen first; an empty text: nowhere. */
typedef struct iso_owners {
  char seen[ISO_OWNER_COUNT][ISO_OWNER_NAME];
  iso_owned owned[ISO_OWNED_MAX];
  size_t owned_count;
  size_t owned_left; /* more than there is room for */
} iso_owners;

/* Notes that `o` was seen as `what` (`table 'firewalld'`); ISO_OWNER_NONE notes nothing. */
void iso_owners_note(iso_owners *to, iso_owner o, const char *what, const char *name);

/* Notes whom the tables and chains in a part of the answer to a dump of either belong to. Our own
 * are left out. `*done`: the end of the dump was seen. */
void iso_owners_walk(const unsigned char *bytes, size_t len, bool *done, iso_owners *to);

#endif
