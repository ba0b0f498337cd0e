/* The real `cordon` program against a console of the tests (console.js), over HTTPS. */
#ifndef STAGE_H
#define STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <check.h>

#include "base/buf.h"
#include "base/json.h"

/* Certificates and the console, for all tests of this program; false: node or openssl is not here,
 * and nothing can be tested. */
bool stage_open(void);
void stage_close(void);

/* How `cordon` is run, then what came of it. Zero-initialise. */
typedef struct stage_run {
  const char *client;    /* CORDON_CLIENT_ID; NULL: "plain" */
  const char *secret;    /* CORDON_CLIENT_SECRET; NULL: the right one */
  const char *console;   /* CORDON_CONSOLE; NULL: the console; "": not set */
  const char *ca;        /* CORDON_CA; NULL: the right one */
  const char *signal_at; /* `signal_is` when this stands in standard error; NULL: none */
  int signal_is;         /* 0: SIGINT */
  bool no_room;          /* as on a disk that is full */

  cd_buf out;
  cd_buf err;
  int64_t exit_code; /* -1: ended by a signal */
  uint64_t took_ms;
} stage_run;

void stage_cordon(stage_run *r, const char *const *args);
void stage_release(stage_run *r);
/* A path in the folder of this test program; static storage, eight of them. */
const char *stage_path(const char *name);
/* "https://HOST:port" of the console; static storage. */
const char *stage_console(const char *host);
void stage_file(const char *name, const char *text, unsigned mode);
/* What the client asked the console for so far: lines of JSON. */
void stage_log(const char *client, cd_buf *out);
/* The member `key` of the object on the run's standard output, as text. */
const char *stage_member(const stage_run *r, const char *key);

#define CORDON(r, code, ...)                                                                       \
  do {                                                                                             \
    stage_cordon((r), (const char *const[]){__VA_ARGS__, NULL});                                   \
    ck_assert_msg((r)->exit_code == (code), "exit code %lld, out '%s', err '%s'",                  \
                  (long long)(r)->exit_code, cd_buf_cstr(&(r)->out), cd_buf_cstr(&(r)->err));      \
  } while (0)
#define HAS(buf, text)                                                                             \
  ck_assert_msg(strstr(cd_buf_cstr(buf), (text)) != NULL, "'%s' is not in '%s'", (text),           \
                cd_buf_cstr(buf))
#define HAS_NOT(buf, text)                                                                         \
  ck_assert_msg(strstr(cd_buf_cstr(buf), (text)) == NULL, "'%s' is in '%s'", (text),               \
                cd_buf_cstr(buf))

#define SECRET "s3cret+with&signs=%"

#endif
