#include "known.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "protocol/limits.h"
#include "protocol/scan.h"

#include "base/banned.h"

typedef struct known {
  cd_str sha1;
  cd_buf paths; /* JSON, with commas */
  unsigned count;
} known;

/* Between commas, so that no path is taken for the end of another. */
static bool has(const known *k, cd_str path)
{
  cd_str list = cd_buf_view(&k->paths);
  for (size_t at = 0; at + path.len <= list.len; at++) {
    bool begins = at == 0 || list.ptr[at - 1] == ',';
    bool ends = at + path.len == list.len || list.ptr[at + path.len] == ',';
    if (begins && ends && memcmp(list.ptr + at, path.ptr, path.len) == 0)
      return true;
  }
  return false;
}

/* Both are hex digits, of either case in an order. */
static void lower(char *text)
{
  for (; *text != '\0'; text++)
    if (*text >= 'A' && *text <= 'F')
      *text = (char)(*text + ('a' - 'A'));
}

static void add(known *k, const cd_json *path)
{
  cd_buf text = CD_BUF_INIT(AGENT_KNOWN_BYTES_MAX);
  cd_json_print(path, &text);
  cd_str one = cd_buf_view(&text);
  if (one.len > 0 && k->count < AGENT_KNOWN_MAX && !has(k, one) &&
      k->paths.len + one.len + 1 <= AGENT_KNOWN_BYTES_MAX) {
    if (k->count++ > 0)
      cd_buf_add_char(&k->paths, ',');
    cd_buf_add_str(&k->paths, one);
  }
  cd_buf_release(&text);
}

static void take_finding(known *k, cd_json *findings, size_t i)
{
  cd_json finding = {0};
  cd_json path = {0};
  cd_str sha1 = {0};
  cd_json_at_obj(findings, i, &finding);
  if (cd_json_opt_str(&finding, "sha1", CD_SHA1_TEXT_LEN, &sha1) && cd_str_eq(sha1, k->sha1) &&
      cd_json_opt_value(&finding, "path", &path))
    add(k, &path);
}

static void take_result(void *context, cd_str result)
{
  known *k = context;
  cd_json_doc *doc = NULL;
  cd_json scan = {0};
  cd_json findings = {0};
  cd_err ignored = {0};
  if (cd_json_parse(result, CD_RESULT_MAX, "the result of a scan", &doc, &ignored) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  if (cd_json_opt_obj(&root, "scan", &scan) &&
      cd_json_opt_arr(&scan, "findings", CD_SCAN_FINDINGS_MAX, &findings)) {
    for (size_t i = 0; i < cd_json_len(&findings); i++)
      take_finding(k, &findings, i);
  }
  cd_json_free(doc);
}

void agent_known_write(agent_journal *j, cd_str sha1, cd_jw *w)
{
  char text[CD_SHA1_TEXT_LEN + 1];
  cd_err err = {0};
  known k = {.paths = CD_BUF_INIT(AGENT_KNOWN_BYTES_MAX)};
  if (!cd_str_copy(text, sizeof(text), sha1))
    text[0] = '\0';
  lower(text);
  k.sha1 = cd_str_from(text);
  if (agent_journal_results(j, AGENT_KIND_SCAN, text, AGENT_KNOWN_SCANS_MAX, take_result, &k,
                            &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "what scans have found before cannot be read: %s; going on",
           err.text);
  cd_buf list = CD_BUF_INIT(AGENT_KNOWN_BYTES_MAX + 2);
  cd_buf_add_char(&list, '[');
  cd_buf_add_str(&list, cd_buf_view(&k.paths));
  cd_buf_add_char(&list, ']');
  cd_jw_raw(w, "known", cd_buf_view(&list));
  cd_buf_release(&list);
  cd_buf_release(&k.paths);
}
