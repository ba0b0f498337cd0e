/* The shape of config/schemas/isolate.params.schema.json, exclusions only. */
#include "selective.h"

#include "base/json.h"
#include "base/limits.h"
#include "platform/file.h"
#include "protocol/exclusion.h"

#include "base/banned.h"

#define ADDRESS_MAX 128u /* two IPv6 addresses and a dash are 79 */
#define PORT_MAX 16u     /* "65534-65535" is 11 */
#define NOTE_CHARACTERS_MAX 200u
#define NOTE_MAX (NOTE_CHARACTERS_MAX * 4u)

static const char *const directions[] = {"out", "in", "both", NULL};
static const char *const protocols[] = {"any", "tcp", "udp", "icmp", NULL};

static size_t characters(cd_str s)
{
  size_t count = 0;
  while (s.len > 0) {
    size_t len = cd_str_utf8_next(s);
    s.ptr += len > 0 ? len : 1;
    s.len -= len > 0 ? len : 1;
    count++;
  }
  return count;
}

static void check_exclusion(cd_json *exclusion)
{
  cd_str text = {0};
  int word = 0;
  cd_json_enum(exclusion, "direction", directions, &word);
  cd_exclusion_read_whose(exclusion, ADDRESS_MAX);
  (void)cd_json_opt_enum(exclusion, "protocol", protocols, &word);
  (void)cd_json_opt_str(exclusion, "port", PORT_MAX, &text);
  if (cd_json_opt_str(exclusion, "note", NOTE_MAX, &text) && characters(text) > NOTE_CHARACTERS_MAX)
    cd_json_bad(exclusion, "note", "must be at most %u characters", NOTE_CHARACTERS_MAX);
  cd_json_no_more(exclusion);
}

cd_code ctl_selective_parse(cd_str text, const char *what, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_json list = {0};
  cd_code rc = cd_json_parse(text, CD_CONFIG_MAX, what, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_arr(&root, "exclusions", CD_EXCLUSIONS_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json exclusion = {0};
    cd_json_at_obj(&list, i, &exclusion);
    check_exclusion(&exclusion);
  }
  rc = cd_json_done(&root, err);
  if (rc != CD_OK)
    goto done;
  if (cd_json_len(&list) == 0) {
    rc = cd_fail(err, CD_E_INVALID,
                 "%s lists no exclusions: that would be a full isolation, which 'cordon local "
                 "isolate' without "
                 "--selective asks for",
                 what);
    goto done;
  }
  cd_json_print(&list, out);
  rc = cd_buf_status(out, what, err);

done:
  cd_json_free(doc);
  return rc;
}

cd_code ctl_selective_read(const char *path, cd_buf *out, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_buf what = CD_BUF_INIT(CD_ERR_TEXT_MAX);
  /* A sentence has room for its end of a long path. */
  size_t len = cd_str_from(path).len;
  cd_buf_addf(&what, "%s%s", len > 200 ? "..." : "", path + (len > 200 ? len - 200 : 0));
  cd_code rc = pf_file_read(path, CD_CONFIG_MAX, &text, err);
  if (rc == CD_OK)
    rc = ctl_selective_parse(cd_buf_view(&text), cd_buf_cstr(&what), out, err);
  cd_buf_release(&text);
  cd_buf_release(&what);
  return rc;
}
