/* Says more than anybody can hear, at settings.at, until it is cancelled. settings.what: records
 * (default), logs or progress; settings.bytes: the size of a record or line, default 100. */
#include "zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOOD_BYTES_MAX (1024u * 1024u)

static void write_count(unsigned long count)
{
  char text[32];
  (void)snprintf(text, sizeof(text), "%lu\n", count);
  (void)zoo_write_state(text);
}

static cordon_status say(const cordon_request *req, const char *text, unsigned long count)
{
  const cordon_host *h = zoo_host();
  if (zoo_setting_is("what", "logs"))
    h->log(h, req->op, CORDON_LOG_INFO, text);
  else if (zoo_setting_is("what", "progress"))
    h->progress(h, req->op, count, 0, "flooding");
  else
    return h->emit(h, req->op, text, strlen(text));
  return h->cancelled(h, req->op) ? CORDON_E_CANCELLED : CORDON_OK;
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (!zoo_is_at(call))
    return CORDON_OK;
  size_t bytes = zoo_number("bytes", 100);
  char *text = bytes > 20 && bytes <= FLOOD_BYTES_MAX ? malloc(bytes + 1) : NULL;
  if (text == NULL)
    return CORDON_E_INVALID;
  (void)memset(text, 'x', bytes);
  (void)memcpy(text, "{\"water\":\"", 10);
  (void)memcpy(text + bytes - 2, "\"}", 3);
  cordon_status status = CORDON_OK;
  bool counted = zoo_setting_is("count", "yes");
  for (unsigned long count = 0; status == CORDON_OK; count++) {
    status = say(req, text, count);
    if (counted && status == CORDON_OK)
      write_count(count + 1);
  }
  free(text);
  *ret_done = true;
  return status;
}
