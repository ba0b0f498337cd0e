/* What a child is started with, between child.c and child_start.c. */
#ifndef PF_WINDOWS_CHILD_START_H
#define PF_WINDOWS_CHILD_START_H

#include "platform/child.h"
#include "windows/windows.h"

#define PF_CHILD_NUMBERS 8

typedef struct pf_child_ends {
  int count;
  HANDLE child[PF_CHILD_NUMBERS];  /* INVALID_HANDLE_VALUE: none; inheritable */
  HANDLE parent[PF_CHILD_NUMBERS]; /* ours of a pipe, until a stream has it */
  BYTE flags[PF_CHILD_NUMBERS];    /* the C library's */
} pf_child_ends;

/* The handles that the child gets. Release it whether or not this succeeds. */
cd_code pf_child_ends_make(const pf_child_options *options, pf_child_ends *ret_ends, cd_err *err);
/* Our ends become the streams'. */
cd_code pf_child_ends_open(pf_child_ends *ends, const pf_child_options *options, DWORD child_pid,
                           cd_err *err);
void pf_child_ends_release(pf_child_ends *ends);
/* The handles under the C library's numbers, as a program that was started reads them from its
 * STARTUPINFO. To be freed. */
BYTE *pf_child_ends_block(const pf_child_ends *ends, WORD *ret_size);

/* The arguments as the C library takes them apart again, and the environment; to be freed. NULL:
 * not UTF-8, too long, or no memory. */
wchar_t *pf_child_command(char **args);
wchar_t *pf_child_environment(char **env, bool other_account);

#endif
