/* Files that hold secrets whatever the system is, by their names. */
#include <stdbool.h>
#include <string.h>

#include "package/list.h"

/* Lower case; a star goes across folders. */
static const struct {
  const char *pattern;
  const char *what;
} named[] = {
    {"*/smbpasswd*", "hashes of passwords"},
    {"*htpasswd*", "hashes of passwords"},
    {"*/private-keys-v1.d/*", "private keys"},
    {"*/secring.gpg*", "private keys"},
    {"*/.password-store/*", "passwords"},
    {"*/keyrings/*", "passwords"},
    {"*/kwalletd/*", "passwords"},
    {"*/logins.json*", "passwords of a browser"},
    {"*/key4.db*", "keys of a browser"},
    {"*/key3.db*", "keys of a browser"},
    {"*/login data*", "passwords of a browser"},
    {"*/.pgpass*", "passwords"},
    {"*/.netrc*", "passwords"},
    {"*/.my.cnf*", "passwords"},
    {"*/.git-credentials*", "passwords"},
    {"*/.vault-token*", "a token"},
    {"*/.aws/credentials*", "credentials"},
    {"*/.docker/config.json*", "credentials"},
    {"*/.kube/config*", "credentials"},
    {"*/krb5cc*", "tickets of Kerberos"},
    {"*.keytab", "keys of Kerberos"},
    {"*.key", "a private key"},
    {"*.p12", "private keys"},
    {"*.pfx", "private keys"},
    {"*.jks", "private keys"},
    {"*.keystore", "private keys"},
    {"*.kdbx", "passwords"},
    {"*.ppk", "a private key"},
};

static bool ends(const char *text, const char *end)
{
  size_t len = strlen(text);
  size_t end_len = strlen(end);
  return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* ~/.ssh/id_NAME and what else ssh calls so; the public half is none. */
static bool is_ssh_key(const char *path)
{
  const char *name = strrchr(path, '/');
  return name != NULL && strncmp(name, "/id_", 4) == 0 && !ends(name, ".pub");
}

const char *col_secret_common(const char *lower)
{
  for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
    if (col_glob(named[i].pattern, lower))
      return named[i].what;
  }
  return is_ssh_key(lower) ? "a private key" : NULL;
}
