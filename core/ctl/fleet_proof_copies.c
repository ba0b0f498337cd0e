/* A report repeats much of its signed parts for programs that only read it. Each copy is held
 * against the part: whoever stripped or changed one is found out, and it is named.
 *
 * Nothing signed has: the device's name, when the action was changed last while it went on, what
 * file a remediation is about, and when and by which console the report was made. */
#include "fleet_proof_private.h"

#include "fleet_read.h"
#include "text.h"

#include "base/clock.h"
#include "protocol/base64.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define SHOWN 60u
#define APART_MS 60000 /* an entry of the log and the row that it is about, written together */

static cd_code differs(const char *where, const char *key, cd_str said, cd_str proven, cd_err *err)
{
  return cd_fail(
      err, CD_E_UNVERIFIED, "the report's %s.%s is '%.*s', and what is signed says '%.*s'", where,
      key, (int)(said.len < SHOWN ? said.len : cd_str_utf8_cut(said, SHOWN)), said.ptr,
      (int)(proven.len < SHOWN ? proven.len : cd_str_utf8_cut(proven, SHOWN)), proven.ptr);
}

/* null and "" are one. */
static cd_code same_text(cd_json *obj, const char *where, const char *key, cd_str proven,
                         cd_err *err)
{
  cd_str said = CD_STR("");
  (void)cd_json_opt_str(obj, key, FLEET_TEXT_MAX, &said);
  if (proven.ptr == NULL)
    proven = CD_STR("");
  return cd_str_eq(said, proven) ? CD_OK : differs(where, key, said, proven, err);
}

/* 0: it must have none. */
static cd_code same_time(cd_json *obj, const char *key, int64_t proven_ms, int64_t apart_ms,
                         cd_err *err)
{
  cd_str said = CD_STR("");
  int64_t said_ms = 0;
  char proven[CD_TIME_TEXT_MAX] = "";
  (void)cd_json_opt_str(obj, key, FLEET_TEXT_MAX, &said);
  if (said.len > 0 && !ctl_time_read(said, &said_ms))
    cd_json_bad(obj, key, "must be a time");
  if ((said_ms == 0) == (proven_ms == 0) && llabs(said_ms - proven_ms) <= apart_ms)
    return CD_OK;
  if (proven_ms != 0)
    cd_time_text(proven_ms, proven);
  return differs("action", key, said, cd_str_from(proven), err);
}

/* ---- the action ---- */

static cd_code check_asked(cd_json *a, const fleet_proof *p, cd_err *err)
{
  const fleet_proof_log *log = &p->log;
  cd_str comment = log->origin == FLEET_ORIGIN_LOCAL ? p->result.comment : log->comment;
  const struct {
    const char *key;
    cd_str proven;
  } rows[] = {{"type", log->type},
              {"requestor", log->requestor},
              {"requestorComment", comment},
              {"machineId", cd_str_from(p->device)},
              {"scope", log->scope},
              {"externalId", log->ticket},
              {"requestSource", log->source},
              {"title", {0}},
              {"cancellationRequestor", log->cancel_by},
              {"cancellationComment", log->cancel_comment}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cd_code rc = same_text(a, "action", rows[i].key, rows[i].proven, err);
    if (rc != CD_OK)
      return rc;
  }
  return CD_OK;
}

static cd_code check_times(cd_json *a, const fleet_proof *p, cd_err *err)
{
  const fleet_proof_log *log = &p->log;
  int64_t last_ms = log->ended ? log->ended_ms : log->cancelled_ms;
  cd_code rc = same_time(a, "cancellationDateTimeUtc", log->cancelled_ms, APART_MS, err);
  if (rc == CD_OK && log->origin == FLEET_ORIGIN_ORDERED)
    rc = same_time(a, "creationDateTimeUtc", log->asked_ms, 0, err);
  if (rc == CD_OK && log->origin == FLEET_ORIGIN_LOCAL)
    rc = same_time(a, "creationDateTimeUtc", p->result.created_ms, 0, err);
  if (rc == CD_OK && p->ended)
    rc = same_time(a, "lastUpdateDateTimeUtc", last_ms, APART_MS, err);
  return rc;
}

static cd_code check_end(cd_json *a, const fleet_proof *p, cd_err *err)
{
  cd_str said = {0};
  cd_str name = cd_str_from(cd_action_status_name(p->status));
  bool bad = p->ended && p->status != CD_ACTION_SUCCEEDED;
  cd_json_str(a, "status", FLEET_TEXT_MAX, &said);
  bool same = cd_str_eq(said, name) || (!p->ended && cd_str_eq_cstr(said, "InProgress"));
  if (!same)
    return differs("action", "status", said, name, err);
  return same_text(a, "action", "troubleshootInfo", bad ? p->log.sentence : (cd_str){0}, err);
}

/* ---- beside the action ---- */

static cd_code check_evidence(const fleet_proof_parts *parts, const fleet_proof *p, cd_err *err)
{
  cd_buf said = CD_BUF_INIT(FLEET_PROOF_MAX);
  if (parts->evidence.node != NULL)
    cd_json_print(&parts->evidence, &said);
  cd_code rc = cd_buf_status(&said, "the report's evidence", err);
  if (rc == CD_OK && !cd_str_eq(cd_buf_view(&said), p->result.result))
    rc = cd_fail(err, CD_E_UNVERIFIED, "the report's evidence is not what the device signed");
  cd_buf_release(&said);
  return rc;
}

static cd_code check_device(fleet_proof_parts *parts, cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE];
  char text[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  char id[CD_KEY_ID_TEXT_MAX];
  if (!parts->has_device_key)
    return CD_OK;
  cd_public_key_to_der(&parts->stated_key, der);
  cd_base64url_text(text, der, sizeof(der));
  cd_public_key_id(&parts->stated_key, id);
  cd_code rc = same_text(&parts->device, "device", "key", cd_str_from(text), err);
  return rc == CD_OK ? same_text(&parts->device, "device", "keyId", cd_str_from(id), err) : rc;
}

cd_code fleet_proof_copies(fleet_proof_parts *parts, const fleet_proof *p, cd_err *err)
{
  cd_code rc = check_asked(&parts->action, p, err);
  if (rc == CD_OK)
    rc = check_times(&parts->action, p, err);
  if (rc == CD_OK)
    rc = check_end(&parts->action, p, err);
  if (rc == CD_OK)
    rc = check_evidence(parts, p, err);
  if (rc == CD_OK)
    rc = check_device(parts, err);
  return rc == CD_OK ? cd_json_status(&parts->action, err) : rc;
}
