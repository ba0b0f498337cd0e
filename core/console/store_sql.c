/* The texts of all statements: what is not here is not asked of the database. */
#include "store_sql.h"

#include "audit.h"
#include "protocol/kind.h"

#include "base/banned.h"

#define AUDIT_COLUMNS "sequence, at, who, what, device, action, detail, previous, digest, seal"

#define DEVICE_SELECT                                                                              \
  "SELECT d.id, d.dns_name, d.os_platform, d.os_version, d.os_build, d.os_architecture,"           \
  " d.agent_version, d.last_ip, d.last_external_ip, d.facts, d.tags,"                              \
  " coalesce(r.state_values, ''), d.device_key, d.key_id, d.statement, d.cert_serial,"             \
  " d.cert_not_after, d.first_seen, d.last_seen, coalesce(r.number, 0), coalesce(r.at, 0),"        \
  " d.revoked, d.cloned, coalesce((SELECT max(a.severity) FROM alert a WHERE a.device = d.id"      \
  "  AND a.status <= 2), 0) FROM device d LEFT JOIN reported r ON r.device = d.id "

/* Of a remediation (kind 7), by the hash that it names the file with. */
#define RELATED_FILE                                                                               \
  "CASE WHEN a.kind != 7 THEN ''"                                                                  \
  " WHEN json_extract(a.parameters, '$.target.sha1') IS NOT NULL THEN "                            \
  "json_object('fileIdentifier',"                                                                  \
  "  json_extract(a.parameters, '$.target.sha1'), 'fileIdentifierType', 'Sha1')"                   \
  " WHEN json_extract(a.parameters, '$.target.sha256') IS NOT NULL THEN"                           \
  "  json_object('fileIdentifier', json_extract(a.parameters, '$.target.sha256'),"                 \
  "  'fileIdentifierType', 'Sha256') ELSE '' END"
_Static_assert(CD_ORDER_REMEDIATE == 7, "the statements name it");

#define ACTION_SELECT                                                                              \
  "SELECT a.device, coalesce(d.dns_name, ''), a.type, a.scope, a.requestor, a.comment, a.ticket,"  \
  " a.source, a.parameters, a.order_jws, a.result_jws, a.evidence, a.outcome, a.sentence,"         \
  " a.cancel_by, a.cancel_comment, a.progress, " RELATED_FILE                                      \
  ", a.id, a.number, a.kind, a.status, a.created,"                                                 \
  " a.updated, a.expires, a.generation, a.audit_sequence, a.audit_digest, a.sent, a.accepted,"     \
  " a.cancelled, coalesce(m.mark, x'') FROM action a LEFT JOIN device d ON d.id = a.device"        \
  " LEFT JOIN action_mark m ON m.number = a.number "

#define TOKEN_SELECT                                                                               \
  "SELECT created_by, tags, note, id, uses_left, uses_made, created, expires, revoked,"            \
  " coalesce((SELECT c.tags FROM token_choice c WHERE c.token = token.id), '[]') FROM token "

#define APP_SELECT "SELECT name, permissions, id, created, revoked, secret_hash FROM app "

#define POLICY_SELECT                                                                              \
  "SELECT p.name, p.body, p.updated_by, p.comment,"                                                \
  " (SELECT json_group_array(json_object('tag', t.tag, 'rank', t.rank)) FROM"                      \
  "  (SELECT tag, rank FROM policy_tag WHERE policy = p.name ORDER BY rank DESC, tag) t),"         \
  " p.revision, p.updated,"                                                                        \
  " (SELECT count(*) FROM device_policy d WHERE d.name = p.name) FROM policy p "

#define SET_SELECT                                                                                 \
  "SELECT x.name, x.json, x.updated_by, x.comment, x.revision, x.updated,"                         \
  " (SELECT count(*) FROM wanted w JOIN isolation_set i ON i.action = w.action"                    \
  "  WHERE i.name = x.name AND w.value = 2) FROM exclusion_set x "

#define ALERT_SELECT                                                                               \
  "SELECT a.device, coalesce(d.dns_name, ''), a.title, a.description, a.recommended, a.category,"  \
  " a.source, a.threat, a.family, a.user_name, a.reference, a.assigned, a.classification,"         \
  " a.determination,"                                                                              \
  " (SELECT json_group_array(json_object('comment', c.text, 'createdBy', c.who, 'createdTime',"    \
  "   strftime('%Y-%m-%dT%H:%M:%f0000Z', c.at / 1000.0, 'unixepoch'))) FROM"                       \
  "  (SELECT at, who, text FROM alert_comment WHERE alert = a.id ORDER BY number) c),"             \
  " CASE ?2 WHEN 1 THEN (SELECT json_group_array(json(e.item)) FROM"                               \
  "  (SELECT item FROM alert_evidence WHERE alert = a.id ORDER BY number) e) ELSE '' END,"         \
  " a.id, a.number, a.severity, a.status, a.created, a.first, a.last, a.updated, a.resolved,"      \
  " a.findings, a.left_out FROM alert a LEFT JOIN device d ON d.id = a.device "

#define COLLECTION_SELECT                                                                          \
  "SELECT name, json, updated_by, comment, version, updated FROM collection "

/* A device that could not reach us through its rules took them back by itself: what is wanted of it
 * does not change by that. */
#define ROLLED_BACK "kind = 2 AND source = 'Device' AND requestor = '" CON_REQUESTOR_ROLLED_BACK "'"
/* Cancelled, or failed so that the device went back to what was before. */
#define GAVE_WAY "(status = 6 OR status = 4 AND id NOT IN (SELECT action FROM standing))"
#define NOT_ROLLED_BACK " AND NOT (" ROLLED_BACK ")"

static const char *const texts[CON_SQL_COUNT] = {
    [CON_SQL_SCHEMA_CHECK] = "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')",

    [CON_SQL_AUDIT_HEAD] = "SELECT sequence, digest FROM audit ORDER BY sequence DESC LIMIT 1",
    [CON_SQL_AUDIT_ADD] =
        "INSERT INTO audit(" AUDIT_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [CON_SQL_AUDIT_AT] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE sequence = ?1",
    [CON_SQL_AUDIT_ALL] = "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY sequence",
    [CON_SQL_AUDIT_AFTER] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE sequence > ?1 ORDER BY sequence",
    [CON_SQL_AUDIT_UP] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE sequence >= ?1 AND (?2 = '' OR device = ?2)"
        " AND (?3 = '' OR action = ?3) ORDER BY sequence LIMIT ?4",
    [CON_SQL_AUDIT_DOWN] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE sequence <= ?1 AND (?2 = '' OR device = ?2)"
        " AND (?3 = '' OR action = ?3) ORDER BY sequence DESC LIMIT ?4",
    [CON_SQL_AUDIT_ACCESS] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE device = '' AND action = ''"
        " AND what >= ?1 AND what < ?1 || 'zzzz' AND instr(detail, ?2) > 0 ORDER BY what, sequence",
    [CON_SQL_AUDIT_CREATED] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE device = ?1 AND device != '' AND action = ?2"
        " AND action != '' AND what = 'action.create'",
    /* What says how an action was ordered and ended. */
    [CON_SQL_AUDIT_OF_ACTION] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE action = ?1 AND action != '' AND what IN"
        " ('action.create', 'action.local', 'action.adopted', 'action.result', 'action.cancel')"
        " ORDER BY sequence",
    [CON_SQL_AUDIT_ENROLMENTS] =
        "SELECT " AUDIT_COLUMNS " FROM audit WHERE device = ?1 AND device != ''"
        " AND what = 'device.enroll' AND (?2 = '' OR instr(detail, ?2) > 0) ORDER BY sequence",
    [CON_SQL_AUDIT_TOKEN_USES] =
        "SELECT count(DISTINCT device) FROM audit WHERE what = 'device.enroll'"
        " AND instr(detail, ?1) > 0",

    [CON_SQL_STATEMENT_ADD] = "INSERT OR IGNORE INTO key_statement VALUES(?1, ?2, ?3)",
    [CON_SQL_STATEMENT_EACH] =
        "SELECT statement FROM key_statement WHERE purpose = ?1 ORDER BY seen DESC",

    [CON_SQL_DEVICE_GET] = DEVICE_SELECT "WHERE d.id = ?1",
    [CON_SQL_DEVICE_BY_NAME] = DEVICE_SELECT "WHERE d.dns_name = ?1 ORDER BY d.id LIMIT 9",
    [CON_SQL_DEVICE_BY_KEY] = "SELECT id, tags FROM device WHERE key_id = ?1",
    [CON_SQL_DEVICE_EACH] = DEVICE_SELECT
    "WHERE (?1 = '' OR d.dns_name = ?1)"
    " AND (?2 = '' OR EXISTS(SELECT 1 FROM json_each(d.tags) t WHERE"
    "  CASE ?3 WHEN 1 THEN substr(t.value, 1, length(?2)) = ?2 ELSE t.value = ?2 END))"
    " AND (?4 = '' OR d.last_ip = ?4 OR d.last_external_ip = ?4)"
    " AND d.last_seen >= ?5 ORDER BY d.id",
    [CON_SQL_DEVICE_COUNT] = "SELECT count(*) FROM device",
    [CON_SQL_DEVICE_ADD] =
        "INSERT INTO device(id, dns_name, os_platform, agent_version, last_external_ip, tags,"
        " device_key, key_id, first_seen, last_seen)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    [CON_SQL_DEVICE_AGAIN] =
        "UPDATE device SET dns_name = ?2, os_platform = ?3, agent_version = ?4,"
        " last_external_ip = ?5, tags = ?6, last_seen = ?7, revoked = 0, cloned = 0 WHERE id = ?1",
    [CON_SQL_DEVICE_CERTIFIED] =
        "UPDATE device SET cert_serial = ?2, cert_not_after = ?3,"
        " statement = CASE ?4 WHEN '' THEN statement ELSE ?4 END WHERE id = ?1",
    [CON_SQL_DEVICE_SEEN] =
        "UPDATE device SET last_seen = ?2,"
        " agent_version = CASE ?3 WHEN '' THEN agent_version ELSE ?3 END,"
        " last_external_ip = CASE ?4 WHEN '' THEN last_external_ip ELSE ?4 END WHERE id = ?1",
    [CON_SQL_DEVICE_REPORTED] =
        "UPDATE device SET last_seen = ?2, facts = CASE ?3 WHEN '' THEN facts ELSE ?3 END,"
        " dns_name = CASE ?4 WHEN '' THEN dns_name ELSE ?4 END,"
        " os_platform = CASE ?5 WHEN '' THEN os_platform ELSE ?5 END,"
        " os_version = CASE ?6 WHEN '' THEN os_version ELSE ?6 END,"
        " os_build = CASE ?7 WHEN '' THEN os_build ELSE ?7 END,"
        " os_architecture = CASE ?8 WHEN '' THEN os_architecture ELSE ?8 END,"
        " last_ip = CASE ?9 WHEN '' THEN last_ip ELSE ?9 END WHERE id = ?1",
    [CON_SQL_REPORTED_SET] =
        "INSERT INTO reported(device, state_values, number, at) VALUES(?1, ?2, ?3, ?4)"
        " ON CONFLICT(device) DO UPDATE SET number = ?3, at = ?4,"
        " state_values = CASE ?2 WHEN '' THEN state_values ELSE ?2 END",
    [CON_SQL_DEVICE_TAGS] = "UPDATE device SET tags = ?2 WHERE id = ?1",
    [CON_SQL_DEVICE_REVOKE] = "UPDATE device SET revoked = 1 WHERE id = ?1",
    [CON_SQL_DEVICE_CLONE] = "UPDATE device SET cloned = 1 WHERE id = ?1",

    [CON_SQL_WANTED_GET] =
        "SELECT type, parameters, value, generation, value_generation, action, since, mark"
        " FROM wanted WHERE device = ?1 AND state = ?2",
    [CON_SQL_WANTED_RAISE] =
        "INSERT INTO wanted(device, state, value, type, parameters, generation,"
        " value_generation, mark, action, since) VALUES(?1, ?2, 1, '', '{}', ?3, 0, ?3, '', 0)"
        " ON CONFLICT DO UPDATE SET generation = max(generation, ?3), mark = max(mark, ?3)",
    [CON_SQL_WANTED_GENERATION] =
        "INSERT INTO wanted(device, state, value, type, parameters, generation,"
        " value_generation, mark, action, since) VALUES(?1, ?2, 1, '', '{}', ?3, 0, 0, '', 0)"
        " ON CONFLICT DO UPDATE SET generation = ?3",
    [CON_SQL_WANTED_SET] =
        "UPDATE wanted SET value = ?3, type = ?4, parameters = ?5, value_generation = ?6,"
        " action = ?7, since = ?8 WHERE device = ?1 AND state = ?2",
    /* See wanted_settle(); the signer judges in the same way (signer/standing.h). */
    [CON_SQL_WANTED_CHOICE] =
        "WITH fit AS (SELECT kind, scope, parameters, generation, id, created, number, status,"
        " source = 'Device' AS own FROM action"
        " WHERE device = ?1 AND state = ?2 AND NOT " GAVE_WAY NOT_ROLLED_BACK "),"
        " asked AS (SELECT * FROM fit WHERE own = 0 ORDER BY status <= 2 DESC, number DESC LIMIT "
        "1),"
        " done AS (SELECT * FROM fit WHERE own = 1 ORDER BY generation DESC, number DESC LIMIT 1)"
        " SELECT kind, scope, parameters, generation, id, created, 1 AS rank FROM done"
        " WHERE NOT EXISTS(SELECT 1 FROM asked WHERE asked.status <= 2"
        "  OR asked.number > done.number OR asked.generation > done.generation)"
        " UNION ALL SELECT kind, scope, parameters, generation, id, created, 2 AS rank FROM asked"
        " ORDER BY rank LIMIT 1",

    [CON_SQL_LEASE_NONE] = "DELETE FROM lease WHERE device = ?1 AND state = ?2",
    [CON_SQL_LEASE_SET] = "REPLACE INTO lease(device, state, until) VALUES(?1, ?2, ?3)",
    [CON_SQL_LEASE_ENDED] =
        "SELECT l.device, l.state, w.action, l.until FROM lease l JOIN wanted w"
        " ON w.device = l.device AND w.state = l.state WHERE l.until <= ?1 ORDER BY l.until"
        " LIMIT 1",

    /* How often it did since somebody last isolated it. */
    [CON_SQL_ACTION_ROLLED_BACK] =
        "SELECT count(*) FROM action WHERE device = ?1 AND " ROLLED_BACK " AND number >"
        " (SELECT coalesce(max(number), 0) FROM action WHERE device = ?1 AND kind = 1"
        " AND source != 'Console')",
    [CON_SQL_ACTION_GET] = ACTION_SELECT "WHERE a.id = ?1",
    [CON_SQL_ACTION_ACTIVE] =
        ACTION_SELECT "WHERE a.device = ?1 AND a.status <= 2 AND (?2 = '' OR a.type = ?2)"
                      " ORDER BY a.number DESC LIMIT 1",
    [CON_SQL_ACTION_EACH] =
        ACTION_SELECT "WHERE a.number < ?1 AND (?2 = '' OR a.device = ?2)"
                      " AND (?3 = 0 OR a.status = ?3) AND (?4 = 1 OR a.kind != 3)"
                      " ORDER BY a.number DESC LIMIT ?5",
    [CON_SQL_ACTION_DUE] = ACTION_SELECT "WHERE a.device = ?1 AND a.status <= 2 ORDER BY a.number",
    [CON_SQL_ACTION_SOME] = ACTION_SELECT "WHERE a.number > ?1 ORDER BY a.number LIMIT ?2",
    [CON_SQL_ACTION_MARK] = "INSERT OR REPLACE INTO action_mark VALUES(?1, ?2)",
    [CON_SQL_ACTION_ADD] =
        "INSERT INTO action(id, device, kind, state, type, scope, requestor, comment, ticket,"
        " source, parameters, status, created, updated, expires, generation, audit_sequence,"
        " audit_digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18)",
    /* The highest generation that the device may have taken of what was created before. */
    [CON_SQL_ACTION_FLOOR] = "SELECT coalesce(max(generation), 0) FROM action"
                             " WHERE device = ?1 AND state = ?2 AND number < ?3 AND sent > 0",
    /* What the device has taken since; what failed or was cancelled gave way. */
    [CON_SQL_ACTION_NEWER] =
        "SELECT id FROM action WHERE device = ?1 AND state = ?2 AND generation > ?3"
        " AND (accepted = 1 OR result_jws != '') AND NOT " GAVE_WAY
        " ORDER BY generation DESC LIMIT 1",
    [CON_SQL_ACTION_REFRESH] = "UPDATE action SET generation = ?2, updated = ?3 WHERE id = ?1",
    [CON_SQL_ACTION_SENT] =
        "UPDATE action SET order_jws = ?2, sent = ?3 WHERE id = ?1 AND status <= 2",
    [CON_SQL_ACTION_ACCEPTED] =
        "UPDATE action SET accepted = 1, status = 2, updated = ?2 WHERE id = ?1 AND status <= 2",
    [CON_SQL_ACTION_PROGRESS] =
        "UPDATE action SET progress = ?2, updated = ?3 WHERE id = ?1 AND status <= 2",
    [CON_SQL_ACTION_STANDS] = "INSERT OR IGNORE INTO standing VALUES(?1)",
    [CON_SQL_ACTION_ENDED] =
        "UPDATE action SET status = ?2, outcome = ?3, sentence = ?4, result_jws = ?5,"
        " evidence = ?6, updated = ?7, accepted = max(accepted, ?8), progress = '' WHERE id = ?1",
    [CON_SQL_ACTION_CANCEL] =
        "UPDATE action SET status = 6, cancel_by = ?2, cancel_comment = ?3, cancelled = ?4,"
        " updated = ?4 WHERE id = ?1",
    [CON_SQL_ACTION_EXPIRED] =
        "SELECT id, device, status FROM action WHERE status <= 2 AND expires <= ?1"
        " AND (status = 1 OR expires <= ?2) ORDER BY expires, number LIMIT 1",

    [CON_SQL_TOKEN_ADD] =
        "INSERT INTO token(id, secret_hash, uses_left, created, expires, created_by, tags, note)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [CON_SQL_TOKEN_CHOICES] = "INSERT INTO token_choice(token, tags) VALUES(?1, ?2)",
    [CON_SQL_TOKEN_BY_SECRET] = TOKEN_SELECT "WHERE secret_hash = ?1",
    [CON_SQL_TOKEN_USE] =
        "UPDATE token SET uses_left = uses_left - 1, uses_made = uses_made + 1 WHERE id = ?1",
    [CON_SQL_TOKEN_EACH] = TOKEN_SELECT "ORDER BY number DESC",
    [CON_SQL_TOKEN_REVOKE] = "UPDATE token SET revoked = 1 WHERE id = ?1",

    [CON_SQL_APP_ADD] =
        "INSERT INTO app(id, name, secret_hash, permissions, created) VALUES(?1, ?2, ?3, ?4, ?5)",
    [CON_SQL_APP_GET] = APP_SELECT "WHERE id = ?1",
    [CON_SQL_APP_EACH] = APP_SELECT "ORDER BY id",
    [CON_SQL_APP_REVOKE] = "UPDATE app SET revoked = 1 WHERE id = ?1",

    [CON_SQL_POLICY_GET] = POLICY_SELECT "WHERE p.name = ?1",
    [CON_SQL_POLICY_EACH] = POLICY_SELECT "ORDER BY p.name",
    [CON_SQL_POLICY_SET] =
        "INSERT INTO policy(name, body, revision, updated, updated_by, comment)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(name) DO UPDATE SET body = ?2,"
        " revision = ?3, updated = ?4, updated_by = ?5, comment = ?6",
    [CON_SQL_POLICY_REMOVE] = "DELETE FROM policy WHERE name = ?1",
    /* Above all that was ever given, so that a name that comes back is not taken for the old one.
     */
    [CON_SQL_POLICY_REVISION] = "SELECT max((SELECT coalesce(max(revision), 0) FROM policy),"
                                " (SELECT coalesce(max(revision), 0) FROM device_policy)) + 1",
    [CON_SQL_POLICY_ASSIGN] = "REPLACE INTO policy_tag(tag, policy, rank) VALUES(?1, ?2, ?3)",
    [CON_SQL_POLICY_UNASSIGN] = "DELETE FROM policy_tag WHERE tag = ?1 AND policy = ?2",
    [CON_SQL_POLICY_FOR] =
        "SELECT name, body, revision, tag, rank, last FROM ("
        "SELECT p.name, p.body, p.revision, t.rank, t.tag, 0 AS last FROM policy_tag t"
        " JOIN policy p ON p.name = t.policy WHERE t.tag IN"
        " (SELECT value FROM json_each((SELECT tags FROM device WHERE id = ?1)))"
        " UNION ALL SELECT name, body, revision, 0, '', 1 FROM policy WHERE name = 'default')"
        " ORDER BY last, rank DESC, tag LIMIT 1",
    [CON_SQL_DEVICE_POLICY_GET] =
        "SELECT name, body, jws, key, standing, version, revision, issued, audit_sequence,"
        " audit_digest, highest FROM device_policy WHERE device = ?1",
    [CON_SQL_DEVICE_POLICY_SET] =
        "INSERT INTO device_policy(device, version, name, revision, body, issued, audit_sequence,"
        " audit_digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(device) DO UPDATE SET"
        " version = ?2, name = ?3, revision = ?4, body = ?5, issued = ?6, audit_sequence = ?7,"
        " audit_digest = ?8, jws = '', key = ''",
    [CON_SQL_DEVICE_POLICY_SIGNED] =
        "UPDATE device_policy SET jws = ?3, key = ?4 WHERE device = ?1 AND version = ?2",
    [CON_SQL_DEVICE_POLICY_STANDS] =
        "INSERT INTO device_policy(device, standing, highest) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(device) DO UPDATE SET standing = ?2, highest = max(highest, ?3)",

    [CON_SQL_SET_GET] = SET_SELECT "WHERE x.name = ?1",
    [CON_SQL_SET_EACH] = SET_SELECT "ORDER BY x.name",
    [CON_SQL_SET_SET] =
        "REPLACE INTO exclusion_set(name, json, revision, updated, updated_by, comment)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [CON_SQL_SET_REMOVE] = "DELETE FROM exclusion_set WHERE name = ?1",
    [CON_SQL_SET_REVISION] = "SELECT max((SELECT coalesce(max(revision), 0) FROM exclusion_set),"
                             " (SELECT coalesce(max(revision), 0) FROM isolation_set)) + 1",
    [CON_SQL_SET_USED] = "SELECT count(*) FROM wanted w JOIN isolation_set i ON i.action = w.action"
                         " WHERE i.name = ?1 AND w.value = 2",
    [CON_SQL_ISOLATION_SET_ADD] =
        "INSERT INTO isolation_set(action, name, revision) VALUES(?1, ?2, ?3)",
    [CON_SQL_ISOLATION_SET_GET] = "SELECT name, revision FROM isolation_set WHERE action = ?1",
    /* Isolated with an older state of a set than it has, and no order with this one was made yet,
     * whatever became of it: what a device refused is not ordered again and again. */
    [CON_SQL_ISOLATION_SET_STALE] =
        "SELECT w.device, w.parameters, x.name, x.json, x.revision, x.updated_by, x.comment,"
        " w.action"
        " FROM wanted w JOIN isolation_set i ON i.action = w.action"
        " JOIN exclusion_set x ON x.name = i.name JOIN device d ON d.id = w.device"
        " WHERE w.state = 1 AND w.value = 2 AND d.revoked = 0 AND x.revision >"
        " (SELECT max(j.revision) FROM isolation_set j JOIN action a ON a.id = j.action"
        "  WHERE a.device = w.device AND j.name = i.name) ORDER BY x.name, w.device",

    [CON_SQL_ALERT_GET] = ALERT_SELECT "WHERE a.id = ?1",
    [CON_SQL_ALERT_EACH] = ALERT_SELECT "WHERE (?1 = '' OR a.device = ?1) ORDER BY a.number DESC",
    [CON_SQL_ALERT_BY_TITLE] = "SELECT id, severity FROM alert WHERE device = ?1 AND title = ?2"
                               " AND (status <= 2 OR created >= ?3) ORDER BY number DESC LIMIT 1",
    [CON_SQL_ALERT_ADD] =
        "INSERT INTO alert(id, device, title, description, recommended, category, source, threat,"
        " family, user_name, severity, status, created, first, last, updated)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    [CON_SQL_ALERT_REFERENCE] = "UPDATE alert SET reference = ?2 WHERE id = ?1",
    [CON_SQL_ALERT_AGAIN] = "UPDATE alert SET severity = max(severity, ?2), first = min(first, ?3),"
                            " last = max(last, ?3), updated = ?4 WHERE id = ?1",
    /* One that is resolved is touched only if it says that there is too much: it is open again. */
    [CON_SQL_ALERT_SETTLE] =
        "UPDATE alert SET severity = max(severity, ?2), description = ?3, last = max(last, ?4),"
        " first = min(first, ?4), updated = ?5, left_out = ?6,"
        " findings = ?6 + (SELECT count(*) FROM alert_evidence e WHERE e.alert = ?1),"
        " status = min(status, CASE status WHEN 3 THEN 1 ELSE 3 END), resolved = 0 WHERE id = ?1",
    [CON_SQL_ALERT_CHANGE] =
        "UPDATE alert SET status = ?2, assigned = ?3, classification = ?4, determination = ?5,"
        " resolved = ?6, updated = ?7 WHERE id = ?1",
    [CON_SQL_ALERT_MADE] = "SELECT count(*) FROM alert WHERE device = ?1 AND created >= ?2",
    [CON_SQL_ALERT_OPEN_COUNT] = "SELECT count(*) FROM alert WHERE status <= 2",
    [CON_SQL_ALERT_REMOVE] = "DELETE FROM alert WHERE number IN (SELECT number FROM alert"
                             " WHERE updated < ?1 ORDER BY updated LIMIT ?2)",
    [CON_SQL_ALERT_ACTION_ADD] =
        "INSERT OR IGNORE INTO alert_action(action, alert) SELECT ?1, ?2 WHERE"
        " (SELECT count(*) FROM alert_action WHERE alert = ?2) < 100",
    [CON_SQL_ALERT_ACTIONS] =
        "SELECT json_group_array(action) FROM (SELECT action FROM alert_action WHERE alert = ?1"
        " ORDER BY action)",
    [CON_SQL_ALERT_COMMENT_ADD] =
        "INSERT INTO alert_comment(alert, number, at, who, text) VALUES(?1, ?2, ?3, ?4, ?5)",
    [CON_SQL_ALERT_COMMENT_COUNT] = "SELECT count(*) FROM alert_comment WHERE alert = ?1",
    [CON_SQL_EVIDENCE_ADD] =
        "INSERT INTO alert_evidence(alert, number, device, at, key, item, finding)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [CON_SQL_EVIDENCE_KNOWN] = "SELECT 1 FROM alert_evidence WHERE alert = ?1 AND key = ?2",
    [CON_SQL_EVIDENCE_COUNT] = "SELECT count(*) FROM alert_evidence WHERE alert = ?1",
    [CON_SQL_EVIDENCE_MADE] = "SELECT count(*) FROM alert_evidence WHERE device = ?1 AND at >= ?2",
    [CON_SQL_EVIDENCE_EACH] = "SELECT finding FROM alert_evidence WHERE alert = ?1 ORDER BY number",
    [CON_SQL_COLLECTION_GET] = COLLECTION_SELECT "WHERE name = ?1",
    [CON_SQL_COLLECTION_EACH] = COLLECTION_SELECT "ORDER BY name",
    [CON_SQL_COLLECTION_SET] =
        "REPLACE INTO collection(name, json, version, updated, updated_by, comment)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [CON_SQL_COLLECTION_REMOVE] = "DELETE FROM collection WHERE name = ?1",
    [CON_SQL_PACKAGE_GET] = "SELECT fate, bad, at, sentence FROM package WHERE action = ?1",
    [CON_SQL_PACKAGE_SET] = "REPLACE INTO package(action, fate, bad, at, sentence)"
                            " VALUES(?1, ?2, ?3, ?4, ?5)",
    [CON_SQL_PACKAGE_REMOVE] = "DELETE FROM package WHERE action = ?1",
};

const char *con_sql_text(con_sql which)
{
  return texts[which];
}
