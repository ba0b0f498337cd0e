/* /healthz and /metrics (Prometheus' text format): numbers, no names of devices or people. */
#include <inttypes.h>

#include "api.h"
#include "base/clock.h"
#include "hub.h"

#include "base/banned.h"

void con_api_health(con_call *c)
{
  con_audit_ref head = {0};
  cd_err err = {0};
  bool store = con_audit_head(c->server->store, &head, &err) == CD_OK;
  cd_jw w;
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", store && c->server->attached ? "ok" : "degraded");
  cd_jw_bool(&w, "store", store);
  cd_jw_bool(&w, "signer", c->server->attached);
  cd_jw_cstr(&w, "version", CORDON_VERSION);
  cd_jw_end_obj(&w);
  con_call_written(c, store && c->server->attached ? 200 : 503, &w);
}

static void number(cd_buf *out, const char *name, const char *type, const char *help,
                   uint64_t value)
{
  cd_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name, type, name,
              value);
}

static void requests(cd_buf *out, const con_counters *n)
{
  cd_buf_add_cstr(out,
                  "# HELP cordon_http_requests_total Answers by the hundreds of their status.\n"
                  "# TYPE cordon_http_requests_total counter\n");
  for (unsigned i = 1; i < 6; i++)
    cd_buf_addf(out, "cordon_http_requests_total{status=\"%uxx\"} %" PRIu64 "\n", i,
                n->requests[i]);
}

static void alerts(cd_buf *out, const con_counters *n, uint64_t open)
{
  number(out, "cordon_alerts_open", "gauge", "Alerts that are not resolved.", open);
  number(out, "cordon_alerts_created_total", "counter", "Alerts that were made.",
         n->alerts_created);
  number(out, "cordon_alerts_merged_total", "counter", "Times that findings went to an open alert.",
         n->alerts_merged);
  number(out, "cordon_findings_total", "counter", "Findings that devices counted in their scans.",
         n->findings);
  number(out, "cordon_findings_left_out_total", "counter", "Findings that no alert lists.",
         n->findings_left_out);
  number(out, "cordon_scans_unreadable_total", "counter", "Results of scans that cannot be read.",
         n->scans_unreadable);
}

void con_api_metrics(con_call *c)
{
  const con_counters *n = &c->server->counters;
  cd_buf *out = &c->reply.body;
  uint64_t devices = 0;
  uint64_t open = 0;
  con_audit_ref head = {0};
  cd_err err = {0};
  if (con_device_count(c->server->store, &devices, &err) != CD_OK ||
      con_alert_open_count(c->server->store, &open, &err) != CD_OK ||
      con_audit_head(c->server->store, &head, &err) != CD_OK) {
    con_call_trouble(c, &err);
    return;
  }
  number(out, "cordon_devices", "gauge", "Devices that are enrolled.", devices);
  number(out, "cordon_devices_connected", "gauge", "Devices that are connected now.",
         con_hub_count(c->server));
  number(out, "cordon_audit_entries", "gauge", "Entries of the audit log.", head.sequence);
  number(out, "cordon_signer_attached", "gauge", "1 if the signer answers.",
         c->server->attached ? 1 : 0);
  number(out, "cordon_start_time_seconds", "gauge", "When the console started.",
         (uint64_t)(c->server->started_ms / 1000));
  requests(out, n);
  number(out, "cordon_token_denied_total", "counter", "Token requests with a wrong secret.",
         n->token_denied);
  number(out, "cordon_http_connections_refused_total", "counter",
         "Connections of people that were one too many of their address.", n->crowded);
  number(out, "cordon_access_refused_total", "counter",
         "Rows of the database that were refused because the audit log does not record them.",
         n->access_refused);
  number(out, "cordon_device_connections_total", "counter", "Connections of devices.",
         n->connections);
  number(out, "cordon_device_connections_refused_total", "counter",
         "Connections of devices that were refused.", n->refused);
  number(out, "cordon_device_connections_slowed_total", "counter",
         "Connections of devices that sent too much and were read slowly.", n->slowed);
  number(out, "cordon_orders_sent_total", "counter", "Orders that were handed to devices.",
         n->orders_sent);
  number(out, "cordon_results_total", "counter", "Results of devices that were stored.",
         n->results);
  number(out, "cordon_results_refused_total", "counter", "Results that did not verify.",
         n->results_refused);
  number(out, "cordon_wanted_refused_total", "counter",
         "Times the database wanted of a device what the audit log does not say.",
         n->wanted_refused);
  number(out, "cordon_actions_altered_total", "counter",
         "Actions whose rows in the database are not what the audit log and the signed result say.",
         con_altered_count(&c->server->altered));
  alerts(out, n, open);
  number(out, "cordon_enrolled_total", "counter", "Enrolments.", n->enrolled);
  number(out, "cordon_enrolments_refused_total", "counter", "Enrolments that were refused.",
         n->enrol_refused);
  c->reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  c->reply.status = 200;
}
