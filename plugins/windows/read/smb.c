/* Sessions of file sharing: who is connected here, and where this machine is connected to. */
#include "items.h"

#include <stdlib.h>

#include <lm.h>

#include "support/wide.h"

static void put_session(col_task *t, const SESSION_INFO_10 *s)
{
  win_text(t, s->sesi10_cname);
  win_text(t, s->sesi10_username);
  col_unum(t, s->sesi10_time);
  col_unum(t, s->sesi10_idle_time);
  (void)col_row(t);
}

void win_smb_inbound(col_task *t)
{
  SESSION_INFO_10 *list = NULL;
  DWORD count = 0;
  DWORD total = 0;
  DWORD resume = 0;
  col_begin(t, "SMBInboundSessions.csv", "NetSessionEnum");
  NET_API_STATUS status = NetSessionEnum(NULL, NULL, NULL, 10, (BYTE **)&list, MAX_PREFERRED_LENGTH,
                                         &count, &total, &resume);
  if (status != 0) {
    win_mark(t, status, "sessions (NetSessionEnum)");
  } else if (count == 0 && sup_is_wine()) {
    win_mark_pretended(t, "NetSessionEnum lists none whatever there is");
  } else {
    col_head(t, "client,user,seconds,idle_seconds");
    for (DWORD i = 0; i < count && !col_stop(t); i++)
      put_session(t, &list[i]);
    win_say_none(t, "SMBInboundSessions.txt", "no other machine is connected to this one's shares");
  }
  if (list != NULL)
    (void)NetApiBufferFree(list);
}

void win_smb_outbound(col_task *t)
{
  static const char *const states[] = {"connected", "paused",     "lost",
                                       "error",     "connecting", "reconnecting"};
  USE_INFO_2 *list = NULL;
  DWORD count = 0;
  DWORD total = 0;
  DWORD resume = 0;
  col_begin(t, "SMBOutboundSession.csv", "NetUseEnum");
  NET_API_STATUS status =
      NetUseEnum(NULL, 2, (BYTE **)&list, MAX_PREFERRED_LENGTH, &count, &total, &resume);
  if (status != 0) {
    win_mark(t, status, "connections (NetUseEnum)");
  } else {
    col_head(t, "local,remote,state,user,domain,uses");
    for (DWORD i = 0; i < count && !col_stop(t); i++) {
      win_text(t, list[i].ui2_local);
      win_text(t, list[i].ui2_remote);
      col_text(t, list[i].ui2_status < 6 ? states[list[i].ui2_status] : "");
      win_text(t, list[i].ui2_username);
      win_text(t, list[i].ui2_domainname);
      col_unum(t, list[i].ui2_usecount);
      (void)col_row(t);
    }
    win_say_none(t, "SMBOutboundSession.txt", "no share of another machine is used");
  }
  if (list != NULL)
    (void)NetApiBufferFree(list);
}

void win_smb_shares(col_task *t)
{
  SHARE_INFO_2 *list = NULL;
  DWORD count = 0;
  DWORD total = 0;
  DWORD resume = 0;
  NET_API_STATUS status =
      NetShareEnum(NULL, 2, (BYTE **)&list, MAX_PREFERRED_LENGTH, &count, &total, &resume);
  if (status != 0) {
    win_mark(t, status, "shares (NetShareEnum)");
  } else {
    col_head(t, "name,type,path,comment,connections");
    for (DWORD i = 0; i < count && !col_stop(t); i++) {
      win_text(t, list[i].shi2_netname);
      win_hex(t, list[i].shi2_type);
      win_text(t, list[i].shi2_path);
      win_text(t, list[i].shi2_remark);
      col_unum(t, list[i].shi2_current_uses);
      (void)col_row(t);
    }
  }
  if (list != NULL)
    (void)NetApiBufferFree(list);
}

void win_smb_files(col_task *t)
{
  FILE_INFO_3 *list = NULL;
  DWORD count = 0;
  DWORD total = 0;
  DWORD_PTR resume = 0;
  NET_API_STATUS status = NetFileEnum(NULL, NULL, NULL, 3, (BYTE **)&list, MAX_PREFERRED_LENGTH,
                                      &count, &total, &resume);
  if (status != 0) {
    win_mark(t, status, "open files (NetFileEnum)");
  } else {
    col_head(t, "id,path,user,access,locks");
    for (DWORD i = 0; i < count && !col_stop(t); i++) {
      col_unum(t, list[i].fi3_id);
      win_text(t, list[i].fi3_pathname);
      win_text(t, list[i].fi3_username);
      win_hex(t, list[i].fi3_permissions);
      col_unum(t, list[i].fi3_num_locks);
      (void)col_row(t);
    }
  }
  if (list != NULL)
    (void)NetApiBufferFree(list);
}
