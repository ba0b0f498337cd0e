#include "reply.h"

#include <stdarg.h>

#include "base/id.h"
#include "base/json.h"
#include "platform/file.h"
#include "protocol/secret.h"

#include "base/banned.h"

static const struct {
  const char *code;
  unsigned status;
} errors[] = {[CON_BAD_REQUEST] = {"BadRequest", 400},
              [CON_ODATA_ERROR] = {"ODataError", 400},
              [CON_INVALID_INPUT] = {"InvalidInput", 400},
              [CON_INVALID_BODY] = {"InvalidRequestBody", 400},
              [CON_MISSING_PARAMETER] = {"MissingRequiredParameter", 400},
              [CON_INVALID_IP] = {"InvalidIpAddress", 400},
              [CON_INVALID_HASH] = {"InvalidHashValue", 400},
              [CON_BATCH_TOO_LARGE] = {"MaximumBatchSizeExceeded", 400},
              [CON_OS_NOT_SUPPORTED] = {"OsPlatformNotSupported", 400},
              [CON_ALREADY_ACTIVE] = {"ActiveRequestAlreadyExists", 400},
              [CON_UNAUTHORIZED] = {"Unauthorized", 401},
              [CON_FORBIDDEN] = {"Forbidden", 403},
              [CON_DISALLOWED] = {"DisallowedOperation", 403},
              [CON_NOT_FOUND] = {"NotFound", 404},
              [CON_RESOURCE_NOT_FOUND] = {"ResourceNotFound", 404},
              [CON_GONE] = {"Gone", 410},
              [CON_TOO_LARGE] = {"RequestEntityTooLarge", 413},
              [CON_TOO_MANY] = {"TooManyRequests", 429},
              [CON_INTERNAL] = {"InternalServerError", 500},
              [CON_UNAVAILABLE] = {"ServiceUnavailable", 503}};

void con_reply_init(con_reply *r)
{
  *r = (con_reply){.body = CD_BUF_INIT(CON_REPLY_MAX)};
  r->file.file = -1;
}

void con_reply_release(con_reply *r)
{
  pf_file_close(r->file.file);
  r->file.file = -1;
  cd_buf_wipe(&r->body); /* it may hold a token or a release code */
}

const char *con_error_code(con_api_error error)
{
  return errors[error].code;
}

unsigned con_error_status(con_api_error error)
{
  return errors[error].status;
}

void con_reply_error(con_reply *r, con_api_error error, const char *fmt, ...)
{
  char target[CD_ID_SIZE] = "";
  char message[CD_ERR_TEXT_MAX];
  cd_buf text = CD_BUF_INIT(4096);
  cd_err err = {0};
  cd_jw w;
  va_list args;
  va_start(args, fmt);
  cd_buf_addv(&text, fmt, args);
  va_end(args);
  cd_str shown = {cd_buf_cstr(&text), cd_str_utf8_cut(cd_buf_view(&text), sizeof(message) - 1)};
  if (cd_id_make(target, &err) != CD_OK)
    (void)cd_str_copy(target, sizeof(target), CD_STR("00000000-0000-7000-8000-000000000000"));
  cd_buf_reset(&r->body);
  r->status = errors[error].status;
  r->content_type = NULL;
  r->file_name = NULL;
  r->bearer = error == CON_UNAUTHORIZED;
  cd_jw_init(&w, &r->body);
  cd_jw_obj(&w, NULL);
  cd_jw_obj(&w, "error");
  cd_jw_cstr(&w, "code", errors[error].code);
  cd_jw_str(&w, "message", shown);
  cd_jw_cstr(&w, "target", target);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  cd_buf_release(&text);
  if (cd_jw_done(&w, "an answer", &err) != CD_OK) {
    cd_buf_reset(&r->body);
    r->status = 500;
  }
}

void con_reply_trouble(con_reply *r)
{
  con_reply_error(r, CON_INTERNAL, "%s", "");
}
