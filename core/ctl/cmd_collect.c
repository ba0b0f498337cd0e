/* cordon local collect: the package is made by the agent, fetched piece by piece, compared with
 * what the agent measured, and only then put in its place. */
#include "local.h"

#include "action.h"
#include "client.h"
#include "collection_file.h"
#include "fleet_output.h"
#include "fleet_wait.h"
#include "new_file.h"
#include "progress.h"
#include "text.h"

#include "base/json.h"
#include "base/limits.h"
#include "protocol/digest.h"
#include "protocol/limits.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define BUDGET_MIN_S 5u
#define BUDGET_MAX_S 86000u
#define WAIT_S 3600u /* where no budget is given: more than any that is configured by default */
#define WAIT_MORE_S 120u
#define TEXT_MAX CD_FRAME_PAYLOAD_MAX

typedef struct collecting {
  const ctl_context *ctx;
  const ctl_args *args;
  const char *socket;
  uint64_t timeout_s;
  uint64_t budget_s;
  ctl_progress progress;
  ctl_new_file out;
  cd_buf response; /* to the order */
  cd_json_doc *doc;
  cd_json action;
  uint64_t bytes;
  cd_digest digest;
  /* fetching */
  uint64_t got;
  cd_hash *hash;
} collecting;

/* ---- the order ---- */

static cd_code order_params(const collecting *c, cd_buf *out, cd_err *err)
{
  cd_jw w;
  const char *comment = c->args->value[CTL_OPT_COMMENT];
  const char *profile = c->args->value[CTL_OPT_PROFILE];
  const char *file = c->args->value[CTL_OPT_COLLECTION];
  if (comment != NULL && !cd_str_utf8_valid(cd_str_from(comment)))
    return cd_fail(err, CD_E_INVALID, "the comment is not valid UTF-8");
  cd_buf list = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = ctl_profile_check(c->args, err);
  if (rc == CD_OK && file != NULL)
    rc = ctl_collection_read(file, &list, NULL, err);
  if (rc != CD_OK) {
    cd_buf_release(&list);
    return rc;
  }
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "profile", profile != NULL ? profile : "standard");
  if (file != NULL)
    cd_jw_raw(&w, "list", cd_buf_view(&list));
  cd_buf_release(&list);
  if (c->budget_s > 0)
    cd_jw_u64(&w, "budget_s", c->budget_s);
  if (comment != NULL)
    cd_jw_cstr(&w, "comment", comment);
  cd_jw_bool(&w, "wait", true);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static void id_params(const char *id, cd_buf *out)
{
  cd_buf_addf(out, "{\"id\":\"%s\"}", id);
}

/* Whoever ends the command does not want the package any more. */
static ctl_exit cancel(collecting *c, cd_err *err)
{
  cd_err why = {0};
  cd_buf params = CD_BUF_INIT(128);
  cd_buf answer = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  id_params(c->progress.action, &params);
  ctl_request request = {.socket = c->socket,
                         .method = "cancel",
                         .params = cd_buf_view(&params),
                         .timeout_s = CTL_TIMEOUT_S,
                         .changes = true}; /* so that who interrupts twice hears of it too */
  ctl_exit code = ctl_client_ask(&request, &answer, &why);
  bool taken = code == CTL_EXIT_DONE && cd_str_starts(cd_buf_view(&answer), CD_STR("{\"ok\":true"));
  if (taken)
    (void)cd_fail(err, CD_E_CANCELLED, "interrupted; the collecting was cancelled on the device");
  else
    (void)cd_fail(err, CD_E_CANCELLED, "interrupted; the collecting %s as action %s%s%s",
                  code == CTL_EXIT_WAITING ? "was to be cancelled, or goes on," : "goes on",
                  c->progress.action, why.text[0] != '\0' ? ": " : "", why.text);
  cd_buf_release(&params);
  cd_buf_release(&answer);
  return taken ? CTL_EXIT_FAILED : CTL_EXIT_WAITING;
}

static cd_code on_event(void *context, cd_str payload, cd_err *err)
{
  collecting *c = context;
  cd_code rc = ctl_progress_event(&c->progress, payload, err);
  if (rc == CD_OK && c->progress.action[0] != '\0')
    ctl_new_file_call(&c->out, c->progress.action);
  return rc;
}

static ctl_exit order(collecting *c, cd_err *err)
{
  cd_buf params = CD_BUF_INIT(CD_PARAMETERS_MAX + 2 * CD_COMMENT_MAX + 1024);
  ctl_request request = {.socket = c->socket,
                         .method = "collect",
                         .timeout_s = c->timeout_s,
                         .changes = true,
                         .on_event = on_event,
                         .context = c};
  ctl_exit code = CTL_EXIT_USAGE;
  if (order_params(c, &params, err) == CD_OK) {
    request.params = cd_buf_view(&params);
    code = ctl_client_ask(&request, &c->response, err);
    if (code != CTL_EXIT_DONE && err->code == CD_E_CANCELLED && c->progress.action[0] != '\0')
      code = cancel(c, err);
  }
  cd_buf_release(&params);
  return code;
}

/* One that was made before. */
static ctl_exit look(collecting *c, const char *id, cd_err *err)
{
  cd_buf params = CD_BUF_INIT(128);
  ctl_exit code = CTL_EXIT_USAGE;
  if (!cd_id_valid(cd_str_from(id))) {
    (void)cd_fail(err, CD_E_INVALID, "'%.40s' is not the id of an action", id);
    return code;
  }
  (void)cd_str_copy(c->progress.action, sizeof(c->progress.action), cd_str_from(id));
  ctl_new_file_call(&c->out, id);
  id_params(id, &params);
  ctl_request request = {.socket = c->socket,
                         .method = "action",
                         .params = cd_buf_view(&params),
                         .timeout_s = CTL_TIMEOUT_S};
  code = ctl_client_ask(&request, &c->response, err);
  cd_buf_release(&params);
  return code;
}

/* ---- the answer ---- */

static ctl_exit refused(cd_json *root, cd_err *err)
{
  cd_json error = {0};
  cd_str name = {0};
  cd_str sentence = {0};
  char status[32];
  cd_code code = CD_E_INTERNAL;
  cd_json_obj(root, "error", &error);
  cd_json_str(&error, "status", sizeof(status) - 1, &name);
  cd_json_str(&error, "sentence", TEXT_MAX, &sentence);
  if (cd_json_status(root, err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  if (!cd_str_copy(status, sizeof(status), name) || !cd_code_from_name(status, &code) ||
      cd_code_ok(code))
    code = CD_E_INTERNAL;
  (void)cd_fail(err, code, "%.*s", CD_STR_ARG(sentence));
  return ctl_exit_of_error(code);
}

/* What is there to be fetched; false: nothing. */
static bool read_package(collecting *c, const ctl_action *a)
{
  cd_json result = a->result;
  cd_json package = {0};
  cd_str digest = {0};
  if (!a->has_result || !cd_json_opt_obj(&result, "package", &package))
    return false;
  cd_json_u64(&package, "bytes", UINT64_MAX, &c->bytes);
  cd_json_str(&package, "digest", CD_DIGEST_TEXT_MAX - 1, &digest);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &c->digest))
    cd_json_bad(&package, "digest", "is no digest");
  return true;
}

static ctl_exit no_package(const ctl_action *a, cd_err *err)
{
  if (a->status != CTL_ACTION_SUCCEEDED)
    return ctl_action_exit(a, err);
  (void)cd_fail(err, CD_E_NOTFOUND, "action %.*s has made no package", CD_STR_ARG(a->id));
  return CTL_EXIT_REFUSED;
}

static ctl_exit read_answer(collecting *c, ctl_action *ret_action, cd_err *err)
{
  bool ok = false;
  cd_json result = {0};
  if (cd_json_parse(cd_buf_view(&c->response), CD_FRAME_PAYLOAD_MAX, "the agent's answer", &c->doc,
                    err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  cd_json root = cd_json_root(c->doc);
  cd_json_bool(&root, "ok", &ok);
  if (cd_json_status(&root, err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  if (!ok)
    return refused(&root, err);
  cd_json_obj(&root, "result", &result);
  cd_json_obj(&result, "action", &c->action);
  cd_json action = c->action;
  ctl_action_read(&action, ret_action);
  bool there = cd_json_status(&root, err) == CD_OK && read_package(c, ret_action);
  if (cd_json_status(&root, err) != CD_OK)
    return CTL_EXIT_UNREACHABLE;
  /* The id is asked for again, in a request: only an id is one. */
  if (!cd_str_copy(c->progress.action, sizeof(c->progress.action), ret_action->id) ||
      !cd_id_valid(ret_action->id)) {
    (void)cd_fail(err, CD_E_INVALID, "the agent's answer names no action");
    return CTL_EXIT_UNREACHABLE;
  }
  return there ? CTL_EXIT_DONE : no_package(ret_action, err);
}

/* ---- fetching ---- */

static cd_code on_data(void *context, cd_str bytes, cd_err *err)
{
  collecting *c = context;
  if (bytes.len > c->bytes - c->got)
    return cd_fail(err, CD_E_INVALID, "the agent sent more of the package than there is");
  cd_hash_add(c->hash, bytes.ptr, bytes.len);
  c->got += bytes.len;
  return ctl_new_file_add(&c->out, bytes.ptr, bytes.len, err);
}

/* Whatever it was, a disk that is full or an agent that went away: the agent keeps the package. */
static void say_kept(const collecting *c, cd_err *err)
{
  const cd_err why = *err;
  if (why.code == CD_E_NOTFOUND)
    return;
  (void)cd_fail_os(err, why.code, why.os_error,
                   "%.*s; the agent still has the package: 'cordon local collect --id %s -o FILE' "
                   "fetches it",
                   (int)cd_str_utf8_cut(cd_str_from(why.text), 340), why.text, c->progress.action);
}

static void show_fetching(collecting *c)
{
  char event[160];
  cd_err err = {0};
  (void)snprintf(event, sizeof(event),
                 "{\"event\":\"step\",\"step\":\"fetch\",\"done\":%llu,\"total\":%llu}",
                 (unsigned long long)c->got, (unsigned long long)c->bytes);
  (void)!ctl_progress_event(&c->progress, cd_str_from(event), &err);
}

static ctl_exit fetch_piece(collecting *c, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_buf params = CD_BUF_INIT(160);
  cd_buf answer = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  uint64_t before = c->got;
  bool ok = false;
  cd_buf_addf(&params, "{\"id\":\"%s\",\"offset\":%llu}", c->progress.action,
              (unsigned long long)c->got);
  ctl_request request = {.socket = c->socket,
                         .method = "package",
                         .params = cd_buf_view(&params),
                         .timeout_s = CTL_TIMEOUT_S,
                         .changes = true, /* so that an interrupt ends it in order */
                         .on_data = on_data,
                         .context = c};
  ctl_exit code = ctl_client_ask(&request, &answer, err);
  if (code == CTL_EXIT_WAITING)
    code = CTL_EXIT_FAILED;
  if (code == CTL_EXIT_DONE && cd_json_parse(cd_buf_view(&answer), CD_FRAME_PAYLOAD_MAX,
                                             "the agent's answer", &doc, err) != CD_OK)
    code = CTL_EXIT_UNREACHABLE;
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    cd_json_bool(&root, "ok", &ok);
    code = ok ? CTL_EXIT_DONE : refused(&root, err);
  }
  if (code == CTL_EXIT_DONE && c->got == before) {
    (void)cd_fail(err, CD_E_IO, "the package ends after %llu of %llu bytes",
                  (unsigned long long)c->got, (unsigned long long)c->bytes);
    code = CTL_EXIT_FAILED;
  }
  cd_json_free(doc);
  cd_buf_release(&params);
  cd_buf_release(&answer);
  return code;
}

static ctl_exit check_digest(collecting *c, cd_err *err)
{
  cd_digest digest;
  if (cd_hash_end(c->hash, &digest, err) != CD_OK)
    return CTL_EXIT_FAILED;
  if (cd_digest_equal(&digest, &c->digest))
    return CTL_EXIT_DONE;
  (void)cd_fail(err, CD_E_IO,
                "what came is not what the agent measured: the digests differ, and the file was "
                "not written");
  return CTL_EXIT_FAILED;
}

static ctl_exit fetch(collecting *c, cd_err *err)
{
  ctl_exit code = CTL_EXIT_DONE;
  if (cd_hash_new(&c->hash, err) != CD_OK)
    return CTL_EXIT_FAILED;
  while (code == CTL_EXIT_DONE && c->got < c->bytes) {
    show_fetching(c);
    code = fetch_piece(c, err);
  }
  if (code == CTL_EXIT_DONE)
    code = check_digest(c, err);
  if (code == CTL_EXIT_DONE && ctl_new_file_commit(&c->out, err) != CD_OK)
    code = CTL_EXIT_FAILED;
  return code;
}

/* It is here; that the agent keeps its own until it is too old is no failure. */
static void forget(const collecting *c)
{
  cd_err err = {0};
  cd_buf params = CD_BUF_INIT(128);
  cd_buf answer = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  id_params(c->progress.action, &params);
  ctl_request request = {.socket = c->socket,
                         .method = "forget",
                         .params = cd_buf_view(&params),
                         .timeout_s = CTL_TIMEOUT_S};
  if (ctl_client_ask(&request, &answer, &err) != CTL_EXIT_DONE)
    ctl_say(c->ctx, cd_str_from(err.text));
  cd_buf_release(&params);
  cd_buf_release(&answer);
}

/* ---- the end ---- */

static ctl_exit put_json(const collecting *c, ctl_exit code)
{
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &json);
  cd_jw_obj(&w, NULL);
  cd_jw_value(&w, "action", &c->action);
  cd_jw_cstr(&w, "file", c->out.path);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "the result", &err) != CD_OK)
    code = ctl_report(c->ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_json_text(c->ctx, &json, code);
  cd_buf_release(&json);
  return code;
}

static ctl_exit put_text(const collecting *c, const ctl_action *a, ctl_exit code)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_style style = fleet_style(c->ctx);
  ctl_line(&out, &style, "File", CTL_BOLD, cd_str_from(c->out.path));
  if (ctl_action_render(a, &style, &out, &err) != CD_OK)
    code = ctl_report(c->ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_text(c->ctx, &out, code);
  cd_buf_release(&out);
  return code;
}

/* The package is here; whether all of it is in it the action says. */
static ctl_exit conclude(const collecting *c, const ctl_action *a)
{
  cd_err why = {0};
  ctl_exit code = ctl_action_exit(a, &why);
  if (code != CTL_EXIT_DONE && !c->ctx->json)
    ctl_say(c->ctx, cd_str_from(why.text));
  return c->ctx->json ? put_json(c, code) : put_text(c, a, code);
}

static cd_code prepare(collecting *c, cd_err *err)
{
  const char *path = c->args->value[CTL_OPT_OUTPUT];
  if (path == NULL)
    return cd_fail(err, CD_E_INVALID, "where is the package to go? -o FILE says it");
  cd_code rc =
      ctl_args_number(c->args, CTL_OPT_BUDGET, BUDGET_MIN_S, BUDGET_MAX_S, 0, &c->budget_s, err);
  if (rc == CD_OK)
    rc = ctl_args_number(c->args, CTL_OPT_TIMEOUT, 1, CTL_TIMEOUT_MAX_S,
                         c->budget_s > 0 ? c->budget_s + WAIT_MORE_S : WAIT_S, &c->timeout_s, err);
  return rc;
}

static ctl_exit run(collecting *c, cd_err *err)
{
  ctl_action action = {0};
  const char *made = c->args->value[CTL_OPT_MADE];
  if (prepare(c, err) != CD_OK)
    return ctl_report(c->ctx, CTL_EXIT_USAGE, err, NULL);
  if (ctl_new_file_open(&c->out, c->args->value[CTL_OPT_OUTPUT],
                        c->args->value[CTL_OPT_OVERWRITE] != NULL, err) != CD_OK)
    return ctl_report(c->ctx, ctl_new_file_exit(err), err, NULL);
  ctl_exit code = made != NULL ? look(c, made, err) : order(c, err);
  if (code == CTL_EXIT_DONE)
    code = read_answer(c, &action, err);
  if (code == CTL_EXIT_DONE) {
    code = fetch(c, err);
    if (code != CTL_EXIT_DONE)
      say_kept(c, err);
  }
  ctl_progress_end(&c->progress);
  if (code != CTL_EXIT_DONE)
    return ctl_report(c->ctx, code, err, c->progress.action[0] != '\0' ? c->progress.action : NULL);
  forget(c);
  return conclude(c, &action);
}

ctl_exit ctl_cmd_collect(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  collecting c = {.ctx = ctx,
                  .args = args,
                  .socket = ctl_local_socket(args),
                  .out = {.file = -1},
                  .response = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX)};
  ctl_progress_init(&c.progress, ctx, fleet_progress_form(ctx, args), "collect");
  ctl_exit code = run(&c, &err);
  ctl_new_file_drop(&c.out);
  cd_hash_free(c.hash);
  cd_json_free(c.doc);
  cd_buf_release(&c.response);
  return code;
}
