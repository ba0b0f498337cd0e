/* Users and groups, who is logged in, and who has a profile. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <lm.h>
#include <ntsecapi.h>
#include <sddl.h>
#include <wtsapi32.h>

#include "device.h"
#include "support/wide.h"

enum { ROWS_MAX = 20000 };

/* Seconds since 1970 of Windows' older calls; both ends of the range mean "never". */
static void put_seconds(col_task *t, DWORD seconds)
{
  if (seconds == TIMEQ_FOREVER)
    win_empty(t, 1);
  else
    col_time(t, seconds);
}

static bool put_user(col_task *t, const USER_INFO_3 *u)
{
  static const char *const kinds[] = {"guest", "user", "administrator"};
  win_text(t, u->usri3_name);
  win_text(t, u->usri3_full_name);
  win_text(t, u->usri3_comment);
  col_unum(t, u->usri3_user_id);
  col_text(t, u->usri3_priv < 3 ? kinds[u->usri3_priv] : "");
  col_flag(t, (u->usri3_flags & UF_ACCOUNTDISABLE) != 0);
  col_flag(t, (u->usri3_flags & UF_LOCKOUT) != 0);
  col_flag(t, (u->usri3_flags & UF_PASSWD_NOTREQD) == 0);
  col_flag(t, (u->usri3_flags & UF_DONT_EXPIRE_PASSWD) == 0);
  col_unum(t, u->usri3_password_age);
  put_seconds(t, u->usri3_last_logon);
  col_unum(t, u->usri3_num_logons);
  col_unum(t, u->usri3_bad_pw_count);
  put_seconds(t, u->usri3_acct_expires);
  win_text(t, u->usri3_home_dir);
  win_text(t, u->usri3_script_path);
  return col_row(t);
}

static bool put_name(col_task *t, const USER_INFO_0 *u)
{
  win_text(t, u->usri0_name);
  win_empty(t, 15);
  return col_row(t);
}

/* All pages of a level. */
static NET_API_STATUS list_users(col_task *t, DWORD level)
{
  DWORD resume = 0;
  NET_API_STATUS status = ERROR_MORE_DATA;
  while (status == ERROR_MORE_DATA && !col_stop(t) && col_rows(t) < ROWS_MAX) {
    BYTE *list = NULL;
    DWORD count = 0;
    DWORD total = 0;
    status = NetUserEnum(NULL, level, 0, &list, MAX_PREFERRED_LENGTH, &count, &total, &resume);
    if ((status != 0 && status != ERROR_MORE_DATA) || list == NULL || count == 0) {
      if (list != NULL)
        (void)NetApiBufferFree(list);
      break;
    }
    for (DWORD i = 0; i < count && !col_stop(t); i++)
      (void)(level == 3 ? put_user(t, &((const USER_INFO_3 *)(void *)list)[i])
                        : put_name(t, &((const USER_INFO_0 *)(void *)list)[i]));
    (void)NetApiBufferFree(list);
  }
  return status;
}

void win_users(col_task *t)
{
  col_head(t, "name,full_name,comment,rid,kind,disabled,locked,password_required,password_expires,"
              "password_age_seconds,last_logon,logons,bad_passwords,expires,home,script");
  NET_API_STATUS status = list_users(t, 3);
  if (status != 0) {
    win_mark(t, status, "all but the names of users (NetUserEnum, level 3)");
    status = list_users(t, 0);
  }
  if (status != 0)
    win_mark(t, status, "users (NetUserEnum)");
  else if (col_rows(t) == 0)
    win_mark_pretended(t, "not one user is listed");
}

/* ---- groups: a file for each ---- */

static void put_member(col_task *t, const LOCALGROUP_MEMBERS_INFO_2 *m)
{
  static const char *const kinds[] = {"",           "user",    "group",   "domain",  "alias",
                                      "well-known", "deleted", "invalid", "unknown", "computer"};
  char sid[WIN_SID];
  win_sid_text(m->lgrmi2_sid, sid);
  win_text(t, m->lgrmi2_domainandname);
  col_text(t, sid);
  col_text(t, (unsigned)m->lgrmi2_sidusage < 10 ? kinds[m->lgrmi2_sidusage] : "");
  (void)col_row(t);
}

static void collect_group(col_task *t, const LOCALGROUP_INFO_1 *g)
{
  char name[200];
  char file[COL_NAME];
  LOCALGROUP_MEMBERS_INFO_2 *members = NULL;
  DWORD count = 0;
  DWORD total = 0;
  DWORD_PTR resume = 0;
  sup_from_wide(g->lgrpi1_name, name, sizeof(name));
  (void)snprintf(file, sizeof(file), "group %s.csv", name);
  col_begin(t, file, "NetLocalGroupGetMembers");
  NET_API_STATUS status = NetLocalGroupGetMembers(NULL, g->lgrpi1_name, 2, (BYTE **)&members,
                                                  MAX_PREFERRED_LENGTH, &count, &total, &resume);
  if (status != 0 && status != ERROR_MORE_DATA) {
    win_mark(t, status, name);
  } else {
    col_head(t, "member,sid,kind");
    for (DWORD i = 0; i < count && !col_stop(t); i++)
      put_member(t, &members[i]);
    if (status == ERROR_MORE_DATA)
      col_cap(t, "the group has more members than one call tells");
  }
  if (members != NULL)
    (void)NetApiBufferFree(members);
}

void win_groups(col_task *t)
{
  LOCALGROUP_INFO_1 *groups = NULL;
  DWORD count = 0;
  DWORD total = 0;
  DWORD_PTR resume = 0;
  col_begin(t, "groups.csv", "NetLocalGroupEnum");
  NET_API_STATUS status =
      NetLocalGroupEnum(NULL, 1, (BYTE **)&groups, MAX_PREFERRED_LENGTH, &count, &total, &resume);
  if (status != 0) {
    win_mark(t, status, "groups (NetLocalGroupEnum)");
  } else if (count == 0) {
    win_mark_pretended(t, "not one group is listed, and every Windows has some");
  } else {
    col_head(t, "name,comment");
    for (DWORD i = 0; i < count && !col_stop(t); i++) {
      win_text(t, groups[i].lgrpi1_name);
      win_text(t, groups[i].lgrpi1_comment);
      (void)col_row(t);
    }
    for (DWORD i = 0; i < count && !col_over(t); i++)
      collect_group(t, &groups[i]);
  }
  if (groups != NULL)
    (void)NetApiBufferFree(groups);
}

/* ---- sessions ---- */

static void put_logon(col_task *t, const SECURITY_LOGON_SESSION_DATA *s)
{
  static const char *const types[] = {"system",
                                      "",
                                      "interactive",
                                      "network",
                                      "batch",
                                      "service",
                                      "proxy",
                                      "unlock",
                                      "network cleartext",
                                      "new credentials",
                                      "remote interactive",
                                      "cached interactive"};
  char sid[WIN_SID];
  win_sid_text(s->Sid, sid);
  win_text_n(t, s->UserName.Buffer, s->UserName.Length / sizeof(wchar_t));
  win_text_n(t, s->LogonDomain.Buffer, s->LogonDomain.Length / sizeof(wchar_t));
  col_text(t, sid);
  col_text(t, s->LogonType < 12 ? types[s->LogonType] : "");
  col_unum(t, s->Session);
  win_text_n(t, s->AuthenticationPackage.Buffer, s->AuthenticationPackage.Length / sizeof(wchar_t));
  win_ticks(t, (uint64_t)s->LogonTime.QuadPart);
  win_text_n(t, s->LogonServer.Buffer, s->LogonServer.Length / sizeof(wchar_t));
  (void)col_row(t);
}

void win_logons(col_task *t)
{
  ULONG count = 0;
  LUID *ids = NULL;
  NTSTATUS status = LsaEnumerateLogonSessions(&count, &ids);
  if (status != 0) {
    win_mark(t, LsaNtStatusToWinError(status), "sessions (LsaEnumerateLogonSessions)");
    return;
  }
  if (count == 0) {
    win_mark_pretended(t, "not one session is listed, and the system itself has one");
    return;
  }
  col_head(t, "user,domain,sid,type,session,package,since,server");
  for (ULONG i = 0; i < count && !col_stop(t); i++) {
    SECURITY_LOGON_SESSION_DATA *s = NULL;
    if (LsaGetLogonSessionData(&ids[i], &s) == 0 && s != NULL)
      put_logon(t, s);
    else
      col_mark(t, COL_PARTIAL, "a session did not tell what it is");
    if (s != NULL)
      (void)LsaFreeReturnBuffer(s);
  }
  (void)LsaFreeReturnBuffer(ids);
}

static void put_session_text(col_task *t, DWORD id, WTS_INFO_CLASS what)
{
  wchar_t *text = NULL;
  DWORD size = 0;
  if (WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, id, what, &text, &size) &&
      text != NULL)
    win_text(t, text);
  else
    win_empty(t, 1);
  if (text != NULL)
    WTSFreeMemory(text);
}

void win_sessions(col_task *t)
{
  static const char *const states[] = {"active",       "connected",   "connecting", "shadow",
                                       "disconnected", "idle",        "listening",  "reset",
                                       "down",         "initializing"};
  WTS_SESSION_INFOW *list = NULL;
  DWORD count = 0;
  if (!WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &list, &count)) {
    win_mark(t, GetLastError(), "sessions (WTSEnumerateSessions)");
    return;
  }
  if (count == 0) {
    win_mark_pretended(t, "not one session is listed, and the services have one");
    return;
  }
  col_head(t, "session,name,state,user,domain,client");
  for (DWORD i = 0; i < count && !col_stop(t); i++) {
    col_unum(t, list[i].SessionId);
    win_text(t, list[i].pWinStationName);
    col_text(t, (unsigned)list[i].State < 10 ? states[list[i].State] : "");
    put_session_text(t, list[i].SessionId, WTSUserName);
    put_session_text(t, list[i].SessionId, WTSDomainName);
    put_session_text(t, list[i].SessionId, WTSClientName);
    (void)col_row(t);
  }
  WTSFreeMemory(list);
}
