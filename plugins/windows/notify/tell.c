/* The message itself, and the run over all sessions. */
#include "notify.h"

#include <stdio.h>
#include <wchar.h>

#include "support/json.h"
#include "support/wide.h"

enum { TEXT_UNITS = NOTIFY_BODY_MAX };

static void note_refusal(notify_session *s, DWORD error)
{
  char text[NOTIFY_NOTE];
  if (error == 0) {
    (void)snprintf(s->note, sizeof(s->note),
                   "unsupported here: WTSSendMessage refuses without a reason%s",
                   sup_is_wine() ? " (this is Wine)" : "");
    return;
  }
  sup_os_text((int)error, text, sizeof(text));
  (void)snprintf(s->note, sizeof(s->note), "%sthe session takes no message: %.180s",
                 sup_status_of((int)error) == CORDON_E_UNSUPPORTED ? "unsupported here: " : "",
                 text);
}

/* Who does not wait is answered IDASYNC by a system that will show the message, and by no other. */
void notify_session_tell(const notify_calls *calls, notify_session *s, const char *title,
                         const char *body)
{
  wchar_t wide_title[TEXT_UNITS];
  wchar_t wide_body[TEXT_UNITS];
  DWORD answer = 0;
  if (!sup_to_wide(title, wide_title, TEXT_UNITS) || !sup_to_wide(body, wide_body, TEXT_UNITS)) {
    (void)snprintf(s->note, sizeof(s->note), "the text is no UTF-8, or too long");
    return;
  }
  SetLastError(0);
  if (!calls->send(WTS_CURRENT_SERVER_HANDLE, s->id, wide_title,
                   (DWORD)(wcslen(wide_title) * sizeof(wchar_t)), wide_body,
                   (DWORD)(wcslen(wide_body) * sizeof(wchar_t)),
                   MB_OK | MB_ICONWARNING | MB_SETFOREGROUND | MB_TOPMOST, 0, &answer, FALSE)) {
    note_refusal(s, GetLastError());
    return;
  }
  s->told = answer == IDASYNC;
  if (!s->told)
    (void)snprintf(s->note, sizeof(s->note),
                   "unsupported here: WTSSendMessage says yes and took no message (answer %lu)",
                   (unsigned long)answer);
  else if (s->away)
    (void)snprintf(s->note, sizeof(s->note), "it is disconnected: seen when its user comes back");
}

static cordon_status tell_all(const notify_calls *calls, const sup_call *call,
                              const notify_asked *asked, notify_sessions *all, sup_err *err)
{
  char body[NOTIFY_BODY_MAX];
  for (size_t i = 0; i < all->count; i++) {
    notify_session *s = &all->items[i];
    cordon_status status = sup_call_check(call, err);
    if (status != CORDON_OK)
      return status;
    notify_language language = notify_session_language(calls, s);
    notify_body(asked->event, language, asked->contact, body, sizeof(body));
    notify_session_tell(calls, s, notify_title(asked->event, language), body);
    sup_call_progress(call, i + 1, all->count, "told");
  }
  return CORDON_OK;
}

static cJSON *make_result(const notify_sessions *all)
{
  size_t told = 0;
  cJSON *result = cJSON_CreateObject();
  cJSON *list = cJSON_AddArrayToObject(result, "sessions");
  for (size_t i = 0; i < all->count; i++) {
    const notify_session *s = &all->items[i];
    cJSON *item = cJSON_CreateObject();
    sup_json_add_text(item, "user", s->user);
    (void)cJSON_AddStringToObject(item, "kind", "desktop");
    sup_json_add_text(item, "place", s->place);
    (void)cJSON_AddBoolToObject(item, "told", s->told);
    if (s->note[0] != '\0')
      sup_json_add_text(item, "note", s->note);
    (void)cJSON_AddItemToArray(list, item);
    told += s->told ? 1 : 0;
  }
  (void)cJSON_AddNumberToObject(result, "told", (double)told);
  (void)cJSON_AddNumberToObject(result, "failed", (double)(all->count - told + all->left_out));
  (void)cJSON_AddStringToObject(result, "later", "none");
  return result;
}

cordon_status notify_run(const notify_calls *calls, const sup_call *call, sup_err *err)
{
  static notify_sessions all; /* one at a time */
  notify_asked asked = {0};
  cordon_status status = notify_read_params(call, &asked, err);
  if (status == CORDON_OK)
    status = notify_sessions_read(calls, &all, err);
  if (status == CORDON_OK)
    status = tell_all(calls, call, &asked, &all, err);
  if (status != CORDON_OK)
    return status;
  cJSON *result = make_result(&all);
  status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}
