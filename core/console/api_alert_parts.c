/* What belongs to an alert: its machine, user, files; and all of it in Cordon's own words. */
#include "api_alerts.h"

#include "protocol/scan.h"

#include "base/banned.h"

void con_api_alert_machine(con_call *c)
{
  con_alert a = {0};
  if (!con_call_alert(c, c->match.captured[0], &a))
    return;
  con_call_machine_reply(c, 200, a.device);
  con_alert_release(&a);
}

static void write_context(con_call *c, cd_jw *w, const char *set)
{
  cd_jw_strf(w, "@odata.context", "%.*s/api/$metadata#%s", CD_STR_ARG(c->server->config.url), set);
}

static void write_nulls(cd_jw *w, const char *const *keys)
{
  for (size_t i = 0; keys[i] != NULL; i++)
    cd_jw_null(w, keys[i]);
}

void con_api_alert_user(con_call *c)
{
  static const char *const nulls[] = {"accountDomain",
                                      "accountDomainName",
                                      "accountSid",
                                      "firstSeen",
                                      "lastSeen",
                                      "mostPrevalentMachineId",
                                      "leastPrevalentMachineId",
                                      "logonTypes",
                                      "logOnMachinesCount",
                                      "isDomainAdmin",
                                      "isOnlyNetworkUser",
                                      NULL};
  con_alert a = {0};
  cd_jw w;
  if (!con_call_alert(c, c->match.captured[0], &a))
    return;
  if (a.user.len == 0) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "Alert %s has no user", a.id);
  } else {
    cd_jw_init(&w, &c->reply.body);
    cd_jw_obj(&w, NULL);
    write_context(c, &w, "Users/$entity");
    cd_jw_str(&w, "id", a.user);
    cd_jw_str(&w, "accountName", a.user);
    write_nulls(&w, nulls);
    cd_jw_end_obj(&w);
    con_call_written(c, 200, &w);
  }
  con_alert_release(&a);
}

/* ---- files ---- */

static void write_hash(cd_jw *w, cd_json *finding, const char *key)
{
  cd_str text = {0};
  if (cd_json_opt_str(finding, key, CD_SHA256_TEXT_LEN, &text))
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

/* A finding is ours, written when the alert was made; what is not there is null. */
static bool each_file(void *context, cd_str finding)
{
  static const char *const nulls[] = {
      "md5",      "globalPrevalence", "globalFirstObserved", "globalLastObserved",
      "fileType", "isPeFile",         "filePublisher",       "fileProductName",
      "signer",   "issuer",           "signerHash",          "isValidCertificate",
      NULL};
  cd_jw *w = context;
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  uint64_t size = 0;
  cd_str text = {0};
  if (cd_json_parse(finding, CD_RESULT_PAYLOAD_MAX, "a finding", &doc, &ignored) != CD_OK)
    return true;
  cd_json root = cd_json_root(doc);
  cd_jw_obj(w, NULL);
  write_hash(w, &root, "sha1");
  write_hash(w, &root, "sha256");
  if (cd_json_opt_u64(&root, "size", UINT64_MAX, &size))
    cd_jw_u64(w, "size", size);
  write_nulls(w, nulls);
  cd_jw_cstr(w, "determinationType", "Malware");
  if (cd_json_opt_str(&root, "signature", CD_SIGNATURE_MAX, &text))
    cd_jw_str(w, "determinationValue", text);
  cd_jw_end_obj(w);
  cd_json_free(doc);
  return true;
}

static void reply_list(con_call *c, const char *set, bool files)
{
  con_alert a = {0};
  cd_jw w;
  cd_err err = {0};
  cd_code rc = CD_OK;
  if (!con_call_alert(c, c->match.captured[0], &a))
    return;
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  write_context(c, &w, set);
  cd_jw_arr(&w, "value");
  if (files)
    rc = con_alert_findings(c->server->store, cd_str_from(a.id), each_file, &w, &err);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    con_call_written(c, 200, &w);
  else
    con_call_trouble(c, &err);
  con_alert_release(&a);
}

void con_api_alert_files(con_call *c)
{
  reply_list(c, "Files", true);
}

/* A scan of files knows of neither. */
void con_api_alert_ips(con_call *c)
{
  reply_list(c, "Ips", false);
}

void con_api_alert_domains(con_call *c)
{
  reply_list(c, "Domains", false);
}

/* ---- all of it ---- */

static bool each_finding(void *context, cd_str finding)
{
  cd_jw_raw(context, NULL, finding);
  return true;
}

static cd_code write_detail(con_call *c, const con_alert *a, cd_jw *w, cd_err *err)
{
  con_alert_row row;
  cd_str id = cd_str_from(a->id);
  cd_buf actions = CD_BUF_INIT(CON_REPLY_MAX / 4);
  con_alert_row_open(&row, a);
  con_shape_write_as(&con_alerts, w, "alert", &row);
  con_alert_row_close(&row);
  cd_jw_str(w, "recommendedAction", a->recommended);
  cd_jw_u64(w, "findingsTotal", a->findings);
  cd_jw_u64(w, "leftOut", a->left_out);
  cd_jw_arr(w, "findings");
  cd_code rc = con_alert_findings(c->server->store, id, each_finding, w, err);
  cd_jw_end_arr(w);
  if (rc == CD_OK)
    rc = con_alert_actions(c->server->store, id, &actions, err);
  cd_jw_raw(w, "actions", cd_buf_view(&actions));
  cd_buf_release(&actions);
  return rc;
}

void con_api_alert_detail(con_call *c)
{
  con_alert a = {0};
  cd_jw w;
  cd_err err = {0};
  if (!con_call_alert(c, c->match.captured[0], &a))
    return;
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_code rc = write_detail(c, &a, &w, &err);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    con_call_written(c, 200, &w);
  else
    con_call_trouble(c, &err);
  con_alert_release(&a);
}
