/* The live line is cut to the terminal's width: a line that wraps cannot be taken back. */
#include "progress.h"

#include "text.h"

#include "base/json.h"
#include "base/limits.h"

#include <uv.h>

#include <string.h>

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX
#define COLUMNS_FALLBACK 80u
#define LINE_MAX_BYTES (8u * 1024u * 1024u)

static const char *const isolate_steps[] = {"recorded", "provider", "preflight", "apply",
                                            "query",    "verify",   NULL};
static const char *const preflight_steps[] = {"recorded", "provider", "preflight", NULL};
static const char *const collect_steps[] = {"recorded", "provider", "collect",
                                            "hash",     "fetch",    NULL};
static const char *const scan_steps[] = {"recorded", "provider", "scan", NULL};
static const char *const remediate_steps[] = {"recorded", "provider", "remediate", NULL};
static const char *const release_steps[] = {"recorded", "provider", "release", "query", NULL};

/* What a step is, for people. */
typedef struct step_word {
  const char *step;
  const char *words;
} step_word;

static const step_word words[] = {
    {"recorded", "recorded in the journal"},
    {"provider", "starting the provider"},
    {"preflight", "looking what it would meet"},
    {"apply", "putting the rules in force"},
    {"release", "taking the rules away"},
    {"query", "reading back what is in force"},
    {"verify", "probing whether it holds"},
    {"waiting", "for the device"},
    {"collect", "gathering"},
    {"hash", "measuring the package"},
    {"scan", "scanning"},
    {"remediate", "changing it"},
    {"fetch", "fetching the package"},
};

static const char *words_of(cd_str step)
{
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (cd_str_eq_cstr(step, words[i].step))
      return words[i].words;
  return NULL;
}

/* The columns of the terminal at descriptor 2. A loop of its own: the request's loop is not running
 * yet. */
static size_t terminal_columns(void)
{
  uv_loop_t loop;
  uv_tty_t tty;
  int width = 0;
  int height = 0;
  if (uv_loop_init(&loop) != 0)
    return COLUMNS_FALLBACK;
  if (uv_tty_init(&loop, &tty, 2, 0) == 0) {
    if (uv_tty_get_winsize(&tty, &width, &height) != 0)
      width = 0;
    uv_close((uv_handle_t *)&tty, NULL);
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&loop);
  return width > 1 ? (size_t)width : COLUMNS_FALLBACK;
}

void ctl_progress_init(ctl_progress *p, const ctl_context *ctx, ctl_progress_form form,
                       const char *verb)
{
  *p = (ctl_progress){.ctx = ctx, .form = form, .verb = verb};
  p->columns = form == CTL_PROGRESS_LIVE ? terminal_columns() : COLUMNS_FALLBACK;
}

static bool is_remediation(const char *verb)
{
  return strcmp(verb, "quarantine") == 0 || strcmp(verb, "restore") == 0 ||
         strcmp(verb, "undo") == 0;
}

/* The place of a step among those of the verb, from 1; 0 if it is none of them. */
static size_t place_of(const char *verb, cd_str step, size_t *ret_count)
{
  const char *const *steps = strcmp(verb, "release") == 0     ? release_steps
                             : strcmp(verb, "preflight") == 0 ? preflight_steps
                             : strcmp(verb, "collect") == 0   ? collect_steps
                             : strcmp(verb, "scan") == 0      ? scan_steps
                             : is_remediation(verb)           ? remediate_steps
                                                              : isolate_steps;
  size_t place = 0;
  size_t count = 0;
  for (; steps[count] != NULL; count++)
    if (cd_str_eq_cstr(step, steps[count]))
      place = count + 1;
  *ret_count = count;
  return place;
}

typedef struct step_event {
  cd_str step;
  cd_str what;
  uint64_t done;
  uint64_t total;
} step_event;

/* "isolate 4/6 apply: putting the rules in force (2/7, what)" */
static void add_step(const ctl_progress *p, const step_event *e, cd_buf *line)
{
  size_t count = 0;
  size_t place = place_of(p->verb, e->step, &count);
  cd_buf_addf(line, "%s ", p->verb);
  if (place > 0)
    cd_buf_addf(line, "%zu/%zu ", place, count);
  ctl_text_add(line, e->step);
  if (words_of(e->step) != NULL)
    cd_buf_addf(line, ": %s", words_of(e->step));
  if (e->total > 0)
    cd_buf_addf(line, " (%llu of %llu)", (unsigned long long)e->done, (unsigned long long)e->total);
  if (e->what.len > 0) {
    cd_buf_add_cstr(line, ", ");
    ctl_text_add(line, e->what);
  }
}

static void show_live(ctl_progress *p, const step_event *e)
{
  cd_buf line = CD_BUF_INIT(LINE_MAX_BYTES);
  add_step(p, e, &line);
  cd_str fit = ctl_text_fit(cd_buf_view(&line), p->columns - 1);
  /* Carriage return, the text, and erase to the end of the line. */
  (void)fprintf(p->ctx->err, "\r%.*s\033[K", CD_STR_ARG(fit));
  (void)fflush(p->ctx->err);
  p->line_open = true;
  cd_buf_release(&line);
}

/* A provider may report progress a thousand times within a step; in a log one line per step is
 * enough. */
static void show_line(ctl_progress *p, const step_event *e)
{
  cd_buf line = CD_BUF_INIT(LINE_MAX_BYTES);
  char name[sizeof(p->step)];
  if (!cd_str_copy(name, sizeof(name), e->step) || strcmp(name, p->step) == 0)
    return;
  memcpy(p->step, name, sizeof(name));
  add_step(p, &(step_event){.step = e->step}, &line);
  cd_buf_add_char(&line, '\n');
  (void)fwrite(cd_buf_cstr(&line), 1, line.len, p->ctx->err);
  (void)fflush(p->ctx->err);
  cd_buf_release(&line);
}

static void show_json(ctl_progress *p, const cd_json *event)
{
  cd_buf json = CD_BUF_INIT(LINE_MAX_BYTES);
  cd_buf line = CD_BUF_INIT(LINE_MAX_BYTES);
  cd_json_print(event, &json);
  ctl_text_add_json(&line, cd_buf_view(&json));
  cd_buf_add_char(&line, '\n');
  (void)fwrite(cd_buf_cstr(&line), 1, line.len, p->ctx->err);
  (void)fflush(p->ctx->err);
  cd_buf_release(&json);
  cd_buf_release(&line);
}

static void read_step(ctl_progress *p, cd_json *event)
{
  step_event e = {0};
  cd_json_str(event, "step", TEXT_MAX, &e.step);
  (void)cd_json_opt_u64(event, "done", UINT64_MAX, &e.done);
  (void)cd_json_opt_u64(event, "total", UINT64_MAX, &e.total);
  (void)cd_json_opt_str(event, "what", TEXT_MAX, &e.what);
  if (p->form == CTL_PROGRESS_LIVE)
    show_live(p, &e);
  else if (p->form == CTL_PROGRESS_LINES)
    show_line(p, &e);
}

static void read_action(ctl_progress *p, cd_json *event)
{
  cd_str id = {0};
  cd_json_str(event, "id", CD_ID_SIZE - 1, &id);
  /* The id goes into sentences and may be pasted into a shell: only an id is one. */
  if (cd_id_valid(id))
    (void)cd_str_copy(p->action, sizeof(p->action), id);
}

cd_code ctl_progress_event(void *context, cd_str payload, cd_err *err)
{
  ctl_progress *p = context;
  cd_json_doc *doc = NULL;
  cd_str name = {0};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "the agent's event", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json event = cd_json_root(doc);
  cd_json_str(&event, "event", TEXT_MAX, &name);
  if (cd_str_eq_cstr(name, "action"))
    read_action(p, &event);
  else if (cd_str_eq_cstr(name, "step"))
    read_step(p, &event);
  rc = cd_json_status(&event, err);
  if (rc == CD_OK && p->form == CTL_PROGRESS_JSON)
    show_json(p, &event);
  cd_json_free(doc);
  return rc;
}

void ctl_progress_end(ctl_progress *p)
{
  if (!p->line_open)
    return;
  (void)fputs("\r\033[K", p->ctx->err);
  (void)fflush(p->ctx->err);
  p->line_open = false;
}
