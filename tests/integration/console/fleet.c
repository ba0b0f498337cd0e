#include "fleet.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALL                                                                                        \
  "Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Revoke,"            \
  "Cordon.Audit.Read,Machine.CollectForensics,Machine.Scan,Machine.StopAndQuarantine,"             \
  "Cordon.Remediate,Alert.ReadWrite.All"

void fleet_up(fleet *f)
{
  place_make(&f->place);
  place_start(&f->place);
  f->bearer = place_app(&f->place, "tests", ALL);
}

void fleet_again(fleet *f, int with_signal)
{
  place_stop(&f->place, with_signal);
  place_start(&f->place);
  free(f->bearer);
  f->bearer = place_app(&f->place, "tests", ALL);
}

void fleet_down(fleet *f)
{
  place_stop(&f->place, SIGTERM);
  place_remove(&f->place);
  free(f->bearer);
}

unsigned fleet_ask(const fleet *f, const char *method, const char *path, const char *body,
                   char *out, size_t size)
{
  http_answer a;
  http_ask(f->place.people, f->place.ca, method, path, f->bearer, body, &a);
  unsigned status = a.status;
  cd_str text = cd_buf_view(&a.body);
  (void)cd_str_copy(out, size, (cd_str){text.ptr, text.len < size ? text.len : size - 1});
  http_release(&a);
  return status;
}

void fleet_order(const fleet *f, const char *id, const char *what, const char *body,
                 char action[64])
{
  char path[200];
  char answer[4096];
  (void)snprintf(path, sizeof(path), "/api/machines/%s/%s", id, what);
  unsigned status = fleet_ask(f, "POST", path, body, answer, sizeof(answer));
  ck_assert_msg(status == 201, "%u %s", status, answer);
  json_member(answer, "id", action, 64);
}

void fleet_enrol(const fleet *f, device *d, const char *name)
{
  char token[64];
  device_make(d, name);
  token_new(&f->place, f->bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(d, &f->place, token), 201);
}

static void pause_a_little(void)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  (void)nanosleep(&pause, NULL);
}

void fleet_wait(const fleet *f, const char *path, const char *member, const char *wanted)
{
  char answer[65536];
  char value[200] = "";
  for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
    ck_assert_uint_eq(fleet_ask(f, "GET", path, NULL, answer, sizeof(answer)), 200);
    json_member(answer, member, value, sizeof(value));
    if (strcmp(value, wanted) == 0)
      return;
    pause_a_little();
  }
  ck_abort_msg("%s of %s is '%s' and not '%s'", member, path, value, wanted);
}

void fleet_wait_text(const fleet *f, const char *path, const char *words)
{
  char answer[65536];
  for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
    ck_assert_uint_eq(fleet_ask(f, "GET", path, NULL, answer, sizeof(answer)), 200);
    if (strstr(answer, words) != NULL)
      return;
    pause_a_little();
  }
  ck_abort_msg("%s has no '%s': %s", path, words, answer);
}

void fleet_edit(const fleet *f, const char *sql)
{
  char path[400];
  char *why = NULL;
  sqlite3 *db = NULL;
  (void)snprintf(path, sizeof(path), "%s/data/console.db", f->place.folder);
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  (void)sqlite3_busy_timeout(db, 10000);
  ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
  ck_assert_msg(sqlite3_changes(db) > 0, "changed nothing: %s", sql);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

void fleet_carry_out(device *d, const char *action, cd_order *ret_order)
{
  cd_digest digest = {0};
  device_take_order(d, ret_order, &digest);
  ck_assert_str_eq(ret_order->action, action);
  ck_assert(device_result(d, ret_order, &digest, d->key));
}
