#include "platform/paths.h"

#include "paths_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/banned.h"

static const pf_paths installed = {
    .config_file = PF_CONFIG_DIR "/cordond.json",
    .trust_file = PF_CONFIG_DIR "/plugins.trust.json",
    .state_dir = PF_STATE_DIR,
    .run_dir = PF_RUN_DIR,
    .control_socket = PF_RUN_DIR "/control.sock",
    .plugin_dir = PF_PLUGIN_DIR,
    .plugin_host = PF_PROGRAM_DIR "/cordon-plugin-host",
    .channel = PF_PROGRAM_DIR "/cordon-channel",
};

const pf_paths *pf_paths_installed(void)
{
  return &installed;
}

cd_code pf_paths_of_user(char out[CD_PATH_MAX], cd_err *err)
{
  const char *folder = getenv("XDG_CONFIG_HOME");
  char home[CD_PATH_MAX];
  size_t size = sizeof(home);
  int len = 0;
  if (folder != NULL && folder[0] == '/') {
    len = snprintf(out, CD_PATH_MAX, "%s/cordon/config.json", folder);
  } else {
    int status = uv_os_homedir(home, &size);
    if (status != 0)
      return cd_fail_os(err, cd_code_from_errno(status), -status,
                        "cannot find out your home folder: %s", uv_strerror(status));
    len = snprintf(out, CD_PATH_MAX, "%s/.config/cordon/config.json", home);
  }
  if (len < 0 || (size_t)len >= CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of your configuration folder is too long");
  return CD_OK;
}

bool pf_path_absolute(const char *path)
{
  return path[0] == '/';
}

bool pf_paths_control(const char *run_dir, char *out, size_t size)
{
  int len = snprintf(out, size, "%s/control.sock", run_dir);
  return len > 0 && (size_t)len < size;
}
