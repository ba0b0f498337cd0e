/* Documents and tables, through the escapes of text.h. */
#include "fleet_output.h"

#include "text.h"

#include "base/clock.h"

#include "base/banned.h"

ctl_exit fleet_put_text(const ctl_context *ctx, const cd_buf *text, ctl_exit code)
{
  cd_err err = {0};
  if (cd_buf_status(text, "the output", &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  return ctl_put(ctx, cd_buf_view(text), code);
}

ctl_exit fleet_put_json_text(const ctl_context *ctx, const cd_buf *json, ctl_exit code)
{
  cd_buf safe = CD_BUF_INIT(2u * CTL_OUTPUT_MAX);
  cd_err err = {0};
  if (cd_buf_status(json, "the output", &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  ctl_text_add_json(&safe, cd_buf_view(json));
  cd_buf_add_char(&safe, '\n');
  code = fleet_put_text(ctx, &safe, code);
  cd_buf_release(&safe);
  return code;
}

ctl_exit fleet_put_json(const ctl_context *ctx, const cd_json *value, ctl_exit code)
{
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_print(value, &json);
  code = fleet_put_json_text(ctx, &json, code);
  cd_buf_release(&json);
  return code;
}

ctl_exit fleet_put_state(const ctl_context *ctx, const cd_json *answer, cd_str id, cd_str status)
{
  cd_err err = {0};
  if (cd_json_status(answer, &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_WAITING, &err, NULL);
  if (ctx->json)
    return fleet_put_json(ctx, answer, CTL_EXIT_DONE);
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_text_add(&out, id);
  cd_buf_add_cstr(&out, ": ");
  ctl_text_add(&out, status);
  cd_buf_add_char(&out, '\n');
  ctl_exit code = fleet_put_text(ctx, &out, CTL_EXIT_DONE);
  cd_buf_release(&out);
  return code;
}

ctl_style fleet_style(const ctl_context *ctx)
{
  ctl_style style = ctx->style;
  style.now_ms = cd_wall_ms();
  return style;
}

void fleet_cell_age(ctl_table *t, cd_str time, int64_t now_ms)
{
  cd_buf age = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (time.len == 0)
    cd_buf_add_cstr(&age, "never");
  else
    ctl_time_add_age(&age, time, now_ms);
  ctl_table_cell(t, CTL_PLAIN, cd_buf_view(&age));
  cd_buf_release(&age);
}

void fleet_cell_front(ctl_table *t, cd_str text, size_t columns)
{
  cd_str front = ctl_text_fit(text, columns);
  ctl_table_cellf(t, CTL_DIM, "%.*s%s", CD_STR_ARG(front), front.len < text.len ? "..." : "");
}

void fleet_heads(ctl_table *t, const char *const *heads, size_t count)
{
  for (size_t i = 0; i < count; i++)
    ctl_table_cell(t, CTL_DIM, cd_str_from(heads[i]));
}
