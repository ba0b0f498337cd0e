/* What is not understood is not acted on, and what fails again and again is held up, alone. */
#include "device.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_0 "0000000000000000000000000000000000000000"
#define ALL                                                                                        \
  "Machine.ReadWrite.All,Machine.Isolate,Machine.Scan,Machine.CollectForensics,"                   \
  "Machine.StopAndQuarantine,Machine.ReleaseCode,Alert.ReadWrite.All,Cordon.Enroll,"               \
  "Cordon.Revoke,Cordon.Policy,Cordon.Collection"

static place p;
static char *bearer;
static device desk;
static char action[64]; /* an isolation that waits */

static void set_up(void)
{
  char token[64];
  char path[200];
  http_answer a;
  place_make(&p);
  place_start(&p);
  bearer = place_app(&p, "all", ALL);
  token_new(&p, bearer, "{\"uses\":1}", token);
  device_make(&desk, "desk-1");
  ck_assert_uint_eq(device_enroll(&desk, &p, token), 201);
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", desk.id);
  http_ask(p.people, p.ca, "POST", path, bearer, "{\"Comment\":\"first\"}", &a);
  ck_assert_uint_eq(a.status, 201);
  json_member(cd_buf_cstr(&a.body), "id", action, sizeof(action));
  http_release(&a);
}

static void tear_down(void)
{
  device_release(&desk);
  free(bearer);
  place_stop(&p, SIGTERM);
  place_remove(&p);
}

/* $1: the desk's id; $A: the action's. */
static void expand(const char *text, cd_buf *out)
{
  for (; *text != '\0'; text++) {
    bool is_desk = strncmp(text, "$1", 2) == 0;
    if (is_desk || strncmp(text, "$A", 2) == 0)
      cd_buf_add_cstr(out, (text++, is_desk ? desk.id : action));
    else
      cd_buf_add_char(out, *text);
  }
}

/* ---- what is not understood is not acted on ---- */

#define BULK "{\"tag\":\"desks\",\"Comment\":\"c\","

/* A member more, or one in another spelling: `name` is what the answer names. */
static const struct {
  const char *method;
  const char *path;
  const char *body;
  const char *name;
} unknown[] = {
    {"POST", "/api/cordon/isolate", BULK "\"Preview\":true}", "Preview"},
    {"POST", "/api/cordon/isolate", BULK "\"Expect\":7}", "Expect"},
    {"POST", "/api/cordon/isolate", BULK "\"IsolationTyp\":\"x\"}", "IsolationTyp"},
    {"POST", "/api/cordon/release", BULK "\"LeaseSeconds\":5}", "LeaseSeconds"},
    {"POST", "/api/cordon/preflight", BULK "\"x\":1}", "x"},
    {"POST", "/api/machines/$1/isolate", "{\"Comment\":\"c\",\"LeaseSecond\":60}", "LeaseSecond"},
    {"POST", "/api/machines/$1/unisolate", "{\"Comment\":\"c\",\"IsolationType\":\"Full\"}",
     "IsolationType"},
    {"POST", "/api/cordon/machines/$1/preflight", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/machines/$1/collectInvestigationPackage",
     "{\"Comment\":\"c\",\"profile\":\"Extended\"}", "profile"},
    {"POST", "/api/machines/$1/runAntiVirusScan",
     "{\"Comment\":\"c\",\"ScanType\":\"Quick\",\"Paths\":[\"/\"]}", "Paths"},
    {"POST", "/api/cordon/machines/$1/scan", "{\"Comment\":\"c\",\"ScanType\":\"Quick\",\"X\":1}",
     "X"},
    {"POST", "/api/machines/$1/StopAndQuarantineFile",
     "{\"Comment\":\"c\",\"Sha1\":\"" ID_0 "\",\"X\":1}", "X"},
    {"POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\",\"Target\":{\"path\":\"/x\"},\"X\":1}",
     "X"},
    {"POST", "/api/cordon/machineactions/$A/undo", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/machineactions/$A/cancel", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/machines/$1/tags", "{\"Value\":\"a\",\"Action\":\"Add\",\"X\":1}", "X"},
    {"POST", "/api/machines/addorremovetagformultiplemachines",
     "{\"Value\":\"a\",\"Action\":\"Add\",\"MachineIds\":[\"$1\"],\"X\":1}", "X"},
    {"POST", "/api/cordon/machineactions/$A/code", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/alerts/batchUpdate", "{\"alertIds\":[],\"status\":\"New\",\"X\":1}", "X"},
    {"POST", "/api/alerts/batchUpdate",
     "{\"alertIds\":[],\"status\":\"New\",\"Status\":\"Resolved\"}", "Status"},
    {"POST", "/api/cordon/devices/$1/revoke", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/cordon/tokens", "{\"use\":1}", "use"},
    {"POST", "/api/cordon/tokens/x/revoke", "{\"X\":1}", "X"},
    {"POST", "/api/cordon/policies/p", "{\"Comment\":\"c\",\"body\":{},\"X\":1}", "X"},
    {"POST", "/api/cordon/policies/p/remove", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/cordon/policies/p/assign", "{\"Comment\":\"c\",\"tag\":\"a\",\"Rank\":1}",
     "Rank"},
    {"POST", "/api/cordon/policies/p/unassign", "{\"Comment\":\"c\",\"tag\":\"a\",\"X\":1}", "X"},
    {"POST", "/api/cordon/exclusions/e",
     "{\"Comment\":\"c\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.1\"}],\"X\":"
     "1}",
     "X"},
    {"POST", "/api/cordon/exclusions/e/remove", "{\"Comment\":\"c\",\"X\":1}", "X"},
    {"POST", "/api/cordon/collections/l/remove", "{\"Comment\":\"c\",\"X\":1}", "X"},
};

/* False, and said, if the answer is another one. */
static bool refuses(const char *method, const char *pattern, const char *text, const char *name)
{
  cd_buf path = CD_BUF_INIT(1000);
  cd_buf body = CD_BUF_INIT(4096);
  char words[100];
  http_answer a;
  expand(pattern, &path);
  expand(text, &body);
  (void)snprintf(words, sizeof(words), ": %s is not a known key", name);
  http_ask(p.people, p.ca, method, cd_buf_cstr(&path), bearer, cd_buf_cstr(&body), &a);
  bool good = a.status == 400 && strstr(cd_buf_cstr(&a.body), "\"InvalidRequestBody\"") != NULL &&
              strstr(cd_buf_cstr(&a.body), words) != NULL;
  if (!good)
    (void)fprintf(stderr, "%s %s: %u, wanted 400 and '%s': %s\n", cd_buf_cstr(&path),
                  cd_buf_cstr(&body), a.status, words, cd_buf_cstr(&a.body));
  http_release(&a);
  cd_buf_release(&path);
  cd_buf_release(&body);
  return good;
}

START_TEST(a_member_that_is_not_known_is_refused_by_its_name)
{
  char newest[64];
  http_answer a;
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    wrong += refuses(unknown[i].method, unknown[i].path, unknown[i].body, unknown[i].name) ? 0 : 1;
  ck_assert_uint_eq(wrong, 0);
  http_ask(p.people, p.ca, "GET", "/api/machineactions?$top=1", bearer, NULL, &a);
  json_member(cd_buf_cstr(&a.body), "id", newest, sizeof(newest));
  http_release(&a);
  ck_assert_str_eq(newest, action);
}
END_TEST

/* ---- what will not come ---- */

static void ask(const char *method, const char *folder, const char *id, const char *what,
                unsigned status, const char *words)
{
  char path[200];
  http_answer a;
  (void)snprintf(path, sizeof(path), "/api/%s/%s/%s", folder, id, what);
  http_ask(p.people, p.ca, method, path, bearer, method[0] == 'P' ? "{\"Comment\":\"c\"}" : NULL,
           &a);
  ck_assert_msg(a.status == status && strstr(cd_buf_cstr(&a.body), words) != NULL,
                "%s: %u (wanted %u and '%s'): %s", path, a.status, status, words,
                cd_buf_cstr(&a.body));
  if (status == 201)
    json_member(cd_buf_cstr(&a.body), "id", action, sizeof(action));
  http_release(&a);
}

START_TEST(a_package_that_will_not_come_is_gone)
{
  ask("POST", "machines", desk.id, "collectInvestigationPackage", 201, "\"Pending\"");
  ask("GET", "machineactions", action, "getPackageUri", 404, "has made none yet");
  ask("POST", "machineactions", action, "cancel", 200, "Cancelled");
  ask("GET", "machineactions", action, "getPackageUri", 410, "cancelled before the device had it");
  ask("GET", "machineactions", "none", "getPackageUri", 404, "none was not found");
}
END_TEST

/* ---- tokens ---- */

/* What one application writes into the form of a token request. */
static void token_form(const char *name, char *out, size_t size)
{
  char path[400];
  char text[2048] = "";
  char id[64];
  char secret[64];
  (void)snprintf(path, sizeof(path), "%s/%s.json", p.folder, name);
  FILE *f = fopen(path, "re");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
  (void)fclose(f);
  json_member(text, "client_id", id, sizeof(id));
  json_member(text, "client_secret", secret, sizeof(secret));
  (void)snprintf(out, size, "grant_type=client_credentials&client_id=%s&client_secret=%s", id,
                 secret);
}

static unsigned ask_token(const char *form)
{
  http_answer a;
  http_ask(p.people, p.ca, "POST", "/t/oauth2/token", NULL, form, &a);
  unsigned status = a.status;
  bool told = strcasestr(cd_buf_cstr(&a.head), "\r\nretry-after: ") != NULL;
  http_release(&a);
  ck_assert(told == (status == 429));
  return status;
}

/* By the address, and by the application that is named; who has the right secret is not held up. */
START_TEST(what_fails_at_the_token_endpoint_is_limited_and_what_is_right_is_not)
{
  char good[400];
  char bad[410];
  char other[400];
  free(place_app(&p, "second", "Machine.Read.All"));
  token_form("all", good, sizeof(good));
  token_form("second", other, sizeof(other));
  (void)snprintf(bad, sizeof(bad), "%sx", good);
  for (int i = 0; i < 70; i++)
    ck_assert_uint_eq(ask_token(good), 200);
  tls_come_from(0x7f000105);
  for (int i = 0; i < 60; i++)
    ck_assert_uint_eq(ask_token("nonsense"), 400);
  ck_assert_uint_eq(ask_token("nonsense"), 429);
  ck_assert_uint_eq(ask_token(bad), 429);
  ck_assert_uint_eq(ask_token(good), 200);
  tls_come_from(0x7f000106);
  for (int i = 0; i < 60; i++)
    ck_assert_uint_eq(ask_token(bad), 401);
  tls_come_from(0x7f000107);
  ck_assert_uint_eq(ask_token(bad), 429);
  ck_assert_uint_eq(ask_token(good), 200);
  (void)snprintf(bad, sizeof(bad), "%sx", other);
  ck_assert_uint_eq(ask_token(bad), 401);
  tls_come_from(0);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.strict");
  TCase *t = tcase_create("strict");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, a_member_that_is_not_known_is_refused_by_its_name);
  tcase_add_test(t, what_fails_at_the_token_endpoint_is_limited_and_what_is_right_is_not);
  tcase_add_test(t, a_package_that_will_not_come_is_gone);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
