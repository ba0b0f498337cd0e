/* The console's end of `cordon.v1` with one device (docs/protocol.md): messages in, messages out.
 * It knows no sockets: the listener (agents.c) gives it texts and takes texts from it.
 *
 * A link outlives its connection while the signer owes it an answer. All calls on the loop's
 * thread.
 */
#ifndef CON_LINK_H
#define CON_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/key.h"
#include "protocol/message.h"
#include "protocol/result.h"
#include "server.h"

#define CON_LINK_ORDERS 16u        /* orders handed over in one connection without an answer */
#define CON_LINK_HANDED 64u        /* actions sent in this connection that have not ended */
#define CON_LINK_FIRST_MS 20000u   /* for hello and mark */
#define CON_LINK_SILENCE_MS 90000u /* without a sign of life it is over */
#define CON_LINK_PING_MS 30000u
/* Messages of one device: so many at once, then one in so many milliseconds; it is not read faster.
 */
#define CON_LINK_BURST 200u
#define CON_LINK_EVERY_MS 50u
#define CON_LINK_ROLL_BACKS 3u   /* after so many a device is not ordered again by itself */
#define CON_LINK_GRACE_MS 10000u /* for the results of what the device did by itself to come in */

typedef struct con_upload con_upload; /* link_scan.c: what a scan's verified result says was found
                                       * becomes alerts, within the transaction that is open. */
CD_MUST_USE cd_code con_link_found(con_server *server, const cd_result *r, cd_err *err);
/* link_package.c */

typedef enum con_link_phase {
  CON_LINK_HELLO = 1,
  CON_LINK_WELCOME, /* waits for the signer's mark */
  CON_LINK_MARK,
  CON_LINK_READY,
  CON_LINK_GONE
} con_link_phase;

/* What carries the link. */
typedef struct con_wire {
  void (*send)(void *wire, cd_buf *message); /* takes the content over */
  void (*close)(void *wire, unsigned code, const char *why);
  void (*ping)(void *wire);
  void (*read)(void *wire, bool on); /* stops reading, or goes on */
} con_wire;

typedef struct con_sent {
  uint64_t id; /* of the request; 0: free */
  char action[CD_ID_SIZE];
} con_sent;

/* The orders of one connection. */
typedef struct con_link_orders {
  con_sent sent[CON_LINK_ORDERS];
  char handed[CON_LINK_HANDED][CD_ID_SIZE];
  unsigned handed_count;
} con_link_orders;

struct con_link {
  con_server *server;
  con_link *next; /* in the hub */
  const con_wire *wire;
  void *wire_object; /* NULL: the connection went */
  unsigned references;
  char device[CD_DEVICE_ID_MAX + 1];
  char serial[CON_SERIAL_TEXT_MAX];
  char peer[64];
  char agent[CD_WORD_MAX + 1];
  con_link_phase phase;
  cd_public_key key;
  uint8_t nonce[CD_NONCE_SIZE];
  uint64_t hello_id;
  uint64_t last_id;
  uint64_t since_ms; /* monotonic */
  uint64_t heard_ms;
  uint64_t pinged_ms;
  uint64_t progress_ms;
  int64_t paid_ms; /* up to when its messages have used up its time */
  bool paused;     /* nothing is read until then */
  bool slowed;     /* it was, once */
  bool renewed;    /* it asked for a certificate in this connection */
  uint64_t report_number;
  unsigned state_count;
  cd_values states[CD_STATE_COUNT];
  uint64_t consider_ms;    /* when to look again whether it holds what is wanted; 0: not */
  con_link_orders *orders; /* from the first order on: most get none; else NULL */
  bool signing;
  char signing_action[CD_ID_SIZE];
  cd_policy_standing policy;        /* by its last report in this connection */
  uint64_t policy_retry_ms;         /* it is asked about again then; 0: not by itself */
  uint64_t policy_signing;          /* the version that is being signed; 0: none */
  uint64_t policy_version;          /* that was sent in this connection; 0: none */
  uint64_t policy_id;               /* of the request that is not answered; 0: none */
  char *policy_note;                /* why it does not have what it should; see con_link_note() */
  uint64_t retry_ms;                /* not before; monotonic */
  char *note;                       /* why what waits was not sent; likewise */
  char repeated_action[CD_ID_SIZE]; /* whose wish the console's last action of its own repeats */
  bool held;                        /* what is wanted by `held_action` is not to be repeated */
  char held_action[CD_ID_SIZE];
  con_upload *upload; /* the package that comes; NULL: none */
  uint64_t streams;   /* in this connection so far */
};

/* NULL: no memory, or the device's key cannot be read, or is not the one that the CA states. */
con_link *con_link_new(con_server *s, const con_device *d, const con_wire *wire, void *object);
/* The connection is gone; the link goes when nobody waits for it. */
void con_link_lost(con_link *l);
void con_link_text(con_link *l, cd_str message);
void con_link_binary(con_link *l, cd_str message);
/* Any other sign of life. */
void con_link_heard(con_link *l);
/* Every second: deadlines, pings, what is to be tried again. */
void con_link_tick(con_link *l, uint64_t now_ms);
void con_link_close(con_link *l, unsigned code, const char *why);

/* ---- among the parts of the link ---- */

void con_link_retain(con_link *l);
void con_link_drop(con_link *l);
void con_link_send(con_link *l, cd_buf *message); /* empties it */
/* A message of the device has used up some of its time. */
void con_link_pay(con_link *l);
void con_link_refuse(con_link *l, uint64_t id, int64_t code, const char *why);
/* A note of the link as a text, "" where there is none: most devices have none, and there are many.
 */
const char *con_link_note(const char *note);
/* Replaces it; an empty text takes it away. False: that is what it was. */
bool con_link_set_note(char **note, cd_str text);
/* link_orders.c: sends what waits. */
void con_link_pump(con_link *l);
void con_link_answer(con_link *l, cd_rpc *m);
/* link_policy.c: gives it the policy that is for it, if it has another one. */
void con_link_policy(con_link *l);
void con_link_policy_stands(con_link *l, const cd_policy_standing *standing);
/* False: the message answers something else. */
bool con_link_policy_answer(con_link *l, cd_rpc *m);
/* link_wanted.c: whether the device holds what is wanted; if not, an action of the console's own is
 * made. */
void con_link_consider(con_link *l);
/* The signer will not sign that action. */
void con_link_not_repeated(con_link *l, const char *why);
/* link_report.c */
void con_link_report(con_link *l, cd_rpc *m);
void con_link_result(con_link *l, cd_rpc *m);
void con_link_progress(con_link *l, cd_rpc *m);
/* link_package.c */
void con_link_package(con_link *l, cd_rpc *m);
void con_link_forget_upload(con_link *l);
/* link_renew.c */
void con_link_renew(con_link *l, cd_rpc *m);

#endif
