/* What a scan's signed result says was found becomes alerts. The device is not trusted: what it
 * says is read with ceilings, and what cannot be read becomes an alert itself. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "link.h"
#include "odata.h"
#include "protocol/scan.h"
#include "store_alert.h"

#include "base/banned.h"

#define EVENT_AGE_MS (INT64_C(30) * 24 * 3600 * 1000)
/* A path, and 16 processes with their users, of which every character is escaped: 75 KiB. */
#define ITEM_MAX (256u * 1024u)
#define SHOWN_MAX 1024u /* of a path in an item; the finding has all of it */
#define TITLE_MAX (CON_ALERT_TITLE_MAX * 2)
#define ENGINE_SHOWN_MAX 64u
#define RECOMMENDED                                                                                \
  "Look at the file and at who put it there. StopAndQuarantineFile, or cordon quarantine, takes "  \
  "it away and can be taken back; resolve the alert when it is dealt with."

typedef struct seen {
  con_found found;
  cd_buf title;
  cd_buf item;
  cd_buf finding;
} seen;

typedef struct sight {
  const cd_result *result;
  cd_scan_result scan;
  int64_t at_ms;
  seen *seen;
  con_found *found;
  size_t count;
} sight;

static bool has(cd_str text, const char *part)
{
  cd_str p = cd_str_from(part);
  for (size_t i = 0; i + p.len <= text.len; i++) {
    if (con_same((cd_str){text.ptr + i, p.len}, p))
      return true;
  }
  return false;
}

static bool begins(cd_str text, const char *part)
{
  cd_str p = cd_str_from(part);
  return text.len >= p.len && con_same((cd_str){text.ptr, p.len}, p);
}

/* What runs is worse than what lies there, whatever it is called; what the engine itself holds for
 * a guess is less. */
static con_severity severity_of(const cd_finding *f)
{
  if (f->deleted || cd_json_len(&f->processes) > 0)
    return CON_SEVERITY_HIGH;
  if (has(f->signature, "eicar"))
    return CON_SEVERITY_INFORMATIONAL;
  if (begins(f->signature, "PUA.") || begins(f->signature, "Heuristics."))
    return CON_SEVERITY_LOW;
  return CON_SEVERITY_MEDIUM;
}

/* "Agent" of "Win.Trojan.Agent-1234-0". */
static cd_str family_of(cd_str signature)
{
  cd_str rest = signature;
  (void)cd_str_cut(&rest, '.');
  (void)cd_str_cut(&rest, '.');
  return cd_str_cut(&rest, '-');
}

static void add_title(const cd_finding *f, cd_buf *out)
{
  cd_buf_add_cstr(out, begins(f->signature, "PUA.")          ? "Unwanted software found: "
                       : begins(f->signature, "Heuristics.") ? "Suspicious file found: "
                                                             : "Malware found: ");
  cd_buf_add_str(out, f->signature.len > 0 ? f->signature : CD_STR("a signature without a name"));
}

/* ---- one finding ---- */

static void write_text(cd_jw *w, const char *key, cd_str text)
{
  if (text.len > 0)
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

/* Where the name begins. */
static size_t name_at(cd_str path)
{
  size_t at = path.len;
  while (at > 0 && path.ptr[at - 1] != '/' && path.ptr[at - 1] != '\\')
    at--;
  return at;
}

static void write_nulls(cd_jw *w, const char *const *keys)
{
  for (size_t i = 0; keys[i] != NULL; i++)
    cd_jw_null(w, keys[i]);
}

/* All members that an item of the API has, in its order. */
static void write_item(const cd_finding *f, cd_jw *w)
{
  static const char *const parent[] = {"processCommandLine",
                                       "processCreationTime",
                                       "parentProcessId",
                                       "parentProcessCreationTime",
                                       "parentProcessFileName",
                                       "parentProcessFilePath",
                                       "ipAddress",
                                       "url",
                                       "registryKey",
                                       "registryHive",
                                       "registryValueType",
                                       "registryValue",
                                       "registryValueName",
                                       NULL};
  static const char *const account[] = {"domainName", "userSid", "aadUserId", "userPrincipalName",
                                        NULL};
  char now[CON_TIME_TEXT_MAX];
  cd_process process = {0};
  cd_json processes = f->processes;
  cd_buf path = CD_BUF_INIT(4 * CD_PATH_MAX);
  cd_path_show(&f->path, &path);
  cd_str whole = cd_buf_view(&path);
  size_t at = name_at(whole);
  cd_str name = {whole.ptr + at, whole.len - at};
  cd_str folder = {whole.ptr, at > 1 ? at - 1 : at};
  con_time_text(cd_wall_ms(), now);
  if (cd_json_len(&processes) > 0)
    cd_process_read_at(&processes, 0, &process);
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "entityType", "File");
  cd_jw_cstr(w, "evidenceCreationTime", now);
  write_text(w, "sha1", f->sha1);
  write_text(w, "sha256", f->sha256);
  write_text(w, "fileName", (cd_str){name.ptr, cd_str_utf8_cut(name, SHOWN_MAX)});
  write_text(w, "filePath", (cd_str){folder.ptr, cd_str_utf8_cut(folder, SHOWN_MAX)});
  if (process.pid > 0)
    cd_jw_u64(w, "processId", process.pid);
  else
    cd_jw_null(w, "processId");
  write_nulls(w, parent);
  write_text(w, "accountName", f->owner_name);
  write_nulls(w, account);
  cd_jw_cstr(w, "detectionStatus", "Detected");
  cd_jw_end_obj(w);
  cd_buf_release(&path);
}

static void write_processes(const cd_finding *f, cd_jw *w)
{
  cd_json processes = f->processes;
  cd_jw_arr(w, "processes");
  for (size_t i = 0; i < cd_json_len(&processes); i++) {
    cd_process p;
    cd_process_read_at(&processes, i, &p);
    cd_jw_obj(w, NULL);
    cd_jw_u64(w, "pid", p.pid);
    cd_jw_u64(w, "start", p.start);
    cd_jw_str(w, "name", p.name);
    write_text(w, "user", p.user);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
}

/* In the protocol's form, so that a path which is no text can be asked for again. */
static void write_finding(const sight *s, const cd_finding *f, cd_jw *w)
{
  char path[CD_PATH_MAX];
  size_t len = cd_path_bytes(&f->path, path);
  cd_jw_obj(w, NULL);
  cd_path_write(w, "path", (cd_str){path, len});
  cd_jw_u64(w, "size", f->size);
  write_text(w, "sha256", f->sha256);
  write_text(w, "sha1", f->sha1);
  cd_jw_str(w, "signature", f->signature);
  cd_jw_obj(w, "owner");
  if (f->has_owner)
    cd_jw_u64(w, "uid", f->owner_id);
  else
    cd_jw_null(w, "uid");
  write_text(w, "name", f->owner_name);
  cd_jw_end_obj(w);
  cd_jw_time(w, "modified", f->modified_ms > 0 ? f->modified_ms : 0);
  cd_jw_bool(w, "deleted", f->deleted);
  write_processes(f, w);
  cd_jw_cstr(w, "action", s->result->action);
  cd_jw_end_obj(w);
}

static cd_code key_of(const cd_finding *f, cd_digest *ret_key, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_hash *h = NULL;
  size_t len = cd_path_bytes(&f->path, path);
  cd_code rc = cd_hash_new(&h, err);
  if (rc != CD_OK)
    return rc;
  cd_hash_add(h, path, len + 1); /* a path has no NUL of its own */
  cd_hash_add(h, f->sha256.ptr != NULL ? f->sha256.ptr : "", f->sha256.len);
  cd_hash_add(h, "\n", 1);
  cd_hash_add(h, f->signature.ptr, f->signature.len);
  rc = cd_hash_end(h, ret_key, err);
  cd_hash_free(h);
  return rc;
}

static cd_code see(sight *s, size_t i, cd_err *err)
{
  cd_finding f;
  cd_jw w;
  seen *one = &s->seen[i];
  cd_buf_init(&one->title, TITLE_MAX);
  cd_buf_init(&one->item, ITEM_MAX);
  cd_buf_init(&one->finding, ITEM_MAX);
  cd_finding_read_at(&s->scan.findings, i, &f);
  add_title(&f, &one->title);
  cd_jw_init(&w, &one->item);
  write_item(&f, &w);
  cd_code rc = cd_jw_done(&w, "an item of evidence", err);
  cd_jw_init(&w, &one->finding);
  write_finding(s, &f, &w);
  if (rc == CD_OK)
    rc = cd_jw_done(&w, "a finding", err);
  one->found = (con_found){.title = cd_buf_view(&one->title),
                           .category = CD_STR("Malware"),
                           .threat = f.signature,
                           .family = family_of(f.signature),
                           .user = f.owner_name,
                           .severity = severity_of(&f),
                           .item = cd_buf_view(&one->item),
                           .finding = cd_buf_view(&one->finding)};
  if (rc == CD_OK)
    rc = key_of(&f, &one->found.key, err);
  s->found[i] = one->found;
  return rc;
}

/* ---- all of them ---- */

static void add_about(const sight *s, cd_buf *out)
{
  const cd_scan_result *r = &s->scan;
  cd_str engine = {r->engine.ptr, cd_str_utf8_cut(r->engine, ENGINE_SHOWN_MAX)};
  cd_str version = {r->engine_version.ptr, cd_str_utf8_cut(r->engine_version, ENGINE_SHOWN_MAX)};
  cd_buf_addf(out, "A %s scan", cd_scan_type_name(r->type));
  if (engine.len > 0)
    cd_buf_addf(out, " by %.*s%s%.*s", CD_STR_ARG(engine), version.len > 0 ? " " : "",
                CD_STR_ARG(version));
  if (r->has_database_version)
    cd_buf_addf(out, ", database %llu,", (unsigned long long)r->database_version);
  cd_buf_addf(out, " found %llu.", (unsigned long long)r->findings_total);
  if (r->findings_total > cd_json_len(&r->findings))
    cd_buf_addf(out, " Its result names %zu of them.", cd_json_len(&r->findings));
  if (!r->complete)
    cd_buf_addf(out, " It was not complete: %llu files were not scanned.",
                (unsigned long long)r->not_scanned_total);
}

static int64_t event_time(const cd_result *r)
{
  int64_t now_ms = cd_wall_ms();
  bool likely = r->ended_ms > now_ms - EVENT_AGE_MS && r->ended_ms <= now_ms + CD_CLOCK_SKEW_MS;
  return likely && r->ended_ms < now_ms ? r->ended_ms : now_ms;
}

static void release(sight *s)
{
  for (size_t i = 0; s->seen != NULL && i < s->count; i++) {
    cd_buf_release(&s->seen[i].title);
    cd_buf_release(&s->seen[i].item);
    cd_buf_release(&s->seen[i].finding);
  }
  free(s->seen);
  free(s->found);
}

static cd_code tell(con_server *server, sight *s, cd_err *err)
{
  con_find_result done = {0};
  cd_buf about = CD_BUF_INIT(CON_ALERT_TEXT_MAX);
  cd_code rc = CD_OK;
  s->count = cd_json_len(&s->scan.findings);
  s->seen = calloc(s->count + 1, sizeof(*s->seen));
  s->found = calloc(s->count + 1, sizeof(*s->found));
  if (s->seen == NULL || s->found == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for what was found");
  for (size_t i = 0; i < s->count && rc == CD_OK; i++)
    rc = see(s, i, err);
  add_about(s, &about);
  const con_find find = {.device = cd_str_from(s->result->device),
                         .action = cd_str_from(s->result->action),
                         .source = CD_STR("Antivirus"),
                         .recommended = CD_STR(RECOMMENDED),
                         .about = cd_buf_view(&about),
                         .at_ms = s->at_ms,
                         .unnamed = s->scan.findings_total - s->count,
                         .found = s->found,
                         .count = s->count};
  if (rc == CD_OK)
    rc = con_alert_found(server->store, &find, &done, err);
  if (rc == CD_OK) {
    server->counters.findings += s->scan.findings_total;
    server->counters.findings_left_out += done.left_out;
    server->counters.alerts_created += done.created;
    server->counters.alerts_merged += done.merged;
  }
  cd_buf_release(&about);
  return rc;
}

/* Nothing is found, or what was found has no name: there is an alert of its own for the latter. */
static cd_code tell_of(con_server *server, sight *s, const char *title, const char *about,
                       cd_err *err)
{
  con_find_result done = {0};
  const con_found found = {
      .title = cd_str_from(title), .category = CD_STR("General"), .severity = CON_SEVERITY_MEDIUM};
  const con_find find = {.device = cd_str_from(s->result->device),
                         .action = cd_str_from(s->result->action),
                         .source = CD_STR("Antivirus"),
                         .recommended = CD_STR("Look at the action's result and at the machine."),
                         .about = cd_str_from(about),
                         .at_ms = s->at_ms,
                         .found = &found,
                         .count = 1};
  cd_code rc = con_alert_found(server->store, &find, &done, err);
  server->counters.alerts_created += rc == CD_OK ? done.created : 0;
  server->counters.alerts_merged += rc == CD_OK ? done.merged : 0;
  return rc;
}

static cd_code read_scan(con_server *server, sight *s, cd_json *root, cd_err *err)
{
  cd_json scan = {0};
  cd_err why = {0};
  if (!cd_json_opt_obj(root, "scan", &scan) && cd_json_status(root, &why) == CD_OK)
    return CD_OK;
  if (scan.node != NULL)
    cd_scan_result_read(&scan, &s->scan);
  if (cd_json_status(root, &why) != CD_OK) {
    server->counters.scans_unreadable++;
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s action=%s: what it found cannot be read: %s",
           s->result->device, s->result->action, why.text);
    return tell_of(server, s, "A scan's result cannot be read", why.text, err);
  }
  if (s->scan.findings_total == 0)
    return CD_OK;
  if (cd_json_len(&s->scan.findings) == 0)
    return tell_of(server, s, "A scan found files and names none",
                   "The machine counted findings and named none of them.", err);
  return tell(server, s, err);
}

cd_code con_link_found(con_server *server, const cd_result *r, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_err why = {0};
  sight s = {.result = r, .at_ms = event_time(r)};
  if (r->result.len == 0)
    return CD_OK;
  cd_code rc = cd_json_parse(r->result, CD_RESULT_PAYLOAD_MAX, "the result", &doc, &why);
  if (rc != CD_OK)
    return tell_of(server, &s, "A scan's result cannot be read", why.text, err);
  cd_json root = cd_json_root(doc);
  rc = read_scan(server, &s, &root, err);
  release(&s);
  cd_json_free(doc);
  return rc;
}
