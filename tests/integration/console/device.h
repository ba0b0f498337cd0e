/* A device of the tests' own: its keys, its enrolment, its connection. */
#ifndef CONSOLE_DEVICE_H
#define CONSOLE_DEVICE_H

#include "place.h"

#include "protocol/key.h"
#include "protocol/message.h"
#include "protocol/policy.h"
#include "protocol/result.h"
#include "protocol/rpc.h"

typedef struct device {
  cd_key *key;
  char *tls_key; /* PEM */
  char *csr;
  char id[CD_DEVICE_ID_MAX + 1];
  char *certificate;
  char name[64];
  ws_end ws;
  bool connected;
  uint8_t nonce[CD_NONCE_SIZE]; /* the console's */
  uint64_t last_id;
  uint64_t report_number;
  uint64_t generation; /* of its isolation */
  char parameters[4096];
  cd_policy_standing policy; /* what its reports say, if known */
  const char *evidence;      /* of its results; NULL: of an isolation */
  cd_buf message;            /* the last that came */
} device;

void device_make(device *d, const char *name);
void device_release(device *d);
/* The status of the answer; 201 is good, and then it has an id and a certificate. */
unsigned device_enroll(device *d, const place *p, const char *token);
/* A new token from the console; `out` has its text in base64url. */
void token_new(const place *p, const char *bearer, const char *wish, char out[64]);

/* TLS and WebSocket: the status of the upgrade. */
unsigned device_connect(device *d, const place *p);
/* Connects, hello, mark: it is ready. */
void device_ready(device *d, const place *p);
void device_disconnect(device *d);
/* The next message of the console. False: the connection ended. */
bool device_next(device *d, cd_rpc *ret_rpc);
void device_send(device *d, cd_buf *message);
void device_report(device *d, cd_wanted_value wanted, uint64_t generation);
typedef struct device_holds {
  cd_wanted_value wanted;
  const char *type;
  const char *action;
  uint64_t generation;
} device_holds;
void device_report_as(device *d, const device_holds *holds);
/* Asks for a certificate; false: refused. */
bool device_renew(device *d);
/* Takes the next order, accepts it, and says which. */
void device_take_order(device *d, cd_order *ret_order, cd_digest *ret_digest);
/* Takes the next policy, and answers it; its body is in `body`. */
void device_take_policy(device *d, cd_policy *ret_policy, char *body, size_t size);
/* The parameters of the last order that was taken. */
const char *device_parameters(const device *d);
/* The signed end of an action; false: the console refused it. */
bool device_result(device *d, const cd_order *order, const cd_digest *digest, const cd_key *key);

const cd_random *test_random(void);

#endif
