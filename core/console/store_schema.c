/* The one schema. Absent texts are '', absent times 0, so that no column needs a second look. What
 * the signer reads is `audit` alone. */
#include "store_private.h"

#include "base/banned.h"

/* In parts, since a compiler need not take longer texts. */
const char *const con_schema[] = {
    "CREATE TABLE IF NOT EXISTS device("
    " id TEXT PRIMARY KEY, dns_name TEXT NOT NULL COLLATE NOCASE, os_platform TEXT NOT NULL,"
    " os_version TEXT NOT NULL DEFAULT '', os_build TEXT NOT NULL DEFAULT '',"
    " os_architecture TEXT NOT NULL DEFAULT '', agent_version TEXT NOT NULL,"
    " last_ip TEXT NOT NULL DEFAULT '', last_external_ip TEXT NOT NULL,"
    " facts TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL, device_key TEXT NOT NULL,"
    " key_id TEXT NOT NULL UNIQUE, statement TEXT NOT NULL DEFAULT '',"
    " cert_serial TEXT NOT NULL DEFAULT '', cert_not_after INTEGER NOT NULL DEFAULT 0,"
    " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL DEFAULT 0, cloned INTEGER NOT NULL DEFAULT 0)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS device_name ON device(dns_name);"

    "CREATE TABLE IF NOT EXISTS reported("
    " device TEXT PRIMARY KEY REFERENCES device(id), state_values TEXT NOT NULL,"
    " number INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE IF NOT EXISTS wanted("
    " device TEXT NOT NULL REFERENCES device(id), state INTEGER NOT NULL,"
    " value INTEGER NOT NULL, type TEXT NOT NULL, parameters TEXT NOT NULL,"
    " generation INTEGER NOT NULL, value_generation INTEGER NOT NULL, mark INTEGER NOT NULL,"
    " action TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(device, state))"
    " STRICT, WITHOUT ROWID;"

    /* Of what is wanted isolated until then. */
    "CREATE TABLE IF NOT EXISTS lease("
    " device TEXT NOT NULL REFERENCES device(id), state INTEGER NOT NULL, until INTEGER NOT NULL,"
    " PRIMARY KEY(device, state)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS lease_until ON lease(until);"

    /* Actions that failed and are wanted all the same, because their devices go on with them. */
    "CREATE TABLE IF NOT EXISTS standing(action TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"

    "CREATE TABLE IF NOT EXISTS action("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " device TEXT NOT NULL REFERENCES device(id), kind INTEGER NOT NULL, state INTEGER NOT NULL,"
    " type TEXT NOT NULL, scope TEXT NOT NULL, requestor TEXT NOT NULL, comment TEXT NOT NULL,"
    " ticket TEXT NOT NULL, source TEXT NOT NULL, parameters TEXT NOT NULL,"
    " status INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, generation INTEGER NOT NULL, audit_sequence INTEGER NOT NULL,"
    " audit_digest BLOB NOT NULL, sent INTEGER NOT NULL DEFAULT 0,"
    " accepted INTEGER NOT NULL DEFAULT 0, order_jws TEXT NOT NULL DEFAULT '',"
    " result_jws TEXT NOT NULL DEFAULT '', evidence TEXT NOT NULL DEFAULT '',"
    " outcome TEXT NOT NULL DEFAULT '', sentence TEXT NOT NULL DEFAULT '',"
    " cancel_by TEXT NOT NULL DEFAULT '', cancel_comment TEXT NOT NULL DEFAULT '',"
    " cancelled INTEGER NOT NULL DEFAULT 0, progress TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX IF NOT EXISTS action_device ON action(device, number);"
    "CREATE INDEX IF NOT EXISTS action_open ON action(device, number) WHERE status <= 2;"
    "DROP INDEX IF EXISTS action_expiry;"
    /* Keyed digests of rows that were found to be as the audit log says (store_told.c). */
    "CREATE TABLE IF NOT EXISTS action_mark(number INTEGER PRIMARY KEY, mark BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS action_open_expiry ON action(expires) WHERE status <= 2;"

    "CREATE TABLE IF NOT EXISTS token("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " secret_hash BLOB NOT NULL UNIQUE, uses_left INTEGER NOT NULL,"
    " uses_made INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " created_by TEXT NOT NULL, tags TEXT NOT NULL, note TEXT NOT NULL,"
    " revoked INTEGER NOT NULL DEFAULT 0) STRICT;"
    /* Tags that devices may ask for; a token without any has no row. */
    "CREATE TABLE IF NOT EXISTS token_choice(token TEXT PRIMARY KEY REFERENCES token(id),"
    " tags TEXT NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE IF NOT EXISTS app("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL, secret_hash BLOB NOT NULL,"
    " permissions TEXT NOT NULL, created INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0)"
    " STRICT, WITHOUT ROWID;"

    "CREATE TABLE IF NOT EXISTS key_statement("
    " statement TEXT PRIMARY KEY, purpose TEXT NOT NULL, seen INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;",

    "CREATE TABLE IF NOT EXISTS audit("
    " sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
    " device TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL, previous BLOB NOT NULL,"
    " digest BLOB NOT NULL, seal BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS audit_device ON audit(device, sequence) WHERE device != '';"
    "CREATE INDEX IF NOT EXISTS audit_action ON audit(action, sequence) WHERE action != '';"
    "CREATE INDEX IF NOT EXISTS audit_access ON audit(what, sequence)"
    " WHERE device = '' AND action = '';"
    "CREATE INDEX IF NOT EXISTS audit_enrolment ON audit(sequence) WHERE what = 'device.enroll';",

    "CREATE TABLE IF NOT EXISTS policy("
    " name TEXT PRIMARY KEY, body TEXT NOT NULL, revision INTEGER NOT NULL,"
    " updated INTEGER NOT NULL, updated_by TEXT NOT NULL, comment TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS policy_tag("
    " tag TEXT PRIMARY KEY, policy TEXT NOT NULL REFERENCES policy(name), rank INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS device_policy("
    " device TEXT PRIMARY KEY REFERENCES device(id), version INTEGER NOT NULL DEFAULT 0,"
    " name TEXT NOT NULL DEFAULT '', revision INTEGER NOT NULL DEFAULT 0,"
    " body TEXT NOT NULL DEFAULT '{}', issued INTEGER NOT NULL DEFAULT 0,"
    " audit_sequence INTEGER NOT NULL DEFAULT 0, audit_digest BLOB NOT NULL DEFAULT x'',"
    " jws TEXT NOT NULL DEFAULT '', key TEXT NOT NULL DEFAULT '',"
    " standing TEXT NOT NULL DEFAULT '', highest INTEGER NOT NULL DEFAULT 0)"
    " STRICT, WITHOUT ROWID;"

    "CREATE TABLE IF NOT EXISTS exclusion_set("
    " name TEXT PRIMARY KEY, json TEXT NOT NULL, revision INTEGER NOT NULL,"
    " updated INTEGER NOT NULL, updated_by TEXT NOT NULL, comment TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS collection("
    " name TEXT PRIMARY KEY, json TEXT NOT NULL, version INTEGER NOT NULL,"
    " updated INTEGER NOT NULL, updated_by TEXT NOT NULL, comment TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    /* Which set, and which state of it, an isolation was ordered with. */
    "CREATE TABLE IF NOT EXISTS isolation_set("
    " action TEXT PRIMARY KEY REFERENCES action(id), name TEXT NOT NULL,"
    " revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS isolation_set_name ON isolation_set(name, revision);"

    /* What people are told of packages that are not here: those that are have no row. */
    "CREATE TABLE IF NOT EXISTS package("
    " action TEXT PRIMARY KEY, fate INTEGER NOT NULL, bad INTEGER NOT NULL, at INTEGER NOT NULL,"
    " sentence TEXT NOT NULL) STRICT, WITHOUT ROWID;",

    "CREATE TABLE IF NOT EXISTS alert("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " device TEXT NOT NULL REFERENCES device(id), title TEXT NOT NULL, description TEXT NOT NULL,"
    " recommended TEXT NOT NULL, category TEXT NOT NULL, source TEXT NOT NULL,"
    " threat TEXT NOT NULL, family TEXT NOT NULL, user_name TEXT NOT NULL,"
    " reference TEXT NOT NULL DEFAULT '', assigned TEXT NOT NULL DEFAULT '',"
    " classification TEXT NOT NULL DEFAULT '', determination TEXT NOT NULL DEFAULT '',"
    " severity INTEGER NOT NULL, status INTEGER NOT NULL, created INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, updated INTEGER NOT NULL,"
    " resolved INTEGER NOT NULL DEFAULT 0, findings INTEGER NOT NULL DEFAULT 0,"
    " left_out INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX IF NOT EXISTS alert_device ON alert(device, created);"
    "CREATE INDEX IF NOT EXISTS alert_title ON alert(device, title);"
    "CREATE INDEX IF NOT EXISTS alert_open ON alert(number) WHERE status <= 2;"
    "CREATE INDEX IF NOT EXISTS alert_risk ON alert(device, severity) WHERE status <= 2;"
    "CREATE INDEX IF NOT EXISTS alert_updated ON alert(updated);"
    "CREATE TABLE IF NOT EXISTS alert_evidence("
    " alert TEXT NOT NULL REFERENCES alert(id) ON DELETE CASCADE, number INTEGER NOT NULL,"
    " device TEXT NOT NULL, at INTEGER NOT NULL, key BLOB NOT NULL, item TEXT NOT NULL,"
    " finding TEXT NOT NULL, PRIMARY KEY(alert, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS alert_evidence_device ON alert_evidence(device, at);"
    "CREATE TABLE IF NOT EXISTS alert_comment("
    " alert TEXT NOT NULL REFERENCES alert(id) ON DELETE CASCADE, number INTEGER NOT NULL,"
    " at INTEGER NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(alert, number))"
    " STRICT, WITHOUT ROWID;"
    /* Which scans found it. */
    "CREATE TABLE IF NOT EXISTS alert_action("
    " alert TEXT NOT NULL REFERENCES alert(id) ON DELETE CASCADE, action TEXT NOT NULL,"
    " PRIMARY KEY(alert, action)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;",
    NULL};
