/* Two links on one loop, joined by a socket pair, or one link and a bare descriptor; each end
 * writes down what happens to it. */
#ifndef TEST_PAIR_H
#define TEST_PAIR_H

#include "ipc/link.h"

#define END_FRAMES_MAX 256
#define END_TAKEN_MAX 4

typedef struct pair_end pair_end;

struct pair_end {
  ipc_link link;
  int frames;                    /* frames that came */
  size_t bytes;                  /* payload bytes that came */
  uint8_t types[END_FRAMES_MAX]; /* of the first frames */
  uint64_t last_op;
  char last[64]; /* the start of the last payload */
  int handles;   /* handles that were offered */
  int closed;    /* how often on_closed came */
  cd_code code;
  char sentence[CD_ERR_TEXT_MAX];
  /* What the test wants done: */
  void (*then)(pair_end *end); /* after each frame; may be NULL */
  bool take;                   /* accept the handles that are offered */
  uv_tcp_t taken[END_TAKEN_MAX];
  int taken_count;
};

typedef struct pair {
  uv_loop_t loop;
  pair_end a;
  pair_end b; /* unused with pair_make_raw() */
  int raw;    /* the test's own end of a, -1 without */
} pair;

void pair_make(pair *p, bool pass_handles);
void pair_make_raw(pair *p, uint32_t payload_max);
/* Sends bytes by hand and lets the loop see them. */
void pair_raw_write(pair *p, const void *bytes, size_t len);
void pair_raw_close(pair *p);
/* Turns the loop until *count reaches `wanted`; the test fails when that takes seconds. */
void pair_run_until(pair *p, const int *count, int wanted);
void pair_run_idle(pair *p);
/* Closes both ends, sees that each told so exactly once, and that the loop is empty. */
void pair_done(pair *p);
/* A whole frame as bytes; returns its length. */
size_t frame_bytes(uint8_t *out, uint8_t type, uint64_t op, const char *payload);
extern const ipc_link_events pair_events;
extern const ipc_link_events pair_events_no_handles;

#endif
