#include <stdio.h>
#include <string.h>

#include "notify/words.h"
#include "support/json.h"

static cordon_status check_contact(const char *contact, sup_err *err)
{
  if (strlen(contact) > NOTIFY_CONTACT_MAX)
    return sup_fail(err, CORDON_E_LIMIT, "contact has %zu bytes, the limit is %d", strlen(contact),
                    NOTIFY_CONTACT_MAX);
  for (const char *at = contact; *at != '\0'; at++) {
    if ((unsigned char)*at < ' ' || *at == 0x7f)
      return sup_fail(err, CORDON_E_INVALID, "contact holds a control character");
  }
  return CORDON_OK;
}

cordon_status notify_read_params(const sup_call *call, notify_asked *ret_asked, sup_err *err)
{
  static const char *const names[] = {"event", "contact", NULL};
  const char *event = NULL;
  const char *contact = NULL;
  cJSON *doc = sup_call_params(call, err);
  if (doc == NULL)
    return err->status;
  cordon_status status = sup_json_members(doc, "", names, err);
  if (status == CORDON_OK)
    status = sup_json_text(doc, "", "event", 0, &event, err);
  if (status == CORDON_OK)
    status = sup_json_text(doc, "", "contact", 1, &contact, err);
  if (status == CORDON_OK && strcmp(event, "isolated") != 0 && strcmp(event, "released") != 0)
    status = sup_fail(err, CORDON_E_INVALID, "event '%.40s' is none of isolated, released", event);
  if (status == CORDON_OK && contact != NULL)
    status = check_contact(contact, err);
  if (status == CORDON_OK) {
    ret_asked->event = strcmp(event, "isolated") == 0 ? NOTIFY_ISOLATED : NOTIFY_RELEASED;
    (void)snprintf(ret_asked->contact, sizeof(ret_asked->contact), "%s",
                   contact != NULL ? contact : "");
  }
  cJSON_Delete(doc);
  return status;
}
