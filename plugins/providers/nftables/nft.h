/* libnftables behind a few calls. It is not thread safe: a context per call, or a session that one
 * thread uses at a time. */
#ifndef ISO_NFT_H
#define ISO_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "support/err.h"
#include "support/text.h"

enum {
  ISO_LISTING_MAX =
      2 * 1024 * 1024 /* twice the longest rules; what we load is listed in the same words */
};

/* Runs commands as one transaction. `dry`: the kernel checks them and changes nothing. */
cordon_status iso_nft_load(const char *commands, bool dry, sup_err *err);

/* A socket to nftables that stays open. What is loaded through it may own tables, which nobody else
 * can change and which go when it is closed, also by the end of the process. */
typedef struct iso_session iso_session;
cordon_status iso_session_open(iso_session **ret_session, sup_err *err);
cordon_status iso_session_load(iso_session *session, const char *commands, sup_err *err);
void iso_session_close(iso_session *session); /* NULL is fine */

/* Runs one list command and appends what it prints, with numbers for names and without the values
 * of counters. Through a session it is quicker, since a context of its own would, when it is
 * closed, wait for the kernel to do away with what the last change replaced. But a session reads
 * anew only what a change of the rules changed: not for tables that also change without one, as
 * those of family netdev do with their links. `session` may be NULL. */
cordon_status iso_nft_list(iso_session *session, const char *command, sup_text *out, sup_err *err);
/* Likewise, without the elements of sets that have a name. */
cordon_status iso_nft_list_terse(iso_session *session, const char *command, sup_text *out,
                                 sup_err *err);

enum { ISO_TABLE_NAME = 64 };
typedef struct iso_table {
  const char *name;
  bool netdev; /* of family netdev; else inet */
} iso_table;

extern const iso_table iso_plain_table;
extern const iso_table iso_guard_table;
extern const iso_table iso_strict_table;

/* A request of the kernel about one table. */
typedef struct iso_table_ask {
  struct nlmsghdr head;
  struct nfgenmsg family;
  struct nlattr name_head;
  char name[ISO_TABLE_NAME];
} iso_table_ask;

/* `message`: NFT_MSG_GET..., whose first attribute is the name of the table. */
cordon_status iso_nft_ask_of(const iso_table *table, uint16_t message, uint16_t flags,
                             iso_table_ask *ret_ask, size_t *ret_len, sup_err *err);

/* Is that table there, and does a process own it? `ret_owned` may be NULL. */
cordon_status iso_nft_has_table(const iso_table *table, bool *ret_there, bool *ret_owned,
                                sup_err *err);

/* The version of the nftables that is linked, from its JSON output. */
cordon_status iso_nft_version(char *ret_version, size_t size, sup_err *err);

#endif
