#include "permission.h"

#include "base/json.h"

#include "base/banned.h"

static const char *const names[CON_PERMISSIONS] = {"Machine.Read.All",
                                                   "Machine.ReadWrite.All",
                                                   "Machine.Isolate",
                                                   "Machine.RestrictExecution",
                                                   "Machine.Scan",
                                                   "Machine.CollectForensics",
                                                   "Machine.StopAndQuarantine",
                                                   "Machine.Offboard",
                                                   "Machine.LiveResponse",
                                                   "Cordon.Enroll",
                                                   "Cordon.Revoke",
                                                   "Cordon.Audit.Read",
                                                   "Machine.ReleaseCode",
                                                   "Cordon.Policy",
                                                   "Cordon.Collection",

                                                   "Cordon.Remediate",
                                                   "Alert.Read.All",
                                                   "Alert.ReadWrite.All"};

const char *con_permission_name(unsigned index)
{
  return names[index];
}

bool con_permission_from_name(cd_str name, uint32_t *ret_bit)
{
  for (unsigned i = 0; i < CON_PERMISSIONS; i++) {
    if (cd_str_eq_cstr(name, names[i])) {
      *ret_bit = 1u << i;
      return true;
    }
  }
  return false;
}

uint32_t con_permissions_read(cd_str json)
{
  uint32_t all = 0;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_json list = {0};
  cd_buf text = CD_BUF_INIT(16 * 1024);
  cd_buf_addf(&text, "{\"p\":%.*s}", CD_STR_ARG(json));
  if (cd_json_parse(cd_buf_view(&text), text.max, "permissions", &doc, &err) == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_json_arr(&root, "p", 64, &list);
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      cd_str name = {0};
      uint32_t bit = 0;
      cd_json_at_str(&list, i, 100, &name);
      if (con_permission_from_name(name, &bit))
        all |= bit;
    }
    if (cd_json_status(&root, &err) != CD_OK)
      all = 0;
  }
  cd_json_free(doc);
  cd_buf_release(&text);
  return all;
}

void con_permissions_add(cd_buf *out, uint32_t permissions, const char *separator)
{
  bool first = true;
  for (unsigned i = 0; i < CON_PERMISSIONS; i++) {
    if ((permissions >> i & 1) == 0)
      continue;
    cd_buf_addf(out, "%s%s", first ? "" : separator, names[i]);
    first = false;
  }
}
