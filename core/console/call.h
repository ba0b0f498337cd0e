/* One call of the API: what was asked, by whom, and the answer. Handlers know nothing of HTTP's
 * transport; whoever took the request in (people.c) sends the reply when it is there. */
#ifndef CON_CALL_H
#define CON_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "odata.h"
#include "reply.h"
#include "route.h"
#include "server.h"
#include "shape.h"

#define CON_BODY_MAX (272u * 1024u) /* of a request; 1,024 exclusions with notes are 150 KB */
#define CON_CALL_PARAMS 32u
#define CON_PEER_MAX 64u

/* Who calls. */
typedef struct con_caller {
  char app[CD_ID_SIZE];
  char name[CON_AUDIT_WHO_MAX + 1];
  uint32_t permissions;
} con_caller;

typedef struct con_call con_call;
struct con_call {
  con_server *server;
  con_verb verb;
  char *path;  /* decoded, with its slash */
  cd_str rest; /* of the path, behind /api/ */
  con_match match;
  char *query; /* what params point into */
  con_param params[CON_CALL_PARAMS];
  size_t param_count;
  char *authorization;
  char *range;    /* the header; NULL: there is none */
  char *if_range; /* likewise */
  bool head;      /* HEAD: a GET whose body is not sent */
  cd_buf body;
  char peer[CON_PEER_MAX];
  con_caller caller;
  con_reply reply;
  con_store *reader; /* of a scan, on the pool */
  bool later;        /* the handler answers by con_call_done() */
  void (*handler)(con_call *c);
  void (*on_done)(con_call *c);
  void *owner;    /* the connection; NULL: it went, and the answer is for nobody */
  void *context;  /* of a handler that answers later */
  con_call *next; /* in a queue of scans */
};

con_call *con_call_new(con_server *s); /* NULL: no memory */
void con_call_free(con_call *c);
/* Finds the route, checks who may, and runs the handler. The reply is there afterwards, unless
 * c->later. */
void con_call_run(con_call *c);
/* For handlers that answer later: the reply is complete. */
void con_call_done(con_call *c);

/* ---- for handlers ---- */

bool con_call_param(const con_call *c, const char *name, cd_str *ret_value);
/* The body as an object. False: the reply says what is wrong. */
bool con_call_body(con_call *c, cd_json_doc **ret_doc, cd_json *ret_root);
/* After the reads: false if a member was of the wrong type. */
bool con_call_body_good(con_call *c, const cd_json *root);
/* After all reads: the same, and false if a member was never asked for. What is not understood is
 * not acted on. */
bool con_call_body_whole(con_call *c, cd_json *root);
/* The same for readers with a failure of their own: the reply is only there for such a member. */
CD_MUST_USE cd_code con_call_body_rest(con_call *c, cd_json *root, cd_err *err);
/* A text that must be there and not be empty. */
bool con_call_text(con_call *c, cd_json *root, const char *key, size_t max, cd_str *ret_text);
/* The machine of the first captured segment, by id or name. False: the reply says so. */
bool con_call_machine(con_call *c, con_device *ret_device);
/* The reply for a failure of the store: its sentence goes to the log. */
void con_call_trouble(con_call *c, const cd_err *err);
con_by con_call_by(const con_call *c, cd_str comment);
/* One entity as the whole answer. */
void con_call_entity(con_call *c, unsigned status, const con_shape *shape, const void *row);
void con_call_machine_reply(con_call *c, unsigned status, cd_str id);
/* As con_action_checked(), and what is wrong with the row is told. */
CD_MUST_USE cd_code con_call_action(con_call *c, cd_str id, con_action *ret_action, cd_err *err);
void con_call_action_reply(con_call *c, unsigned status, const char *id);
/* Ends a JSON answer. */
void con_call_written(con_call *c, unsigned status, cd_jw *w);

#endif
