/* Telling the people at this device what was done to it: a message in each session that somebody is
 * logged in to, by the terminal services, which show it above everything until it is read. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <windows.h>

#include <wtsapi32.h>

#include "notify/words.h"

enum { NOTIFY_SESSIONS_MAX = 64, NOTIFY_NAME = 256, NOTIFY_NOTE = 256 };

/* What Windows is asked, so that a test can answer in its place. Each as in wtsapi32.h. */
typedef struct notify_calls {
  BOOL(WINAPI *enumerate)
  (HANDLE server, DWORD reserved, DWORD version, WTS_SESSION_INFOW **ret_sessions,
   DWORD *ret_count);
  BOOL(WINAPI *query)
  (HANDLE server, DWORD session, WTS_INFO_CLASS what, LPWSTR *ret_text, DWORD *ret_size);
  BOOL(WINAPI *send)
  (HANDLE server, DWORD session, LPWSTR title, DWORD title_size, LPWSTR text, DWORD text_size,
   DWORD style, DWORD seconds, DWORD *ret_answer, BOOL wait);
  BOOL(WINAPI *token)(ULONG session, HANDLE *ret_token);
  void(WINAPI *release)(PVOID memory);
} notify_calls;

extern const notify_calls notify_system_calls;

/* Somebody at this device. */
typedef struct notify_session {
  DWORD id;
  char user[NOTIFY_NAME];
  char place[NOTIFY_NAME]; /* "session 2 (RDP-Tcp#1)" */
  bool away;               /* it is not connected to a screen now */
  bool told;
  char note[NOTIFY_NOTE]; /* why not; of who is away, when */
} notify_session;

typedef struct notify_sessions {
  notify_session items[NOTIFY_SESSIONS_MAX];
  size_t count;
  size_t left_out; /* there was no room for */
} notify_sessions;

/* Who is logged in. A list that cannot be right is unsupported. */
cordon_status notify_sessions_read(const notify_calls *calls, notify_sessions *ret_sessions,
                                   sup_err *err);
/* Of who is logged in there; if that cannot be told, the system's. */
notify_language notify_session_language(const notify_calls *calls, const notify_session *s);
/* Shows the message, or says in the note why not. Does not wait for anybody to read it. */
void notify_session_tell(const notify_calls *calls, notify_session *s, const char *title,
                         const char *body);
/* run() of cordon.notify/1. */
cordon_status notify_run(const notify_calls *calls, const sup_call *call, sup_err *err);

#endif
