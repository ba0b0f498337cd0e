/* How far a private key in PEM goes whose end is not there: else one line of BEGIN would hide all
 * that comes after it. */
#ifndef PACKAGE_KEYS_H
#define PACKAGE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum {
  COL_KEY_BYTES = 256 * 1024, /* of one key: those that there are have less */
  COL_KEY_OTHERS = 4,         /* lines in a row that are no part of one: then it is over */
  COL_KEY_RUN = 40            /* so many signs of base64 together are a part, whatever is around */
};

/* Zero is behind BEGIN, in its line. */
typedef struct col_key {
  size_t bytes;
  bool below;      /* the line of BEGIN is over */
  bool body;       /* a line of base64 was seen */
  unsigned others; /* lines in a row that are none */
  /* Of the line: */
  size_t run;  /* of base64, up to here, */
  size_t best; /* and the longest one */
  bool any;    /* there is more than blanks */
  bool gap;    /* a blank behind what is none */
  bool strange;
  bool name; /* up to here it may be the name of a header */
  bool header;
} col_key;

/* Takes the next byte. False: with this one the key is over. Pure. */
bool col_key_takes(col_key *k, char c);

#endif
