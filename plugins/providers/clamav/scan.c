/* One scan: the plan is counted, then each file is handed to clamd, so many at a time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan_private.h"

enum {
  TICK_MS = 100,
  PACED_MS = 20,
  TELL_MS = 400,
  IDLE_MS = 10000,
  CONF_TEXT = 256 * 1024,
  AHEAD = 4
};
#define FILE_WEIGHT UINT64_C(16384)               /* what a file costs besides its bytes */
#define ENGINE_FILE_MAX ((UINT64_C(1) << 31) - 1) /* more than that clamd cannot scan */
#define AHEAD_BYTES (UINT64_C(4) << 20)           /* that wait in its queue at most */

/* ---- what clamd is set to ---- */

static void read_conf(scan *s)
{
  char *text = malloc(CONF_TEXT);
  int fd = open(s->set->config, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  ssize_t len = fd >= 0 && text != NULL ? read(fd, text, CONF_TEXT) : -1;
  clam_conf_init(&s->conf);
  if (len > 0)
    clam_conf_text(&s->conf, text, (size_t)len);
  if (fd >= 0)
    (void)close(fd);
  free(text);
}

static void set_limits(scan *s)
{
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned window = 2u * (unsigned)(cores > 0 ? cores : 1);
  uint32_t threads = s->set->threads > 0 ? s->set->threads : s->conf.max_threads;
  if (window > threads)
    window = threads;
  s->window = window > CLAM_WINDOW ? CLAM_WINDOW : window;
  s->slot_count = s->window * AHEAD > CLAM_SLOTS ? CLAM_SLOTS : s->window * AHEAD;
  s->max_size = s->set->max_file > 0 ? s->set->max_file : s->conf.max_file;
  if (s->conf.max_scan > 0 && (s->max_size == 0 || s->conf.max_scan < s->max_size))
    s->max_size = s->conf.max_scan;
  if (s->max_size == 0 || s->max_size > ENGINE_FILE_MAX)
    s->max_size = ENGINE_FILE_MAX;
}

/* ---- progress ---- */

static void tell(scan *s, bool now)
{
  char what[160];
  char left[48] = "";
  uint64_t at = sup_now_ms();
  if (!now && at - s->told_ms < TELL_MS)
    return;
  s->told_ms = at;
  if (s->done_weight > 0 && s->planned_weight > s->done_weight && at - s->fed_ms > 2000) {
    uint64_t rest_s =
        (uint64_t)((double)(at - s->fed_ms) / 1000.0 *
                   (double)(s->planned_weight - s->done_weight) / (double)s->done_weight);
    (void)snprintf(left, sizeof(left), ", about %llu:%02llu left",
                   (unsigned long long)(rest_s / 60), (unsigned long long)(rest_s % 60));
  }
  uint64_t percent = s->planned_weight > 0 ? s->done_weight * 100 / s->planned_weight : 100;
  (void)snprintf(what, sizeof(what), "%llu %% of %llu files, %llu findings%s",
                 (unsigned long long)(percent > 100 ? 100 : percent),
                 (unsigned long long)s->planned,
                 (unsigned long long)clam_report_findings(s->report), left);
  uint64_t done = s->done > s->planned ? s->planned : s->done;
  sup_call_progress(s->call, done, s->planned, what);
}

static void file_done(scan *s, const sup_file *f)
{
  s->done++;
  s->done_weight += FILE_WEIGHT + (uint64_t)f->st.st_size;
}

/* ---- the plan ---- */

static void on_missed(void *data, const char *path, sup_miss reason, uint64_t size)
{
  scan *s = data;
  clam_report_not_scanned(s->report, path, reason, size);
}

static void on_left_out(void *data, const char *path, const char *type)
{
  scan *s = data;
  clam_report_left_out(s->report, path, type);
}

/* {"base64":...} stands for bytes that are no text. */
static bool take_path(const cJSON *item, char ret_path[SUP_PATH])
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t at = 0;
  uint32_t bits = 0;
  unsigned have = 0;
  if (cJSON_IsString(item)) {
    int len = snprintf(ret_path, SUP_PATH, "%s", item->valuestring);
    return len > 0 && len < SUP_PATH && ret_path[0] == '/';
  }
  const cJSON *encoded = cJSON_IsObject(item) ? sup_json_get(item, "base64") : NULL;
  if (encoded == NULL || !cJSON_IsString(encoded))
    return false;
  for (const char *c = encoded->valuestring; *c != '\0'; c++) {
    const char *digit = strchr(digits, *c);
    if (digit == NULL || at + 1 >= SUP_PATH)
      return false;
    bits = (bits << 6 | (uint32_t)(digit - digits)) & 0xffffffu;
    have += 6;
    if (have < 8)
      continue;
    have -= 8;
    ret_path[at++] = (char)(bits >> have & 0xffu);
    if (ret_path[at - 1] == '\0')
      return false;
  }
  ret_path[at] = '\0';
  return ret_path[0] == '/';
}

static cordon_status make_plan(scan *s)
{
  const cJSON *item = NULL;
  char path[SUP_PATH];
  sup_mounts_read(&s->plan.mounts);
  if (strcmp(s->order->type, "quick") == 0) {
    sup_plan_quick(&s->plan, s->call);
  } else if (strcmp(s->order->type, "full") == 0) {
    sup_plan_full(&s->plan);
  } else {
    s->plan.cross = true;
    cJSON_ArrayForEach(item, s->order->paths)
    {
      if (!take_path(item, path))
        return sup_fail(s->err, CORDON_E_INVALID, "a path to scan is not absolute, or too long");
      sup_plan_add(&s->plan, path, false, true);
    }
  }
  if (s->plan.root_count + s->plan.image_count == 0)
    return sup_fail(s->err, CORDON_E_INVALID, "there is nothing to scan");
  return CORDON_OK;
}

static cordon_status count_plan(scan *s)
{
  sup_walk_events none = {.not_scanned = on_missed, .left_out = on_left_out, .data = s};
  sup_walk *w = sup_walk_new(&s->plan, true, s->max_size, &none);
  sup_file f;
  int got = w != NULL ? 0 : -1;
  cordon_status rc = w != NULL ? CORDON_OK : sup_fail(s->err, CORDON_E_INTERNAL, "no memory");
  while (rc == CORDON_OK && got >= 0) {
    got = sup_walk_next(w, &f);
    rc = sup_call_check(s->call, s->err);
    if (got > 0) {
      s->planned++;
      s->planned_weight += FILE_WEIGHT + (uint64_t)f.st.st_size;
    }
    if (rc == CORDON_OK && sup_now_ms() - s->told_ms >= TELL_MS) {
      char what[64];
      s->told_ms = sup_now_ms();
      (void)snprintf(what, sizeof(what), "counting: %llu files", (unsigned long long)s->planned);
      sup_call_progress(s->call, 0, 0, what);
    }
    if (rc == CORDON_OK && sup_now_ms() >= s->until_ms)
      break;
    while (rc == CORDON_OK && !clam_pace_may(&s->pace)) {
      (void)usleep(PACED_MS * 1000);
      rc = sup_call_check(s->call, s->err);
    }
  }
  sup_walk_free(w);
  return rc;
}

/* ---- clamd's answers ---- */

static scan_slot *slot_of(scan *s, uint64_t id)
{
  for (unsigned i = 0; i < s->slot_count; i++) {
    if (s->slots[i].id == id && id != 0)
      return &s->slots[i];
  }
  return NULL;
}

static void take_verdict(scan *s, const sup_file *f, const clam_reply *r)
{
  if (r->verdict == CLAM_FOUND)
    clam_report_found(s->report, s->call, f, r->text);
  /* What was written in between the engine may not have seen. */
  sup_miss after = sup_file_after(f, s->max_size);
  if ((r->verdict == CLAM_OK || r->verdict == CLAM_FOUND) && after != SUP_MISSES) {
    clam_report_not_scanned(s->report, f->path, after, (uint64_t)f->st.st_size);
    return;
  }
  if (r->verdict == CLAM_OK || r->verdict == CLAM_FOUND) {
    s->bytes += (uint64_t)f->st.st_size;
    s->scanned++;
    return;
  }
  if (r->verdict == CLAM_ERROR)
    sup_log(s->call->host, s->call->op, CORDON_LOG_INFO, "clamd did not scan a file: %s", r->text);
  clam_report_not_scanned(s->report, f->path,
                          r->verdict == CLAM_LIMITS      ? SUP_MISS_ENGINE_LIMITS
                          : r->verdict == CLAM_ENCRYPTED ? SUP_MISS_ENCRYPTED
                                                         : SUP_MISS_ENGINE,
                          (uint64_t)f->st.st_size);
}

static void on_record(void *data, const char *record, size_t len)
{
  scan *s = data;
  clam_reply r;
  clam_reply_read(record, len, &r);
  s->heard_ms = s->answered_ms = sup_now_ms();
  scan_slot *at = slot_of(s, r.id);
  if (at == NULL) {
    /* A word about the session itself: it is over. */
    s->protocol_broken = s->protocol_broken || r.id == 0;
    return;
  }
  take_verdict(s, &at->file, &r);
  file_done(s, &at->file);
  s->flying_bytes -= (uint64_t)at->file.st.st_size;
  sup_file_release(&at->file);
  at->id = 0;
  s->flying--;
}

/* ---- the scan ---- */

static scan_slot *free_slot(scan *s)
{
  for (unsigned i = 0; i < s->slot_count; i++) {
    if (s->slots[i].id == 0)
      return &s->slots[i];
  }
  return NULL;
}

/* Each of clamd's threads has a file, and small ones wait in its queue, so that none of them waits
 * for us. What would be much to do after a cancel, or beyond the share of the processors, does not.
 */
static bool takes_more(scan *s)
{
  if (s->flying < s->window)
    return true;
  return s->flying < s->slot_count && s->flying_bytes < AHEAD_BYTES && s->pace.share <= 0;
}

/* What is empty holds nothing. False: the connection is gone. */
static bool feed_one(scan *s, sup_file *f)
{
  if (f->st.st_size == 0) {
    file_done(s, f);
    s->scanned++;
    sup_file_release(f);
    return true;
  }
  scan_slot *at = free_slot(s);
  at->file = *f;
  if (s->flying == 0)
    s->heard_ms = s->answered_ms = sup_now_ms();
  s->flying++;
  s->flying_bytes += (uint64_t)f->st.st_size;
  return clam_session_send(&s->session, f->fd, &at->id);
}

static bool feed(scan *s, sup_walk *w, bool *ret_end)
{
  sup_file f;
  while (!*ret_end && takes_more(s) && clam_pace_may(&s->pace)) {
    int got = sup_walk_next(w, &f);
    *ret_end = got < 0;
    if (got > 0 && !feed_one(s, &f))
      return false;
    if (got == 0)
      break;
  }
  return true;
}

static bool hear(scan *s, bool end)
{
  int wait_ms = !takes_more(s) || (end && s->flying > 0) ? TICK_MS
                : s->pace.credit_s < 0                   ? PACED_MS
                                                         : 0;
  if (s->flying == 0 && wait_ms == PACED_MS && sup_now_ms() - s->answered_ms > IDLE_MS) {
    s->answered_ms = sup_now_ms();
    if (!clam_session_ping(&s->session))
      return false;
  }
  return clam_session_receive(&s->session, wait_ms, on_record, s) && !s->protocol_broken;
}

static cordon_status scan_files(scan *s)
{
  sup_walk_events events = {.not_scanned = on_missed, .left_out = on_left_out, .data = s};
  sup_walk *w = sup_walk_new(&s->plan, false, s->max_size, &events);
  bool end = false;
  cordon_status rc = w != NULL ? CORDON_OK : sup_fail(s->err, CORDON_E_INTERNAL, "no memory");
  s->fed_ms = sup_now_ms();
  tell(s, true);
  while (rc == CORDON_OK && (!end || s->flying > 0)) {
    rc = sup_call_check(s->call, s->err);
    if (rc == CORDON_OK && sup_now_ms() >= s->until_ms)
      rc = CORDON_E_DEADLINE;
    if (rc == CORDON_OK && (!feed(s, w, &end) || !hear(s, end)))
      rc = scan_come_back(s);
    if (rc == CORDON_OK)
      rc = scan_check_alive(s);
    tell(s, false);
  }
  sup_walk_free(w);
  return rc;
}

/* ---- the result ---- */

/* What clamd leaves out inside of files without a word, as it is set. Members of a zip that are too
 * large it passes over even with AlertExceedsMax (1.4.6). */
static void write_untold(const clam_conf *c, cJSON *engine)
{
  cJSON *untold = cJSON_AddArrayToObject(engine, "untold");
  if (!c->opens_archives)
    (void)cJSON_AddItemToArray(untold, cJSON_CreateString("archives"));
  (void)cJSON_AddItemToArray(untold, cJSON_CreateString("limits"));
  if (!c->tells_archives || !c->tells_documents)
    (void)cJSON_AddItemToArray(untold, cJSON_CreateString("encrypted"));
}

static void write_engine(const scan *s, cJSON *result)
{
  cJSON *engine = cJSON_AddObjectToObject(result, "engine");
  (void)cJSON_AddStringToObject(engine, "name", "ClamAV");
  sup_json_add_text(engine, "version", s->version.engine);
  write_untold(&s->conf, engine);
  cJSON *db = cJSON_AddObjectToObject(result, "database");
  uint64_t version = s->version.database > 0 ? s->version.database : s->db.version;
  int64_t built_ms = s->db.built_ms > 0 ? s->db.built_ms : s->version.built_ms;
  if (s->version.built_ms > 0)
    built_ms = s->version.built_ms;
  (void)(version > 0 ? cJSON_AddNumberToObject(db, "version", (double)version)
                     : cJSON_AddNullToObject(db, "version"));
  (void)(built_ms > 0 ? cJSON_AddNumberToObject(db, "built_ms", (double)built_ms)
                      : cJSON_AddNullToObject(db, "built_ms"));
  (void)(s->db.exists ? cJSON_AddNumberToObject(db, "signatures", (double)s->db.signatures)
                      : cJSON_AddNullToObject(db, "signatures"));
}

static cordon_status write_result(scan *s, sup_err *err)
{
  cJSON *result = cJSON_CreateObject();
  uint64_t missed = clam_report_missed(s->report);
  (void)cJSON_AddStringToObject(result, "type", s->order->type);
  if (s->order->paths != NULL)
    (void)cJSON_AddItemToObject(result, "paths", cJSON_Duplicate(s->order->paths, 1));
  write_engine(s, result);
  (void)cJSON_AddNumberToObject(result, "files_planned", (double)s->planned);
  (void)cJSON_AddNumberToObject(result, "files_scanned", (double)s->scanned);
  (void)cJSON_AddNumberToObject(result, "bytes_scanned", (double)s->bytes);
  clam_report_write(s->report, result);
  (void)cJSON_AddBoolToObject(result, "complete", missed == 0);
  (void)cJSON_AddNumberToObject(result, "elapsed_ms", (double)(sup_now_ms() - s->begun_ms));
  cordon_status rc = sup_call_result(s->call, result, err);
  cJSON_Delete(result);
  return rc;
}

/* What was planned, and is not scanned, is said: with clamd, and not begun. */
static void count_rest(scan *s, cordon_status rc)
{
  sup_miss reason = rc == CORDON_E_DEADLINE    ? SUP_MISS_TIME
                    : rc == CORDON_E_CANCELLED ? SUP_MISS_CANCELLED
                                               : SUP_MISS_ENGINE;
  for (unsigned i = 0; i < s->slot_count; i++) {
    if (s->slots[i].id == 0 && s->slots[i].file.fd < 0)
      continue;
    if (s->slots[i].file.path != NULL)
      clam_report_not_scanned(s->report, s->slots[i].file.path, reason,
                              (uint64_t)s->slots[i].file.st.st_size);
    sup_file_release(&s->slots[i].file);
    s->slots[i].id = 0;
  }
  uint64_t known = s->done + s->flying;
  if (s->planned > known)
    clam_report_rest(s->report, reason, s->planned - known);
  else if (clam_report_missed(s->report) == 0)
    clam_report_rest(s->report, reason, 1);
}

static cordon_status conclude(scan *s, cordon_status rc)
{
  sup_err ignored = {0};
  bool stopped = rc != CORDON_OK;
  clam_session_close(&s->session);
  if (stopped)
    count_rest(s, rc);
  if (s->plan.cut)
    clam_report_rest(s->report, SUP_MISS_IO, 1);
  /* Asked for to stop, it stops: who runs what was found is for a scan that may end. */
  if (rc != CORDON_E_CANCELLED)
    clam_report_processes(s->report, s->call);
  cordon_status told = write_result(s, stopped ? &ignored : s->err);
  if (stopped && rc != CORDON_E_DEADLINE)
    return rc;
  if (told != CORDON_OK)
    return told;
  uint64_t missed = clam_report_missed(s->report);
  if (missed == 0)
    return CORDON_OK;
  return sup_fail(s->err, CORDON_PARTIAL, "%llu %s not scanned%s", (unsigned long long)missed,
                  missed == 1 ? "thing was" : "things were",
                  rc == CORDON_E_DEADLINE ? ": the time of the scan was over" : "");
}

static cordon_status prepare(scan *s)
{
  read_conf(s);
  set_limits(s);
  cordon_status rc = scan_connect(s);
  if (rc == CORDON_OK) {
    clam_database_look(s->conf.database, &s->db);
    clam_pace_begin(&s->pace, s->order->cpu_percent, s->session.pid);
    rc = make_plan(s);
  }
  if (rc == CORDON_OK)
    rc = count_plan(s);
  return rc;
}

cordon_status clam_scan(const sup_call *call, const clam_settings *set, const clam_order *order,
                        sup_err *err)
{
  scan *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return sup_fail(err, CORDON_E_INTERNAL, "no memory for a scan");
  s->call = call;
  s->set = set;
  s->order = order;
  s->err = err;
  s->begun_ms = sup_now_ms();
  s->until_ms = sup_call_until(call, order->budget_ms);
  s->report = clam_report_new();
  clam_session_init(&s->session);
  for (size_t i = 0; i < CLAM_SLOTS; i++)
    s->slots[i].file.fd = -1;
  cordon_status rc = s->report != NULL ? prepare(s) : sup_fail(err, CORDON_E_INTERNAL, "no memory");
  bool began = rc == CORDON_OK;
  /* The count may have taken long: the connection is made anew rather than kept idle. */
  if (began) {
    clam_session_close(&s->session);
    rc = scan_connect(s);
  }
  if (rc == CORDON_OK)
    rc = scan_files(s);
  if (began || rc == CORDON_E_CANCELLED)
    rc = conclude(s, rc);
  clam_session_close(&s->session);
  sup_plan_release(&s->plan);
  clam_report_free(s->report);
  free(s);
  return rc;
}

cordon_status clam_probe(const sup_call *call, const clam_settings *set, sup_err *err)
{
  scan *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return sup_fail(err, CORDON_E_INTERNAL, "no memory to look for clamd");
  s->call = call;
  s->set = set;
  s->err = err;
  clam_session_init(&s->session);
  read_conf(s);
  cordon_status rc = scan_connect(s);
  clam_session_close(&s->session);
  if (rc == CORDON_OK) {
    cJSON *result = cJSON_CreateObject();
    clam_database_look(s->conf.database, &s->db);
    write_engine(s, result);
    (void)cJSON_AddNumberToObject(result, "max_file_bytes",
                                  (double)(set->max_file > 0 ? set->max_file : s->conf.max_file));
    rc = sup_call_result(call, result, err);
    cJSON_Delete(result);
  }
  free(s);
  return rc;
}
