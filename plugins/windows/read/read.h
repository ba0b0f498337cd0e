/* What is read of a Windows device, for packages and for read-outs. Natively: no program is run.
 *
 * A source that Windows refuses, that this system lacks, or that only pretends to answer leaves a
 * sentence that says so, never an empty table. */
#ifndef READ_H
#define READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <windows.h>
#include <winsock2.h>

#include "package/item.h"
#include "package/readout.h"

enum {
  WIN_PATH = 1024,   /* units of a path, which may be longer than MAX_PATH */
  WIN_FIELD = 32768, /* bytes of a field: what is longer is cut, and says so */
  WIN_SID = 192,
  WIN_ACCOUNT = 128
};

/* col_package_run() with what these items share. */
cordon_status win_run(const col_options *o, const col_item *items, size_t count,
                      col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err);
/* col_read_out() with the same; `path` may be NULL. */
cordon_status win_read_out(const col_options *o, const char *path, const col_reading *what,
                           cJSON *tables, col_read_totals *ret_totals, sup_err *err);

/* ---- fields and marks ---- */

/* A field with a text in UTF-16, NULL is empty. What does not fit ends with COL_CUT. */
void win_text(col_task *t, const wchar_t *text);
void win_text_n(col_task *t, const wchar_t *text, size_t units);
/* RFC 3339 in UTC of the 100 ns since 1601; empty for 0 and for what is no time. */
void win_ticks(col_task *t, uint64_t ticks);
void win_filetime(col_task *t, FILETIME time);
uint64_t win_ticks_of(FILETIME time);
void win_hex(col_task *t, uint32_t number);
/* Some empty fields. */
void win_empty(col_task *t, unsigned count);

/* col_mark() from what GetLastError() said: absent, denied or error; of what the system does not
 * have at all with `unsupported` in its sentence. */
void win_mark(col_task *t, DWORD error, const char *what);
/* The same of an HRESULT. */
void win_mark_hr(col_task *t, HRESULT hr, const char *what);
/* Of a source whose answer cannot be right: an error with `unsupported here`. */
void win_mark_pretended(col_task *t, const char *what);
/* Whether an error says that the system does not have it. */
bool win_is_unsupported(DWORD error);
/* An empty table is easily overlooked, so a file says that there is nothing. */
void win_say_none(col_task *t, const char *name, const char *sentence);

/* ---- accounts ---- */

/* "S-1-5-..."; empty if it is none. */
void win_sid_text(PSID sid, char ret_text[WIN_SID]);
/* DOMAIN\name where this machine knows it by itself: no domain controller is asked. Else the name
 * of the folder of its profile with `(profile)`, or nothing. */
void win_account(const col_task *t, PSID sid, char ret_name[WIN_ACCOUNT]);

/* ---- services ---- */

/* Enables a privilege that the process may have. 0, or why not. */
DWORD win_privilege(const wchar_t *name);

#endif
