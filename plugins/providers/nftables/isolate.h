/* The plugin's one object and the operations of cordon.isolate/1. */
#ifndef ISO_ISOLATE_H
#define ISO_ISOLATE_H

#include "cordon/plugin.h"
#include "counters.h"
#include "gens.h"
#include "guard.h"
#include "listing.h"
#include "maps.h"
#include "strict.h"
#include "support/call.h"
#include "watch_groups.h"
#include "watchers.h"

enum { ISO_PATH_MAX = 512 };

/* What the last apply made: rules by this tag looked like this when they were listed. */
typedef struct iso_record {
  char tag[ISO_TAG_LEN + 1]; /* empty: nothing is known */
  char digest[ISO_DIGEST_TEXT];
  iso_loaded loaded; /* groups of services */
} iso_record;

/* What this kernel can do, tried once: a process does not get another kernel. */
typedef struct iso_ability {
  bool
      takes_all; /* the kernel would take everything that our rules use; it does not unlearn that */
  bool tried;    /* what follows is known */
  bool guard;
  bool strict;
  bool end_sockets;
  bool services;
} iso_ability;

typedef struct iso_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
  char record_path[ISO_PATH_MAX]; /* empty: there is no state folder, and the record lives in memory
                                     only */
  iso_record record;              /* of the one operation that runs at a time */
  iso_gens gens;
  iso_guard guard;     /* likewise */
  iso_ability ability; /* likewise */
  iso_watchers watchers;
  iso_names names; /* of the services that an isolation lets through, for watch */
} iso_plugin;

/* Each sets the result itself and fills `err` where it returns a failure. */
typedef cordon_status iso_operation(iso_plugin *self, const sup_call *call, sup_err *err);
iso_operation iso_probe, iso_apply, iso_release, iso_query, iso_verify, iso_watch;

/* A socket that hears of changes to nftables from now on. */
cordon_status iso_watch_open(int *ret_fd, sup_err *err);

/* Reads what an apply before this process left, if it left something. */
void iso_record_load(iso_plugin *self);
/* Keeps it in memory and in the state folder. That the folder could not be written is logged and no
 * failure: the next apply then loads the same rules once more. An empty tag forgets. `loaded` may
 * be NULL. */
void iso_record_keep(iso_plugin *self, const char *tag, const char *digest,
                     const iso_loaded *loaded);
/* Takes the file away, not what is in memory. */
void iso_record_put_away(const iso_plugin *self);

typedef enum iso_state { ISO_RELEASED, ISO_ISOLATED, ISO_PARTIAL } iso_state;

/* What the kernel holds now. */
typedef struct iso_holding {
  iso_state state;
  iso_frame frame;
  iso_shape shape;
  char digest[ISO_DIGEST_TEXT]; /* empty without a table */
  bool recorded;                /* an apply made exactly this */
  const char *note;             /* why it is partial, else NULL */
  iso_guard_state guard;
  iso_strict strict;
  iso_groups_state groups;
  bool renew; /* it is as it was loaded, but what goes with it has to be made again */
} iso_holding;

/* What to expect: `tag` is what the rules must have been made from, NULL for anything of ours;
 * `strict` is whether they have to be on the links as well; `params` are whose services are looked
 * up and compared, NULL for none. `fresh`: the rules were loaded just now, so that what was
 * recorded before does not count. `loaded`: the groups that were loaded just now; NULL: those that
 * are recorded. */
typedef struct iso_expected {
  const char *tag;
  bool strict;
  bool fresh;
  iso_params *params;
  const iso_loaded *loaded;
} iso_expected;
cordon_status iso_examine(const iso_plugin *self, const iso_expected *expected,
                          iso_holding *ret_holding, sup_err *err);
const char *iso_state_name(iso_state s);

/* The counters of our tables as they are now. What a whole plain table drops the guard never sees.
 * While it is not whole the guard counts too: their sum is what was dropped. */
cordon_status iso_take_counters(const iso_holding *h, iso_counters *ret_counters, sup_err *err);
/* `console_dropped`: how many packets of the agent's own connections the rules dropped since they
 * were loaded. Nothing is added where nothing counts them. */
void iso_add_console_dropped(cJSON *details, const iso_counters *counters);

/* Runs commands that change rules, so that a watch of this process knows that it was us. `guarded`:
 * through the socket that owns the guard. */
cordon_status iso_load(iso_plugin *self, bool guarded, const char *commands, sup_err *err);

/* Can the services be honoured? Changes nothing. `stands`: these rules were in force before, and
 * have to be again; what runs now is then no reason to leave them out. */
cordon_status iso_services_check(iso_plugin *self, const iso_params *p, bool stands, sup_err *err);
/* Looks up which of them run. */
void iso_services_look(iso_params *p);
/* Adds `services` to the details of a result: which of them run. */
void iso_services_add(const iso_params *p, cJSON *details);

/* Puts the groups that were found to run in the place of those that are loaded, in one transaction
 * that touches nothing else. `guarded`: in the guard as well. */
cordon_status iso_renew_groups(iso_plugin *self, const iso_params *p, bool guarded, sup_err *err);

/* The parameters of the request and the rules for them, with the services that run now. `self` also
 * lets watch look for these; it may be NULL. Release both, also after a failure. */
cordon_status iso_read_request(iso_plugin *self, const sup_call *call, iso_params *p,
                               sup_text *rules, char ret_tag[ISO_TAG_LEN + 1], sup_err *err);

#endif
