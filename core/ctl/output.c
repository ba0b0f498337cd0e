/* The only place that writes to standard output, and how failures are told. */
#include "command.h"

#include "text.h"

#include "base/json.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

void ctl_say(const ctl_context *ctx, cd_str sentence)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_buf_add_cstr(&out, "cordon: ");
  ctl_text_add(&out, sentence);
  cd_buf_add_char(&out, '\n');
  (void)fwrite(cd_buf_cstr(&out), 1, out.len, ctx->err);
  (void)fflush(ctx->err);
  cd_buf_release(&out);
}

ctl_exit ctl_put(const ctl_context *ctx, cd_str text, ctl_exit code)
{
  errno = 0;
  if (fwrite(text.ptr, 1, text.len, ctx->out) == text.len && fflush(ctx->out) == 0)
    return code;
  /* A reader that has seen enough, such as head, is no news. */
  if (errno != EPIPE) {
    cd_err err = {0};
    (void)cd_fail_os(&err, CD_E_IO, errno, "cannot write the result to standard output: %s",
                     strerror(errno));
    ctl_say(ctx, cd_str_from(err.text));
  }
  return code != CTL_EXIT_DONE ? code : CTL_EXIT_FAILED;
}

ctl_exit ctl_report(const ctl_context *ctx, ctl_exit code, const cd_err *err, const char *action)
{
  if (!ctx->json) {
    ctl_say(ctx, cd_str_from(err->text));
    return code;
  }
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err broken = {0};
  cd_jw w;
  cd_jw_init(&w, &json);
  cd_jw_obj(&w, NULL);
  cd_jw_obj(&w, "error");
  cd_jw_cstr(&w, "status", cd_code_name(err->code));
  cd_jw_cstr(&w, "sentence", err->text);
  if (action != NULL)
    cd_jw_cstr(&w, "action", action);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "the error", &broken) != CD_OK) {
    ctl_say(ctx, cd_str_from(err->text));
  } else {
    ctl_text_add_json(&out, cd_buf_view(&json));
    cd_buf_add_char(&out, '\n');
    code = ctl_put(ctx, cd_buf_view(&out), code);
  }
  cd_buf_release(&json);
  cd_buf_release(&out);
  return code;
}
