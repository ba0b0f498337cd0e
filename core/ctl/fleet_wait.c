/* A device answers within a second or two when it is there, and after days when it is off: the
 * intervals begin short and grow to a ceiling that the console's limit of 100 requests a minute
 * does not notice. */
#include "fleet_wait.h"

#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define POLL_FIRST_MS 250u
#define POLL_CEILING_MS 5000u
#define LOST_MAX 5u /* polls in a row that may go wrong */

uint64_t fleet_poll_ms(uint64_t ms)
{
  uint64_t next = ms == 0 ? POLL_FIRST_MS : ms + ms / 2;
  return next < POLL_CEILING_MS ? next : POLL_CEILING_MS;
}

ctl_progress_form fleet_progress_form(const ctl_context *ctx, const ctl_args *args)
{
  if (ctx->json)
    return args->value[CTL_OPT_PROGRESS] != NULL ? CTL_PROGRESS_JSON : CTL_PROGRESS_NONE;
  return ctx->live ? CTL_PROGRESS_LIVE : CTL_PROGRESS_LINES;
}

ctl_exit fleet_action_get(fleet_session *s, const char *id, cd_json_doc **ret_doc, cd_err *err)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf_addf(&path, "/api/cordon/actions/%s", id);
  ctl_exit code =
      fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, ret_doc, err);
  cd_buf_release(&path);
  if (code == CTL_EXIT_DONE && *ret_doc == NULL) {
    (void)cd_fail(err, CD_E_INVALID, "the console's answer about the action is empty");
    code = CTL_EXIT_UNREACHABLE;
  }
  return code;
}

/* The console passes on what the device last said; it is told as the agent itself would. */
static cd_code show(fleet_detail *d, ctl_progress *progress, cd_err *err)
{
  cd_buf event = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_str step = CD_STR("waiting");
  cd_str what = d->waits;
  uint64_t done = 0;
  uint64_t total = 0;
  cd_jw w;
  if (d->progress.node != NULL && cd_json_opt_str(&d->progress, "step", FLEET_TEXT_MAX, &step)) {
    what = (cd_str){0};
    (void)cd_json_opt_str(&d->progress, "what", FLEET_TEXT_MAX, &what);
    (void)cd_json_opt_u64(&d->progress, "done", UINT64_MAX, &done);
    (void)cd_json_opt_u64(&d->progress, "total", UINT64_MAX, &total);
  }
  cd_jw_init(&w, &event);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "event", "step");
  cd_jw_str(&w, "id", d->id);
  cd_jw_str(&w, "status", d->status);
  cd_jw_str(&w, "step", step);
  cd_jw_u64(&w, "done", done);
  cd_jw_u64(&w, "total", total);
  if (what.len > 0)
    cd_jw_str(&w, "what", what);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the progress", err);
  if (rc == CD_OK)
    rc = ctl_progress_event(progress, cd_buf_view(&event), err);
  cd_buf_release(&event);
  return rc;
}

static ctl_exit look(fleet_session *s, const char *id, fleet_detail *ret_detail,
                     cd_json_doc **ret_doc, bool *ret_ended, cd_err *err)
{
  ctl_exit code = fleet_action_get(s, id, ret_doc, err);
  if (code != CTL_EXIT_DONE)
    return code;
  cd_json root = cd_json_root(*ret_doc);
  fleet_detail_read(&root, ret_detail);
  if (!cd_str_eq_cstr(ret_detail->id, id))
    cd_json_bad(&root, "id", "must be the one that was asked for");
  if (cd_json_status(&root, err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  *ret_ended = fleet_status_ended(ret_detail->status);
  return CTL_EXIT_DONE;
}

ctl_exit fleet_action_look(fleet_session *s, const char *id, cd_json_doc **ret_doc, bool *ret_ended,
                           cd_err *err)
{
  fleet_detail d;
  return look(s, id, &d, ret_doc, ret_ended, err);
}

static ctl_exit give_up(const char *id, const char *why, cd_code rc, cd_err *err)
{
  (void)cd_fail(err, rc, "%s; it goes on, 'cordon action show %s' tells", why, id);
  return CTL_EXIT_WAITING;
}

ctl_exit fleet_action_wait(fleet_session *s, const char *id, ctl_progress *progress,
                           cd_json_doc **ret_doc, cd_err *err)
{
  uint64_t interval_ms = 0;
  unsigned lost = 0;
  fleet_watch_interrupts(s);
  for (;;) {
    cd_json_doc *doc = NULL;
    fleet_detail d;
    bool ended = false;
    ctl_exit code = look(s, id, &d, &doc, &ended, err);
    if (code == CTL_EXIT_DONE && !ended && show(&d, progress, err) != CD_OK)
      code = CTL_EXIT_UNREACHABLE;
    if (code == CTL_EXIT_DONE && ended) {
      *ret_doc = doc;
      return CTL_EXIT_DONE;
    }
    cd_json_free(doc);
    if (code != CTL_EXIT_DONE && err->code == CD_E_CANCELLED)
      return give_up(id, "interrupted while waiting for the action", CD_E_CANCELLED, err);
    if (fleet_left_ms(s) == 0)
      return give_up(id, "the action has not ended in time", CD_E_DEADLINE, err);
    /* A console that restarts is gone for a moment; being refused does not get better. */
    lost = code == CTL_EXIT_DONE ? 0 : lost + 1;
    if (lost > LOST_MAX || code == CTL_EXIT_DENIED || code == CTL_EXIT_REFUSED) {
      cd_err why = *err;
      return give_up(id, why.text, why.code, err);
    }
    interval_ms = fleet_poll_ms(interval_ms);
    if (!fleet_wait_ms(s, interval_ms))
      return give_up(id, "interrupted while waiting for the action", CD_E_CANCELLED, err);
  }
}

/* ---- printing ---- */

static void add_headline(const ctl_action *a, cd_str device, const ctl_style *style, cd_buf *out)
{
  cd_buf line = CD_BUF_INIT(CTL_OUTPUT_MAX);
  bool release = cd_str_eq_cstr(a->kind, "release");
  bool preflight = ctl_action_is_preflight(a);
  bool scan = cd_str_eq_cstr(a->kind, "scan");
  cd_buf_add_cstr(&line, release     ? "Released: nothing of the isolation of "
                         : preflight ? "Nothing was changed. An isolation of "
                         : scan      ? "Nothing was found: all files were scanned on "
                                     : "Isolated: ");
  ctl_text_add(&line, device);
  cd_buf_add_cstr(&line, release     ? " is left."
                         : preflight ? " would go ahead."
                         : scan      ? "."
                                     : ", enforced and proven by probes.");
  ctl_paint(out, style, CTL_GOOD, cd_buf_view(&line));
  cd_buf_add_char(out, '\n');
  cd_buf_release(&line);
}

static bool is_known_kind(const ctl_action *a)
{
  return cd_str_eq_cstr(a->kind, "isolate") || cd_str_eq_cstr(a->kind, "release") ||
         cd_str_eq_cstr(a->kind, "scan") || ctl_action_is_preflight(a);
}

/* Of an action that runs: the step it is in, and how far it is. */
static void add_progress(const fleet_detail *d, const ctl_style *style, cd_buf *out)
{
  cd_json progress = d->progress;
  cd_str step = {0};
  cd_str what = {0};
  if (progress.node == NULL || fleet_status_ended(d->status) ||
      !cd_json_opt_str(&progress, "step", FLEET_TEXT_MAX, &step))
    return;
  (void)cd_json_opt_str(&progress, "what", FLEET_TEXT_MAX, &what);
  ctl_label(out, style, "Progress");
  ctl_text_add(out, step);
  if (what.len > 0) {
    cd_buf_add_cstr(out, ": ");
    ctl_text_add(out, what);
  }
  cd_buf_add_char(out, '\n');
}

static ctl_exit print_local(const fleet_detail *d, cd_json *local, const ctl_style *style,
                            bool waited, cd_buf *out, cd_err *why)
{
  ctl_action a;
  cd_err broken = {0};
  ctl_action_read(local, &a);
  if (cd_json_status(local, why) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  ctl_exit code = waited ? ctl_action_exit(&a, why) : CTL_EXIT_DONE;
  if (code != CTL_EXIT_DONE)
    a.sentence = (cd_str){0}; /* it is in `why` */
  else if (waited && is_known_kind(&a))
    add_headline(&a, d->name, style, out);
  ctl_line(out, style, "Device", CTL_PLAIN, d->name);
  ctl_line(out, style, "Ticket", CTL_PLAIN, d->ticket);
  ctl_line(out, style, "Waits", CTL_WARN, d->waits);
  add_progress(d, style, out);
  if (ctl_action_render(&a, style, out, &broken) != CD_OK ||
      cd_json_status(local, &broken) != CD_OK) {
    *why = broken;
    return CTL_EXIT_UNREACHABLE;
  }
  if (cd_str_eq_cstr(d->package_state, "here"))
    ctl_line(out, style, "Way home", CTL_PLAIN, CD_STR("the console has all of it"));
  else
    ctl_line(out, style, "Way home", CTL_WARN, d->package_missing);
  return code;
}

ctl_exit fleet_action_print(cd_json *answer, const ctl_style *style, bool waited, cd_buf *out,
                            cd_err *why)
{
  cd_buf text = CD_BUF_INIT(FLEET_ANSWER_MAX);
  cd_json_doc *doc = NULL;
  fleet_detail d;
  ctl_exit code = CTL_EXIT_UNREACHABLE;
  fleet_detail_read(answer, &d);
  if (cd_json_status(answer, why) == CD_OK && fleet_action_as_local(&d, &text, why) == CD_OK &&
      cd_json_parse(cd_buf_view(&text), FLEET_ANSWER_MAX, "the action", &doc, why) == CD_OK) {
    cd_json local = cd_json_root(doc);
    code = print_local(&d, &local, style, waited, out, why);
  }
  cd_json_free(doc);
  cd_buf_release(&text);
  return code;
}
