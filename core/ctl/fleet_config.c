/* Reading the configuration. The file may hold a secret and decides where it goes, so it must
 * belong to its user or to root and be closed to everybody else. */
#include "fleet_config.h"

#include "fleet_file.h"

#include "base/json.h"
#include "platform/paths.h"
#include "protocol/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FILE_MAX FLEET_PRIVATE_MAX

static bool is_graphic(cd_str s)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
      return false;
  return true;
}

cd_code fleet_url_read(cd_str text, char out[FLEET_URL_MAX + 1], cd_err *err)
{
  static const char scheme[] = "https://";
  if (!cd_str_starts(text, CD_STR("https://")))
    return cd_fail(err, CD_E_INVALID, "the console's address must begin with %s", scheme);
  while (cd_str_ends(text, CD_STR("/")))
    text.len--;
  cd_str rest = {0};
  if (text.len > sizeof(scheme) - 1)
    rest = (cd_str){text.ptr + sizeof(scheme) - 1, text.len - (sizeof(scheme) - 1)};
  if (rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == ':')
    return cd_fail(err, CD_E_INVALID, "the console's address names no host");
  for (size_t i = 0; i < rest.len; i++)
    if (strchr("@?#\\\"<>{}|^`%", rest.ptr[i]) != NULL)
      return cd_fail(err, CD_E_INVALID, "'%c' may not stand in the console's address", rest.ptr[i]);
  if (!is_graphic(text) || !cd_str_copy(out, FLEET_URL_MAX + 1, text))
    return cd_fail(err, CD_E_INVALID,
                   "the console's address must be at most %u characters of ASCII, without blanks",
                   FLEET_URL_MAX);
  return CD_OK;
}

cd_code fleet_secret_read(cd_str text, char out[FLEET_SECRET_MAX + 1], cd_err *err)
{
  if (cd_str_ends(text, CD_STR("\n")))
    text.len--;
  if (cd_str_ends(text, CD_STR("\r")))
    text.len--;
  if (text.len == 0 || !is_graphic(text) || !cd_str_copy(out, FLEET_SECRET_MAX + 1, text))
    return cd_fail(err, CD_E_INVALID,
                   "the client's secret must be one line of 1 to %u characters of ASCII, without "
                   "blanks",
                   FLEET_SECRET_MAX);
  return CD_OK;
}

static cd_code set_client_id(fleet_config *c, cd_str text, cd_err *err)
{
  if (text.len == 0 || !is_graphic(text) || !cd_str_copy(c->client_id, sizeof(c->client_id), text))
    return cd_fail(err, CD_E_INVALID,
                   "the client's id must be 1 to %u characters of ASCII, without blanks",
                   FLEET_CLIENT_ID_MAX);
  return CD_OK;
}

static cd_code set_path(char out[CD_PATH_MAX], cd_str text, const char *what, cd_err *err)
{
  if (text.len == 0 || !cd_str_copy(out, CD_PATH_MAX, text))
    return cd_fail(err, CD_E_INVALID, "%s must be a path of 1 to %u bytes", what, CD_PATH_MAX - 1);
  return CD_OK;
}

static cd_code set_root(fleet_config *c, cd_str text, cd_err *err)
{
  if (text.len == 0 || !is_graphic(text) || !cd_str_copy(c->root, sizeof(c->root), text))
    return cd_fail(err, CD_E_INVALID, "the root must be the key as a token file has it, or its id");
  return CD_OK;
}

static cd_code take_members(fleet_config *c, cd_json *root, cd_err *err)
{
  cd_str url = {0};
  cd_str ca = {0};
  cd_str key = {0};
  cd_str id = {0};
  cd_str secret = {0};
  cd_str file = {0};
  cd_json_str(root, "console", FLEET_URL_MAX, &url);
  cd_json_str(root, "client_id", FLEET_CLIENT_ID_MAX, &id);
  bool has_ca = cd_json_opt_str(root, "ca", CD_PATH_MAX, &ca);
  bool has_root = cd_json_opt_str(root, "root", FLEET_ROOT_MAX, &key);
  bool has_secret = cd_json_opt_str(root, "client_secret", FLEET_SECRET_MAX, &secret);
  bool has_file = cd_json_opt_str(root, "client_secret_file", CD_PATH_MAX, &file);
  if (has_secret == has_file)
    cd_json_bad(root, NULL, "needs client_secret_file or client_secret, and not both");
  cd_code rc = cd_json_done(root, err);
  if (rc == CD_OK)
    rc = fleet_url_read(url, c->url, err);
  if (rc == CD_OK)
    rc = set_client_id(c, id, err);
  if (rc == CD_OK && has_ca)
    rc = set_path(c->ca, ca, "ca", err);
  if (rc == CD_OK && has_root)
    rc = set_root(c, key, err);
  if (rc == CD_OK && has_file)
    rc = set_path(c->secret_file, file, "client_secret_file", err);
  if (rc == CD_OK && has_secret)
    rc = fleet_secret_read(secret, c->secret, err);
  return rc;
}

cd_code fleet_config_parse(cd_str text, const char *what, fleet_config *ret_config, cd_err *err)
{
  cd_json_doc *doc = NULL;
  fleet_config c = {0};
  cd_code rc = cd_json_parse(text, FILE_MAX, what, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  rc = take_members(&c, &root, err);
  if (rc == CD_OK)
    *ret_config = c;
  fleet_config_wipe(&c);
  cd_json_free(doc);
  return rc;
}

static cd_code read_secret_file(fleet_config *c, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(FLEET_SECRET_MAX + 2);
  cd_code rc = fleet_file_read_private(c->secret_file, FLEET_SECRET_MAX + 2, &text, err);
  if (rc == CD_OK) {
    rc = fleet_secret_read(cd_buf_view(&text), c->secret, err);
    if (rc != CD_OK)
      (void)cd_err_prefix(err, "%.200s", c->secret_file);
  }
  cd_buf_wipe(&text);
  return rc;
}

static cd_code load_file(const char *path, fleet_config *c, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(FILE_MAX);
  char what[256];
  size_t len = strlen(path);
  (void)snprintf(what, sizeof(what), "%s%s", len > 200 ? "..." : "",
                 path + (len > 200 ? len - 200 : 0));
  cd_code rc = fleet_file_read_private(path, FILE_MAX, &text, err);
  if (rc == CD_OK)
    rc = fleet_config_parse(cd_buf_view(&text), what, c, err);
  cd_buf_wipe(&text);
  return rc;
}

/* A variable that is set to nothing counts as not set. */
static const char *variable(const char *name)
{
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static cd_code load_environment(fleet_config *c, cd_err *err)
{
  const char *id = variable("CORDON_CLIENT_ID");
  const char *ca = variable("CORDON_CA");
  const char *root = variable("CORDON_ROOT");
  const char *file = variable("CORDON_CLIENT_SECRET_FILE");
  const char *secret = variable("CORDON_CLIENT_SECRET");
  if (id == NULL || (file == NULL) == (secret == NULL))
    return cd_fail(err, CD_E_INVALID,
                   "CORDON_CONSOLE is set, so CORDON_CLIENT_ID and either "
                   "CORDON_CLIENT_SECRET_FILE or CORDON_CLIENT_SECRET must be, too");
  cd_code rc = fleet_url_read(cd_str_from(variable("CORDON_CONSOLE")), c->url, err);
  if (rc == CD_OK)
    rc = set_client_id(c, cd_str_from(id), err);
  if (rc == CD_OK && ca != NULL)
    rc = set_path(c->ca, cd_str_from(ca), "CORDON_CA", err);
  if (rc == CD_OK && root != NULL)
    rc = set_root(c, cd_str_from(root), err);
  if (rc == CD_OK && file != NULL)
    rc = set_path(c->secret_file, cd_str_from(file), "CORDON_CLIENT_SECRET_FILE", err);
  if (rc == CD_OK && secret != NULL)
    rc = fleet_secret_read(cd_str_from(secret), c->secret, err);
  return rc;
}

static cd_code load_default(fleet_config *c, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = pf_paths_of_user(path, err);
  if (rc == CD_OK)
    rc = load_file(path, c, err);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, rc,
                   "which console is not known: there is no %.200s, and neither --config nor "
                   "CORDON_CONSOLE is given",
                   path);
  return rc;
}

cd_code fleet_config_load(const char *file, fleet_config *ret_config, cd_err *err)
{
  fleet_config c = {0};
  cd_code rc = file != NULL                         ? load_file(file, &c, err)
               : variable("CORDON_CONSOLE") != NULL ? load_environment(&c, err)
                                                    : load_default(&c, err);
  if (rc == CD_OK && c.secret_file[0] != '\0')
    rc = read_secret_file(&c, err);
  if (rc == CD_OK)
    *ret_config = c;
  fleet_config_wipe(&c);
  return rc;
}

void fleet_config_wipe(fleet_config *c)
{
  cd_wipe(c, sizeof(*c));
}
