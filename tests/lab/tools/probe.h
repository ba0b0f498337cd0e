/* lab-probe: asks whether one machine reaches another over one protocol, and how it fails if not.
 *
 * A probe is one socket that sends one question and waits for one answer. Many run at once in one
 * poll loop, so that a whole reachability matrix takes as long as its slowest time-out. */
#ifndef LAB_PROBE_H
#define LAB_PROBE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROBE_NAME_MAX 96
#define PROBE_MESSAGE_MAX 512

typedef enum probe_outcome {
  PROBE_PENDING = 0,
  PROBE_REACHED,   /* the answer came */
  PROBE_CONNECTED, /* TCP: the handshake was done, the answer never came; a leak, though no service
                    */
  PROBE_REFUSED,   /* a reset or a port-unreachable came back, from the peer or from a local rule */
  PROBE_RESET,     /* the connection was ended under way */
  PROBE_DENIED,    /* the kernel here refused to send */
  PROBE_UNREACHABLE, /* no route, or a router or neighbour said so */
  PROBE_TIMEOUT,
  PROBE_FAILED
} probe_outcome;

/* How one protocol asks and what it takes for an answer. */
typedef struct probe_kind {
  const char *name;
  int type; /* SOCK_STREAM, SOCK_DGRAM or SOCK_RAW */
  size_t (*question)(uint16_t id, sa_family_t family, unsigned char *out);
  bool (*answers)(uint16_t id, sa_family_t family, const unsigned char *bytes, size_t len);
} probe_kind;

typedef struct probe {
  char name[PROBE_NAME_MAX];
  const probe_kind *kind;
  struct sockaddr_storage address;
  socklen_t address_len;
  uint32_t mark; /* SO_MARK; 0: none */
  uint16_t from_port;
  int timeout_ms;

  int fd;
  uint16_t id;
  bool connected;
  double started_ms;
  unsigned char answer[PROBE_MESSAGE_MAX];
  size_t answer_len;

  probe_outcome outcome;
  int os_error;
  double took_ms;
} probe;

/* NULL for an unknown name. */
const probe_kind *probe_kind_find(const char *name);
const char *probe_outcome_name(probe_outcome outcome);
/* What an errno of connect, send or recv means for reachability. */
probe_outcome probe_outcome_of(int os_error);

/* Fills in kind and address; false, with a sentence on standard error, if one of them makes no
 * sense. */
bool probe_aim(probe *p, const char *kind, const char *host, const char *port);
/* Runs all of them at once, each to its outcome. */
void probe_run(probe *probes, size_t count);

/* Reads lines `NAME KIND HOST PORT [mark=N] [from=PORT] [timeout=MS]`, runs all, prints a line
 * `NAME OUTCOME ERRNO MS` each, in the same order. Returns an exit code. */
int probe_batch(int timeout_ms);
/* Downloads without end and prints the total at each piece, then why it ended. Returns an exit
 * code. */
int probe_follow(const char *host, const char *port, uint32_t mark);

double probe_now_ms(void);
/* Decimal or 0x number within the limit; false for anything else. */
bool probe_number(const char *text, uint32_t max, uint32_t *ret_value);

#endif
