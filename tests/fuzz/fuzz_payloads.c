/* The payloads of signed documents as if their signatures were good. The first byte says of which
 * kind: o, k, r, p, m, e, y (a policy), s (what a scan says), d (what a remediation did). */
#include "payload.h"

#include "protocol/remediate.h"
#include "protocol/scan.h"

#include "fuzz_must.h"

#include <string.h>

static void order(cd_str text)
{
  cd_order o = {0};
  cd_err err = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  cd_code rc = cd_order_read(text, &o, &refusal, &err);
  must_explain(rc, &err);
  must((rc == CD_OK) == (refusal == CD_REFUSAL_NONE), "a failure without its refusal");
  if (rc != CD_OK)
    return;
  must(cd_order_kind_name(o.kind) != NULL && o.requestor[0] != '\0', "an order without its words");
  must(o.expires_ms >= o.issued_ms && o.parameters.len >= 2, "an order that cannot be");
  must((o.generation > 0) == (cd_order_kind_state(o.kind) != CD_STATE_NONE), "another generation");
  cd_order_release(&o);
}

static void statement(cd_str text)
{
  cd_statement s = {0};
  cd_err err = {0};
  cd_code rc = cd_statement_read(text, &s, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(cd_purpose_name(s.purpose) != NULL && s.generation > 0 && s.key.point[0] == 4,
         "a statement that cannot be");
}

static void result(cd_str text)
{
  cd_result r = {0};
  cd_err err = {0};
  cd_code rc = cd_result_read(text, &r, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return;
  must(cd_action_status_final(r.status) && r.state_count < CD_STATE_COUNT, "no result");
  cd_result_release(&r);
}

static void report(cd_str text)
{
  cd_report r = {0};
  cd_err err = {0};
  cd_code rc = cd_report_read(text, &r, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return;
  must(r.number > 0 && cd_device_id_valid(cd_str_from(r.device)), "no report");
  cd_report_release(&r);
}

static void mark(cd_str text)
{
  cd_mark m = {0};
  cd_err err = {0};
  cd_code rc = cd_mark_read(text, &m, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(m.from == CD_MARK_FROM_DEVICE || m.from == CD_MARK_FROM_CONSOLE, "from nowhere");
}

static void proof(cd_str text)
{
  cd_enroll_proof p = {0};
  cd_err err = {0};
  cd_code rc = cd_enroll_proof_read(text, &p, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(p.at_ms >= 0, "a proof of no time");
}

static void policy(cd_str text)
{
  cd_policy p = {0};
  cd_err err = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  cd_code rc = cd_policy_read(text, &p, &refusal, &err);
  must_explain(rc, &err);
  must((rc == CD_OK) == (refusal == CD_REFUSAL_NONE), "a failure without its refusal");
  if (rc != CD_OK)
    return;
  must(p.version > 0 && p.audit_sequence > 0 && p.body.len >= 2, "a policy that cannot be");
  must(p.body.len <= CD_POLICY_BODY_MAX && cd_device_id_valid(cd_str_from(p.device)), "no policy");
  cd_policy_release(&p);
}

static void path(const cd_path *p)
{
  char bytes[CD_PATH_MAX];
  cd_buf shown = CD_BUF_INIT(4 * CD_PATH_MAX);
  size_t len = cd_path_bytes(p, bytes);
  must(len > 0 && len < CD_PATH_MAX && strlen(bytes) == len, "a path that cannot be");
  cd_path_show(p, &shown);
  must(cd_str_utf8_valid(cd_buf_view(&shown)), "a path that cannot be shown");
  cd_buf_release(&shown);
}

static void findings(cd_scan_result *r)
{
  cd_finding f;
  cd_not_scanned n;
  cd_process p;
  for (size_t i = 0; i < cd_json_len(&r->findings); i++) {
    cd_finding_read_at(&r->findings, i, &f);
    path(&f.path);
    must(f.sha1.len == 0 || f.sha1.len == CD_SHA1_TEXT_LEN, "half a hash");
    for (size_t k = 0; k < cd_json_len(&f.processes); k++)
      cd_process_read_at(&f.processes, k, &p);
  }
  for (size_t i = 0; i < cd_json_len(&r->not_scanned); i++) {
    cd_not_scanned_read_at(&r->not_scanned, i, &n);
    path(&n.path);
  }
}

static void scan(cd_str text)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_scan_result r;
  if (cd_json_parse(text, CD_RESULT_MAX, "the scan", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_scan_result_read(&root, &r);
  cd_code rc = cd_json_status(&root, &err);
  must_explain(rc, &err);
  if (rc == CD_OK) {
    must(cd_scan_type_name(r.type) != NULL && cd_json_len(&r.findings) <= CD_SCAN_FINDINGS_MAX,
         "no scan");
    must(!cd_scan_is_clean(&r) || cd_json_len(&r.findings) + cd_json_len(&r.not_scanned) == 0,
         "called clean");
    findings(&r);
    must(cd_json_status(&root, &err) == CD_OK, "reads otherwise the second time");
  }
  cd_json_free(doc);
}

static void remediation(cd_str text)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_remediate_result r;
  cd_remediate_step step;
  cd_remediate_check check;
  if (cd_json_parse(text, CD_RESULT_MAX, "the remediation", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_remediate_result_read(&root, &r);
  cd_code rc = cd_json_status(&root, &err);
  must_explain(rc, &err);
  for (size_t i = 0; rc == CD_OK && i < cd_json_len(&r.steps); i++)
    cd_remediate_step_read_at(&r.steps, i, &step);
  for (size_t i = 0; rc == CD_OK && i < cd_json_len(&r.verified); i++)
    cd_remediate_check_read_at(&r.verified, i, &check);
  must(rc != CD_OK || cd_json_status(&root, &err) == CD_OK, "reads otherwise the second time");
  cd_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'o': order(text); break;
  case 'k': statement(text); break;
  case 'r': result(text); break;
  case 'p': report(text); break;
  case 'm': mark(text); break;
  case 'e': proof(text); break;
  case 'y': policy(text); break;
  case 's': scan(text); break;
  case 'd': remediation(text); break;
  default: break;
  }
  return 0;
}
