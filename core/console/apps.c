#include "apps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "permission.h"
#include "platform/file.h"
#include "platform/user.h"
#include "protocol/secret.h"
#include "store.h"

#include "base/banned.h"

#define WHO "administrator"

cd_code con_become(const con_config *config, cd_err *err)
{
  if (!pf_user_is_administrator())
    return CD_OK;
  if (config->user[0] == '\0')
    return cd_fail(err, CD_E_DENIED,
                   "this program does not run as root: start it as a user of its own, or name one "
                   "as 'user' in its configuration");
  return pf_user_become(config->user, err);
}

static cd_code open_store(const con_config *config, con_store **ret_store, cd_err *err)
{
  char path[CON_PATH_TEXT + 32];
  con_seal_key seal;
  (void)snprintf(path, sizeof(path), "%s/seal.key", config->data_dir);
  cd_code rc = con_seal_key_load(path, &seal, err);
  if (rc != CD_OK)
    return rc;
  (void)snprintf(path, sizeof(path), "%s/console.db", config->data_dir);
  const con_store_options options = {.path = path, .seal = &seal, .shared = true};
  rc = con_store_open(&options, ret_store, err);
  cd_wipe(&seal, sizeof(seal));
  return rc;
}

cd_code con_apps_init(const con_config *config, const con_app_options *o, cd_err *err)
{
  con_store *store = NULL;
  (void)o;
  const char *owner = pf_user_is_administrator() && config->user[0] != '\0' ? config->user : NULL;
  cd_code rc = pf_dir_ensure(config->data_dir, 0750, owner, err);
  if (rc == CD_OK)
    rc = con_become(config, err);
  if (rc == CD_OK)
    rc = open_store(config, &store, err);
  if (rc == CD_OK)
    (void)printf("%s is ready\n", config->data_dir);
  con_store_close(store);
  return rc;
}

/* ---- create ---- */

static cd_code no_permission(cd_str name, cd_err *err)
{
  cd_buf all = CD_BUF_INIT(1024);
  con_permissions_add(&all, UINT32_MAX >> (32 - CON_PERMISSIONS), ", ");
  (void)cd_fail(err, CD_E_INVALID, "'%.*s' is no permission; there are %s", CD_STR_ARG(name),
                cd_buf_cstr(&all));
  cd_buf_release(&all);
  return CD_E_INVALID;
}

static cd_code read_permissions(const char *text, cd_str out[CON_PERMISSIONS], size_t *ret_count,
                                cd_err *err)
{
  cd_str rest = cd_str_from(text);
  size_t count = 0;
  while (rest.len > 0) {
    cd_str name = cd_str_cut(&rest, ',');
    uint32_t bit = 0;
    if (!con_permission_from_name(name, &bit) || count >= CON_PERMISSIONS)
      return no_permission(name, err);
    out[count++] = name;
  }
  if (count == 0)
    return cd_fail(err, CD_E_INVALID,
                   "an application without permissions can do nothing: give "
                   "--permissions");
  *ret_count = count;
  return CD_OK;
}

static cd_code write_secret(int file, const con_config *config, const char *id, const char *secret,
                            cd_err *err)
{
  cd_jw w;
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "url", config->url);
  cd_jw_cstr(&w, "client_id", id);
  cd_jw_cstr(&w, "client_secret", secret);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the secret's file", err);
  if (rc == CD_OK) {
    cd_buf_add_char(&text, '\n');
    if (write(file, text.ptr, text.len) != (ssize_t)text.len || fsync(file) != 0)
      rc = cd_fail_os(err, CD_E_IO, errno, "the secret could not be written");
  }
  cd_buf_wipe(&text);
  return rc;
}

static cd_code create_in(int file, const con_config *config, const con_app_options *o,
                         const cd_str *permissions, size_t count, cd_err *err)
{
  char id[CD_ID_SIZE];
  char secret[CON_APP_SECRET_TEXT];
  con_store *store = NULL;
  const con_by by = {.who = CD_STR(WHO)};
  cd_code rc = open_store(config, &store, err);
  if (rc != CD_OK)
    return rc;
  rc = con_app_create(store, &by, cd_str_from(o->name), permissions, count, id, secret, err);
  if (rc == CD_OK) {
    rc = write_secret(file, config, id, secret, err);
    cd_err ignored = {0};
    if (rc != CD_OK && con_app_revoke(store, &by, cd_str_from(id), &ignored) != CD_OK)
      (void)fprintf(stderr, "cordon-console: revoke %s by hand: %s\n", id, ignored.text);
  }
  if (rc == CD_OK)
    (void)printf("%s\n", id);
  cd_wipe(secret, sizeof(secret));
  con_store_close(store);
  return rc;
}

cd_code con_apps_create(const con_config *config, const con_app_options *o, cd_err *err)
{
  cd_str permissions[CON_PERMISSIONS];
  size_t count = 0;
  if (o->name == NULL || o->permissions == NULL || o->out == NULL)
    return cd_fail(err, CD_E_INVALID, "app create needs --name, --permissions and --out");
  cd_code rc = read_permissions(o->permissions, permissions, &count, err);
  if (rc != CD_OK)
    return rc;
  /* Before root is given up: the file is for whoever started this. */
  int file = open(o->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot make the file '%s'", o->out);
  rc = con_become(config, err);
  if (rc == CD_OK)
    rc = create_in(file, config, o, permissions, count, err);
  (void)close(file);
  if (rc != CD_OK)
    (void)unlink(o->out);
  return rc;
}

/* ---- list, revoke ---- */

static bool each_app(void *context, const con_app *app)
{
  cd_buf names = CD_BUF_INIT(1024);
  (void)context;
  con_permissions_add(&names, con_permissions_read(app->permissions), ",");
  (void)printf("%s  %-8s %.*s  %s\n", app->id, app->revoked ? "revoked" : "active",
               CD_STR_ARG(app->name), cd_buf_cstr(&names));
  cd_buf_release(&names);
  return true;
}

cd_code con_apps_list(const con_config *config, const con_app_options *o, cd_err *err)
{
  con_store *store = NULL;
  (void)o;
  cd_code rc = con_become(config, err);
  if (rc == CD_OK)
    rc = open_store(config, &store, err);
  if (rc == CD_OK)
    rc = con_app_each(store, each_app, NULL, err);
  con_store_close(store);
  return rc;
}

cd_code con_apps_revoke(const con_config *config, const con_app_options *o, cd_err *err)
{
  con_store *store = NULL;
  const con_by by = {.who = CD_STR(WHO)};
  if (o->id == NULL)
    return cd_fail(err, CD_E_INVALID, "app revoke needs --id");
  cd_code rc = con_become(config, err);
  if (rc == CD_OK)
    rc = open_store(config, &store, err);
  if (rc == CD_OK)
    rc = con_app_revoke(store, &by, cd_str_from(o->id), err);
  con_store_close(store);
  return rc;
}
