/* Scans and remediations: what may be asked for, and what a device may say of it. */
#include "protocol/kind.h"
#include "protocol/remediate.h"
#include "protocol/scan.h"

#include "fixture.h"
#include "protocol/limits.h"

#include <string.h>

#define SHA1 "3395856ce81f2b7382dee72602f798b642f14140"
#define SHA256 "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
#define BOOT "5f3c9f7e-5f58-4a3b-9d5c-1b7f4f1d2a33"
#define RUN "HKLM\\\\SOFTWARE\\\\Microsoft\\\\Windows\\\\CurrentVersion\\\\Run"
#define P16                                                                                        \
  "\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/a\",\"/" \
  "a\",\"/a\",\"/a\""

static const struct {
  cd_order_kind kind;
  const char *parameters;
  const char *text; /* NULL: they are good */
} orders[] = {
    {CD_ORDER_SCAN, "{\"type\":\"quick\"}", NULL},
    {CD_ORDER_SCAN, "{\"type\":\"full\",\"cpu_percent\":100,\"budget_s\":86400}", NULL},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[\"/srv\",{\"base64\":\"L_8\"}]}", NULL},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[" P16 "," P16 "]}", NULL},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[\"C:\\\\Users\"]}", NULL},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[" P16 "," P16 ",\"/a\"]}",
     "it: paths has 33 elements, the limit is 32"},
    {CD_ORDER_SCAN, "{\"type\":\"deep\"}", "it: type must be one of: quick, full, custom"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\"}",
     "it: paths is missing: a custom scan names what it scans"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[]}",
     "it: paths must not be empty in a custom scan"},
    {CD_ORDER_SCAN, "{\"type\":\"quick\",\"paths\":[\"/\"]}",
     "it: paths are those of a custom scan"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[\"tmp\"]}",
     "it: paths[0] must be an absolute path"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[\"\"]}", "it: paths[0] must not be empty"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[7]}",
     "it: paths[0] must be a string, it is a number"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[{\"base64\":\"L-\"}]}",
     "it: paths[0].base64 must be the bytes of a path in base64url"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[{\"base64\":\"LwAv\"}]}",
     "it: paths[0].base64 must be the bytes of a path in base64url"},
    {CD_ORDER_SCAN, "{\"type\":\"custom\",\"paths\":[{\"base64\":\"L_8\",\"as\":1}]}",
     "it: paths[0].as is not a known key"},
    {CD_ORDER_SCAN, "{\"type\":\"quick\",\"cpu_percent\":0}",
     "it: cpu_percent must be a whole number from 1 to 100, it is 0"},
    {CD_ORDER_SCAN, "{\"type\":\"quick\",\"budget_s\":59}",
     "it: budget_s must be a whole number from 60 to 86400, it is 59"},
    {CD_ORDER_SCAN, "{\"type\":\"quick\",\"delete\":true}", "it: delete is not a known key"},

    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"process.stop\",\"target\":{\"pid\":12,\"start\":345,\"boot\":\"" BOOT "\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/tmp/x\",\"sha256\":\"" SHA256
     "\"},\"force\":true}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"file.quarantine\",\"target\":{\"path\":{\"base64\":\"L_8\"}}}", NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"" SHA1 "\"}}", NULL},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"service.disable\",\"target\":{\"name\":\"x.service\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"cron.disable\",\"target\":{\"file\":\"/etc/"
     "crontab\",\"line\":3,\"text\":\"* "
     "* * * * root /x\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"/etc/rc.local\"}}", NULL},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"undo\",\"target\":{\"action\":\"" ACTION "\"}}", NULL},
    /* as Windows has them */
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"process.stop\",\"target\":{\"pid\":12,\"start\":\"133700000000000000\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"process.stop\",\"target\":{\"pid\":12,\"start\":\"133700000000000000\","
     "\"boot\":\"boot-7\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"C:\\\\evil\\\\x.exe\"}}", NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"" RUN "\",\"name\":\"-/Evil one\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"hku\\\\S-1-5-18\\\\x\",\"name\":"
     "\"y\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"C:\\\\ProgramData\\\\x.lnk\"}}",
     NULL},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"task.disable\",\"target\":{\"name\":\"\\\\Evil\\\\-one .two\"}}", NULL},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"" RUN "\"}}",
     "it: target.name is missing: which value of the key?"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"" RUN "\",\"name\":\"\"}}",
     "it: target.name is missing: which value of the key?"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"/etc/rc.local\",\"name\":\"x\"}}",
     "it: target.name is that of a value, and the path is no key of the registry"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"HKCU\\\\Run\",\"name\":\"x\"}}",
     "it: target.path must be an absolute path, or a key below HKLM\\ or HKU\\"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"\"}}",
     "it: target.path must not be empty"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"task.enable\",\"target\":{\"name\":\"Evil\"}}",
     "it: target.name must be the path of a task, such as \\Folder\\Name"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"task.enable\",\"target\":{\"name\":\"\\\\Evil\\\\\\\\one\"}}",
     "it: target.name must be the path of a task, such as \\Folder\\Name"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"process.stop\",\"target\":{\"pid\":12,\"start\":345}}",
     "it: target.boot is missing: the start is counted from a boot"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"file.erase\",\"target\":{\"path\":\"/tmp/x\"}}",
     "it: operation is none that is known, such as file.quarantine"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"undo\"}", "it: target is missing"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"undo\",\"target\":{\"action\":\"the last one\"}}",
     "it: target.action must be the id of an action"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"process.stop\",\"target\":{\"pid\":12}}",
     "it: target.start is missing"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"process.stop\",\"target\":{\"pid\":0,\"start\":1,\"boot\":\"b\"}}",
     "it: target.pid must be at least 1"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"process.stop\",\"target\":{\"pid\":1,\"start\":1,\"boot\":\"\"}}",
     "it: target.boot must not be empty"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/x\",\"sha256\":\"" SHA1 "\"}}",
     "it: target.sha256 must be 64 hex digits"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"../x\"}}",
     "it: target.path must be an absolute path"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"file.quarantine\",\"target\":{\"name\":\"x\"}}",
     "it: target.path is missing"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"12\"}}",
     "it: target.sha1 must be 40 hex digits"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"service.disable\",\"target\":{\"name\":\"../../x.service\"}}",
     "it: target.name must be a name: not empty, no path, no control characters"},
    {CD_ORDER_REMEDIATE, "{\"operation\":\"user.disable\",\"target\":{\"name\":\"-R\"}}",
     "it: target.name must be a name: not empty, no path, no control characters"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"cron.disable\",\"target\":{\"file\":\"/etc/"
     "crontab\",\"line\":0,\"text\":\"\"}}",
     "it: target.line must be a whole number from 1 to 1000000, it is 0"},
    {CD_ORDER_REMEDIATE,
     "{\"operation\":\"undo\",\"target\":{\"action\":\"" ACTION "\"},\"quietly\":true}",
     "it: quietly is not a known key"},
};

START_TEST(parameters_are_read_to_the_letter)
{
  for (size_t i = 0; i < COUNT_OF(orders); i++) {
    cd_err err = {0};
    cd_json_doc *doc = NULL;
    expect_ok(cd_json_parse(cd_str_from(orders[i].parameters), CD_PARAMETERS_MAX, "it", &doc, &err),
              &err);
    cd_json root = cd_json_root(doc);
    cd_order_check_parameters(orders[i].kind, &root);
    cd_code rc = cd_json_status(&root, &err);
    if (orders[i].text == NULL)
      ck_assert_msg(rc == CD_OK, "%s: %s", orders[i].parameters, err.text);
    else
      ck_assert_msg(rc != CD_OK && strcmp(err.text, orders[i].text) == 0, "%s: '%s'",
                    orders[i].parameters, err.text);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(every_operation_has_a_name_and_two_only_give_back)
{
  for (int i = 1; i < CD_OPERATION_COUNT; i++) {
    cd_operation back = 0;
    const char *name = cd_operation_name((cd_operation)i);
    ck_assert_ptr_nonnull(name);
    ck_assert(cd_operation_from_name(cd_str_from(name), &back));
    ck_assert_int_eq(back, i);
    ck_assert_int_eq(cd_operation_gives_back(back), i == CD_OP_UNDO || i == CD_OP_FILE_RESTORE);
  }
  ck_assert_ptr_null(cd_operation_name(CD_OPERATION_COUNT));
}
END_TEST

START_TEST(a_path_that_is_no_text_keeps_its_bytes)
{
  static const char bytes[] = "/tmp/\xff\n\\x";
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_jw w;
  cd_path path;
  char back[CD_PATH_MAX];
  cd_buf text = CD_BUF_INIT(CD_PATH_MAX * 2);
  cd_buf shown = CD_BUF_INIT(CD_PATH_MAX * 4);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_path_write(&w, "odd", cd_str_from(bytes));
  cd_path_write(&w, "plain", CD_STR("/tmp/\\x"));
  cd_jw_end_obj(&w);
  expect_ok(cd_jw_done(&w, "it", &err), &err);
  expect_ok(cd_json_parse(cd_buf_view(&text), text.len, "it", &doc, &err), &err);
  cd_json root = cd_json_root(doc);
  cd_path_read_absolute(&root, "odd", &path);
  ck_assert(path.encoded);
  ck_assert_uint_eq(cd_path_bytes(&path, back), sizeof(bytes) - 1);
  ck_assert_str_eq(back, bytes);
  cd_path_show(&path, &shown);
  ck_assert_str_eq(cd_buf_cstr(&shown), "/tmp/\\xff\n\\\\x");
  cd_path_read(&root, "plain", &path);
  ck_assert(!path.encoded);
  ck_assert(cd_str_eq_cstr(path.text, "/tmp/\\x"));
  expect_ok(cd_json_done(&root, &err), &err);
  cd_json_free(doc);
  cd_buf_release(&shown);
  cd_buf_release(&text);
}
END_TEST

#define FINDING                                                                                    \
  "{\"path\":\"/tmp/eicar\",\"size\":68,\"sha256\":\"" SHA256 "\",\"sha1\":\"" SHA1                \
  "\",\"signature\":\"Eicar-Test\",\"owner\":{\"uid\":1000,\"name\":null},\"modified_ms\":"        \
  "1790000000000,\"processes\":[{\"pid\":7,\"start\":99,\"name\":\"x\",\"user\":\"mallory\"}],"    \
  "\"deleted\":true}"
#define SCAN(findings_total, findings, left_total, left, complete)                                 \
  "{\"type\":\"quick\",\"engine\":{\"name\":\"ClamAV\",\"version\":\"1.0.3\"},\"database\":{"      \
  "\"version\":27000,\"built_ms\":1789000000000,\"signatures\":8700000},\"files_planned\":12,"     \
  "\"files_scanned\":11,\"bytes_scanned\":4096,\"findings_total\":" findings_total                 \
  ",\"findings\":[" findings "],\"not_scanned_total\":" left_total ",\"not_scanned\":[" left       \
  "],\"not_scanned_reasons\":{\"too_large\":1},\"complete\":" complete ",\"left_out\":"            \
  "{\"special_files\":4,\"file_systems_total\":2,\"file_systems\":[]},\"elapsed_ms\":1200}"
#define UNTOLD(names)                                                                              \
  "{\"type\":\"quick\",\"engine\":{\"name\":\"ClamAV\",\"untold\":" names "},\"files_planned\":1," \
  "\"files_scanned\":1,\"bytes_scanned\":4,\"findings_total\":0,\"findings\":[],"                  \
  "\"not_scanned_total\":0,\"not_scanned\":[],\"complete\":true,\"elapsed_ms\":1}"
#define LEFT "{\"path\":\"/big\",\"reason\":\"too_large\",\"size\":157286400}"

static cd_code read_scan(const char *text, cd_json_doc **ret_doc, cd_scan_result *out, cd_err *err)
{
  cd_code rc = cd_json_parse(cd_str_from(text), CD_RESULT_MAX, "it", ret_doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(*ret_doc);
  cd_scan_result_read(&root, out);
  return cd_json_status(&root, err);
}

START_TEST(a_scan_says_what_it_found)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_scan_result r;
  cd_finding f;
  cd_process p;
  cd_str reason = {0};
  uint64_t count = 0;
  expect_ok(read_scan(SCAN("9", FINDING, "1", LEFT, "false"), &doc, &r, &err), &err);
  ck_assert_int_eq(r.type, CD_SCAN_QUICK);
  ck_assert(cd_str_eq_cstr(r.engine, "ClamAV"));
  ck_assert_uint_eq(r.findings_total, 9);
  ck_assert_uint_eq(r.special_files, 4);
  ck_assert_uint_eq(r.file_systems, 2);
  ck_assert_uint_eq(cd_json_len(&r.findings), 1);
  cd_finding_read_at(&r.findings, 0, &f);
  ck_assert(cd_str_eq_cstr(f.signature, "Eicar-Test"));
  ck_assert(cd_str_eq_cstr(f.sha256, SHA256));
  ck_assert(f.has_owner && f.owner_id == 1000 && f.owner_name.len == 0);
  ck_assert(f.deleted);
  cd_process_read_at(&f.processes, 0, &p);
  ck_assert(p.pid == 7 && p.start == 99 && cd_str_eq_cstr(p.user, "mallory"));
  ck_assert(cd_json_member_at(&r.reasons, 0, UINT64_MAX, &reason, &count));
  ck_assert(cd_str_eq_cstr(reason, "too_large") && count == 1);
  ck_assert(!cd_json_member_at(&r.reasons, 1, UINT64_MAX, &reason, &count));
  ck_assert(!cd_scan_is_clean(&r));
  cd_json_free(doc);
}
END_TEST

START_TEST(clean_is_only_what_was_scanned_whole)
{
  static const struct {
    const char *text;
    bool clean;
  } rows[] = {{SCAN("0", "", "0", "", "true"), true},
              {SCAN("0", "", "0", "", "false"), false},
              {SCAN("0", "", "3", "", "true"), false}, /* it contradicts itself */
              {SCAN("1", "", "0", "", "true"), false},
              {SCAN("1", FINDING, "0", "", "true"), false},
              {UNTOLD("[]"), true},
              {UNTOLD("[\"limits\"]"), false}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    cd_json_doc *doc = NULL;
    cd_scan_result r;
    expect_ok(read_scan(rows[i].text, &doc, &r, &err), &err);
    ck_assert_msg(cd_scan_is_clean(&r) == rows[i].clean, "row %zu", i);
    cd_json_free(doc);
  }
}
END_TEST

static void many(cd_buf *out, const char *one, size_t count)
{
  cd_buf_reset(out);
  for (size_t i = 0; i < count; i++)
    cd_buf_addf(out, "%s%s", i > 0 ? "," : "", one);
}

START_TEST(a_device_says_no_more_than_there_is_room_for)
{
  static const struct {
    const char *one;
    size_t count;
    bool left;
    bool good;
  } rows[] = {{FINDING, CD_SCAN_FINDINGS_MAX, false, true},
              {FINDING, CD_SCAN_FINDINGS_MAX + 1, false, false},
              {LEFT, CD_SCAN_NOT_SCANNED_MAX, true, true},
              {LEFT, CD_SCAN_NOT_SCANNED_MAX + 1, true, false}};
  cd_buf list = CD_BUF_INIT(CD_RESULT_MAX);
  cd_buf text = CD_BUF_INIT(CD_RESULT_MAX);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    cd_json_doc *doc = NULL;
    cd_scan_result r;
    many(&list, rows[i].one, rows[i].count);
    cd_buf_reset(&text);
    cd_buf_addf(&text, SCAN("900", "%s", "900", "%s", "false"),
                rows[i].left ? "" : cd_buf_cstr(&list), rows[i].left ? cd_buf_cstr(&list) : "");
    cd_code rc = read_scan(cd_buf_cstr(&text), &doc, &r, &err);
    ck_assert_msg((rc == CD_OK) == rows[i].good, "row %zu: %s", i, err.text);
    cd_json_free(doc);
  }
  cd_buf_release(&list);
  cd_buf_release(&text);
}
END_TEST

START_TEST(a_scan_that_cannot_be_is_refused)
{
  static const struct {
    const char *part;
    const char *by;
    const char *text;
  } rows[] = {
      {"\"findings_total\":1", "\"findings_total\":0",
       "it: findings_total is less than what is listed"},
      {"\"not_scanned_total\":1", "\"not_scanned_total\":0",
       "it: not_scanned_total is less than what is listed"},
      {SHA256, SHA1, "it: findings[0].sha256 must be 64 hex digits"},
      {"\"pid\":7", "\"pid\":-7",
       "it: findings[0].processes[0].pid must be a whole number from 0 to 4294967295, it is -7"},
      {"\"too_large\":1}", "\"too_large\":[]}",
       "it: not_scanned_reasons.too_large must be a whole number from 0 to 9007199254740992, it is "
       "an array"},
      {"\"signature\":\"Eicar-Test\"", "\"signature\":null",
       "it: findings[0].signature must be a string, it is null"},
      {"\"complete\":false", "\"complete\":\"no\"",
       "it: complete must be true or false, it is a string"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    cd_json_doc *doc = NULL;
    cd_scan_result r;
    char *text = with(SCAN("1", FINDING, "1", LEFT, "false"), rows[i].part, rows[i].by);
    cd_code rc = read_scan(text, &doc, &r, &err);
    ck_assert_msg(rc != CD_OK && strcmp(err.text, rows[i].text) == 0, "row %zu: '%s'", i, err.text);
    cd_json_free(doc);
    free(text);
  }
}
END_TEST

START_TEST(what_a_newer_agent_says_besides_costs_no_finding)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_scan_result r;
  char *text = with(SCAN("1", FINDING, "0", "", "true"), "\"deleted\":true",
                    "\"deleted\":true,\"entropy\":7");
  expect_ok(read_scan(text, &doc, &r, &err), &err);
  ck_assert_uint_eq(cd_json_len(&r.findings), 1);
  cd_json_free(doc);
  free(text);
}
END_TEST

START_TEST(a_remediation_says_what_it_did)
{
  static const char text[] =
      "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/tmp/x\"},\"steps\":[{\"step\":"
      "\"copy\",\"outcome\":\"ok\",\"detail\":\"68 bytes\"},{\"step\":\"unlink\",\"outcome\":"
      "\"ok\",\"detail\":null}],\"undo\":\"available\",\"verified\":[{\"what\":\"the file is "
      "gone\",\"measured\":true}]}";
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_remediate_result r;
  cd_remediate_step step;
  cd_remediate_check check;
  expect_ok(cd_json_parse(cd_str_from(text), sizeof(text), "it", &doc, &err), &err);
  cd_json root = cd_json_root(doc);
  cd_remediate_result_read(&root, &r);
  expect_ok(cd_json_done(&root, &err), &err);
  ck_assert_int_eq(r.operation, CD_OP_FILE_QUARANTINE);
  ck_assert(r.can_undo);
  ck_assert_uint_eq(cd_json_len(&r.steps), 2);
  cd_remediate_step_read_at(&r.steps, 0, &step);
  ck_assert(cd_str_eq_cstr(step.detail, "68 bytes"));
  cd_remediate_check_read_at(&r.verified, 0, &check);
  ck_assert(cd_str_eq_cstr(check.what, "the file is gone"));
  cd_json_free(doc);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      parameters_are_read_to_the_letter,      every_operation_has_a_name_and_two_only_give_back,
      a_path_that_is_no_text_keeps_its_bytes, a_scan_says_what_it_found,
      clean_is_only_what_was_scanned_whole,   a_device_says_no_more_than_there_is_room_for,
      a_scan_that_cannot_be_is_refused,       what_a_newer_agent_says_besides_costs_no_finding,
      a_remediation_says_what_it_did};
  return run_suite("protocol.jobs", tests, COUNT_OF(tests));
}
