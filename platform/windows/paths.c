/* The places that Windows has for such files, as the system tells them: they may be on any drive.
 * No variable of the environment is asked for those of the agent. */
#include "platform/paths.h"

#include "windows/windows.h"

#include <shlobj.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/banned.h"

#define PLACES 7
#define FALLBACK_DATA "C:\\ProgramData"
#define FALLBACK_PROGRAMS "C:\\Program Files"

static char places[PLACES][CD_PATH_MAX];
static pf_paths installed = {.control_socket = "\\\\.\\pipe\\cordon-control"};
static INIT_ONCE found = INIT_ONCE_STATIC_INIT;

/* FOLDERID_ProgramData, FOLDERID_ProgramFiles. */
static const GUID data_id = {
    0x62AB5D82, 0xFDC1, 0x4DC3, {0xA9, 0xDD, 0x07, 0x0D, 0x1D, 0x49, 0x5D, 0x97}};
static const GUID programs_id = {
    0x905E63B6, 0xC1BF, 0x494E, {0xB2, 0x9C, 0x65, 0xB7, 0x32, 0xD3, 0xD2, 0x1A}};

static void find_folder(const GUID *id, const char *fallback, char out[CD_PATH_MAX])
{
  wchar_t *wide = NULL;
  out[0] = '\0';
  if (SHGetKnownFolderPath(id, 0, NULL, &wide) == S_OK)
    (void)pf_narrow(wide, out, CD_PATH_MAX);
  CoTaskMemFree(wide);
  if (out[0] == '\0')
    (void)snprintf(out, CD_PATH_MAX, "%s", fallback);
}

/* One that is cut is not taken: nothing is there under an empty name. */
static const char *place(int number, const char *folder, const char *name)
{
  char *out = places[number];
  if (snprintf(out, CD_PATH_MAX, "%s\\Cordon\\%s", folder, name) >= (int)CD_PATH_MAX)
    out[0] = '\0';
  return out;
}

static BOOL CALLBACK find_places(INIT_ONCE *once, void *parameter, void **context)
{
  char data[CD_PATH_MAX];
  char programs[CD_PATH_MAX];
  find_folder(&data_id, FALLBACK_DATA, data);
  find_folder(&programs_id, FALLBACK_PROGRAMS, programs);
  installed.config_file = place(0, data, "cordond.json");
  installed.trust_file = place(1, data, "plugins.trust.json");
  installed.state_dir = place(2, data, "state");
  installed.run_dir = place(3, data, "run");
  installed.plugin_dir = place(4, programs, "plugins");
  installed.plugin_host = place(5, programs, "cordon-plugin-host.exe");
  installed.channel = place(6, programs, "cordon-channel.exe");
  return TRUE;
}

const pf_paths *pf_paths_installed(void)
{
  (void)InitOnceExecuteOnce(&found, find_places, NULL, NULL);
  return &installed;
}

cd_code pf_paths_of_user(char out[CD_PATH_MAX], cd_err *err)
{
  char folder[CD_PATH_MAX];
  size_t size = sizeof(folder);
  int status = uv_os_getenv("APPDATA", folder, &size);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -status,
                      "cannot find out your configuration folder, %%APPDATA%%: %s",
                      uv_strerror(status));
  if (snprintf(out, CD_PATH_MAX, "%s\\Cordon\\config.json", folder) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of your configuration folder is too long");
  return CD_OK;
}

bool pf_path_absolute(const char *path)
{
  char drive = (char)(path[0] | 0x20);
  return drive >= 'a' && drive <= 'z' && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
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
