/* What a remediation did step by step, what was measured afterwards, and whether it can be taken
 * back. */
#include "render_remediate.h"

#include "protocol/remediate.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

static ctl_colour step_colour(cd_str outcome)
{
  if (cd_str_eq_cstr(outcome, "failed"))
    return CTL_BAD;
  return cd_str_eq_cstr(outcome, "left") ? CTL_WARN : CTL_PLAIN;
}

static void add_step(cd_json *steps, size_t i, const ctl_style *style, cd_buf *out)
{
  cd_remediate_step step;
  cd_buf line = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_remediate_step_read_at(steps, i, &step);
  cd_buf_add_str(&line, step.step);
  cd_buf_add_cstr(&line, ", ");
  cd_buf_add_str(&line, step.outcome);
  if (step.detail.len > 0)
    cd_buf_add_cstr(&line, ": ");
  cd_buf_add_str(&line, step.detail);
  ctl_line(out, style, i == 0 ? "Steps" : NULL, step_colour(step.outcome), cd_buf_view(&line));
  cd_buf_release(&line);
}

static void add_check(cd_json *verified, size_t i, const ctl_style *style, cd_buf *out)
{
  cd_remediate_check check;
  cd_buf line = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_buf value = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_str text = {0};
  cd_remediate_check_read_at(verified, i, &check);
  cd_json_at_obj(verified, i, &check.measured);
  (void)cd_json_opt_str(&check.measured, "measured", CTL_OUTPUT_MAX, &text);
  cd_buf_add_str(&line, check.what);
  cd_buf_add_cstr(&line, ": ");
  cd_buf_add_str(&line, text);
  ctl_line(out, style, i == 0 ? "Measured" : NULL, CTL_PLAIN, cd_buf_view(&line));
  cd_buf_release(&line);
  cd_buf_release(&value);
}

void ctl_remediate_render(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json part = {0};
  cd_remediate_result r = {0};
  if (!cd_json_opt_obj(result, "remediate", &part))
    return;
  cd_remediate_result_read(&part, &r);
  if (r.operation == 0)
    return;
  ctl_line(out, style, "Operation", CTL_PLAIN, cd_str_from(cd_operation_name(r.operation)));
  for (size_t i = 0; i < cd_json_len(&r.steps); i++)
    add_step(&r.steps, i, style, out);
  for (size_t i = 0; i < cd_json_len(&r.verified); i++)
    add_check(&r.verified, i, style, out);
  ctl_line(out, style, "Undo", CTL_PLAIN, r.undo);
}
