/* Where the console is and who asks: from one file, or from the environment, never mixed, so that
 * no secret goes to another console than the one it stands beside. */
#ifndef CTL_FLEET_CONFIG_H
#define CTL_FLEET_CONFIG_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"

#define FLEET_URL_MAX 512u
#define FLEET_CLIENT_ID_MAX 128u
#define FLEET_SECRET_MAX 256u
#define FLEET_ROOT_MAX 200u

typedef struct fleet_config {
  char url[FLEET_URL_MAX + 1];   /* https, without a slash at its end */
  char ca[CD_PATH_MAX];          /* certificates that verify the console; empty: the system's */
  char root[FLEET_ROOT_MAX + 1]; /* the root that reports must be by, or its id; empty: any */
  char client_id[FLEET_CLIENT_ID_MAX + 1];
  char secret_file[CD_PATH_MAX]; /* empty: `secret` came with the configuration */
  char secret[FLEET_SECRET_MAX + 1];
} fleet_config;

/* From `file` if it is not NULL; else from the environment if CORDON_CONSOLE is set; else from
 * cordon/config.json in the user's configuration folder. The secret is read too. CD_E_NOTFOUND:
 * there is no configuration at all. fleet_config_wipe() when it is no longer needed. */
CD_MUST_USE cd_code fleet_config_load(const char *file, fleet_config *ret_config, cd_err *err);
void fleet_config_wipe(fleet_config *c);

/* The text of a configuration file. Reads nothing else. */
CD_MUST_USE cd_code fleet_config_parse(cd_str text, const char *what, fleet_config *ret_config,
                                       cd_err *err);
/* An https address of a host, with a port and a path if wanted, and nothing else: no user, no
 * query. A slash at its end is taken off. */
CD_MUST_USE cd_code fleet_url_read(cd_str text, char out[FLEET_URL_MAX + 1], cd_err *err);
/* A secret without the newline that an editor leaves behind it. */
CD_MUST_USE cd_code fleet_secret_read(cd_str text, char out[FLEET_SECRET_MAX + 1], cd_err *err);

#endif
