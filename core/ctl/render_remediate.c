#include "render_remediate.h"

#include "text.h"

#include "protocol/remediate.h"

#include "base/banned.h"

#define INDENT 12u

static ctl_colour colour_of(cd_str outcome)
{
  bool well = cd_str_eq_cstr(outcome, "done") || cd_str_eq_cstr(outcome, "already");
  return well ? CTL_GOOD : CTL_WARN;
}

static cd_code add_steps(cd_remediate_result *r, const ctl_style *style, cd_buf *out, cd_err *err)
{
  ctl_table t;
  size_t count = cd_json_len(&r->steps);
  if (count == 0)
    return CD_OK;
  ctl_table_init(&t, 3);
  for (size_t i = 0; i < count; i++) {
    cd_remediate_step step;
    cd_remediate_step_read_at(&r->steps, i, &step);
    ctl_table_cell(&t, CTL_PLAIN, step.step);
    ctl_table_cell(&t, colour_of(step.outcome), step.outcome);
    ctl_table_cell(&t, CTL_DIM, step.detail);
  }
  cd_code rc = ctl_table_print(&t, style, INDENT, out, err);
  ctl_table_release(&t);
  return rc;
}

static void add_verified(cd_remediate_result *r, const ctl_style *style, cd_buf *out)
{
  for (size_t i = 0; i < cd_json_len(&r->verified); i++) {
    cd_remediate_check check;
    cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
    cd_remediate_check_read_at(&r->verified, i, &check);
    cd_json_print(&check.measured, &text);
    ctl_label(out, style, i == 0 ? "Measured" : NULL);
    ctl_text_add(out, check.what);
    cd_buf_add_cstr(out, ": ");
    ctl_text_add(out, cd_buf_view(&text));
    cd_buf_add_char(out, '\n');
    cd_buf_release(&text);
  }
}

cd_code ctl_remediate_render(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  cd_json remediate = {0};
  cd_remediate_result r;
  cd_buf target = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (!cd_json_opt_obj(result, "remediate", &remediate))
    return CD_OK;
  cd_remediate_result_read(&remediate, &r);
  if (r.operation == 0)
    return CD_OK; /* it shows in the document's failure */
  if (r.target.node != NULL)
    cd_json_print(&r.target, &target);
  ctl_label(out, style, "Did");
  ctl_text_add(out, cd_str_from(cd_operation_name(r.operation)));
  cd_buf_add_cstr(out, "  ");
  ctl_text_add(out, cd_buf_view(&target));
  cd_buf_add_char(out, '\n');
  cd_buf_release(&target);
  cd_code rc = add_steps(&r, style, out, err);
  add_verified(&r, style, out);
  ctl_line(out, style, "Undo", r.can_undo ? CTL_GOOD : CTL_WARN, r.undo);
  return rc;
}
