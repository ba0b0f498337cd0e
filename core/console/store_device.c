/* Devices: reading them, and what is known of them without anybody asking. */
#include "base/clock.h"
#include "base/json.h"
#include "store_private.h"

#include <stdlib.h>

#include "base/banned.h"

#define CANDIDATES_SHOWN 8u

static const size_t text_offsets[] = {
    offsetof(con_device, id),
    offsetof(con_device, dns_name),
    offsetof(con_device, os_platform),
    offsetof(con_device, os_version),
    offsetof(con_device, os_build),
    offsetof(con_device, os_architecture),
    offsetof(con_device, agent_version),
    offsetof(con_device, last_ip),
    offsetof(con_device, last_external_ip),
    offsetof(con_device, facts),
    offsetof(con_device, tags),
    offsetof(con_device, values),
    offsetof(con_device, device_key),
    offsetof(con_device, key_id),
    offsetof(con_device, statement),
    offsetof(con_device, cert_serial),
};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_device_release(con_device *d)
{
  free(d->memory);
  *d = (con_device){0};
}

static void read_row(sqlite3_stmt *stmt, con_device *d)
{
  int at = (int)texts.count;
  *d = (con_device){0};
  store_read_texts(stmt, &texts, d);
  d->cert_not_after_ms = sqlite3_column_int64(stmt, at);
  d->first_seen_ms = sqlite3_column_int64(stmt, at + 1);
  d->last_seen_ms = sqlite3_column_int64(stmt, at + 2);
  d->report_number = store_u64(stmt, at + 3);
  d->report_at_ms = sqlite3_column_int64(stmt, at + 4);
  d->revoked = sqlite3_column_int64(stmt, at + 5) != 0;
  d->clone_suspected = sqlite3_column_int64(stmt, at + 6) != 0;
  d->risk = (unsigned)sqlite3_column_int64(stmt, at + 7);
}

static cd_code take_row(sqlite3_stmt *stmt, con_device *ret_device, cd_err *err)
{
  con_device d;
  read_row(stmt, &d);
  cd_code rc = store_own_texts(&texts, &d, &d.memory, err);
  if (rc == CD_OK)
    *ret_device = d;
  return rc;
}

cd_code con_device_get(con_store *s, cd_str id, con_device *ret_device, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_DEVICE_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", id);
  rc = store_row(s, stmt, "read a device", err);
  if (rc == CD_OK)
    rc = take_row(stmt, ret_device, err);
  else if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no device '%.*s'", CD_STR_ARG(id));
  store_done(stmt);
  return rc;
}

/* The statement stands on the first of them. */
static cd_code refuse_ambiguous(con_store *s, sqlite3_stmt *stmt, cd_str name, cd_err *err)
{
  cd_buf ids = CD_BUF_INIT(CD_ERR_TEXT_MAX);
  unsigned count = 0;
  cd_code rc = CD_OK;
  for (; rc == CD_OK && count < CANDIDATES_SHOWN; count++) {
    cd_str id = store_text(stmt, 0);
    cd_buf_addf(&ids, "%s%.*s", count > 0 ? ", " : "", CD_STR_ARG(id));
    rc = store_row(s, stmt, "look for a device", err);
  }
  if (rc == CD_OK || rc == CD_E_NOTFOUND)
    rc = cd_fail(err, CD_E_CONFLICT, "several devices have the name '%.*s': %s%s", CD_STR_ARG(name),
                 cd_buf_cstr(&ids), rc == CD_OK ? " and more" : "");
  cd_buf_release(&ids);
  return rc;
}

static cd_code find_by_name(con_store *s, cd_str name, con_device *ret_device, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_device d = {0};
  cd_code rc = store_take(s, CON_SQL_DEVICE_BY_NAME, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", name);
  rc = store_row(s, stmt, "look for a device", err);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no device with the id or name '%.*s'", CD_STR_ARG(name));
  if (rc == CD_OK)
    rc = take_row(stmt, &d, err);
  if (rc == CD_OK) {
    rc = store_row(s, stmt, "look for a device", err);
    if (rc == CD_OK) {
      (void)sqlite3_reset(stmt);
      rc = store_row(s, stmt, "look for a device", err);
      if (rc == CD_OK)
        rc = refuse_ambiguous(s, stmt, name, err);
    } else if (rc == CD_E_NOTFOUND) {
      rc = CD_OK;
    }
  }
  store_done(stmt);
  if (rc == CD_OK)
    *ret_device = d;
  else
    con_device_release(&d);
  return rc;
}

cd_code con_device_find(con_store *s, cd_str id_or_name, con_device *ret_device, cd_err *err)
{
  cd_err by_id = {0};
  cd_code rc = con_device_get(s, id_or_name, ret_device, &by_id);
  if (rc == CD_E_NOTFOUND)
    return id_or_name.len > 0 ? find_by_name(s, id_or_name, ret_device, err)
                              : cd_fail(err, rc, "no device was named");
  if (rc != CD_OK && err != NULL)
    *err = by_id;
  return rc;
}

cd_code con_device_each(con_store *s, const con_device_query *query,
                        bool (*each)(void *context, const con_device *device), void *context,
                        cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_DEVICE_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssisi", query->dns_name, query->tag, (int64_t)query->tag_prefix, query->ip,
             query->seen_since_ms);
  for (;;) {
    con_device d;
    rc = store_row(s, stmt, "read the devices", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &d);
    if (!each(context, &d))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_device_count(con_store *s, uint64_t *ret_count, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_DEVICE_COUNT, &stmt, err);
  if (rc != CD_OK)
    return rc;
  rc = store_row(s, stmt, "count the devices", err);
  if (rc == CD_OK)
    *ret_count = store_u64(stmt, 0);
  store_done(stmt);
  return rc;
}

/* Runs a statement on a device that must be there. */
static cd_code run_on_device(con_store *s, sqlite3_stmt *stmt, cd_str id, const char *what,
                             cd_err *err)
{
  cd_code rc = store_run(s, stmt, what, err);
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no device '%.*s'", CD_STR_ARG(id));
  return rc;
}

cd_code con_device_certified(con_store *s, cd_str id, cd_str serial, int64_t not_after_ms,
                             cd_str statement, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  if (serial.len == 0 || serial.len >= CON_SERIAL_TEXT_MAX)
    return cd_fail(err, CD_E_INVALID, "a serial number of %zu digits is none", serial.len);
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_DEVICE_CERTIFIED, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ssis", id, serial, not_after_ms, statement);
    rc = run_on_device(s, stmt, id, "record a certificate", err);
  }
  return store_end(s, rc, err);
}

cd_code con_device_seen(con_store *s, cd_str id, int64_t at_ms, cd_str agent_version, cd_str peer,
                        cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_DEVICE_SEEN, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "siss", id, at_ms, agent_version, peer);
    rc = run_on_device(s, stmt, id, "record that a device was seen", err);
  }
  return store_end(s, rc, err);
}

static cd_code record_values(con_store *s, cd_str id, const con_device_report *r, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_REPORTED_SET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssii", id, r->values, (int64_t)r->number, r->at_ms);
  return store_run(s, stmt, "record a report", err);
}

cd_code con_device_reported(con_store *s, cd_str id, const con_device_report *report, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_DEVICE_REPORTED, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "sisssssss", id, report->seen_ms, report->facts, report->dns_name,
               report->os_platform, report->os_version, report->os_build, report->os_architecture,
               report->last_ip);
    rc = run_on_device(s, stmt, id, "record a report", err);
  }
  if (rc == CD_OK)
    rc = record_values(s, id, report, err);
  return store_end(s, rc, err);
}
