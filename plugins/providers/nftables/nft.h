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

/* A socket to nftables that stays open. What is loaded through it may own tables, which nobody else
 * can change and which go when it is closed, also by the end of the process. */
typedef struct iso_session iso_session;
cordon_status iso_session_open(iso_session **ret_session, sup_err *err);
cordon_status iso_session_load(iso_session *session, const char *commands, sup_err *err);
void iso_session_close(iso_session *session); /* NULL is fine */

enum { ISO_TABLE_NAME = 64 };
typedef struct iso_table {
  const char *name;
  bool netdev; /* of family netdev; else inet */
} iso_table;

extern const iso_table iso_plain_table;
extern const iso_table iso_guard_table;
extern const iso_table iso_strict_table;

/* Is that table there, and does a process own it? `ret_owned` may be NULL. */
cordon_status iso_nft_has_table(const iso_table *table, bool *ret_there, bool *ret_owned,
                                sup_err *err);

/* The version of the nftables that is linked, from its JSON output. */
cordon_status iso_nft_version(char *ret_version, size_t size, sup_err *err);

#endif
