/* libnftables behind three calls. A context per call: it is not thread safe, and nothing of it is
 * worth keeping. */
#ifndef ISO_NFT_H
#define ISO_NFT_H

#include <stdbool.h>

#include "support/err.h"
#include "support/text.h"

enum {
  ISO_LISTING_MAX =
      2 * 1024 * 1024 /* twice the longest rules; what we load is listed in the same words */
};

/* Runs commands as one transaction. `dry`: the kernel checks them and changes nothing. */
cordon_status iso_nft_load(const char *commands, bool dry, sup_err *err);

/* Runs one list command and appends what it prints, with numbers for names. `stateful`: with the
 * values of counters. */
cordon_status iso_nft_list(const char *command, bool stateful, sup_text *out, sup_err *err);

/* Is our table there? */
cordon_status iso_nft_has_table(bool *ret_there, sup_err *err);

/* The version of the nftables that is linked, from its JSON output. */
cordon_status iso_nft_version(char *ret_version, size_t size, sup_err *err);

#endif
