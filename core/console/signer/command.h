/* What an administrator does with the signer's folder while no signer runs. */
#ifndef SIG_COMMAND_H
#define SIG_COMMAND_H

#include <stdio.h>

#include "base/status.h"
#include "config.h"

/* Each says on `to` what was done and what to do next. */
CD_MUST_USE cd_code sig_command_init(const char *folder, FILE *to, cd_err *err);
CD_MUST_USE cd_code sig_command_rotate(const char *folder, const char *key, FILE *to, cd_err *err);
/* The next console that comes is the one whose audit log counts. */
CD_MUST_USE cd_code sig_command_forget_console(const char *folder, FILE *to, cd_err *err);
/* `sequence`, in decimal, must be the end of the log, so that the administrator has looked at it.
 * Takes `config` over. */
CD_MUST_USE cd_code sig_command_accept_head(const char *folder, sig_config *config,
                                            const char *sequence, FILE *to, cd_err *err);

#endif
