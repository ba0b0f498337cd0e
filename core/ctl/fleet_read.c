/* The shapes of the machine-action API, and its two shapes of errors. */
#include "fleet_read.h"

#include "base/id.h"

#include <string.h>

#include "base/banned.h"

/* ---- errors ---- */

static cd_code code_of_status(long status)
{
  switch (status) {
  case 400: return CD_E_INVALID;
  case 401:
  case 403: return CD_E_DENIED;
  case 404: return CD_E_NOTFOUND;
  case 409: return CD_E_CONFLICT;
  case 413:
  case 429: return CD_E_LIMIT;
  default: return status >= 500 ? CD_E_UNAVAILABLE : CD_E_INVALID;
  }
}

/* The console's own words: {"error":{"code","message"}} of the API, or {"error",
 * "error_description"} of OAuth. False: it is neither. */
static bool read_words(cd_json_doc *doc, cd_str *ret_code, cd_str *ret_message)
{
  cd_json any = cd_json_any(doc);
  cd_json error = {0};
  cd_err unused = {0};
  if (!cd_json_is_object(&any))
    return false;
  cd_json root = cd_json_root(doc);
  if (!cd_json_opt_value(&root, "error", &error))
    return false;
  if (cd_json_is_object(&error)) {
    cd_json_obj(&root, "error", &error);
    (void)cd_json_opt_str(&error, "code", FLEET_TEXT_MAX, ret_code);
    (void)cd_json_opt_str(&error, "message", FLEET_TEXT_MAX, ret_message);
  } else {
    (void)cd_json_opt_str(&root, "error", FLEET_TEXT_MAX, ret_code);
    (void)cd_json_opt_str(&root, "error_description", FLEET_TEXT_MAX, ret_message);
  }
  return cd_json_status(&root, &unused) == CD_OK && ret_code->len + ret_message->len > 0;
}

static ctl_exit refuse(long status, cd_str body, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_err unused = {0};
  cd_str code = {0};
  cd_str message = {0};
  cd_code rc = code_of_status(status);
  bool words = cd_json_parse(body, FLEET_ANSWER_MAX, "the error", &doc, &unused) == CD_OK &&
               read_words(doc, &code, &message);
  if (words && cd_str_eq_cstr(code, "ActiveRequestAlreadyExists"))
    rc = CD_E_CONFLICT;
  if (words)
    (void)cd_fail(err, rc, "the console says: %.*s%s%.*s%s", CD_STR_ARG(message),
                  message.len > 0 ? " (" : "", CD_STR_ARG(code), message.len > 0 ? ")" : "");
  else
    (void)cd_fail(err, rc, "the console answered with HTTP status %ld and gave no reason", status);
  cd_json_free(doc);
  return ctl_exit_of_http(status);
}

static bool is_success(long status)
{
  return status >= 200 && status < 300;
}

ctl_exit fleet_read_answer(long status, cd_str body, cd_json_doc **ret_doc, cd_err *err)
{
  *ret_doc = NULL;
  if (!is_success(status))
    return refuse(status, body, err);
  if (body.len == 0)
    return CTL_EXIT_DONE;
  if (cd_json_parse(body, FLEET_ANSWER_MAX, "the console's answer", ret_doc, err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  return CTL_EXIT_DONE;
}

static bool is_token(cd_str s)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
      return false;
  return s.len > 0;
}

ctl_exit fleet_read_token(long status, cd_str body, char out[FLEET_BEARER_MAX + 1], cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str token = {0};
  cd_str type = {0};
  if (!is_success(status)) {
    /* Here 400 is about who asks, too. */
    ctl_exit code = refuse(status, body, err);
    return status == 400 ? CTL_EXIT_DENIED : code;
  }
  if (cd_json_parse(body, FLEET_ANSWER_MAX, "the console's token", &doc, err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "access_token", FLEET_BEARER_MAX, &token);
  cd_json_str(&root, "token_type", FLEET_TEXT_MAX, &type);
  cd_code rc = cd_json_status(&root, err);
  if (rc == CD_OK && (!is_token(token) || !cd_str_eq_cstr(type, "Bearer")))
    rc = cd_fail(err, CD_E_INVALID, "the console's token is none that can be sent back");
  if (rc == CD_OK)
    (void)cd_str_copy(out, FLEET_BEARER_MAX + 1, token);
  cd_json_free(doc);
  return rc == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_UNREACHABLE;
}

/* ---- devices and actions ---- */

bool fleet_id_valid(cd_str s)
{
  for (size_t i = 0; i < s.len; i++)
    if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
          s.ptr[i] == '-'))
      return false;
  return s.len > 0 && s.len <= FLEET_ID_MAX;
}

void fleet_machine_read(cd_json *obj, fleet_machine *ret_machine)
{
  fleet_machine m = {0};
  cd_json_str(obj, "id", FLEET_TEXT_MAX, &m.id);
  if (!fleet_id_valid(m.id))
    cd_json_bad(obj, "id", "is no id of a device");
  (void)cd_json_opt_str(obj, "computerDnsName", FLEET_TEXT_MAX, &m.name);
  (void)cd_json_opt_str(obj, "lastSeen", FLEET_TEXT_MAX, &m.last_seen);
  (void)cd_json_opt_str(obj, "healthStatus", FLEET_TEXT_MAX, &m.health);
  (void)cd_json_opt_str(obj, "osPlatform", FLEET_TEXT_MAX, &m.os);
  (void)cd_json_opt_str(obj, "version", FLEET_TEXT_MAX, &m.version);
  (void)cd_json_opt_str(obj, "lastIpAddress", FLEET_TEXT_MAX, &m.address);
  (void)cd_json_opt_str(obj, "agentVersion", FLEET_TEXT_MAX, &m.agent);
  (void)cd_json_opt_arr(obj, "machineTags", FLEET_LIST_MAX, &m.tags);
  *ret_machine = m;
}

void fleet_action_read(cd_json *obj, fleet_action *ret_action)
{
  fleet_action a = {0};
  cd_json_str(obj, "id", FLEET_TEXT_MAX, &a.id);
  if (!cd_id_valid(a.id))
    cd_json_bad(obj, "id", "is no id of an action");
  cd_json_str(obj, "type", FLEET_TEXT_MAX, &a.type);
  cd_json_str(obj, "status", FLEET_TEXT_MAX, &a.status);
  (void)cd_json_opt_str(obj, "scope", FLEET_TEXT_MAX, &a.scope);
  (void)cd_json_opt_str(obj, "requestor", FLEET_TEXT_MAX, &a.requestor);
  (void)cd_json_opt_str(obj, "requestorComment", FLEET_TEXT_MAX, &a.comment);
  (void)cd_json_opt_str(obj, "machineId", FLEET_TEXT_MAX, &a.machine);
  (void)cd_json_opt_str(obj, "computerDnsName", FLEET_TEXT_MAX, &a.name);
  (void)cd_json_opt_str(obj, "creationDateTimeUtc", FLEET_TEXT_MAX, &a.created);
  (void)cd_json_opt_str(obj, "lastUpdateDateTimeUtc", FLEET_TEXT_MAX, &a.updated);
  (void)cd_json_opt_str(obj, "externalId", FLEET_TEXT_MAX, &a.ticket);
  *ret_action = a;
}
