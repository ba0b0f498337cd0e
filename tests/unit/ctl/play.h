/* The real `cordon` program, run against an agent that plays a script. One loop drives both ends:
 * the server and the child's output; every play ends by itself or fails at a deadline. */
#ifndef PLAY_H
#define PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

typedef enum play_verb {
  PLAY_END = 0,
  PLAY_EVENT,    /* text is the payload */
  PLAY_RESPONSE, /* text is the payload */
  PLAY_FRAME,    /* number is the type, text the payload */
  PLAY_RAW,      /* text is sent as it is, number bytes of it */
  PLAY_CLOSE,    /* the agent closes the connection */
  PLAY_AWAIT,    /* until text stands in the child's standard error */
  PLAY_SIGNAL    /* number is sent to the child */
} play_verb;

typedef struct play_step {
  play_verb verb;
  const char *text;
  int number;
} play_step;

typedef enum play_server {
  PLAY_SERVER_NORMAL = 0,
  PLAY_SERVER_ABSENT,     /* nobody listens and there is no socket */
  PLAY_SERVER_STALE,      /* the socket is there, nobody listens */
  PLAY_SERVER_BUSY,       /* the queue of connections is full and stays so */
  PLAY_SERVER_BUSY_FIRST, /* it is full at first */
  PLAY_SERVER_NOBODY      /* listens as the user nobody (the test runs as root) */
} play_server;

/* What to do, then what came of it. Zero-initialise. */
typedef struct play {
  const play_step *script; /* starts when the request is there; NULL: the agent never answers */
  play_server server;
  bool terminal;    /* standard error is a terminal, 60 columns wide, and so is standard output */
  bool as_nobody;   /* the child runs as the user nobody (the test runs as root) */
  const char *term; /* TERM; NULL: unset */
  const char *no_colour;
  bool closed_out;    /* nobody reads the child's standard output */
  const char *socket; /* what the child is told instead of the play's own socket */

  cd_buf out;
  cd_buf err;
  cd_buf request; /* payload of the last REQUEST */
  int requests;
  int connections;
  int64_t exit_code; /* -1: it was ended by a signal */
  uint64_t took_ms;
} play;

/* Runs `cordon ARGS... --socket PATH`; args ends with NULL. In args, "@" as a first character makes
 * a path in the play's own folder of the rest. */
void play_run(play *p, const char *const *args);
void play_release(play *p);
/* Makes a file in the folder that "@NAME" names; before play_run(). */
void play_file(const char *name, const void *bytes, size_t len);
const char *play_path(const char *name, char out[256]); /* where it is */

/* The program with these arguments against this script: must end with the code. */
#define PLAY(p, code, ...)                                                                         \
  do {                                                                                             \
    play_run((p), (const char *const[]){__VA_ARGS__, NULL});                                       \
    ck_assert_msg((p)->exit_code == (code), "exit code %lld, out '%s', err '%s'",                  \
                  (long long)(p)->exit_code, cd_buf_cstr(&(p)->out), cd_buf_cstr(&(p)->err));      \
  } while (0)

#define HAS(buf, text)                                                                             \
  ck_assert_msg(strstr(cd_buf_cstr(buf), (text)) != NULL, "'%s' is not in '%s'", (text),           \
                cd_buf_cstr(buf))
#define HAS_NOT(buf, text)                                                                         \
  ck_assert_msg(strstr(cd_buf_cstr(buf), (text)) == NULL, "'%s' is in '%s'", (text),               \
                cd_buf_cstr(buf))

#endif
