/* What the kernel says of nftables, in words. Read over netlink, since the library and the command
 * of that name are GPL and would need rights of their own. Pure functions. */
#ifndef COLLECT_NFT_H
#define COLLECT_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/netlink.h"

enum { COL_NFT_NAME = 128, COL_NFT_TEXT = 4096 };

typedef struct col_nft {
  const char *kind;   /* table, chain, rule, set */
  const char *family; /* ip, ip6, inet, arp, bridge, netdev */
  char table[COL_NFT_NAME];
  char name[COL_NFT_NAME]; /* of the chain or set */
  uint64_t handle;
  uint8_t number;          /* of the family */
  char text[COL_NFT_TEXT]; /* of a chain its hook, priority and policy; of a rule its expressions */
} col_nft;

/* False: it is none of these. */
bool col_nft_read(const sup_message *m, col_nft *ret_nft);

/* Elements of a set or map: calls `fn` with each, as text. `*left` counts down. */
typedef void col_nft_element_fn(void *data, const char *text);
void col_nft_elements(const sup_message *m, unsigned *left, col_nft_element_fn *fn, void *data);

#endif
