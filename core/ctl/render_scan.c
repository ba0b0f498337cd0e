#include "render_scan.h"

#include "text.h"

#include "base/limits.h"
#include "protocol/scan.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX
#define SHOWN_MAX 50u /* findings, and files that were not scanned; --json has more */

static void add_path(const cd_path *path, cd_buf *out)
{
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_path_show(path, &text);
  ctl_text_add(out, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void add_processes(cd_finding *f, cd_buf *out)
{
  size_t count = cd_json_len(&f->processes);
  for (size_t i = 0; i < count; i++) {
    cd_process p;
    cd_process_read_at(&f->processes, i, &p);
    cd_buf_addf(out, "%s%llu ", i == 0 ? ", run by " : ", ", (unsigned long long)p.pid);
    ctl_text_add(out, p.name);
  }
}

static void add_finding(cd_json *list, size_t i, const ctl_style *style, cd_buf *out)
{
  cd_finding f;
  cd_finding_read_at(list, i, &f);
  ctl_label(out, style, i == 0 ? "Found" : NULL);
  ctl_paint(out, style, CTL_BAD, f.signature);
  cd_buf_add_cstr(out, "  ");
  add_path(&f.path, out);
  if (f.deleted)
    cd_buf_add_cstr(out, " (deleted)");
  cd_buf_addf(out, ", %llu bytes", (unsigned long long)f.size);
  if (f.owner_name.len > 0) {
    cd_buf_add_cstr(out, ", of ");
    ctl_text_add(out, f.owner_name);
  }
  add_processes(&f, out);
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, NULL, CTL_DIM, f.sha256);
}

static void add_more(uint64_t total, size_t shown, const ctl_style *style, cd_buf *out)
{
  if (total <= shown)
    return;
  ctl_label(out, style, NULL);
  cd_buf_addf(out, "and %llu more\n", (unsigned long long)(total - shown));
}

static void add_findings(cd_scan_result *r, const ctl_style *style, cd_buf *out)
{
  size_t count = cd_json_len(&r->findings);
  size_t shown = count < SHOWN_MAX ? count : SHOWN_MAX;
  for (size_t i = 0; i < shown; i++)
    add_finding(&r->findings, i, style, out);
  add_more(r->findings_total, shown, style, out);
  if (r->findings_total == 0)
    ctl_line(out, style, "Found", r->complete ? CTL_GOOD : CTL_WARN,
             r->complete ? CD_STR("nothing") : CD_STR("nothing in what was scanned"));
}

static void add_reasons(cd_scan_result *r, const ctl_style *style, cd_buf *out)
{
  cd_str reason = {0};
  uint64_t count = 0;
  if (r->not_scanned_total == 0)
    return;
  ctl_label(out, style, "Not scanned");
  cd_buf_addf(out, "%llu:", (unsigned long long)r->not_scanned_total);
  for (size_t i = 0; cd_json_member_at(&r->reasons, i, UINT64_MAX, &reason, &count); i++) {
    cd_buf_addf(out, "%s%llu ", i == 0 ? " " : ", ", (unsigned long long)count);
    ctl_text_add(out, reason);
  }
  cd_buf_add_char(out, '\n');
}

static void add_not_scanned(cd_scan_result *r, const ctl_style *style, cd_buf *out)
{
  size_t count = cd_json_len(&r->not_scanned);
  size_t shown = count < SHOWN_MAX ? count : SHOWN_MAX;
  add_reasons(r, style, out);
  for (size_t i = 0; i < shown; i++) {
    cd_not_scanned n;
    cd_not_scanned_read_at(&r->not_scanned, i, &n);
    ctl_label(out, style, NULL);
    add_path(&n.path, out);
    cd_buf_add_cstr(out, ": ");
    ctl_text_add(out, n.reason);
    if (n.has_size && n.size > 0)
      cd_buf_addf(out, ", %llu bytes", (unsigned long long)n.size);
    cd_buf_add_char(out, '\n');
  }
  if (count > shown)
    add_more(r->not_scanned_total, shown, style, out);
}

static void add_engine(const cd_scan_result *r, const ctl_style *style, cd_buf *out)
{
  if (r->engine.len == 0)
    return;
  ctl_label(out, style, "Engine");
  ctl_text_add(out, r->engine);
  cd_buf_add_char(out, ' ');
  ctl_text_add(out, r->engine_version);
  if (r->signatures > 0)
    cd_buf_addf(out, ", %llu signatures", (unsigned long long)r->signatures);
  if (r->has_database_version)
    cd_buf_addf(out, ", database %llu", (unsigned long long)r->database_version);
  if (r->database_built_ms > 0 && style->now_ms > r->database_built_ms) {
    cd_buf_add_cstr(out, ", made ");
    ctl_time_add_span(out, style->now_ms - r->database_built_ms);
    cd_buf_add_cstr(out, " ago");
  }
  cd_buf_add_char(out, '\n');
}

/* What no scan is about, so that "all files" is not taken for more than it is. */
static void add_left_out(const cd_scan_result *r, const ctl_style *style, cd_buf *out)
{
  if (r->special_files == 0 && r->file_systems == 0)
    return;
  ctl_label(out, style, "Left out");
  if (r->special_files > 0)
    cd_buf_addf(out, "%llu sockets, pipes and devices%s", (unsigned long long)r->special_files,
                r->file_systems > 0 ? "; " : "");
  if (r->file_systems > 0)
    cd_buf_addf(out, "%llu file systems that are not local, or places that are links",
                (unsigned long long)r->file_systems);
  cd_buf_add_char(out, '\n');
}

/* What stands for a name of `untold`; a newer agent's stands for itself. */
static cd_str untold_words(cd_str name)
{
  if (cd_str_eq(name, CD_STR("limits")))
    return CD_STR("what is beyond its limits");
  if (cd_str_eq(name, CD_STR("encrypted")))
    return CD_STR("what is encrypted");
  if (cd_str_eq(name, CD_STR("archives")))
    return CD_STR("all that is in archives");
  return name;
}

static void add_untold(cd_scan_result *r, const ctl_style *style, cd_buf *out)
{
  size_t count = cd_json_len(&r->untold);
  if (count == 0)
    return;
  ctl_label(out, style, "Not told");
  cd_buf_add_cstr(out, "inside of files the engine leaves out without a word, as it is set: ");
  for (size_t i = 0; i < count; i++) {
    cd_buf_add_cstr(out, i == 0 ? "" : ", ");
    ctl_text_add(out, untold_words(cd_scan_untold_at(r, i)));
  }
  cd_buf_add_char(out, '\n');
}

void ctl_scan_render(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json scan = {0};
  cd_scan_result r;
  if (!cd_json_opt_obj(result, "scan", &scan))
    return;
  cd_scan_result_read(&scan, &r);
  add_engine(&r, style, out);
  ctl_label(out, style, "Scanned");
  cd_buf_addf(out, "%llu of %llu files, %llu bytes\n", (unsigned long long)r.files_scanned,
              (unsigned long long)r.files_planned, (unsigned long long)r.bytes_scanned);
  add_findings(&r, style, out);
  add_not_scanned(&r, style, out);
  add_left_out(&r, style, out);
  add_untold(&r, style, out);
}

bool ctl_scan_counts(cd_json *result, uint64_t *ret_findings, bool *ret_complete,
                     uint64_t *ret_missed)
{
  cd_json scan = {0};
  cd_scan_result r;
  if (!cd_json_opt_obj(result, "scan", &scan))
    return false;
  cd_scan_result_read(&scan, &r);
  *ret_findings = r.findings_total;
  *ret_complete = r.complete;
  *ret_missed = r.not_scanned_total;
  return true;
}
