/* What `cordon` makes of a console's answer. The first byte chooses what was asked, the rest is the
 * answer. Whatever it holds: a sentence for every failure, text that is safe for a terminal, and no
 * id that could lead an address elsewhere. */
#include "fleet_audit.h"
#include "fleet_config.h"
#include "fleet_proof_private.h"
#include "fleet_read.h"
#include "fleet_tokens.h"
#include "fleet_values.h"
#include "fleet_wait.h"
#include "fuzz_must.h"

#define DOC_MAX (1u << 20)

/* Without colour no control character but the newline comes out; and it is UTF-8. */
static void check_text(const cd_buf *out)
{
  must(cd_str_utf8_valid(cd_buf_view(out)), "output that is not UTF-8");
  for (size_t i = 0; i < out->len; i++)
    must((unsigned char)out->ptr[i] >= ' ' || out->ptr[i] == '\n', "a control character came out");
}

static void try_answer(cd_str text, long status)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_exit code = fleet_read_answer(status, text, &doc, &err);
  must(code == CTL_EXIT_DONE || err.text[0] != '\0', "a failure without its sentence");
  must(doc == NULL || code == CTL_EXIT_DONE, "a document with a failure");
  cd_json_free(doc);
}

static void try_token(cd_str text, long status)
{
  char token[FLEET_BEARER_MAX + 1] = "";
  cd_err err = {0};
  ctl_exit code = fleet_read_token(status, text, token, &err);
  must(code == CTL_EXIT_DONE || err.text[0] != '\0', "a failure without its sentence");
  for (const char *c = token; *c != '\0'; c++)
    must(*c > ' ' && *c <= '~', "a token that breaks its header");
}

static void try_config(cd_str text)
{
  fleet_config c = {0};
  cd_err err = {0};
  cd_code rc = fleet_config_parse(text, "it", &c, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || cd_str_starts(cd_str_from(c.url), CD_STR("https://")), "another scheme");
  fleet_config_wipe(&c);
}

static void try_action(cd_json *root, bool waited)
{
  cd_buf out = CD_BUF_INIT(DOC_MAX * 8u);
  ctl_style style = {.now_ms = 1795493300000};
  cd_err err = {0};
  ctl_exit code = fleet_action_print(root, &style, waited, &out, &err);
  must(code == CTL_EXIT_DONE || err.text[0] != '\0', "a failure without its sentence");
  if (code != CTL_EXIT_UNREACHABLE)
    check_text(&out);
  cd_buf_release(&out);
}

static void try_machine(cd_json *root)
{
  fleet_machine m;
  cd_err err = {0};
  fleet_machine_read(root, &m);
  must(cd_json_status(root, &err) != CD_OK || fleet_id_valid(m.id), "an id that is none");
}

static void try_values(cd_json *root)
{
  cd_buf out = CD_BUF_INIT(DOC_MAX * 8u);
  ctl_style style = {.now_ms = 1795493300000};
  cd_err err = {0};
  cd_code rc = fleet_values_render(root, &style, &out, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    check_text(&out);
  cd_buf_release(&out);
}

static void try_audit(cd_json *root)
{
  fleet_audit a = {0};
  size_t count = 0;
  cd_err err = {0};
  cd_code rc = fleet_audit_take(&a, root, &count, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || a.head.sequence == count, "entries that were not counted");
}

static void try_proof(cd_json *root)
{
  fleet_proof p = {0};
  cd_err err = {0};
  must_explain(fleet_proof_check(root, &p, &err), &err);
  fleet_proof_release(&p);
}

/* An entry is only read when its digest is vouched for: that is not waited for here. */
static void try_log(cd_json *root)
{
  fleet_proof p = {0};
  cd_digest digest = {0};
  cd_err err = {0};
  cd_code rc = fleet_proof_log_take(&p.log, root, &digest, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return;
  rc = fleet_proof_log_judge(&p, (cd_str){0}, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || p.log.origin != FLEET_ORIGIN_NONE, "judged without a word of who asked");
}

static void try_document(unsigned choice, cd_str text)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  if (cd_json_parse(text, DOC_MAX, "it", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  switch (choice % 8) {
  case 0: try_action(&root, false); break;
  case 1: try_action(&root, true); break;
  case 2: try_machine(&root); break;
  case 3: try_values(&root); break;
  case 4: try_audit(&root); break;
  case 5: must_explain(fleet_token_check(&root, &err), &err); break;
  case 6: try_proof(&root); break;
  default: try_log(&root); break;
  }
  cd_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const long statuses[] = {200, 201, 302, 400, 401, 403, 404, 429, 500, 0};
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  long status = statuses[data[0] / 8 % (sizeof(statuses) / sizeof(statuses[0]))];
  switch (data[0] % 8) {
  case 0: try_answer(text, status); break;
  case 1: try_token(text, status); break;
  case 2: try_config(text); break;
  default: try_document(data[0] / 8u, text); break;
  }
  return 0;
}
