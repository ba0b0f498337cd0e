/* A console in a thread of the test: mutual TLS, WebSocket and enrolment on one port of loopback,
 * with keys of its own. It does what the protocol says, or what the test tells it to do wrong. */
#ifndef TEST_CONSOLE_H
#define TEST_CONSOLE_H

#include "driver.h"

#include "protocol/message.h"
#include "protocol/policy.h"
#include "protocol/result.h"

#define CONSOLE_RESULTS_MAX 32
#define CONSOLE_ACKS_MAX 32

/* What it does wrong when a device enrols. */
typedef enum console_twist {
  CONSOLE_HONEST = 0,
  CONSOLE_REFUSES,         /* 403 with a sentence */
  CONSOLE_OTHER_ORDER_KEY, /* not stated by the root */
  CONSOLE_OTHER_STATEMENT, /* the device key is stated by another CA */
  CONSOLE_OTHER_KEY,       /* the certificate is for another key */
  CONSOLE_GARBAGE,
  CONSOLE_SILENT /* closes without an answer */
} console_twist;

typedef struct console_seen {
  char action[CD_ID_SIZE];
  cd_action_status status;
  cd_code outcome;
  bool has_order;
  uint64_t generation;
  char sentence[CD_SENTENCE_MAX + 1];
  char requestor[CD_REQUESTOR_MAX + 1];
  char wanted_action[CD_ID_SIZE]; /* of isolate, by its values */
  unsigned count;                 /* how often it came */
} console_seen;

typedef struct console console;

console *console_new(void);
/* The same on ::1; NULL where there is no IPv6. */
console *console_new_v6(void);
void console_free(console *c);
uint16_t console_port(const console *c);
/* The token file's text; free(). */
char *console_token(console *c);
void console_set_twist(console *c, console_twist twist);
/* Results are acknowledged, or nothing is said. */
void console_set_acks(console *c, bool acks);
/* The welcome's mark is signed by another key. */
void console_set_impostor(console *c, bool impostor);
/* Certificates have this many seconds to go, of an hour. */
void console_set_life(console *c, unsigned seconds);
/* Where it says its agents' listeners are: up to 4, NULL-terminated; %u is its port. */
void console_set_agents(console *c, const char *const *agents);
/* Ends the connection that there is. */
void console_hang_up(console *c);

/* An order that is good for this device now; free to be changed before it is sent. */
cd_order console_order(console *c, cd_order_kind kind, uint64_t generation);
/* Sends it, signed by the order key or by another one, in this connection or the next. */
void console_send(console *c, const cd_order *o, bool forged);

/* A policy for this device, signed by the policy key or by another one, in this connection or the
 * next. */
void console_send_policy(console *c, uint64_t version, const char *body, bool forged);
/* The device's standing by its last report. */
cd_policy_standing console_policy(console *c);

/* What it has seen, asked under its lock. */
unsigned console_connections(console *c); /* that came to the mark */
unsigned console_reports(console *c);
unsigned console_enrolments(console *c);
unsigned console_renewals(console *c);
bool console_result(console *c, const char *action, console_seen *ret_seen);
bool console_acked(console *c, unsigned index, bool *ret_accepted, cd_refusal *ret_refusal);
/* The device's generation by its last mark, and its wanted value by its last report. */
uint64_t console_generation(console *c);
cd_wanted_value console_wanted(console *c);
/* Results, reports or marks that were not the device's. */
unsigned console_forgeries(console *c);

#endif
