/* Who is logged in, from the sessions of the terminal services. */
#include "facts.h"

#include <stdio.h>

#include <windows.h>

#include <wtsapi32.h>

#include "support/json.h"
#include "support/wide.h"

static void add_text(cJSON *user, const char *name, const wchar_t *text)
{
  char utf8[FACTS_TEXT];
  sup_from_wide(text, utf8, sizeof(utf8));
  if (utf8[0] != '\0')
    sup_json_add_text(user, name, utf8);
}

static void add_session(cJSON *users, const WTS_SESSION_INFOW *s)
{
  WTSINFOW *info = NULL;
  WTSCLIENTW *client = NULL;
  DWORD size = 0;
  char when[32];
  if (!WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, s->SessionId, WTSSessionInfo,
                                   (LPWSTR *)(void *)&info, &size) ||
      info == NULL)
    return;
  if (size >= sizeof(*info) && info->UserName[0] != L'\0') {
    cJSON *user = cJSON_CreateObject();
    add_text(user, "name", info->UserName);
    add_text(user, "terminal", s->pWinStationName);
    facts_time((uint64_t)info->LogonTime.QuadPart, when);
    if (when[0] != '\0')
      (void)cJSON_AddStringToObject(user, "since", when);
    if (WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, s->SessionId, WTSClientInfo,
                                    (LPWSTR *)(void *)&client, &size) &&
        client != NULL && size >= sizeof(*client))
      add_text(user, "from", client->ClientName);
    (void)cJSON_AddItemToArray(users, user);
  }
  if (client != NULL)
    WTSFreeMemory(client);
  WTSFreeMemory(info);
}

void facts_add_users(cJSON *result)
{
  WTS_SESSION_INFOW *sessions = NULL;
  DWORD count = 0;
  /* No empty list where nobody answers: the member is left out. */
  if (!WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &sessions, &count) || count == 0)
    return;
  cJSON *users = cJSON_AddArrayToObject(result, "users");
  for (DWORD i = 0; i < count && cJSON_GetArraySize(users) < FACTS_USERS_MAX; i++)
    add_session(users, &sessions[i]);
  WTSFreeMemory(sessions);
}
