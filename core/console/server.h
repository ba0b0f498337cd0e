/* The console's server: what everything in it hangs on.
 *
 * One loop, one thread; libwebsockets serves both listeners on that loop. Scans over many devices
 * or actions run on the loop's pool with a reader of their own (scan.h). */
#ifndef CON_SERVER_H
#define CON_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "altered.h"
#include "config.h"
#include "crowd.h"
#include "limit.h"
#include "oauth.h"
#include "signer_client.h"
#include "store.h"

struct lws_context;
struct lws_vhost;
typedef struct con_hub con_hub;
typedef struct con_link con_link; /* link.h */
typedef struct con_scans con_scans;

/* What the signer said about its keys. */
typedef struct con_keys {
  char *root;
  char *ca;
  char *order_key;
  char *policy_key;
  char *device_ca_key;
} con_keys;

typedef struct con_counters {
  uint64_t requests[6];    /* by hundreds of the status; 0: others */
  uint64_t token_denied;   /* wrong client or secret */
  uint64_t access_refused; /* rows that give rights and that the audit log does not record */
  uint64_t connections;    /* of devices, since the start */
  uint64_t refused;        /* connections of devices that were refused */
  uint64_t slowed;         /* connections that sent too much and were read slowly */
  uint64_t orders_sent;
  uint64_t results;
  uint64_t results_refused;
  uint64_t crowded;           /* connections of people that were one too many of their address */
  uint64_t wanted_refused;    /* what the database wants was not what the audit log says */
  uint64_t findings;          /* that devices counted in their scans */
  uint64_t findings_left_out; /* of these, those that no alert lists */
  uint64_t alerts_created;
  uint64_t alerts_merged;
  uint64_t scans_unreadable;
  uint64_t enrolled;
  uint64_t enrol_refused;
} con_counters;

typedef struct con_server {
  uv_loop_t *loop;
  con_config config;
  con_seal_key seal;
  con_store *store;
  con_signer *signer;
  con_scans *scans;
  con_hub *hub;
  con_keys keys;
  bool attached;   /* the signer knows our log, and `keys` is there */
  con_crowd crowd; /* at the people's listener */
  con_limits limits;
  con_limits device_limits; /* by the device, over all its connections */
  con_counters counters;
  con_altered altered;      /* actions whose rows were changed behind our back */
  uint64_t packages_coming; /* bytes that the uploads of now lack */
  uint64_t packages_bytes;  /* of the files that are there, as far as this process knows */
  bool tidying;             /* in the pool */
  uint8_t bearer_key[CON_BEARER_KEY_SIZE];
  int64_t started_ms;

  struct lws_context *lws;
  struct lws_vhost *people;
  struct lws_vhost *agents;
  void *people_tls; /* SSL_CTX */
  void *agents_tls;
  uv_timer_t tick;       /* expiry of actions, renewal of certificates */
  uv_timer_t attach;     /* tries the signer again */
  uv_idle_t idle;        /* runs while there is `work` (work.h) */
  struct con_work *work; /* first in line */
  uint64_t ticks;
  uint64_t sweep_after;   /* the number of the last action that was held against the log */
  uint64_t sweep_results; /* how many results there were when the round began */
  uint64_t sweep_from;    /* the tick in which the next round may begin */
  int open_handles;
  bool requesting;  /* a certificate for the listeners */
  bool signer_open; /* while it closes */
  bool closing;
  bool failed; /* it could not start: the program ends with an error */
  void (*on_stopped)(struct con_server *s);
} con_server;

/* Opens the store, asks the signer, and listens as soon as it has a certificate; what fails later
 * is logged and ends the program through `on_stopped`. The config is taken over on success. */
CD_MUST_USE cd_code con_server_start(con_server *s, uv_loop_t *loop, con_config *config,
                                     void (*on_stopped)(con_server *s), cd_err *err);
/* Closes everything; on_stopped comes last. Twice is harmless. */
void con_server_stop(con_server *s);
/* Something has closed: goes on with stopping, if that is what is going on. */
void con_server_finish(con_server *s);

/* Orders the devices anew that are isolated with an older state of their exclusions
 * (exclusions.c). */
void con_exclusions_follow(con_server *s);

/* ---- the certificates (tls.c) ---- */

/* Whether the certificate that the signer made is there, is of our key and CA, and lasts for
 * another third of its life. */
bool con_tls_ready(const con_server *s);
/* Makes the key if there is none, and asks the signer for a certificate over it; `done` with CD_OK
 * once it is on disk. */
void con_tls_request(con_server *s, void (*done)(con_server *s, cd_code code, const char *why));

/* ---- the listeners (people.c, agents.c, listen.c) ---- */

CD_MUST_USE cd_code con_listen_start(con_server *s, cd_err *err);
/* Takes up a renewed certificate. */
void con_listen_renew(con_server *s);
/* Takes up the certificates of the device CA that are in `keys` now. */
void con_listen_trust(con_server *s);

void con_path(const con_server *s, const char *name, char out[CON_PATH_TEXT]);
/* Random bytes for keys and nonces. */
CD_MUST_USE cd_code con_random_fill(void *bytes, size_t len, cd_err *err);

#endif
