#include "rule_file.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "action.h"
#include "base/json.h"
#include "protocol/limits.h"

#include "base/banned.h"

#define VERSION 1
#define NAME "the rule file"

static const char *const types[] = {"full", "selective", NULL};

void agent_rule_file_release(agent_rule_file *f)
{
  free(f->params);
  free(f->terms);
  *f = (agent_rule_file){0};
}

cd_code agent_rule_file_copy(agent_rule_file *to, const agent_rule_file *from, cd_err *err)
{
  agent_rule_file f = *from;
  f.params = NULL;
  f.terms = NULL;
  bool good = agent_text_set(&f.params, cd_str_from(from->params)) &&
              (from->terms == NULL || agent_text_set(&f.terms, cd_str_from(from->terms)));
  if (!good) {
    agent_rule_file_release(&f);
    return cd_fail(err, CD_E_INTERNAL, "no memory for the rule file");
  }
  agent_rule_file_release(to);
  *to = f;
  return CD_OK;
}

static bool same(const char *a, const char *b)
{
  return cd_str_eq(cd_str_from(a), cd_str_from(b));
}

bool agent_rule_file_same_rules(const agent_rule_file *a, const agent_rule_file *b)
{
  return same(a->provider, b->provider) && same(a->library, b->library) &&
         same(a->digest, b->digest) && same(a->params, b->params);
}

bool agent_rule_file_same(const agent_rule_file *a, const agent_rule_file *b)
{
  return a->generation == b->generation && same(a->action, b->action) && same(a->terms, b->terms) &&
         agent_rule_file_same_rules(a, b);
}

/* ---- writing ---- */

static cd_code write_body(const agent_rule_file *f, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "rules", VERSION);
  cd_jw_cstr(&w, "state", "isolate");
  cd_jw_u64(&w, "generation", f->generation);
  cd_jw_cstr(&w, "action", f->action);
  cd_jw_i64(&w, "since", f->since_ms);
  cd_jw_i64(&w, "proven", f->proven_ms);
  cd_jw_cstr(&w, "boot", f->boot);
  cd_jw_cstr(&w, "provider", f->provider);
  cd_jw_cstr(&w, "library", f->library);
  cd_jw_cstr(&w, "digest", f->digest);
  cd_jw_raw(&w, "params", cd_str_from(f->params));
  cd_jw_raw(&w, "terms", cd_str_from(f->terms));
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, NAME, err);
}

cd_code agent_rule_file_write(const agent_rule_file *f, cd_buf *out, cd_err *err)
{
  cd_digest digest;
  char text[CD_DIGEST_TEXT_MAX];
  agent_rule_file back = {0};
  cd_code rc = write_body(f, out, err);
  if (rc == CD_OK)
    rc = cd_digest_of(out->ptr, out->len, &digest, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&digest, text);
  cd_buf_addf(out, "\n%s\n", text);
  rc = cd_buf_status(out, NAME, err);
  /* One that could not be read at the next boot is not written in place of one that could. */
  if (rc == CD_OK)
    rc = agent_rule_file_read(cd_buf_view(out), &back, err);
  agent_rule_file_release(&back);
  return rc;
}

/* ---- reading ---- */

static void read_text(cd_json *obj, const char *key, bool must, char *out, size_t size)
{
  cd_str s = {0};
  cd_json_str(obj, key, size - 1, &s);
  if (s.ptr == NULL)
    return;
  if (must && s.len == 0)
    cd_json_bad(obj, key, "must not be empty");
  else if (!cd_str_copy(out, size, s))
    cd_json_bad(obj, key, "holds a NUL");
}

static void read_library(cd_json *obj, agent_rule_file *f)
{
  cd_digest digest;
  read_text(obj, "library", true, f->library, sizeof(f->library));
  if (f->library[0] != '\0' && !cd_digest_from_text(cd_str_from(f->library), &digest))
    cd_json_bad(obj, "library", "is no digest");
}

bool agent_endpoint_set(agent_endpoint *e, cd_str address, uint64_t port)
{
  char plain[AGENT_ADDRESS_MAX];
  unsigned char bytes[16];
  if (port == 0 || port > UINT16_MAX || !cd_str_copy(plain, sizeof(plain), address) ||
      strchr(plain, '%') != NULL)
    return false;
  int family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET;
  e->port = (uint16_t)port;
  return uv_inet_pton(family, plain, bytes) == 0 &&
         uv_inet_ntop(family, bytes, e->address, sizeof(e->address)) == 0;
}

void agent_endpoint_add(const agent_endpoint *e, agent_endpoint *out, unsigned max, unsigned *count)
{
  for (unsigned i = 0; i < *count; i++) {
    if (out[i].port == e->port && same(out[i].address, e->address))
      return;
  }
  if (*count < max)
    out[(*count)++] = *e;
}

static void read_consoles(cd_json *params, agent_endpoint *out, unsigned max, unsigned *count)
{
  cd_json list = {0};
  cd_json_arr(params, "console", AGENT_ENDPOINTS_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    agent_endpoint e = {0};
    cd_json item = {0};
    cd_str address = {0};
    uint64_t port = 0;
    cd_json_at_obj(&list, i, &item);
    cd_json_str(&item, "address", AGENT_ADDRESS_MAX - 1, &address);
    cd_json_u64(&item, "port", UINT16_MAX, &port);
    cd_json_no_more(&item);
    if (address.ptr == NULL)
      return;
    if (!agent_endpoint_set(&e, address, port)) {
      cd_json_bad(&item, "address", "is no address with a port");
      return;
    }
    agent_endpoint_add(&e, out, max, count);
  }
}

/* What the provider makes of its parameters is its own business, and it trusts nobody; here they
 * must have the form that makes an isolation of them. */
static void read_params(cd_json *obj, char **ret_text)
{
  agent_endpoint consoles[AGENT_ENDPOINTS_MAX];
  unsigned count = 0;
  cd_json params = {0};
  int type = 0;
  cd_buf text = CD_BUF_INIT(CD_RESULT_MAX);
  cd_json_obj(obj, "params", &params);
  cd_json_print(&params, &text);
  cd_json_enum(&params, "type", types, &type);
  read_consoles(&params, consoles, AGENT_ENDPOINTS_MAX, &count);
  *ret_text = cd_buf_steal(&text, NULL);
  if (*ret_text == NULL)
    cd_json_bad(obj, "params", "are too large");
  cd_buf_release(&text);
}

static void read_terms(cd_json *obj, char **ret_text)
{
  cd_json terms = {0};
  cd_buf text = CD_BUF_INIT(CD_TERMS_TEXT_MAX);
  if (!cd_json_opt_obj(obj, "terms", &terms))
    return;
  cd_json_print(&terms, &text);
  *ret_text = cd_buf_steal(&text, NULL);
  if (*ret_text == NULL)
    cd_json_bad(obj, "terms", "are too large");
  cd_buf_release(&text);
}

static void read_members(cd_json *root, agent_rule_file *f)
{
  static const char *const states[] = {"isolate", NULL};
  uint64_t version = 0;
  int state = 0;
  cd_json_u64(root, "rules", CD_GENERATION_MAX, &version);
  if (version != VERSION)
    cd_json_bad(root, "rules", "is a form that this agent does not know");
  cd_json_enum(root, "state", states, &state);
  cd_json_u64(root, "generation", CD_GENERATION_MAX, &f->generation);
  read_text(root, "action", false, f->action, sizeof(f->action));
  cd_json_i64(root, "since", 0, CD_WALL_MS_MAX, &f->since_ms);
  cd_json_i64(root, "proven", 0, CD_WALL_MS_MAX, &f->proven_ms);
  read_text(root, "boot", true, f->boot, sizeof(f->boot));
  read_text(root, "provider", true, f->provider, sizeof(f->provider));
  read_library(root, f);
  read_text(root, "digest", true, f->digest, sizeof(f->digest));
  read_params(root, &f->params);
  read_terms(root, &f->terms);
}

cd_code agent_rule_file_read_body(cd_str body, agent_rule_file *ret, cd_err *err)
{
  agent_rule_file f = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(body, AGENT_RULE_FILE_MAX, NAME, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_members(&root, &f);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc != CD_OK) {
    agent_rule_file_release(&f);
    return rc;
  }
  agent_rule_file_release(ret);
  *ret = f;
  return CD_OK;
}

cd_code agent_rule_file_read(cd_str text, agent_rule_file *ret, cd_err *err)
{
  cd_digest digest;
  char expected[CD_DIGEST_TEXT_MAX];
  cd_str rest = text;
  cd_str body = cd_str_cut(&rest, '\n');
  if (rest.len != CD_DIGEST_TEXT_MAX || rest.ptr[rest.len - 1] != '\n')
    return cd_fail(err, CD_E_INVALID, NAME " is not a line of JSON and a line with its digest");
  rest.len--;
  cd_code rc = cd_digest_of(body.ptr, body.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&digest, expected);
  if (!cd_str_eq_cstr(rest, expected))
    return cd_fail(err, CD_E_INVALID, NAME " is damaged: its digest is another");
  return agent_rule_file_read_body(body, ret, err);
}

/* ---- consoles ---- */

bool agent_params_consoles(cd_str params, agent_endpoint *out, unsigned max, unsigned *count)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  if (cd_json_parse(params, CD_RESULT_MAX, "the parameters", &doc, &err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  read_consoles(&root, out, max, count);
  bool good = cd_json_status(&root, &err) == CD_OK;
  cd_json_free(doc);
  return good;
}

void agent_rule_file_salvage(cd_str text, agent_endpoint *out, unsigned max, unsigned *count)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_json params = {0};
  cd_str rest = text;
  cd_str body = cd_str_cut(&rest, '\n');
  if (cd_json_parse(body, AGENT_RULE_FILE_MAX, NAME, &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  if (cd_json_opt_obj(&root, "params", &params))
    read_consoles(&params, out, max, count);
  cd_json_free(doc);
}
