#include "collection_file.h"

#include "platform/file.h"

#include <string.h>

#include "base/banned.h"

cd_code ctl_collection_read(const char *path, cd_buf *out,
                            char ret_name[CD_COLLECTION_NAME_MAX + 1], cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str name = {0};
  cd_buf text = CD_BUF_INIT(CD_COLLECTION_MAX);
  cd_code rc = pf_file_read(path, CD_COLLECTION_MAX, &text, err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), CD_COLLECTION_MAX, path, &doc, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_json whole = root;
    cd_collection_read(&root, &name, NULL);
    rc = cd_json_status(&root, err);
    if (rc == CD_OK && ret_name != NULL)
      (void)cd_str_copy(ret_name, CD_COLLECTION_NAME_MAX + 1, name);
    if (rc == CD_OK)
      cd_json_print(&whole, out);
  }
  if (rc == CD_OK)
    rc = cd_buf_status(out, path, err);
  cd_json_free(doc);
  cd_buf_release(&text);
  return rc;
}

cd_code ctl_profile_check(const ctl_args *args, cd_err *err)
{
  const char *profile = args->value[CTL_OPT_PROFILE];
  bool custom = profile != NULL && strcmp(profile, "custom") == 0;
  if (profile != NULL && !custom && strcmp(profile, "standard") != 0 &&
      strcmp(profile, "extended") != 0)
    return cd_fail(err, CD_E_INVALID, "--profile must be standard, extended or custom");
  if (custom != (args->value[CTL_OPT_COLLECTION] != NULL))
    return cd_fail(err, CD_E_INVALID,
                   custom ? "--profile custom needs --list: what is taken"
                          : "--list is for --profile custom");
  return CD_OK;
}
