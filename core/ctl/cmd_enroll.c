/* cordon local enroll --token-file FILE [--console URL] [--tags TAG,TAG] */
#include "local.h"

#include "base/json.h"
#include "platform/file.h"
#include "protocol/secret.h"
#include "tag_list.h"

#include "base/banned.h"

#define TOKEN_FILE_MAX (128u * 1024u)

/* The file goes to the agent as it is: what is in it is the agent's to judge. */
static cd_code read_token(const ctl_args *args, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_json_doc *doc = NULL;
  cd_buf text = CD_BUF_INIT(TOKEN_FILE_MAX);
  const char *path = args->value[CTL_OPT_TOKEN_FILE];
  const char *console = args->value[CTL_OPT_CONSOLE];
  const char *tags = args->value[CTL_OPT_TAGS];
  cd_code rc = pf_file_read(path, TOKEN_FILE_MAX, &text, err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), TOKEN_FILE_MAX, "the token file", &doc, err);
  if (rc == CD_OK) {
    cd_json any = cd_json_any(doc);
    if (cd_json_is_object(&any)) {
      cd_jw_init(&w, out);
      cd_jw_obj(&w, NULL);
      cd_jw_value(&w, "token", &any);
      if (console != NULL && console[0] != '\0')
        cd_jw_cstr(&w, "console", console);
      if (tags != NULL && tags[0] != '\0')
        rc = ctl_tag_list_write(&w, "tags", "tags", tags, err);
      cd_jw_end_obj(&w);
      if (rc == CD_OK)
        rc = cd_jw_done(&w, "the request", err);
    } else {
      rc = cd_fail(err, CD_E_INVALID, "the token file holds no JSON object");
    }
  }
  cd_json_free(doc);
  cd_buf_wipe(&text);
  return rc;
}

ctl_exit ctl_cmd_enroll(const ctl_context *ctx, const ctl_args *args)
{
  cd_buf params = CD_BUF_INIT(2 * TOKEN_FILE_MAX);
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_USAGE;
  if (args->value[CTL_OPT_TOKEN_FILE] == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "--token-file is needed: the file that the console gave out");
    code = ctl_report(ctx, code, &err, NULL);
  } else if (read_token(args, &params, &err) != CD_OK) {
    code = ctl_report(ctx, code, &err, NULL);
  } else {
    code = ctl_local_ask(ctx, args, "enroll", cd_buf_view(&params), CTL_KIND_ENROLL);
  }
  cd_buf_wipe(&params);
  return code;
}
