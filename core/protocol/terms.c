#include "protocol/terms.h"

#include <string.h>

#include "protocol/base64.h"
#include "protocol/limits.h"

#include "base/banned.h"

void cd_terms_init(cd_terms *t)
{
  *t = (cd_terms){.unreachable_after_s = CD_UNREACHABLE_AFTER_S};
}

static void read_lease(cd_json *object, cd_terms *t)
{
  cd_json lease = {0};
  if (!cd_json_opt_obj(object, "lease", &lease))
    return;
  cd_json_i64(&lease, "until", 1, CD_WALL_MS_MAX, &t->lease_until_ms);
  cd_json_no_more(&lease);
}

/* {"rule":"keep"} gives 0, {"rule":"release","after_s":N} gives N. */
static void read_rule(cd_json *object, const char *key, uint32_t min_s, uint32_t max_s,
                      uint32_t *ret_after_s)
{
  static const char *const rules[] = {"keep", "release", NULL};
  cd_json rule = {0};
  int word = 0;
  int64_t after_s = 0;
  if (!cd_json_opt_obj(object, key, &rule))
    return;
  cd_json_enum(&rule, "rule", rules, &word);
  if (word == 1)
    cd_json_i64(&rule, "after_s", min_s, max_s, &after_s);
  cd_json_no_more(&rule);
  *ret_after_s = (uint32_t)after_s;
}

static void read_code(cd_json *object, cd_terms *t)
{
  cd_json code = {0};
  cd_str salt = {0};
  cd_str digest = {0};
  size_t len = 0;
  if (!cd_json_opt_obj(object, "code", &code))
    return;
  cd_json_str(&code, "salt", CD_BASE64URL_LEN(CD_CODE_SALT_SIZE), &salt);
  cd_json_str(&code, "digest", CD_DIGEST_TEXT_MAX - 1, &digest);
  if (salt.ptr != NULL && (!cd_base64url_decode(salt, t->code_salt, sizeof(t->code_salt), &len) ||
                           len != sizeof(t->code_salt)))
    cd_json_bad(&code, "salt", "must be %u bytes in base64url", CD_CODE_SALT_SIZE);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &t->code_digest))
    cd_json_bad(&code, "digest", "must be 'sha256:' and 64 hex digits");
  cd_json_no_more(&code);
  t->has_code = true;
}

void cd_terms_read_rules(cd_json *object, cd_terms *t)
{
  read_rule(object, "lost_console", CD_LOST_AFTER_MIN_S, CD_LOST_AFTER_MAX_S, &t->lost_after_s);
  read_rule(object, "unreachable", CD_UNREACHABLE_AFTER_MIN_S, CD_UNREACHABLE_AFTER_MAX_S,
            &t->unreachable_after_s);
}

void cd_terms_read(cd_json *object, cd_terms *ret_terms)
{
  cd_terms t;
  cd_terms_init(&t);
  read_lease(object, &t);
  cd_terms_read_rules(object, &t);
  read_code(object, &t);
  *ret_terms = t;
}

static void write_rule(cd_jw *w, const char *key, uint32_t after_s)
{
  cd_jw_obj(w, key);
  cd_jw_cstr(w, "rule", after_s > 0 ? "release" : "keep");
  if (after_s > 0)
    cd_jw_u64(w, "after_s", after_s);
  cd_jw_end_obj(w);
}

void cd_terms_write_rules(const cd_terms *t, cd_jw *w)
{
  write_rule(w, "lost_console", t->lost_after_s);
  write_rule(w, "unreachable", t->unreachable_after_s);
}

void cd_terms_write(const cd_terms *t, cd_jw *w)
{
  if (t->lease_until_ms > 0) {
    cd_jw_obj(w, "lease");
    cd_jw_i64(w, "until", t->lease_until_ms);
    cd_jw_end_obj(w);
  }
  if (t->lost_after_s > 0)
    write_rule(w, "lost_console", t->lost_after_s);
  if (t->unreachable_after_s != CD_UNREACHABLE_AFTER_S)
    write_rule(w, "unreachable", t->unreachable_after_s);
  if (t->has_code) {
    char salt[CD_BASE64URL_LEN(CD_CODE_SALT_SIZE) + 1];
    char digest[CD_DIGEST_TEXT_MAX];
    cd_base64url_text(salt, t->code_salt, sizeof(t->code_salt));
    cd_digest_text(&t->code_digest, digest);
    cd_jw_obj(w, "code");
    cd_jw_cstr(w, "salt", salt);
    cd_jw_cstr(w, "digest", digest);
    cd_jw_end_obj(w);
  }
}

static cd_code digest_without_code(const cd_json *root, cd_digest *ret_wish, cd_err *err)
{
  cd_jw w;
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_members(&w, root, "code");
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the wish", err);
  if (rc == CD_OK)
    rc = cd_digest_of(text.ptr, text.len, ret_wish, err);
  cd_buf_release(&text);
  return rc;
}

cd_code cd_wish_of(cd_str parameters, cd_digest *ret_wish, int64_t *ret_lease_ms, cd_err *err)
{
  cd_terms t;
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_terms_read(&root, &t);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    rc = digest_without_code(&root, ret_wish, err);
  if (rc == CD_OK)
    *ret_lease_ms = t.lease_until_ms;
  cd_json_free(doc);
  return rc;
}

cd_code cd_terms_parse(cd_str text, cd_terms *ret_terms, cd_err *err)
{
  cd_terms t;
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(text, CD_TERMS_TEXT_MAX, "the terms", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_terms_read(&root, &t);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_terms = t;
  return rc;
}

cd_code cd_terms_print(const cd_terms *t, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_terms_write(t, &w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the terms", err);
}
