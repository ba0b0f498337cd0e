/* The places that Windows has for such files on its system drive. */
#include "platform/paths.h"

#include "base/banned.h"

#define DATA_DIR "C:\\ProgramData\\Cordon"
#define PROGRAM_DIR "C:\\Program Files\\Cordon"

static const pf_paths installed = {
    .config_file = DATA_DIR "\\cordond.json",
    .trust_file = DATA_DIR "\\plugins.trust.json",
    .state_dir = DATA_DIR "\\state",
    .run_dir = DATA_DIR "\\run",
    .control_socket = "\\\\.\\pipe\\cordon-control",
    .plugin_dir = PROGRAM_DIR "\\plugins",
    .plugin_host = PROGRAM_DIR "\\cordon-plugin-host.exe",
    .channel = PROGRAM_DIR "\\cordon-channel.exe",
};

const pf_paths *pf_paths_installed(void)
{
  return &installed;
}
