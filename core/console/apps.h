/* `cordon-console app ...`: the administrator makes and revokes applications, beside a running
 * console. */
#ifndef CON_APPS_H
#define CON_APPS_H

#include "config.h"

typedef struct con_app_options {
  const char *name;
  const char *permissions; /* separated by commas */
  const char *out;         /* a new file for id and secret */
  const char *id;
} con_app_options;

/* Each prints to standard output what may be seen, and never the secret. */
CD_MUST_USE cd_code con_apps_create(const con_config *config, const con_app_options *o,
                                    cd_err *err);
CD_MUST_USE cd_code con_apps_list(const con_config *config, const con_app_options *o, cd_err *err);
CD_MUST_USE cd_code con_apps_revoke(const con_config *config, const con_app_options *o,
                                    cd_err *err);
/* Makes the data folder, the key that seals the log, and the database. */
CD_MUST_USE cd_code con_apps_init(const con_config *config, const con_app_options *o, cd_err *err);

/* When started by root: becomes the configured user, for good. Refuses to stay root. */
CD_MUST_USE cd_code con_become(const con_config *config, cd_err *err);

#endif
