#include "config.h"

#include "base/json.h"
#include "platform/file.h"
#include "protocol/statement.h"

#include <stdlib.h>

#include "base/banned.h"

#define DEFAULT_ORDERS_PER_MINUTE 600u
#define DEFAULT_ISOLATED_PER_HOUR 100u
#define DEFAULT_REMEDIATED_PER_HOUR 100u

static void read_text(cd_json *obj, const char *key, char *out, size_t size)
{
  cd_str text = {0};
  cd_json_str(obj, key, size - 1, &text);
  if (text.ptr != NULL && (text.len == 0 || !cd_str_copy(out, size, text)))
    cd_json_bad(obj, key, "must not be empty");
}

static void read_caps(cd_json *root, sig_config *c)
{
  cd_json caps = {0};
  if (!cd_json_opt_obj(root, "caps", &caps))
    return;
  (void)cd_json_opt_u64(&caps, "orders_per_minute", SIG_CAP_MAX, &c->orders_per_minute);
  (void)cd_json_opt_u64(&caps, "isolated_devices_per_hour", SIG_CAP_MAX, &c->isolated_per_hour);
  (void)cd_json_opt_u64(&caps, "remediated_devices_per_hour", SIG_CAP_MAX, &c->remediated_per_hour);
  cd_json_no_more(&caps);
}

static void read_protected(cd_json *root, sig_config *c)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "protected", SIG_PROTECTED_MAX, &list) || cd_json_len(&list) == 0)
    return;
  c->protected = calloc(cd_json_len(&list), sizeof(c->protected[0]));
  if (c->protected == NULL) {
    cd_json_bad(root, "protected", "cannot be read: no memory");
    return;
  }
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json one = {0};
    cd_str device = {0};
    cd_str note = {0};
    cd_json_at_obj(&list, i, &one);
    cd_json_str(&one, "device", CD_DEVICE_ID_MAX, &device);
    (void)cd_json_opt_str(&one, "note", CD_NOTE_MAX, &note);
    if (device.ptr != NULL && !cd_device_id_valid(device))
      cd_json_bad(&one, "device", "must be the id of a device");
    (void)cd_str_copy(c->protected[i], sizeof(c->protected[i]), device);
    cd_json_no_more(&one);
    c->protected_count = i + 1;
  }
}

cd_code sig_config_parse(cd_str text, sig_config *ret_config, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str log = CD_STR("all=info");
  sig_config c = {.orders_per_minute = DEFAULT_ORDERS_PER_MINUTE,
                  .isolated_per_hour = DEFAULT_ISOLATED_PER_HOUR,
                  .remediated_per_hour = DEFAULT_REMEDIATED_PER_HOUR};
  cd_code rc = cd_json_parse(text, CD_CONFIG_MAX, "the signer's configuration", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_text(&root, "database", c.database, sizeof(c.database));
  read_text(&root, "socket", c.socket, sizeof(c.socket));
  read_text(&root, "console_user", c.console_user, sizeof(c.console_user));
  read_caps(&root, &c);
  read_protected(&root, &c);
  (void)cd_json_opt_str(&root, "log", sizeof(c.log) - 1, &log);
  (void)cd_str_copy(c.log, sizeof(c.log), log);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_config = c;
  else
    sig_config_release(&c);
  return rc;
}

cd_code sig_config_load(const char *path, sig_config *ret_config, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_code rc = pf_file_read(path, CD_CONFIG_MAX, &text, err);
  if (rc == CD_OK)
    rc = sig_config_parse(cd_buf_view(&text), ret_config, err);
  cd_buf_release(&text);
  return rc;
}

void sig_config_release(sig_config *c)
{
  free(c->protected);
  *c = (sig_config){0};
}

bool sig_config_protects(const sig_config *c, const char *device)
{
  for (size_t i = 0; i < c->protected_count; i++) {
    if (cd_str_eq_cstr(cd_str_from(device), c->protected[i]))
      return true;
  }
  return false;
}
