/* Where Cordon's files live on this OS. */
#ifndef PF_PATHS_H
#define PF_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/status.h"

/* All absolute; compiled in from the install prefix; static storage. */
typedef struct pf_paths {
  const char *config_file;    /* cordond.json */
  const char *trust_file;     /* plugins.trust.json: which plugin libraries may be loaded */
  const char *state_dir;      /* the journal and the plugins' private folders; 0700 */
  const char *run_dir;        /* the control socket's folder */
  const char *control_socket; /* on Windows the name of the pipe */
  const char *plugin_dir;     /* plugin libraries and manifests */
  const char *plugin_host;    /* the program cordon-plugin-host */
  const char *channel;        /* the program cordon-channel */
} pf_paths;

const pf_paths *pf_paths_installed(void);

/* Where this user's configuration of the `cordon` command is looked for. */
CD_MUST_USE cd_code pf_paths_of_user(char out[CD_PATH_MAX], cd_err *err);

/* Whether it says by itself where it leads: from the root, on Windows from that of a drive. */
bool pf_path_absolute(const char *path);

/* The control socket of an agent with another run_dir than the installed one; false if the name
 * would not fit. */
bool pf_paths_control(const char *run_dir, char *out, size_t size);

#endif
