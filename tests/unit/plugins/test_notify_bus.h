/* A desktop for the tests: a session bus that a user runs, and on it something that shows
 * notifications, or nothing. */
#ifndef TEST_NOTIFY_BUS_H
#define TEST_NOTIFY_BUS_H

#include <stdbool.h>

#include <sys/types.h>

enum { BUS_TEXT = 2048 };

typedef enum bus_service {
  BUS_SHOWS,  /* answers Notify */
  BUS_HANGS,  /* takes it and does not answer */
  BUS_NOBODY, /* there is none */
} bus_service;

typedef struct bus {
  char folder[64];
  char path[96];
  pid_t daemon;
  pid_t shower;
  int shown; /* what was shown comes out here, a line each for title and body */
} bus;

/* Fails the test if it does not come up. */
void bus_start(bus *b, uid_t uid, bus_service service);
void bus_stop(bus *b);
/* What was shown, within a deadline; "" if it was nothing. */
const char *bus_shown(bus *b);

#endif
