/* What cordond tells the channel at its start: what to do, where the consoles are, what to show
 * them. */
#ifndef CHAN_SETUP_H
#define CHAN_SETUP_H

#include "base/json.h"
#include "base/status.h"
#include "protocol/limits.h"

#define CHAN_ADDRESS_MAX 46                      /* INET6_ADDRSTRLEN */
#define CHAN_ADDRESSES_MAX 8                     /* of one console */
#define CHAN_CONSOLES_MAX (2u * CD_CONSOLES_MAX) /* the enrolment's, and a policy's */
#define CHAN_SETUP_MAX (256u * 1024u)

typedef enum chan_mode { CHAN_CONNECT = 0, CHAN_ENROLL = 1 } chan_mode;

typedef struct chan_console {
  char host[CD_HTTP_HOST_MAX + 1]; /* a name or a bare address */
  uint16_t port;
  unsigned address_count; /* where it was when its name was last looked up */
  char addresses[CHAN_ADDRESSES_MAX][CHAN_ADDRESS_MAX];
} chan_console;

/* Views into `doc`. */
typedef struct chan_setup {
  chan_mode mode;
  cd_str user; /* run as; empty: as whoever started it */
  uint64_t parent;
  cd_str agent; /* User-Agent */
  cd_str path;
  bool has_proxy;
  chan_console proxy;
  bool has_credentials;
  cd_str proxy_user;
  cd_str proxy_password;
  unsigned console_count;
  chan_console consoles[CHAN_CONSOLES_MAX];
  cd_str ca;          /* PEM: what the server is verified with */
  cd_str certificate; /* PEM; empty when enrolling */
  cd_str key;         /* PEM */
  cd_str device_ca;   /* PEM: what a new certificate is verified with */
  cd_str csr;         /* PEM; when enrolling: whose key the new certificate must have */
  cd_str body;        /* what to post when enrolling */
  cd_json_doc *doc;
} chan_setup;

/* On success the caller releases *ret_setup. */
CD_MUST_USE cd_code chan_setup_read(cd_str payload, chan_setup *ret_setup, cd_err *err);
void chan_setup_release(chan_setup *s);

#endif
