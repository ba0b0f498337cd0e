/* What starting a child and the child's own confinement share. */
#ifndef PF_WINDOWS_CHILD_H
#define PF_WINDOWS_CHILD_H

#include "platform/confine.h"
#include "windows/windows.h"

typedef struct pf_child_token {
  HANDLE token; /* to be closed; NULL: the child gets ours */
  bool other_account;
} pf_child_token;

/* A token for a child that is to be confined so, looked at. `other_account`: a client gets another
 * account's, where this process may have one. */
cd_code pf_token_for(const pf_confine *c, bool other_account, pf_child_token *ret_token,
                     cd_err *err);
/* Whether a process's token has what it was to be without: CD_E_DENIED. */
cd_code pf_token_check(HANDLE token, const pf_confine *c, cd_err *err);
/* What GetTokenInformation() says, to be freed; NULL: nothing. */
void *pf_token_facts(HANDLE token, TOKEN_INFORMATION_CLASS what);
/* SECURITY_MANDATORY_*_RID. */
DWORD pf_token_integrity(HANDLE token);
/* False: it did not take. */
bool pf_token_lower(HANDLE token, DWORD level);
bool pf_token_is_local_service(HANDLE token);
bool pf_token_needs_administrators(const pf_confine *c);
/* Administrators, and those who can make themselves such. */
bool pf_sid_powerful(PSID sid);

/* confine.c: what a manifest's words leave in a token. */
bool pf_privilege_kept(uint32_t privileges, const LUID *id);
/* The limits of a job, for this process or a child of it. */
cd_code pf_job_limit(HANDLE job, const pf_confine *c, cd_err *err);
/* Puts a process into a job unless it is there, and looks that it is. */
cd_code pf_job_enter(HANDLE job, HANDLE process, cd_err *err);

#endif
