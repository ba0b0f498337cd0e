/* Telling the people at this device what was done to it: each desktop over its user's message bus,
 * each terminal as wall(1) does, and whoever logs in later by a message of the day. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "notify/words.h"

enum { NOTIFY_SESSIONS_MAX = 64, NOTIFY_NAME = 64, NOTIFY_PLACE = 128, NOTIFY_NOTE = 256 };

typedef enum notify_kind { NOTIFY_DESKTOP = 0, NOTIFY_TERMINAL = 1 } notify_kind;

/* Somebody at this device. */
typedef struct notify_session {
  notify_kind kind;
  uid_t uid;
  char user[NOTIFY_NAME];
  char place[NOTIFY_PLACE]; /* of a desktop: the socket of its bus; of a terminal: its device */
  pid_t leader;             /* a process of the session, 0: none is known */
  bool graphical;           /* of a desktop: the login manager says that it has a screen */
  bool told;
  char note[NOTIFY_NOTE]; /* why not, else empty */
} notify_session;

typedef struct notify_sessions {
  notify_session items[NOTIFY_SESSIONS_MAX];
  size_t count;
  size_t left_out; /* there was no room for */
} notify_sessions;

/* ---- sessions.c ---- */

/* Bytes of a process's environment -> the value of the variable that decides the language, or of
 * the first that is there: LC_ALL, LC_MESSAGES, LANG; empty if none is. Pure. */
void notify_locale_from_environ(const char *bytes, size_t len, char out[NOTIFY_NAME]);
/* A line LANG= of a file such as /etc/default/locale, quotes taken off; empty if there is none.
 * Pure. */
void notify_locale_from_file(const char *text, char out[NOTIFY_NAME]);
/* The text of a file of /run/systemd/sessions: a user's session with a screen? Pure. */
bool notify_session_is_graphical(const char *text, uid_t *ret_uid, pid_t *ret_leader);
/* A name of a terminal that may be opened below /dev: "tty1", "pts/3". Pure. */
bool notify_terminal_valid(const char *line);

void notify_sessions_read(notify_sessions *ret_sessions);
notify_language notify_session_language(const notify_session *s);

/* ---- desktop.c, terminal.c, motd.c ---- */

/* Each sets `told` or `note`. No longer than a few seconds. */
void notify_desktop(notify_session *s, const char *title, const char *body);
void notify_terminal(notify_session *s, const char *title, const char *body);
/* For who logs in while the device is isolated; NULL title takes it away. False with a note if it
 * could not be written. */
bool notify_motd(const char *title, const char *body, char note[NOTIFY_NOTE]);

#endif
