/* What is never taken of a Windows device, whatever a list says: by name, by where a file really
 * is, and by its other names. By its content: package/scrub.c. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "custom.h"
#include "support/utf16.h"
#include "support/wide.h"

/* Lower case, with slashes; a star goes across folders. */
static const struct {
  const char *pattern;
  const char *what;
} named[] = {
    {"*/system32/config/sam*", "hashes of passwords"},
    {"*/system32/config/security*", "secrets of the system"},
    {"*/system32/config/system", "what the system's secrets are kept with"},
    {"*/system32/config/system.*", "what the system's secrets are kept with"},
    {"*/system32/config/regback/*", "hashes of passwords"},
    {"*/windows/repair/*", "hashes of passwords"},
    {"*ntds.dit*", "hashes of passwords"},
    {"*/microsoft/protect/*", "keys of users"},
    {"*/microsoft/credentials/*", "credentials of users"},
    {"*/microsoft/vault/*", "credentials of users"},
    {"*/microsoft/crypto/*", "private keys"},
    {"*/microsoft/ngc/*", "keys of users"},
    {"*/microsoft/systemcertificates/my/keys/*", "private keys"},
    {"*/microsoft/wlansvc/profiles/*", "passwords of networks"},
    {"*/wpa_supplicant*.conf", "passwords of networks"},
    {"*/local state*", "keys of a browser"},
    {"*/unattend*.xml", "passwords of the installation"},
    {"*/autounattend*.xml", "passwords of the installation"},
    {"*/sysprep*.inf", "passwords of the installation"},
    {"*/preferences/groups/groups.xml", "passwords of a policy"},
    {"*/programdata/ssh/ssh_host_*_key", "a private key"},
    {"*/programdata/cordon*", "the keys of this agent"},
    {"*/appdata/roaming/cordon/*", "what a user of Cordon is set up with"},
    {"?:/pagefile.sys*", "memory of processes"},
    {"?:/swapfile.sys*", "memory of processes"},
    {"?:/hiberfil.sys*", "memory of processes"},
    {"*lsass*.dmp*", "memory of the process that has the passwords"},
    {"*/memory.dmp", "memory of processes"},
};

enum { NAMES_MAX = 4096 };

/* In lower case, with slashes, without the prefix of a long path. */
static bool lower(const wchar_t *path, char ret_text[COL_LIST_FOUND])
{
  wchar_t wide[WIN_PATH];
  bool cut = false;
  if (wcsncmp(path, L"\\\\?\\", 4) == 0)
    path += 4;
  int len = LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_LOWERCASE, path, -1, wide, WIN_PATH, NULL,
                          NULL, 0);
  if (len <= 0)
    return false;
  (void)sup_utf16_text(wide, (size_t)len, ret_text, COL_LIST_FOUND, &cut);
  for (char *at = ret_text; *at != '\0'; at++)
    *at = *at == '\\' ? '/' : *at;
  return !cut;
}

static const char *judge(const wchar_t *path)
{
  char text[COL_LIST_FOUND];
  if (!lower(path, text))
    return "a name that is too long to be judged";
  for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
    if (col_glob(named[i].pattern, text))
      return named[i].what;
  }
  return col_secret_common(text);
}

const char *win_secret_named(const char *path)
{
  wchar_t wide[WIN_PATH];
  if (!sup_to_wide(path, wide, WIN_PATH))
    return "a name that is too long to be judged";
  return judge(wide);
}

/* Below a folder that the agent keeps for itself. */
static bool is_kept_out(const col_list *l, const wchar_t *real)
{
  char text[COL_LIST_FOUND];
  char folder[COL_LIST_FOUND];
  wchar_t wide[WIN_PATH];
  for (unsigned i = 0; i < l->keep_out_count; i++) {
    if (!lower(real, text) || !sup_to_wide(l->keep_out[i], wide, WIN_PATH) || !lower(wide, folder))
      return true;
    size_t len = strlen(folder);
    while (len > 0 && folder[len - 1] == '/')
      len--;
    if (len > 2 && strncmp(text, folder, len) == 0 && (text[len] == '/' || text[len] == '\0'))
      return true;
  }
  return false;
}

/* A file with several names is a secret if one of them is: of each the drive is that of the file.
 */
static const char *judge_names(const col_list *l, const wchar_t *real)
{
  wchar_t full[WIN_PATH];
  wchar_t name[WIN_PATH];
  DWORD len = WIN_PATH;
  unsigned count = 0;
  const char *what = NULL;
  /* Wine has the call, and ends the process that makes it. */
  if (wcslen(real) < 7 || sup_is_wine())
    return "other names, which could not be told";
  HANDLE find = FindFirstFileNameW(real, 0, &len, name);
  if (find == INVALID_HANDLE_VALUE)
    return "other names, which could not be told";
  bool more = true;
  while (more && what == NULL) {
    int made = swprintf(full, WIN_PATH, L"%.6ls%ls", real, name);
    what = made <= 0 || ++count > NAMES_MAX ? "a name that is too long to be judged" : judge(full);
    if (what == NULL && is_kept_out(l, full))
      what = "the keys of this agent";
    len = WIN_PATH;
    more = FindNextFileNameW(find, &len, name);
  }
  if (what == NULL && GetLastError() != ERROR_HANDLE_EOF)
    what = "other names, which could not be told";
  (void)FindClose(find);
  return what;
}

const char *win_secret_opened(const col_list *l, HANDLE file, DWORD links)
{
  wchar_t real[WIN_PATH];
  DWORD len = GetFinalPathNameByHandleW(file, real, WIN_PATH, FILE_NAME_NORMALIZED);
  if (len == 0 || len >= WIN_PATH)
    return "a name that is too long to be judged";
  if (is_kept_out(l, real))
    return "the keys of this agent";
  const char *what = judge(real);
  return what == NULL && links > 1 ? judge_names(l, real) : what;
}
