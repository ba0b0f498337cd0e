#include "platform/paths.h"

#include "paths_config.h"

#include <stddef.h>

#include <stdio.h>

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

bool pf_paths_control(const char *run_dir, char *out, size_t size)
{
  int len = snprintf(out, size, "%s/control.sock", run_dir);
  return len > 0 && (size_t)len < size;
}
