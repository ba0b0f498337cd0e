/* Who is at this device: the sessions of the terminal services that have a user. */
#include "notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include <sddl.h>

#include "support/wide.h"

enum { NAME_UNITS = 512, VALUE_UNITS = 256, TAG = 32 };

const notify_calls notify_system_calls = {.enumerate = WTSEnumerateSessionsW,
                                          .query = WTSQuerySessionInformationW,
                                          .send = WTSSendMessageW,
                                          .token = WTSQueryUserToken,
                                          .release = WTSFreeMemory};

/* Empty if there is none; false if that could not be told. */
static bool ask_text(const notify_calls *calls, DWORD session, WTS_INFO_CLASS what,
                     char ret_text[NOTIFY_NAME])
{
  wchar_t *text = NULL;
  DWORD size = 0;
  ret_text[0] = '\0';
  if (!calls->query(WTS_CURRENT_SERVER_HANDLE, session, what, &text, &size) || text == NULL)
    return false;
  if (size >= sizeof(wchar_t) && text[size / sizeof(wchar_t) - 1] == L'\0')
    sup_from_wide(text, ret_text, NOTIFY_NAME);
  calls->release(text);
  return true;
}

static void name_user(const notify_calls *calls, notify_session *s, const char *user)
{
  char domain[NOTIFY_NAME];
  if (ask_text(calls, s->id, WTSDomainName, domain) && domain[0] != '\0')
    (void)snprintf(s->user, sizeof(s->user), "%.80s\\%.170s", domain, user);
  else
    (void)snprintf(s->user, sizeof(s->user), "%s", user);
}

/* Session 0 is that of services, and the one with the screen has no user before somebody logs in:
 * nobody is there. Where the user cannot be told, somebody may be. */
static void add(const notify_calls *calls, notify_sessions *all, const WTS_SESSION_INFOW *s)
{
  char user[NOTIFY_NAME];
  char station[NOTIFY_NAME];
  bool live = s->State == WTSActive || s->State == WTSDisconnected || s->State == WTSShadow;
  if (s->SessionId == 0 || !live)
    return;
  bool known = ask_text(calls, s->SessionId, WTSUserName, user);
  if (known && user[0] == '\0')
    return;
  if (all->count == NOTIFY_SESSIONS_MAX) {
    all->left_out++;
    return;
  }
  notify_session *to = &all->items[all->count++];
  *to = (notify_session){.id = s->SessionId, .away = s->State == WTSDisconnected};
  name_user(calls, to, known ? user : "(not known)");
  sup_from_wide(s->pWinStationName, station, sizeof(station));
  (void)snprintf(to->place, sizeof(to->place), "session %lu%s%.200s%s", (unsigned long)s->SessionId,
                 station[0] != '\0' ? " (" : "", station, station[0] != '\0' ? ")" : "");
}

cordon_status notify_sessions_read(const notify_calls *calls, notify_sessions *ret_sessions,
                                   sup_err *err)
{
  WTS_SESSION_INFOW *list = NULL;
  DWORD count = 0;
  *ret_sessions = (notify_sessions){0};
  if (!calls->enumerate(WTS_CURRENT_SERVER_HANDLE, 0, 1, &list, &count))
    return sup_fail_os(err, (int)GetLastError(), "the sessions cannot be listed");
  for (DWORD i = 0; i < count; i++)
    add(calls, ret_sessions, &list[i]);
  if (list != NULL)
    calls->release(list);
  /* That of services is there whenever Windows runs. */
  if (count == 0)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "unsupported here: WTSEnumerateSessions says yes and lists no session, not "
                    "even that of services%s",
                    sup_is_wine() ? " (this is Wine)" : "");
  return CORDON_OK;
}

/* ---- language ---- */

/* The first text of a value: of a list the first of it. */
static bool first_text(HKEY root, const wchar_t *key, const wchar_t *value, char ret_tag[TAG])
{
  wchar_t text[VALUE_UNITS] = {0};
  DWORD size = sizeof(text) - 2 * sizeof(wchar_t);
  DWORD type = 0;
  HKEY open = NULL;
  if (RegOpenKeyExW(root, key, 0, KEY_QUERY_VALUE, &open) != 0)
    return false;
  LSTATUS status = RegQueryValueExW(open, value, NULL, &type, (BYTE *)text, &size);
  (void)RegCloseKey(open);
  if (status != 0 || (type != REG_SZ && type != REG_MULTI_SZ))
    return false;
  sup_from_wide(text, ret_tag, TAG);
  return ret_tag[0] != '\0';
}

/* Where the settings of a logged-in user are, below HKEY_USERS. */
static bool user_key(HANDLE token, wchar_t ret_key[NAME_UNITS])
{
  union {
    TOKEN_USER user;
    char bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
  } info;
  wchar_t *sid = NULL;
  DWORD size = 0;
  if (!GetTokenInformation(token, TokenUser, &info, sizeof(info), &size) ||
      !ConvertSidToStringSidW(info.user.User.Sid, &sid))
    return false;
  int made = swprintf(ret_key, NAME_UNITS, L"%ls\\Control Panel", sid);
  (void)LocalFree(sid);
  return made > 0;
}

static bool language_of_user(HANDLE token, char ret_tag[TAG])
{
  wchar_t key[NAME_UNITS];
  wchar_t below[NAME_UNITS];
  if (!user_key(token, key))
    return false;
  if (swprintf(below, NAME_UNITS, L"%ls\\Desktop", key) > 0 &&
      first_text(HKEY_USERS, below, L"PreferredUILanguages", ret_tag))
    return true;
  return swprintf(below, NAME_UNITS, L"%ls\\International", key) > 0 &&
         first_text(HKEY_USERS, below, L"LocaleName", ret_tag);
}

notify_language notify_session_language(const notify_calls *calls, const notify_session *s)
{
  char tag[TAG] = "";
  HANDLE token = NULL;
  bool known = false;
  if (calls->token(s->id, &token) && token != NULL) {
    known = language_of_user(token, tag);
    (void)CloseHandle(token);
  }
  if (known)
    return notify_language_of_tag(tag);
  return PRIMARYLANGID(GetSystemDefaultUILanguage()) == LANG_JAPANESE ? NOTIFY_JA : NOTIFY_EN;
}
