/* What an installer has this system do with the agent that is started: where packages do such
 * things themselves it is CD_E_UNSUPPORTED. For an administrator. */
#ifndef PF_INSTALL_H
#define PF_INSTALL_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/status.h"

/* The folder that this program lies in. */
CD_MUST_USE cd_code pf_install_folder(char out[CD_PATH_MAX], cd_err *err);
/* Nobody but administrators may change what is in the folder of the program; the folder of the
 * agent's data is made, and only they may look into it. What was there already must be an
 * administrator's: CD_E_DENIED. */
CD_MUST_USE cd_code pf_install_folders(cd_err *err);
/* For the service at its start: whether somebody else may change this program, what is in its
 * folder and those above, or what is in the folder of the agent's data: CD_E_DENIED. */
CD_MUST_USE cd_code pf_install_check(cd_err *err);
/* Makes the service that runs this program, or corrects it: started with the system, started again
 * when it fails. */
CD_MUST_USE cd_code pf_install_service(cd_err *err);
/* Starts the service, and waits until it runs. */
CD_MUST_USE cd_code pf_install_start(cd_err *err);
/* Stops the service and waits until it has ended. One that is not there is fine. */
CD_MUST_USE cd_code pf_uninstall_stop(cd_err *err);
/* Takes the service away, which has been stopped. One that is not there is fine. */
CD_MUST_USE cd_code pf_uninstall_service(cd_err *err);
/* Removes the folder of the agent's data with all that is in it; links are removed, not followed.
 */
CD_MUST_USE cd_code pf_uninstall_data(cd_err *err);

#endif
