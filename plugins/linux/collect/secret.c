/* What is never taken, whatever a list says: private keys, hashes of passwords, files of
 * credentials, and what the agent itself keeps. By name, by where a file really is, by what it is
 * another name of, and by its content. */
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
    {"*/smbpasswd*", "hashes of passwords"},
    {"*htpasswd*", "hashes of passwords"},
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
  return is_ssh_key(lower) ? "a private key" : NULL;
}

/* A hard link or another mount of one that is known by its name. */
static const char *is_another_name(const col_task *t, const struct stat *st)
{
  static const char *const files[] = {"/etc/shadow",
                                      "/etc/shadow-",
                                      "/etc/gshadow",
                                      "/etc/gshadow-",
                                      "/etc/security/opasswd",
                                      "/etc/ssh/ssh_host_rsa_key",
                                      "/etc/ssh/ssh_host_ecdsa_key",
                                      "/etc/ssh/ssh_host_ed25519_key"};
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    char path[COL_PATH];
    struct stat other;
    col_path(t, files[i], path);
    if (lstat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino)
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
  return what != NULL ? what : is_another_name(t, st);
}

/* ---- content ---- */

static const char key_begin[] = "-----BEGIN ";
static const char key_word[] = "PRIVATE KEY";
static const char key_end[] = "-----END ";
static const char key_note[] = "(a private key, which is not taken)\n";
static const char hash_note[] = "***";

enum { KEY_LINE = 100, HASH_MIN = 12 };

static bool is_hash_byte(char c)
{
  return isalnum((unsigned char)c) || (c != '\0' && strchr("./$,=+_-", c) != NULL);
}

/* Whether a hash of a password as crypt() makes it begins here: `$id$` and what follows. */
static bool is_hash(const col_scrub *s, size_t at)
{
  static const char *const ids[] = {"1",
                                    "2a",
                                    "2b",
                                    "2x",
                                    "2y",
                                    "5",
                                    "6",
                                    "7",
                                    "y",
                                    "gy",
                                    "apr1",
                                    "sha1",
                                    "md5",
                                    "argon2i",
                                    "argon2d",
                                    "argon2id",
                                    "scrypt",
                                    "pbkdf2-sha256",
                                    "pbkdf2-sha512"};
  const char *text = s->held + at;
  size_t len = s->held_len - at;
  char before = at > 0 ? s->held[at - 1] : s->before;
  if (text[0] != '$' || isalnum((unsigned char)before) || before == '$')
    return false;
  for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
    size_t id = strlen(ids[i]);
    if (len <= id + 1 + HASH_MIN || memcmp(text + 1, ids[i], id) != 0 || text[1 + id] != '$')
      continue;
    size_t run = 0;
    while (run < HASH_MIN && is_hash_byte(text[2 + id + run]))
      run++;
    return run == HASH_MIN;
  }
  return false;
}

/* Whether a private key begins here: BEGIN, a few words, PRIVATE KEY, in one line. */
static bool is_key(const col_scrub *s, size_t at)
{
  const char *text = s->held + at;
  size_t len = s->held_len - at < KEY_LINE ? s->held_len - at : KEY_LINE;
  size_t begin = sizeof(key_begin) - 1;
  if (len < begin || memcmp(text, key_begin, begin) != 0)
    return false;
  for (size_t i = begin; i + sizeof(key_word) - 1 <= len && text[i] != '\n'; i++) {
    if (memcmp(text + i, key_word, sizeof(key_word) - 1) == 0)
      return true;
  }
  return false;
}

static bool put(col_scrub *s, size_t from, size_t to)
{
  if (to > from)
    s->before = s->held[to - 1];
  if (from < s->skip)
    from = s->skip;
  return s->put == NULL || to <= from || s->put(s->data, s->held + from, to - from);
}

static bool put_note(col_scrub *s, const char *note)
{
  return s->put == NULL || s->put(s->data, note, strlen(note));
}

/* How far what is held is no secret; with the state of what comes then. */
static size_t plain_until(col_scrub *s, size_t from, size_t limit)
{
  size_t at = from;
  for (; at < limit; at++) {
    char c = s->held[at];
    if (c == '-' && is_key(s, at)) {
      s->state = SCRUB_KEY;
      s->key = (col_key){0};
      break;
    }
    if (c == '$' && is_hash(s, at)) {
      s->state = SCRUB_HASH;
      break;
    }
  }
  return at;
}

static bool is_end(const col_scrub *s, size_t at)
{
  size_t end = sizeof(key_end) - 1;
  return s->held_len - at >= end && memcmp(s->held + at, key_end, end) == 0;
}

/* Where a key ends: behind the line with its END, or where one without an end cannot go on. `limit`
 * if that was not seen. */
static size_t key_until(col_scrub *s, size_t from, size_t limit)
{
  for (size_t at = from; at < limit; at++) {
    if (is_end(s, at)) {
      s->state = SCRUB_END;
      return at;
    }
    if (col_key_takes(&s->key, s->held[at]))
      continue;
    s->state = SCRUB_TEXT;
    s->before = '\n';
    s->endless++;
    return at + 1;
  }
  return limit;
}

/* Takes what is held up to `limit` out of the window. */
static bool drain(col_scrub *s, size_t limit)
{
  bool go_on = true;
  size_t at = 0;
  while (go_on && at < limit) {
    size_t from = at;
    switch (s->state) {
    case SCRUB_TEXT:
      at = plain_until(s, from, limit);
      go_on = put(s, from, at);
      s->keys += s->state == SCRUB_KEY ? 1 : 0;
      s->hashes += s->state == SCRUB_HASH ? 1 : 0;
      if (go_on && s->state == SCRUB_KEY)
        go_on = put_note(s, key_note);
      if (go_on && s->state == SCRUB_HASH)
        go_on = put_note(s, hash_note);
      break;
    case SCRUB_KEY: at = key_until(s, from, limit); break;
    case SCRUB_END:
      while (at < limit && s->held[at] != '\n')
        at++;
      if (at < limit) {
        at++;
        s->state = SCRUB_TEXT;
        s->before = '\n';
      }
      break;
    case SCRUB_HASH:
      while (at < limit && is_hash_byte(s->held[at]))
        at++;
      if (at < limit)
        s->state = SCRUB_TEXT;
      s->before = '*';
      break;
    }
  }
  memmove(s->held, s->held + at, s->held_len - at);
  s->held_len -= at;
  s->skip -= s->skip < at ? s->skip : at;
  return go_on;
}

bool col_scrub_put(col_scrub *s, const char *bytes, size_t len)
{
  bool go_on = true;
  while (go_on && len > 0) {
    size_t some = sizeof(s->held) - s->held_len < len ? sizeof(s->held) - s->held_len : len;
    memcpy(s->held + s->held_len, bytes, some);
    s->held_len += some;
    bytes += some;
    len -= some;
    /* What is judged has as much behind it as a secret needs to be known by. */
    if (s->held_len > KEY_LINE)
      go_on = drain(s, s->held_len - KEY_LINE);
  }
  return go_on;
}

void col_scrub_begin(col_scrub *s, bool (*put_bytes)(void *data, const void *bytes, size_t len),
                     void *data)
{
  s->put = put_bytes;
  s->data = data;
  s->skip = s->held_len;
  s->keys = s->state == SCRUB_KEY || s->state == SCRUB_END ? 1 : 0;
  s->hashes = s->state == SCRUB_HASH ? 1 : 0;
  if (s->keys > 0)
    (void)put_note(s, key_note);
  if (s->hashes > 0)
    (void)put_note(s, hash_note);
}

bool col_scrub_end(col_scrub *s)
{
  return s->held_len == 0 || drain(s, s->held_len);
}
