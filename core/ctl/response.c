/* The envelope of a RESPONSE: an error with its status and sentence, or a result for one of the
 * renderers. */
#include "response.h"

#include "action.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

typedef cd_code (*renderer)(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err);

static const renderer renderers[CTL_KIND_COUNT] = {
    [CTL_KIND_STATUS] = ctl_render_status,   [CTL_KIND_PLUGINS] = ctl_render_plugins,
    [CTL_KIND_ACTIONS] = ctl_render_actions, [CTL_KIND_UNQUARANTINE] = ctl_render_unquarantine,
    [CTL_KIND_ENROLL] = ctl_render_enroll,   [CTL_KIND_POLICY] = ctl_render_policy,
};

static bool is_about_an_action(ctl_kind kind)
{
  return kind == CTL_KIND_ACTION || kind == CTL_KIND_ORDER || kind == CTL_KIND_ORDER_WAITED;
}

/* Where the answer cannot be read, such a request may have been carried out all the same. */
static bool asked_for_a_change(ctl_kind kind)
{
  return kind == CTL_KIND_ORDER || kind == CTL_KIND_ORDER_WAITED || kind == CTL_KIND_UNQUARANTINE ||
         kind == CTL_KIND_ENROLL;
}

static cd_code read_error(cd_json *root, ctl_exit *ret_exit, cd_err *why)
{
  cd_json error = {0};
  cd_str status = {0};
  cd_str sentence = {0};
  char name[32];
  cd_code code = CD_E_INTERNAL;
  cd_json_obj(root, "error", &error);
  cd_json_str(&error, "status", CD_FRAME_PAYLOAD_MAX, &status);
  cd_json_str(&error, "sentence", CD_FRAME_PAYLOAD_MAX, &sentence);
  cd_code rc = cd_json_status(root, why);
  if (rc != CD_OK)
    return rc;
  /* A status that this version does not know, or one that is no failure, is still a failure here.
   */
  if (!cd_str_copy(name, sizeof(name), status) || !cd_code_from_name(name, &code) || code == CD_OK)
    code = CD_E_INTERNAL;
  *ret_exit = ctl_exit_of_error(code);
  return cd_fail(
      why, code, "%.*s",
      CD_STR_ARG(sentence.len > 0 ? sentence : CD_STR("the agent refused, without a reason")));
}

static void add_headline(const ctl_action *a, ctl_kind kind, const ctl_style *style, cd_buf *out)
{
  if (kind == CTL_KIND_ORDER) {
    cd_buf_add_cstr(out, "Accepted; 'cordon local actions --id ");
    ctl_text_add(out, a->id);
    cd_buf_add_cstr(out, "' shows how it goes.\n");
  } else if (ctl_action_is_preflight(a)) {
    ctl_paint(out, style, CTL_GOOD, CD_STR("Nothing was changed. An isolation would go ahead."));
    cd_buf_add_char(out, '\n');
  } else if (cd_str_eq_cstr(a->kind, "scan")) {
    ctl_paint(out, style, CTL_GOOD, CD_STR("Nothing was found: all files were scanned."));
    cd_buf_add_char(out, '\n');
  } else if (cd_str_eq_cstr(a->kind, "release")) {
    ctl_paint(out, style, CTL_GOOD, CD_STR("Released: nothing of the isolation is left."));
    cd_buf_add_char(out, '\n');
  } else if (cd_str_eq_cstr(a->kind, "isolate")) {
    ctl_paint(out, style, CTL_GOOD, CD_STR("Isolated: enforced, and proven by probes."));
    cd_buf_add_char(out, '\n');
  } else if (cd_str_eq_cstr(a->kind, "remediate")) {
    ctl_paint(out, style, CTL_GOOD, CD_STR("Done: what was measured afterwards stands below."));
    cd_buf_add_char(out, '\n');
  }
}

static cd_code render_action(const ctl_view *view, cd_json *result, cd_buf *out, ctl_exit *ret_exit,
                             cd_err *why)
{
  cd_json obj = {0};
  ctl_action action;
  cd_json_obj(result, "action", &obj);
  ctl_action_read(&obj, &action);
  if (view->order != NULL && !cd_str_eq_cstr(action.kind, view->order))
    cd_json_bad(&obj, "kind", "must be %s, which was asked for", view->order);
  cd_code rc = cd_json_status(result, why);
  if (rc != CD_OK)
    return rc;
  ctl_exit code =
      view->kind == CTL_KIND_ORDER_WAITED ? ctl_action_exit(&action, why) : CTL_EXIT_DONE;
  if (!view->json) {
    cd_err broken = {0};
    /* Why it failed is told on standard error; once is enough. */
    if (code != CTL_EXIT_DONE)
      action.sentence = (cd_str){0};
    if (view->kind != CTL_KIND_ACTION && code == CTL_EXIT_DONE)
      add_headline(&action, view->kind, &view->style, out);
    rc = ctl_action_render(&action, &view->style, out, &broken);
    if (rc != CD_OK) {
      *why = broken;
      return rc;
    }
  }
  *ret_exit = code;
  return CD_OK;
}

static cd_code print_json(const cd_json *result, cd_buf *out, cd_err *err)
{
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_print(result, &json);
  cd_code rc = cd_buf_status(&json, "the result", err);
  if (rc == CD_OK) {
    ctl_text_add_json(out, cd_buf_view(&json));
    cd_buf_add_char(out, '\n');
    rc = cd_buf_status(out, "the output", err);
  }
  cd_buf_release(&json);
  return rc;
}

static cd_code render_result(const ctl_view *view, cd_json *root, cd_buf *out, ctl_exit *ret_exit,
                             cd_err *why)
{
  cd_json result = {0};
  cd_code rc = CD_OK;
  cd_err broken = {0};
  cd_json_obj(root, "result", &result);
  if (is_about_an_action(view->kind))
    rc = render_action(view, &result, out, ret_exit, why);
  else if (!view->json)
    rc = renderers[view->kind](&result, &view->style, out, why);
  if (rc != CD_OK)
    return rc;
  /* Readers note what does not fit and go on; here it comes out. */
  if (cd_json_status(root, &broken) != CD_OK) {
    *why = broken;
    return broken.code;
  }
  return view->json ? print_json(&result, out, why) : CD_OK;
}

cd_code ctl_response_render(const ctl_view *view, cd_str payload, cd_buf *out, ctl_exit *ret_exit,
                            cd_err *ret_why)
{
  cd_json_doc *doc = NULL;
  bool ok = false;
  *ret_exit = asked_for_a_change(view->kind) ? CTL_EXIT_WAITING : CTL_EXIT_UNREACHABLE;
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "the agent's answer", &doc, ret_why);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_bool(&root, "ok", &ok);
  rc = cd_json_status(&root, ret_why);
  if (rc != CD_OK)
    goto done;
  if (ok) {
    ctl_exit code = CTL_EXIT_DONE;
    rc = render_result(view, &root, out, &code, ret_why);
    if (rc == CD_OK)
      *ret_exit = code;
  } else {
    rc = read_error(&root, ret_exit, ret_why);
  }

done:
  cd_json_free(doc);
  return rc;
}
