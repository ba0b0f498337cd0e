/* Gives what is not a JSON object, at settings.at, and goes on as if nothing were wrong.
 * settings.what: record (default), result, array (a result that is JSON, but no object), undo,
 * null, large (a record over 1 MiB), late (a thread of its own emits after the operation has
 * returned). */
#include "zoo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char broken[] = "{\"a\":[1,2,\xff";

static void give_large(const cordon_request *req)
{
  size_t len = 1024u * 1024u + 1;
  char *text = malloc(len);
  if (text == NULL)
    return;
  (void)memset(text, ' ', len);
  text[0] = '{';
  text[len - 1] = '}';
  (void)zoo_host()->emit(zoo_host(), req->op, text, len);
  free(text);
}

static cordon_op late_op;

static void *emit_late(void *arg)
{
  const cordon_host *h = zoo_host();
  while (h->emit(h, late_op, "{}", 2) != CORDON_E_INVALID)
    continue;
  return NULL;
}

static void give_late(const cordon_request *req)
{
  pthread_t thread;
  late_op = req->op;
  if (pthread_create(&thread, NULL, emit_late, NULL) == 0)
    (void)pthread_detach(thread);
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  const cordon_host *h = zoo_host();
  char what[ZOO_TEXT_MAX];
  if (!zoo_is_at(call))
    return CORDON_OK;
  (void)zoo_setting("what", what);
  if (strcmp(what, "result") == 0)
    (void)h->result(h, req->op, broken, strlen(broken));
  else if (strcmp(what, "array") == 0)
    (void)h->result(h, req->op, "[1]", 3);
  else if (strcmp(what, "undo") == 0)
    (void)h->note_undo(h, req->op, "x", 1);
  else if (strcmp(what, "null") == 0)
    (void)h->emit(h, req->op, NULL, 5);
  else if (strcmp(what, "large") == 0)
    give_large(req);
  else if (strcmp(what, "late") == 0)
    give_late(req);
  else
    (void)h->emit(h, req->op, broken, strlen(broken));
  return CORDON_OK;
}
