/* The guard: the rules once more in a table that this process owns (`flags owner`, Linux 5.12), so
 * that nobody else can take them away while it lives; `flush ruleset` by anybody leaves them. It
 * goes with the process. The plain table stays whatever becomes of the process, and is what an
 * isolation is known by.
 *
 * Both are loaded and deleted in one transaction, through the socket that owns the guard, so that
 * they never disagree. Where the guard cannot be had, the plain table goes without. */
#ifndef ISO_GUARD_H
#define ISO_GUARD_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "nft.h"
#include "ruleset.h"

enum { ISO_GUARD_WHY = 200 };

typedef struct iso_guard {
  iso_session *session; /* NULL: none could be opened */
  bool held;
  bool unsupported;          /* this kernel has no owners */
  char tag[ISO_TAG_LEN + 1]; /* of what is held */
  char why[ISO_GUARD_WHY];   /* why it could not be had when it was last tried */
} iso_guard;

typedef enum iso_guard_state {
  ISO_GUARD_NONE = 0, /* there is none, and could be one */
  ISO_GUARD_HELD,     /* ours, made from the parameters that were asked about */
  ISO_GUARD_STALE,    /* ours, made from others */
  ISO_GUARD_FOREIGN,  /* another process has one */
  ISO_GUARD_IMPOSSIBLE
} iso_guard_state;

/* Opens the socket at the start of the process, so that it is no operation's. */
void iso_guard_open(iso_guard *g);
void iso_guard_close(iso_guard *g);
/* Gives up what is held, by closing the socket, and opens another. */
void iso_guard_drop(iso_guard *g);

/* Can it be tried? */
bool iso_guard_possible(const iso_guard *g);
/* A load through the session went well: it is held, or, without a tag, no longer. */
void iso_guard_note(iso_guard *g, const char *tag);
/* It did not, because of the guard. */
void iso_guard_refused(iso_guard *g, const sup_err *why);

/* `tag`: what it must be made from, NULL for anything. Asks the kernel. */
cordon_status iso_guard_look(const iso_guard *g, const char *tag, iso_guard_state *ret_state,
                             sup_err *err);
/* Waits until another process's guard is gone, as it is soon when that process is ending. False if
 * it is still there after `ms`. */
bool iso_guard_wait(const iso_guard *g, uint64_t ms);

/* Adds `guard` to the details of a result. */
void iso_guard_add(const iso_guard *g, iso_guard_state state, cJSON *details);

/* Does this kernel let a process own a table? Changes nothing. */
bool iso_guard_works(void);

#endif
