/* What the items of one package share: who has a profile, and their parts of the registry. */
#ifndef READ_DEVICE_H
#define READ_DEVICE_H

#include "package/thread.h"
#include "read.h"

enum { WIN_USERS_MAX = 256, WIN_HIVE_MAX_MIB = 512, WIN_NAMES = 64 };

typedef struct win_user {
  wchar_t sid[WIN_SID];
  char name[WIN_ACCOUNT]; /* of the folder of the profile, at least */
  wchar_t profile[WIN_PATH];
  bool has_profile;
  HKEY hive;    /* HKEY_USERS\SID, or what was loaded; NULL: neither, and `why` says it */
  HKEY classes; /* ...\SID_Classes; NULL: there is none */
  bool loaded;  /* from a copy of NTUSER.DAT */
  char why[COL_SENTENCE];
  wchar_t mounted[2][64]; /* names below HKEY_USERS that were loaded here */
} win_user;

typedef struct win_name {
  char sid[WIN_SID];
  char name[WIN_ACCOUNT];
} win_name;

typedef struct win_device {
  col_gate *gate;
  bool read; /* the users */
  bool more; /* there are more than the ceiling */
  win_user *users;
  size_t count;
  win_name names[WIN_NAMES]; /* of accounts that were asked for last */
  unsigned next_name;
  wchar_t asked[WIN_PATH];  /* of a read-out: its path, or empty */
  struct col_list *list;    /* of the profile custom, or NULL */
  wchar_t folder[WIN_PATH]; /* private, with the copies of hives; empty: not made */
} win_device;

/* The users, read when they are first asked for. */
win_device *win_device_of(col_task *t);
/* The same, whether they were read or not. */
win_device *win_device_plain(const col_task *t);

#endif
