/* What is never taken, whatever a list says: private keys, hashes of passwords, files of
 * credentials, and what the agent itself keeps. By name, by where a file really is, by what it is
 * another name of. By its content: package/scrub.c. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "custom.h"
#include "read.h"

/* Lower case; a star goes across folders. */
static const struct {
  const char *pattern;
  const char *what;
} named[] = {
    {"/etc/shadow*", "hashes of passwords"},
    {"/etc/gshadow*", "hashes of passwords"},
    {"/etc/security/opasswd*", "hashes of passwords"},
    {"/var/backups/*shadow*", "hashes of passwords"},
    {"/var/lib/sss/*", "credentials of users"},
    {"/var/lib/samba/private/*", "credentials of users"},
    {"/run/credentials/*", "credentials of services"},
    {"/etc/credstore*", "credentials of services"},
    {"/var/lib/systemd/credential.secret", "credentials of services"},
    {"/var/lib/systemd/random-seed", "a seed of random numbers"},
    {"/etc/ssh/ssh_host_*_key", "a private key"},
    {"/etc/ssl/private/*", "private keys"},
    {"/etc/pki/*private/*", "private keys"},
    {"/etc/letsencrypt/*privkey*", "a private key"},
    {"/etc/wireguard/*", "private keys"},
    {"/etc/ipsec*.secrets", "shared keys"},
    {"/etc/ppp/*-secrets", "passwords"},
    {"/etc/networkmanager/system-connections/*", "passwords of networks"},
    {"/var/lib/networkmanager/secret_key", "a key"},
    {"*/wpa_supplicant*.conf", "passwords of networks"},
    {"/var/lib/cordon*", "the keys of this agent"},
    {"/etc/cordon*", "what this agent is set up with"},
};

const char *col_secret_named(const char *path)
{
  char lower[COL_PATH];
  size_t len = 0;
  for (; path[len] != '\0' && len + 1 < sizeof(lower); len++)
    lower[len] = (char)tolower((unsigned char)path[len]);
  lower[len] = '\0';
  if (path[len] != '\0')
    return "a name that is too long to be judged";
  for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
    if (col_glob(named[i].pattern, lower))
      return named[i].what;
  }
  return col_secret_common(lower);
}

/* A hard link or another mount of one that is known by its name. */
const char *col_secret_other_name(const col_task *t, const char *path, const struct stat *st)
{
  static const char *const files[] = {"/etc/shadow",
                                      "/etc/shadow-",
                                      "/etc/gshadow",
                                      "/etc/gshadow-",
                                      "/etc/security/opasswd",
                                      "/etc/ssh/ssh_host_rsa_key",
                                      "/etc/ssh/ssh_host_ecdsa_key",
                                      "/etc/ssh/ssh_host_ed25519_key",
                                      "/var/lib/cordon/device.key"};
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    char known[COL_PATH];
    struct stat other;
    col_path(t, files[i], known);
    if (strcmp(files[i], path) != 0 && lstat(known, &other) == 0 && other.st_dev == st->st_dev &&
        other.st_ino == st->st_ino)
      return "what is a secret under another name";
  }
  return NULL;
}

static bool is_below(const char *path, const char *folder)
{
  size_t len = strlen(folder);
  return len > 1 && strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_kept_out(const col_list *l, const char *path)
{
  for (unsigned i = 0; i < l->keep_out_count; i++) {
    if (is_below(path, l->keep_out[i]))
      return true;
  }
  return false;
}

const char *col_secret_opened(const col_task *t, const col_list *l, int fd, const struct stat *st,
                              char ret_real[COL_PATH])
{
  char link[64];
  const char *root = col_options_of(t)->root;
  (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, ret_real, COL_PATH - 1);
  if (len <= 0 || len >= COL_PATH - 1)
    return "a name that is too long to be judged";
  ret_real[len] = '\0';
  bool kept_out = is_kept_out(l, ret_real);
  if (root[0] != '\0' && is_below(ret_real, root))
    memmove(ret_real, ret_real + strlen(root), strlen(ret_real + strlen(root)) + 1);
  const char *what =
      kept_out || is_kept_out(l, ret_real) ? "the keys of this agent" : col_secret_named(ret_real);
  return what != NULL ? what : col_secret_other_name(t, ret_real, st);
}
