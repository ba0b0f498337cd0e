/* The result of a scan, as a device signed it: it becomes alerts whatever it says, no more than
 * there may be, and what the API writes of them is JSON. */
#include "link.h"

#include "fuzz_must.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "shape.h"
#include "store_alert.h"

#define ROUNDS 200 /* until the alerts are removed: the database must not grow for ever */

static con_server server;
static con_enrolled desk;
static char folder[64] = "/dev/shm/cordon-fuzz-XXXXXX";

static void remove_folder(void)
{
  static const char *const files[] = {"console.db", "console.db-wal", "console.db-shm"};
  char path[128];
  con_store_close(server.store);
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
    (void)unlink(path);
  }
  (void)rmdir(folder);
}

static void begin(void)
{
  static const con_seal_key seal = {{1}};
  char path[128];
  char id[CD_ID_SIZE];
  char key[123];
  char key_id[65];
  cd_err err = {0};
  const con_by by = {.who = CD_STR("fuzz")};
  con_enrolment e = {.dns_name = CD_STR("desk"),
                     .os_platform = CD_STR("Linux"),
                     .agent_version = CD_STR("1"),
                     .peer = CD_STR("192.0.2.1")};
  must(cd_log_configure(CD_STR("-all"), &err) == CD_OK, err.text);
  must(mkdtemp(folder) != NULL && atexit(remove_folder) == 0, "no folder");
  (void)snprintf(path, sizeof(path), "%s/console.db", folder);
  const con_store_options options = {.path = path, .seal = &seal};
  must(con_store_open(&options, &server.store, &err) == CD_OK, err.text);
  must(con_token_create(server.store, &by, 1, cd_wall_ms() + 3600000, NULL, 0, CD_STR("n"), id,
                        e.token, &err) == CD_OK,
       err.text);
  memset(key, 'A', 122);
  key[122] = '\0';
  (void)snprintf(key_id, sizeof(key_id), "%064x", 7);
  e.device_key = cd_str_from(key);
  e.key_id = cd_str_from(key_id);
  must(con_device_enroll(server.store, &e, &desk, &err) == CD_OK, err.text);
}

static bool each(void *context, const con_alert *a)
{
  unsigned *count = context;
  con_alert_row row;
  cd_jw w;
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_buf text = CD_BUF_INIT(8u * 1024 * 1024);
  con_alert_row_open(&row, a);
  cd_jw_init(&w, &text);
  con_shape_write(&con_alerts, &w, NULL, &row, CD_STR("https://c"));
  must(cd_jw_done(&w, "an alert", &err) == CD_OK, err.text);
  must(cd_json_parse(cd_buf_view(&text), text.max, "an alert", &doc, &err) == CD_OK, err.text);
  must(a->title.len > 0 && con_severity_name(a->severity) != NULL, "an alert that cannot be");
  cd_json_free(doc);
  con_alert_row_close(&row);
  cd_buf_release(&text);
  (*count)++;
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static unsigned rounds;
  cd_err err = {0};
  unsigned count = 0;
  unsigned removed = 0;
  const con_alert_query query = {.evidence = true};
  if (server.store == NULL)
    begin();
  cd_result r = {.kind = CD_ORDER_SCAN,
                 .ended_ms = cd_wall_ms(),
                 .result = {(const char *)data, size <= CD_RESULT_MAX ? size : 0}};
  (void)cd_str_copy(r.device, sizeof(r.device), cd_str_from(desk.device));
  (void)cd_str_copy(r.action, sizeof(r.action), CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"));
  must(con_link_found(&server, &r, &err) == CD_OK, err.text);
  must(con_alert_each(server.store, &query, each, &count, &err) == CD_OK, err.text);
  must(count <= CON_ALERTS_A_DAY + 1, "more alerts than there may be");
  if (++rounds % ROUNDS == 0)
    must(con_alert_expire(server.store, INT64_MAX, 1000, &removed, &err) == CD_OK, err.text);
  return 0;
}
