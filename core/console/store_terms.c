#include "store_terms.h"

#include "base/limits.h"
#include "protocol/limits.h"

#include "base/banned.h"

static cd_code write(cd_str type, cd_str exclusions, bool warn, const cd_terms *terms, cd_jw *w,
                     cd_err *err)
{
  cd_jw_obj(w, NULL);
  cd_jw_str(w, "type", type);
  cd_jw_raw(w, "exclusions", exclusions.len > 0 ? exclusions : CD_STR("[]"));
  if (warn)
    cd_jw_cstr(w, "preflight", "warn");
  cd_terms_write(terms, w);
  cd_jw_end_obj(w);
  return cd_jw_done(w, "the parameters", err);
}

cd_code con_parameters_write(cd_str type, cd_str exclusions, bool warn, const cd_terms *terms,
                             cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  return write(type, exclusions, warn, terms, &w, err);
}

cd_code con_parameters_with(cd_str parameters, const cd_terms *terms, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str type = {0};
  cd_str judgement = {0};
  cd_json list = {0};
  cd_buf exclusions = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = cd_json_parse(parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "type", CD_WORD_MAX, &type);
  cd_json_arr(&root, "exclusions", CD_EXCLUSIONS_MAX, &list);
  (void)cd_json_opt_str(&root, "preflight", CD_WORD_MAX, &judgement);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK) {
    cd_json_print(&list, &exclusions);
    rc = cd_buf_status(&exclusions, "the exclusions", err);
  }
  if (rc == CD_OK)
    rc = con_parameters_write(type, cd_buf_view(&exclusions), cd_str_eq_cstr(judgement, "warn"),
                              terms, out, err);
  cd_json_free(doc);
  cd_buf_release(&exclusions);
  return rc;
}

cd_code con_parameters_terms(cd_str parameters, cd_terms *ret_terms, cd_err *err)
{
  cd_terms t;
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_terms_read(&root, &t);
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_terms = t;
  return rc;
}

int64_t con_parameters_lease(cd_str parameters)
{
  cd_terms t;
  cd_err err = {0};
  return con_parameters_terms(parameters, &t, &err) == CD_OK ? t.lease_until_ms : 0;
}

int64_t con_parameters_expiry(cd_str parameters, int64_t expires_ms)
{
  int64_t until = con_parameters_lease(parameters);
  return until != 0 && until < expires_ms ? until : expires_ms;
}

void con_parameters_show(cd_str parameters, bool isolated, cd_jw *w)
{
  cd_terms t;
  cd_err err = {0};
  if (!isolated || con_parameters_terms(parameters, &t, &err) != CD_OK) {
    cd_jw_null(w, "lease_until");
    cd_jw_null(w, "lost_console");
    cd_jw_null(w, "unreachable");
    return;
  }
  cd_jw_time(w, "lease_until", t.lease_until_ms);
  cd_terms_write_rules(&t, w);
}
