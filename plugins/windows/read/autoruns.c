/* Autoruns: one file for each place of the registry, with a row for each value, for the machine in
 * both views and for each user, whether logged in or not. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "asep.h"
#include "device.h"
#include "reg.h"
#include "reg_text.h"
#include "support/wide.h"

enum { KEYS_MAX = 100000, KEY_UNITS = 1024, LOOKED_TEXT = 160 };

typedef struct walk {
  col_task *task;
  const asep *place;
  char hive[WIN_SID + 8]; /* of the row: HKLM, HKLM (32), HKU\SID */
  const char *user;
  unsigned keys;
  unsigned found; /* keys of this place that are there */
  unsigned denied;
  DWORD error; /* the first that is neither absent nor denied */
} walk;

/* Whether a name is among those of a place: `_` is a key's own, and `?` a blank. */
static bool is_wanted(const wchar_t *wanted, const wchar_t *name)
{
  if (wanted == NULL)
    return true;
  if (name[0] == L'\0')
    name = L"_";
  size_t len = wcslen(name);
  while (*wanted != L'\0') {
    size_t word = wcscspn(wanted, L" ");
    bool same = word == len;
    for (size_t i = 0; same && i < len; i++)
      same = towlower(wanted[i]) == towlower(name[i]) || (wanted[i] == L'?' && name[i] == L' ');
    if (same)
      return true;
    wanted += word + (wanted[word] == L' ' ? 1 : 0);
  }
  return false;
}

typedef struct at_key {
  walk *w;
  const wchar_t *path;
  uint64_t written;
  unsigned depth; /* left to go */
  bool shown;     /* it has a row */
} at_key;

static void put_front(at_key *k)
{
  col_text(k->w->task, k->w->hive);
  col_text(k->w->task, k->w->user);
  win_text(k->w->task, k->path);
}

static bool put_value(void *data, HKEY key, const win_value *v)
{
  at_key *k = data;
  col_task *t = k->w->task;
  char text[REG_TEXT_MAX];
  char type[16];
  (void)key;
  if (!is_wanted(k->w->place->values, v->name))
    return true;
  size_t len = win_reg_value_text(v->type, v->bytes, v->len, text, sizeof(text));
  put_front(k);
  win_text(t, v->name[0] != L'\0' ? v->name : L"(default)");
  col_text(t, win_reg_type(v->type, type));
  if (v->cut)
    col_text(t, "(longer than a megabyte)");
  else
    col_bytes(t, text, len);
  win_ticks(t, k->written);
  k->shown = true;
  return col_row(t);
}

static void put_key(walk *w, HKEY key, const wchar_t *path, unsigned depth);

static bool put_below(void *data, HKEY key, const wchar_t *name)
{
  at_key *k = data;
  wchar_t path[KEY_UNITS];
  HKEY below = NULL;
  if (wcslen(k->path) + 1 + wcslen(name) >= KEY_UNITS)
    return true;
  (void)swprintf(path, KEY_UNITS, L"%ls\\%ls", k->path, name);
  LSTATUS status = RegOpenKeyExW(key, name, 0, KEY_READ, &below);
  if (status != 0) {
    k->w->denied++;
    return true;
  }
  put_key(k->w, below, path, k->depth - 1);
  (void)RegCloseKey(below);
  return !col_stop(k->w->task);
}

/* Keys without a value matter where all values do: their names say something. */
static void put_key(walk *w, HKEY key, const wchar_t *path, unsigned depth)
{
  at_key k = {.w = w, .path = path, .written = win_key_written(key), .depth = depth};
  if (++w->keys > KEYS_MAX) {
    col_cap(w->task, "there are more than %d keys", KEYS_MAX);
    return;
  }
  DWORD error = win_each_value(w->task, key, put_value, &k);
  if (error == 0 && !k.shown && w->place->values == NULL) {
    put_front(&k);
    win_empty(w->task, 3);
    win_ticks(w->task, k.written);
    (void)col_row(w->task);
  }
  if (error == 0 && depth > 0)
    error = win_each_subkey(w->task, key, put_below, &k);
  if (error != 0 && w->error == 0)
    w->error = error;
}

/* ---- from a root down to the place ---- */

typedef struct way {
  walk *w;
  const wchar_t *rest;   /* of the pattern */
  const wchar_t *before; /* the path so far */
} way;

static void go_down(walk *w, HKEY key, const wchar_t *pattern, const wchar_t *before);

static bool go_each(void *data, HKEY key, const wchar_t *name)
{
  way *d = data;
  wchar_t path[KEY_UNITS];
  HKEY below = NULL;
  if (wcslen(d->before) + 1 + wcslen(name) >= KEY_UNITS)
    return true;
  (void)swprintf(path, KEY_UNITS, L"%ls\\%ls", d->before, name);
  if (++d->w->keys > KEYS_MAX) {
    col_cap(d->w->task, "there are more than %d keys", KEYS_MAX);
    return false;
  }
  if (RegOpenKeyExW(key, name, 0, KEY_READ, &below) == 0) {
    go_down(d->w, below, d->rest, path);
    (void)RegCloseKey(below);
  }
  return !col_stop(d->w->task);
}

/* The part of the pattern up to its first `*`, which stands for a whole part. */
static void go_down(walk *w, HKEY key, const wchar_t *pattern, const wchar_t *before)
{
  wchar_t fixed[KEY_UNITS];
  wchar_t path[KEY_UNITS];
  HKEY open = NULL;
  const wchar_t *star = wcschr(pattern, L'*');
  size_t len = star != NULL ? (size_t)(star - pattern) : wcslen(pattern);
  while (len > 0 && pattern[len - 1] == L'\\')
    len--;
  wmemcpy(fixed, pattern, len);
  fixed[len] = L'\0';
  (void)swprintf(path, KEY_UNITS, L"%ls%ls%ls", before, len > 0 ? L"\\" : L"", fixed);
  LSTATUS status = RegOpenKeyExW(key, fixed, 0, KEY_READ, &open);
  if (status == ERROR_ACCESS_DENIED)
    w->denied++;
  else if (status != 0 && status != ERROR_FILE_NOT_FOUND && w->error == 0)
    w->error = (DWORD)status;
  if (status != 0)
    return;
  if (star == NULL) {
    w->found++;
    put_key(w, open, path, w->place->depth);
  } else {
    way d = {.w = w, .rest = star + 1 + (star[1] == L'\\' ? 1 : 0), .before = path};
    (void)win_each_subkey(w->task, open, go_each, &d);
  }
  (void)RegCloseKey(open);
}

/* Of a hive in which the place is not: a row says that it was looked for. */
static void put_not_found(walk *w, const wchar_t *before, const char *why)
{
  wchar_t path[KEY_UNITS];
  (void)swprintf(path, KEY_UNITS, L"%ls\\%ls", before, w->place->path);
  col_text(w->task, w->hive);
  col_text(w->task, w->user);
  win_text(w->task, path);
  win_empty(w->task, 1);
  col_text(w->task, why);
  win_empty(w->task, 2);
  (void)col_row(w->task);
}

static void look_in(walk *w, HKEY root, const wchar_t *below, const wchar_t *before, REGSAM view)
{
  HKEY open = NULL;
  unsigned found = w->found;
  unsigned denied = w->denied;
  LSTATUS status = RegOpenKeyExW(root, below, 0, KEY_READ | view, &open);
  if (status == 0) {
    go_down(w, open, w->place->path, before);
    (void)RegCloseKey(open);
  } else if (status == ERROR_ACCESS_DENIED) {
    w->denied++;
  }
  if (w->found == found)
    put_not_found(w, before, w->denied > denied ? "(denied)" : "(not found)");
}

static void look_in_machine(walk *w)
{
  static const struct {
    unsigned root;
    const char *hive;
    const wchar_t *below;
    const wchar_t *before;
    REGSAM view;
  } hives[] = {
      {ASEP_SOFTWARE, "HKLM", L"SOFTWARE", L"HKLM\\SOFTWARE", KEY_WOW64_64KEY},
      {ASEP_SOFTWARE, "HKLM (32)", L"SOFTWARE", L"HKLM\\SOFTWARE\\Wow6432Node", KEY_WOW64_32KEY},
      {ASEP_CLASSES, "HKLM", L"SOFTWARE\\Classes", L"HKLM\\SOFTWARE\\Classes", KEY_WOW64_64KEY},
      {ASEP_CLASSES, "HKLM (32)", L"SOFTWARE\\Classes", L"HKLM\\SOFTWARE\\Wow6432Node\\Classes",
       KEY_WOW64_32KEY},
      {ASEP_SYSTEM, "HKLM", L"SYSTEM\\CurrentControlSet", L"HKLM\\SYSTEM\\CurrentControlSet",
       KEY_WOW64_64KEY},
      {ASEP_MACHINE, "HKLM", L"SYSTEM", L"HKLM\\SYSTEM", KEY_WOW64_64KEY},
  };
  w->user = "";
  for (size_t i = 0; i < sizeof(hives) / sizeof(hives[0]) && !col_stop(w->task); i++) {
    if ((w->place->roots & hives[i].root) == 0)
      continue;
    (void)snprintf(w->hive, sizeof(w->hive), "%s", hives[i].hive);
    look_in(w, HKEY_LOCAL_MACHINE, hives[i].below, hives[i].before, hives[i].view);
  }
}

static void look_in_user(walk *w, const win_user *u)
{
  wchar_t before[WIN_SID + 32];
  char sid[WIN_SID];
  sup_from_wide(u->sid, sid, sizeof(sid));
  (void)snprintf(w->hive, sizeof(w->hive), "HKU\\%s", sid);
  w->user = u->name;
  if (u->hive == NULL && (w->place->roots & (ASEP_USER_SOFTWARE | ASEP_USER)) != 0) {
    (void)swprintf(before, WIN_SID + 32, L"HKU\\%ls", u->sid);
    put_not_found(w, before, u->why);
    col_mark(w->task, COL_PARTIAL, "the hive of %.60s: %s", u->name, u->why);
    return;
  }
  if ((w->place->roots & ASEP_USER_SOFTWARE) != 0) {
    (void)swprintf(before, WIN_SID + 32, L"HKU\\%ls\\SOFTWARE", u->sid);
    look_in(w, u->hive, L"SOFTWARE", before, 0);
  }
  if ((w->place->roots & ASEP_USER) != 0) {
    (void)swprintf(before, WIN_SID + 32, L"HKU\\%ls", u->sid);
    look_in(w, u->hive, L"", before, 0);
  }
  if ((w->place->roots & ASEP_USER_CLASSES) != 0) {
    (void)swprintf(before, WIN_SID + 32, L"HKU\\%ls_Classes", u->sid);
    if (u->classes != NULL)
      look_in(w, u->classes, L"", before, 0);
    else
      put_not_found(w, before, "(not found)");
  }
}

static const char *source_of(const asep *a, char ret_text[COL_SOURCE])
{
  char path[LOOKED_TEXT];
  sup_from_wide(a->path, path, sizeof(path));
  const char *roots = (a->roots & ASEP_SYSTEM) != 0        ? "HKLM\\SYSTEM\\CCS"
                      : (a->roots & ASEP_MACHINE) != 0     ? "HKLM\\SYSTEM"
                      : a->roots == ASEP_USER              ? "HKU\\SID"
                      : a->roots == ASEP_USER_CLASSES      ? "HKU\\SID_Classes"
                      : a->roots == ASEP_CLASSES           ? "HKCR of the machine"
                      : (a->roots & ASEP_ALL_CLASSES) != 0 ? "HKCR"
                      : a->roots == ASEP_SOFTWARE          ? "HKLM\\SOFTWARE"
                      : a->roots == ASEP_USER_SOFTWARE     ? "HKU\\SID\\SOFTWARE"
                                                           : "HKLM, HKU\\SID: SOFTWARE";
  (void)snprintf(ret_text, COL_SOURCE, "%s\\%s", roots, path);
  return ret_text;
}

/* Rows that say "not found" are no reason for a table: then a sentence says it of all. They are
 * known only at the end, so a place is looked for first. */
static bool is_anywhere(col_task *t, const asep *a);

static void collect_place(col_task *t, const asep *a)
{
  static const unsigned users = ASEP_USER | ASEP_USER_SOFTWARE | ASEP_USER_CLASSES;
  char source[COL_SOURCE];
  walk w = {.task = t, .place = a};
  col_begin(t, a->file, source_of(a, source));
  if (!is_anywhere(t, a)) {
    col_mark(t, COL_ABSENT, "the registry key or value was not found, in no hive");
    return;
  }
  col_head(t, "hive,user,key,value,type,data,key_written");
  look_in_machine(&w);
  win_device *d = (a->roots & users) != 0 ? win_device_of(t) : NULL;
  for (size_t i = 0; d != NULL && i < d->count && !col_stop(t); i++)
    look_in_user(&w, &d->users[i]);
  if (d != NULL && d->more)
    col_cap(t, "more than %d users have a profile", WIN_USERS_MAX);
  if (w.denied > 0)
    col_mark(t, COL_PARTIAL, "%u keys were refused", w.denied);
  if (w.error != 0)
    win_mark(t, w.error, "a key could not be read");
}

/* ---- whether there is anything ---- */

typedef struct seeking {
  col_task *task;
  const asep *place;
  const wchar_t *rest;
  bool found;
} seeking;

static bool seek_value(void *data, HKEY key, const win_value *v)
{
  seeking *s = data;
  (void)key;
  s->found = is_wanted(s->place->values, v->name);
  return !s->found;
}

static void seek_down(seeking *s, HKEY key, const wchar_t *pattern);

static bool seek_each(void *data, HKEY key, const wchar_t *name)
{
  seeking *s = data;
  HKEY below = NULL;
  const wchar_t *rest = s->rest;
  if (RegOpenKeyExW(key, name, 0, KEY_READ, &below) == 0) {
    seek_down(s, below, rest);
    (void)RegCloseKey(below);
  }
  s->rest = rest;
  return !s->found;
}

static void seek_down(seeking *s, HKEY key, const wchar_t *pattern)
{
  wchar_t fixed[KEY_UNITS];
  HKEY open = NULL;
  const wchar_t *star = wcschr(pattern, L'*');
  size_t len = star != NULL ? (size_t)(star - pattern) : wcslen(pattern);
  while (len > 0 && pattern[len - 1] == L'\\')
    len--;
  wmemcpy(fixed, pattern, len);
  fixed[len] = L'\0';
  LSTATUS status = RegOpenKeyExW(key, fixed, 0, KEY_READ, &open);
  if (status == ERROR_ACCESS_DENIED)
    s->found = true; /* it is there, and the table says that it was refused */
  if (status != 0)
    return;
  if (star != NULL) {
    s->rest = star + 1 + (star[1] == L'\\' ? 1 : 0);
    (void)win_each_subkey(s->task, open, seek_each, s);
  } else if (s->place->values == NULL || s->place->depth > 0) {
    s->found = true;
  } else {
    (void)win_each_value(s->task, open, seek_value, s);
  }
  (void)RegCloseKey(open);
}

static void seek_in(seeking *s, HKEY root, const wchar_t *below, REGSAM view)
{
  HKEY open = NULL;
  if (s->found || RegOpenKeyExW(root, below, 0, KEY_READ | view, &open) != 0)
    return;
  seek_down(s, open, s->place->path);
  (void)RegCloseKey(open);
}

static bool is_anywhere(col_task *t, const asep *a)
{
  seeking s = {.task = t, .place = a};
  for (unsigned i = 0; i < 2 && !s.found; i++) {
    REGSAM view = i == 0 ? KEY_WOW64_64KEY : KEY_WOW64_32KEY;
    if ((a->roots & ASEP_SOFTWARE) != 0)
      seek_in(&s, HKEY_LOCAL_MACHINE, L"SOFTWARE", view);
    if ((a->roots & ASEP_CLASSES) != 0)
      seek_in(&s, HKEY_LOCAL_MACHINE, L"SOFTWARE\\Classes", view);
  }
  if ((a->roots & ASEP_SYSTEM) != 0)
    seek_in(&s, HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet", KEY_WOW64_64KEY);
  if ((a->roots & ASEP_MACHINE) != 0)
    seek_in(&s, HKEY_LOCAL_MACHINE, L"SYSTEM", KEY_WOW64_64KEY);
  if (s.found || (a->roots & (ASEP_USER | ASEP_USER_SOFTWARE | ASEP_USER_CLASSES)) == 0)
    return s.found;
  const win_device *d = win_device_of(t);
  for (size_t i = 0; i < d->count && !s.found && !col_over(t); i++) {
    const win_user *u = &d->users[i];
    /* What could not be looked into may hold it. */
    if (u->hive == NULL && (a->roots & (ASEP_USER | ASEP_USER_SOFTWARE)) != 0 && u->has_profile)
      s.found = true;
    if (u->hive != NULL && (a->roots & ASEP_USER_SOFTWARE) != 0)
      seek_in(&s, u->hive, L"SOFTWARE", 0);
    if (u->hive != NULL && (a->roots & ASEP_USER) != 0)
      seek_in(&s, u->hive, L"", 0);
    if (u->classes != NULL && (a->roots & ASEP_USER_CLASSES) != 0)
      seek_in(&s, u->classes, L"", 0);
  }
  return s.found;
}

void win_autoruns(col_task *t)
{
  size_t count = 0;
  const asep *a = win_aseps(&count);
  for (size_t i = 0; i < count && !col_over(t); i++)
    collect_place(t, &a[i]);
}

/* ---- who has a hive ---- */

void win_hives(col_task *t)
{
  const win_device *d = win_device_of(t);
  col_head(t, "sid,user,profile,hive,classes");
  for (size_t i = 0; i < d->count; i++) {
    const win_user *u = &d->users[i];
    win_text(t, u->sid);
    col_text(t, u->name);
    win_text(t, u->profile);
    col_text(t, u->loaded ? "loaded from a copy" : u->hive != NULL ? "of a session" : u->why);
    col_text(t, u->classes != NULL ? "yes" : "no");
    if (!col_row(t))
      break;
    if (u->hive == NULL)
      col_mark(t, COL_PARTIAL, "%.60s: %s", u->name, u->why);
  }
  if (d->more)
    col_cap(t, "more than %d users have a profile", WIN_USERS_MAX);
}
