/* Enrolment tokens: create, list, revoke. */
#include "api.h"
#include "base/clock.h"
#include "platform/file.h"
#include "protocol/base64.h"
#include "protocol/secret.h"
#include "protocol/token_file.h"

#include "base/banned.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define HOURS_MAX (24u * 365u)
#define USES_MAX 100000u

static void write_token(cd_jw *w, const con_token *t)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "id", t->id);
  cd_jw_u64(w, "usesLeft", t->uses_left);
  cd_jw_u64(w, "usesMade", t->uses_made);
  cd_jw_time(w, "created", t->created_ms);
  cd_jw_time(w, "expires", t->expires_ms);
  cd_jw_str(w, "createdBy", t->created_by);
  cd_jw_raw(w, "tags", t->tags.len > 0 ? t->tags : CD_STR("[]"));
  cd_jw_raw(w, "choices", t->choices.len > 0 ? t->choices : CD_STR("[]"));
  cd_jw_str(w, "note", t->note);
  cd_jw_bool(w, "revoked", t->revoked);
  cd_jw_end_obj(w);
}

static bool each_token(void *context, const con_token *t)
{
  write_token(context, t);
  return true;
}

void con_api_tokens(con_call *c)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "value");
  cd_code rc = con_token_each(c->server->store, each_token, &w, &err);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    con_call_written(c, 200, &w);
  else
    con_call_trouble(c, &err);
}

/* ---- create ---- */

typedef struct token_wish {
  uint64_t uses;
  uint64_t hours;
  cd_str note;
  cd_str tags[CON_TAGS_MAX];
  size_t tag_count;
  cd_str choices[CON_TAGS_MAX];
  size_t choice_count;
} token_wish;

static void read_tags(cd_json *root, const char *key, cd_str tags[CON_TAGS_MAX], size_t *ret_count)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, key, CON_TAGS_MAX, &list))
    return;
  *ret_count = cd_json_len(&list);
  for (size_t i = 0; i < *ret_count; i++)
    cd_json_at_str(&list, i, CON_TAG_MAX, &tags[i]);
}

static bool read_wish(con_call *c, cd_json *root, token_wish *ret_wish)
{
  token_wish t = {.uses = 1, .hours = 24};
  (void)cd_json_opt_u64(root, "uses", USES_MAX, &t.uses);
  (void)cd_json_opt_u64(root, "hours", HOURS_MAX, &t.hours);
  (void)cd_json_opt_str(root, "note", CON_NOTE_MAX, &t.note);
  read_tags(root, "tags", t.tags, &t.tag_count);
  read_tags(root, "choices", t.choices, &t.choice_count);
  if (!con_call_body_whole(c, root))
    return false;
  if (t.uses == 0 || t.hours == 0) {
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input: uses and hours are at least 1");
    return false;
  }
  *ret_wish = t;
  return true;
}

/* What verifies the URL for people: ours, or what the configuration says. */
static cd_code read_tls_ca(const con_server *s, cd_buf *out, cd_err *err)
{
  if (s->config.ca[0] != '\0')
    return pf_file_read(s->config.ca, CD_TOKEN_TLS_CA_MAX, out, err);
  cd_buf_add_cstr(out, s->keys.ca);
  return cd_buf_status(out, "the CA certificate", err);
}

static cd_code read_root(const con_server *s, cd_public_key *ret_root, cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  if (!cd_base64url_decode(cd_str_from(s->keys.root), der, sizeof(der), &len))
    return cd_fail(err, CD_E_INVALID, "the root key cannot be read");
  return cd_public_key_from_der((cd_str){(const char *)der, len}, ret_root, err);
}

static cd_code write_file(const con_server *s, const uint8_t secret[CON_SECRET_SIZE], cd_buf *out,
                          cd_err *err)
{
  cd_token_file f = {.enroll_count = 1,
                     .enroll = {s->config.url},
                     .agent_count = (unsigned)s->config.agents_at_count,
                     .ca = cd_str_from(s->keys.ca)};
  cd_buf tls_ca = CD_BUF_INIT(CD_TOKEN_TLS_CA_MAX);
  for (size_t i = 0; i < s->config.agents_at_count; i++)
    f.agents[i] = s->config.agents_at[i];
  for (size_t i = 0; i < CON_SECRET_SIZE; i++)
    f.token[i] = secret[i];
  cd_code rc = read_root(s, &f.root, err);
  if (rc == CD_OK)
    rc = read_tls_ca(s, &tls_ca, err);
  f.tls_ca = cd_buf_view(&tls_ca);
  if (rc == CD_OK)
    rc = cd_token_file_write(&f, out, err);
  cd_wipe(f.token, sizeof(f.token));
  cd_buf_release(&tls_ca);
  return rc;
}

static cd_code create(con_call *c, const token_wish *t, cd_err *err)
{
  char id[CD_ID_SIZE];
  uint8_t secret[CON_SECRET_SIZE];
  const con_by by = con_call_by(c, t->note);
  int64_t expires_ms = cd_wall_ms() + (int64_t)t->hours * HOUR_MS;
  cd_buf file = CD_BUF_INIT(CD_TOKEN_FILE_MAX);
  cd_jw w;
  const con_token_new token = {.uses = t->uses,
                               .expires_ms = expires_ms,
                               .tags = t->tags,
                               .tag_count = t->tag_count,
                               .note = t->note,
                               .choices = t->choices,
                               .choice_count = t->choice_count};
  cd_code rc = con_token_make(c->server->store, &by, &token, id, secret, err);
  if (rc != CD_OK)
    return rc;
  rc = write_file(c->server, secret, &file, err);
  cd_wipe(secret, sizeof(secret));
  if (rc == CD_OK) {
    cd_jw_init(&w, &c->reply.body);
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "id", id);
    cd_jw_time(&w, "expires", expires_ms);
    cd_jw_u64(&w, "usesLeft", t->uses);
    cd_jw_raw(&w, "file", cd_buf_view(&file));
    cd_jw_end_obj(&w);
    con_call_written(c, 201, &w);
  }
  cd_buf_wipe(&file);
  return rc;
}

void con_api_token_create(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  token_wish t = {0};
  cd_err err = {0};
  if (!c->server->attached) {
    con_reply_error(&c->reply, CON_UNAVAILABLE, "The signer is not there; try again");
    return;
  }
  if (con_call_body(c, &doc, &root) && read_wish(c, &root, &t)) {
    cd_code rc = create(c, &t, &err);
    if (rc == CD_E_INVALID || rc == CD_E_LIMIT)
      con_reply_error(&c->reply, CON_INVALID_INPUT, "%s", err.text);
    else if (rc != CD_OK)
      con_call_trouble(c, &err);
  }
  cd_json_free(doc);
}

/* There is nothing to say with it; what is said all the same is not passed over. */
static bool says_nothing(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  if (c->body.len == 0)
    return true;
  bool good = con_call_body(c, &doc, &root) && con_call_body_whole(c, &root);
  cd_json_free(doc);
  return good;
}

void con_api_token_revoke(con_call *c)
{
  if (!says_nothing(c))
    return;
  const con_by by = con_call_by(c, (cd_str){0});
  cd_str id = c->match.captured[0];
  cd_err err = {0};
  cd_code rc = con_token_revoke(c->server->store, &by, id, &err);
  if (rc == CD_OK) {
    cd_buf_addf(&c->reply.body, "{\"id\":\"%.*s\",\"revoked\":true}", CD_STR_ARG(id));
    c->reply.status = 200;
  } else if (rc == CD_E_NOTFOUND) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "Token %.*s was not found", CD_STR_ARG(id));
  } else {
    con_call_trouble(c, &err);
  }
}
