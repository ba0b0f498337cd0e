/* What an action says of the package that it made. */
#include "render_package.h"

#include "package_check.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX
#define NAMES_MAX 64u

static void add_incomplete(cd_json *package, const ctl_style *style, cd_buf *out)
{
  cd_json names = {0};
  uint64_t count = 0;
  cd_json_u64(package, "incomplete", UINT64_MAX, &count);
  cd_json_arr(package, "incomplete_names", NAMES_MAX, &names);
  size_t named = cd_json_len(&names);
  for (size_t i = 0; i < named; i++) {
    cd_str name = {0};
    cd_json_at_str(&names, i, TEXT_MAX, &name);
    ctl_line(out, style, i == 0 ? "Incomplete" : NULL, CTL_WARN, name);
  }
  if (count <= named)
    return;
  ctl_label(out, style, named == 0 ? "Incomplete" : NULL);
  cd_buf_addf(out, "%llu more\n", (unsigned long long)(count - named));
}

static void add_items(cd_json *run, const ctl_style *style, cd_buf *out)
{
  cd_json items = {0};
  const char *comma = "";
  if (!cd_json_opt_obj(run, "items", &items))
    return;
  ctl_label(out, style, "Items");
  for (size_t i = 0; ctl_item_status_names[i] != NULL; i++) {
    uint64_t count = 0;
    if (!cd_json_opt_u64(&items, ctl_item_status_names[i], UINT64_MAX, &count) || count == 0)
      continue;
    cd_buf_addf(out, "%s%llu %s", comma, (unsigned long long)count, ctl_item_status_names[i]);
    comma = ", ";
  }
  cd_buf_add_char(out, '\n');
}

static void add_package(cd_json *package, const ctl_style *style, cd_buf *out)
{
  cd_str digest = {0};
  cd_str cap = {0};
  uint64_t bytes = 0;
  uint64_t artifacts = 0;
  cd_json_u64(package, "bytes", UINT64_MAX, &bytes);
  cd_json_u64(package, "artifacts", UINT64_MAX, &artifacts);
  cd_json_str(package, "digest", TEXT_MAX, &digest);
  ctl_label(out, style, "Package");
  cd_buf_addf(out, "%llu bytes, %llu files\n", (unsigned long long)bytes,
              (unsigned long long)artifacts);
  ctl_line(out, style, "Digest", CTL_PLAIN, digest);
  if (cd_json_opt_str(package, "cap", TEXT_MAX, &cap))
    ctl_line(out, style, "Ceiling met", CTL_WARN, cap);
  add_incomplete(package, style, out);
}

void ctl_package_render(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json part = {0};
  if (cd_json_opt_obj(result, "package", &part))
    add_package(&part, style, out);
  if (cd_json_opt_obj(result, "run", &part))
    add_items(&part, style, out);
}
