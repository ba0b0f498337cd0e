/* How many connections each address has at the people's listener. Whose head has not come yet holds
 * one of few places where heads are read (listen.c), so nobody gets to hold them all. */
#ifndef CON_CROWD_H
#define CON_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define CON_CROWD_MAX 1024u   /* connections of people at once */
#define CON_CROWD_ADDRESS 64u /* of one address */

typedef struct con_crowd_one {
  const void *connection; /* NULL: free */
  uint64_t address;
} con_crowd_one;

/* Zero-initialise it. */
typedef struct con_crowd {
  con_crowd_one ones[CON_CROWD_MAX];
} con_crowd;

/* Whether one more of this address may come. */
bool con_crowd_room(const con_crowd *c, cd_str address);
void con_crowd_add(con_crowd *c, const void *connection, cd_str address);
void con_crowd_remove(con_crowd *c, const void *connection);

#endif
