/* Where things are on this machine, by the system's word and not by the environment's. */
#ifndef READ_PATH_H
#define READ_PATH_H

#include "read.h"

typedef enum win_where {
  WIN_WINDOWS,
  WIN_SYSTEM_DRIVE, /* "C:" */
  WIN_PROGRAM_FILES,
  WIN_PROGRAM_FILES_X86,
  WIN_PROGRAM_DATA
} win_where;

/* The folder with `rest` behind it, which may be empty. False: it is not known, or does not fit. */
bool win_place(win_where where, const wchar_t *rest, wchar_t ret_path[WIN_PATH]);

/* folder\name, also in place. False: it does not fit. */
bool win_join(const wchar_t *folder, const wchar_t *name, wchar_t ret_path[WIN_PATH]);

/* %SystemRoot% and its like, without regard to the environment. False: it does not fit. */
bool win_expand(const wchar_t *text, wchar_t ret_text[WIN_PATH]);

/* The program of a command line as the service manager and the registry have it: with or without
 * quotes, `\SystemRoot\`, `\??\`, `system32\drivers\...`. An absolute path, or false. */
bool win_program_of(const wchar_t *command, wchar_t ret_path[WIN_PATH]);

#endif
