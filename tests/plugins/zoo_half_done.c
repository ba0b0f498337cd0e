/* Changes the state in two steps, each noted before, and dies between them (settings.dies "no":
 * does not). Its release takes back a half-made state only by the undo records, newest first, and
 * refuses to guess without them. */
#include "zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cordon_status note(const cordon_request *req, int step)
{
  char json[4 * ZOO_TEXT_MAX];
  int len = snprintf(json, sizeof(json), "{\"step\":%d,\"file\":\"%s\"}", step, zoo_state_file());
  return zoo_host()->note_undo(zoo_host(), req->op, json, (size_t)len);
}

static cordon_status apply(const cordon_request *req)
{
  cordon_status status = note(req, 1);
  if (status == CORDON_OK)
    status = zoo_write_state("half\n");
  if (status == CORDON_OK && !zoo_setting_is("dies", "no"))
    abort();
  if (status == CORDON_OK)
    status = note(req, 2);
  return status == CORDON_OK ? zoo_apply_with(req, "{\"steps\":2}") : status;
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  char state[ZOO_TEXT_MAX];
  if (strcmp(call, "apply") == 0) {
    *ret_done = true;
    return apply(req);
  }
  if (strcmp(call, "release") == 0 && zoo_read_state(state) && strcmp(state, "half\n") == 0 &&
      (req->undo == NULL || strstr(req->undo, "\"step\":1") == NULL)) {
    zoo_explain(req, 0, "the state is half made and there is no record of how to take it back");
    *ret_done = true;
    return CORDON_E_CONFLICT;
  }
  return CORDON_OK;
}
