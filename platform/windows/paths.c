/* The places that Windows has for such files on its system drive. */
#include "platform/paths.h"

#include <stdio.h>

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

/* Pipes have one folder for all: the name of the agent's folder is made a name in it. */
bool pf_paths_control(const char *run_dir, char *out, size_t size)
{
  int len = snprintf(out, size, "\\\\.\\pipe\\cordon-control");
  if (len <= 0 || (size_t)len >= size)
    return false;
  size_t at = (size_t)len;
  for (const char *c = run_dir; *c != '\0'; c++) {
    if (at + 2 >= size)
      return false;
    out[at++] = *c == '\\' || *c == '/' || *c == ':' ? '-' : *c;
  }
  out[at] = '\0';
  return true;
}
