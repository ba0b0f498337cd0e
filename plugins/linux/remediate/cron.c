/* Lines of cron, switched off by a mark in front of them and on by taking it away. A line is known
 * by its text; its number only says which of several that are alike. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remediate.h"

static const char mark[] = "#cordon-off# ";

enum { LINE_MAX_BYTES = 8192 };

static bool line_is(const char *line, size_t len, const char *text, bool off)
{
  size_t text_len = strlen(text);
  size_t mark_len = off ? sizeof(mark) - 1 : 0;
  return len == mark_len + text_len && memcmp(line, mark, mark_len) == 0 &&
         memcmp(line + mark_len, text, text_len) == 0;
}

int rem_cron_find(const char *bytes, size_t len, const char *text, uint64_t line, bool off,
                  size_t *ret_at)
{
  unsigned found = 0;
  uint64_t number = 1;
  for (size_t at = 0; at < len; number++) {
    const char *end = memchr(bytes + at, '\n', len - at);
    size_t line_len = end != NULL ? (size_t)(end - bytes) - at : len - at;
    if (line_is(bytes + at, line_len, text, off)) {
      found++;
      *ret_at = at;
      if (number == line)
        return 2;
    }
    at += line_len + 1;
  }
  return found > 1 ? -1 : (int)found;
}

static bool is_crons(const char *path)
{
  return strcmp(path, "/etc/crontab") == 0 || strcmp(path, "/etc/anacrontab") == 0 ||
         strncmp(path, "/etc/cron.d/", 12) == 0 || strncmp(path, "/var/spool/cron/", 16) == 0;
}

typedef struct entry {
  char file[REM_PATH];
  char text[LINE_MAX_BYTES];
  uint64_t line;
} entry;

static cordon_status read_entry(const cJSON *from, entry *ret, sup_err *err)
{
  char show[REM_SHOW];
  cordon_status status = rem_bytes_get(from, "file", ret->file, sizeof(ret->file), err);
  if (status == CORDON_OK)
    status = rem_bytes_get(from, "text", ret->text, sizeof(ret->text), err);
  if (status != CORDON_OK)
    return status;
  if (!rem_number(from, "line", &ret->line))
    ret->line = 0;
  if (strchr(ret->text, '\n') != NULL || ret->text[0] == '\0')
    return sup_fail(err, CORDON_E_INVALID, "text is not one line of cron");
  if (!is_crons(ret->file))
    return sup_fail(err, CORDON_E_INVALID,
                    "'%s' is no file of cron: those are /etc/crontab, /etc/anacrontab, and what is "
                    "in /etc/cron.d and /var/spool/cron",
                    rem_show(ret->file, show));
  return CORDON_OK;
}

static cordon_status note_entry(rem_job *j, const entry *e, const char *back, sup_err *err)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", back);
  rem_bytes_put(record, "file", e->file);
  rem_bytes_put(record, "text", e->text);
  (void)cJSON_AddNumberToObject(record, "line", (double)e->line);
  return rem_note(j, record, err);
}

static cordon_status verify(rem_job *j, const entry *e, bool off, sup_err *err)
{
  rem_text t;
  char show[REM_SHOW];
  size_t at = 0;
  cordon_status status = rem_text_read(e->file, &t, err);
  if (status != CORDON_OK)
    return status;
  bool is = rem_cron_find(t.bytes, t.len, e->text, e->line, off, &at) != 0;
  rem_text_release(&t);
  rem_measured(j, "line", "read again, it is %s in '%s'", is ? off ? "off" : "on" : "not as wanted",
               rem_show(e->file, show));
  return is ? CORDON_OK
            : sup_fail(err, CORDON_E_UNVERIFIED, "the line is not as it was written in '%s'", show);
}

static cordon_status change(rem_job *j, const rem_text *t, size_t at, bool off, sup_err *err)
{
  size_t len = 0;
  char *made = rem_splice(t->bytes, t->len, at, off ? 0 : sizeof(mark) - 1, off ? mark : "", &len);
  cordon_status status = made != NULL ? rem_text_replace(t, made, len, err)
                                      : sup_fail(err, CORDON_E_LIMIT, "there is no memory");
  (void)j;
  free(made);
  return status;
}

static cordon_status not_so(rem_job *j, const rem_text *t, const entry *e, bool off, sup_err *err)
{
  char show[REM_SHOW];
  size_t at = 0;
  if (rem_cron_find(t->bytes, t->len, e->text, e->line, off, &at) == 0)
    return sup_fail(err, CORDON_E_NOTFOUND, "there is no such line in '%s'; nothing was changed",
                    rem_show(e->file, show));
  rem_step(j, off ? "cron.disable" : "cron.enable", "already", "the line is %s in '%s'",
           off ? "off" : "on", rem_show(e->file, show));
  return CORDON_OK;
}

static cordon_status act(rem_job *j, const entry *e, bool off, bool note, sup_err *err)
{
  rem_text t;
  char show[REM_SHOW];
  size_t at = 0;
  const char *step = off ? "cron.disable" : "cron.enable";
  rem_text_tidy(e->file);
  cordon_status status = rem_text_read(e->file, &t, err);
  if (status != CORDON_OK)
    return status;
  bool is_so = rem_cron_find(t.bytes, t.len, e->text, e->line, off, &at) == 2;
  int found = is_so ? 0 : rem_cron_find(t.bytes, t.len, e->text, e->line, !off, &at);
  if (found < 0)
    status = sup_fail(err, CORDON_E_CONFLICT,
                      "the line is more than once in '%s', and not at number %llu: nothing was "
                      "changed",
                      rem_show(e->file, show), (unsigned long long)e->line);
  else if (found == 0)
    status = not_so(j, &t, e, off, err);
  else if (j->call->dry_run)
    rem_step(j, step, "planned", "in '%s'", rem_show(e->file, show));
  if (status == CORDON_OK && found > 0 && !j->call->dry_run) {
    if (note)
      status = note_entry(j, e, off ? "cron.enable" : "cron.disable", err);
    if (status == CORDON_OK)
      status = change(j, &t, at, off, err);
    if (status == CORDON_OK)
      rem_step(j, step, "done", "in '%s'", rem_show(e->file, show));
  }
  rem_text_release(&t);
  return status == CORDON_OK && !j->call->dry_run ? verify(j, e, off, err) : status;
}

static cordon_status with_entry(rem_job *j, const cJSON *from, bool off, bool note, sup_err *err)
{
  entry *e = calloc(1, sizeof(*e));
  if (e == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory");
  cordon_status status = read_entry(from, e, err);
  if (status == CORDON_OK)
    status = act(j, e, off, note, err);
  free(e);
  return status;
}

cordon_status rem_cron_run(rem_job *j, sup_err *err)
{
  return with_entry(j, j->target, strcmp(j->operation, "cron.disable") == 0, true, err);
}

cordon_status rem_cron_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  sup_err was = {0};
  const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "do"));
  cordon_status status = with_entry(j, record, strcmp(what, "cron.disable") == 0, false, &was);
  /* The file or the line went its own way since. */
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, what, "left", "%s", was.sentence);
    j->partial = true;
    return CORDON_OK;
  }
  *err = was;
  return status;
}
