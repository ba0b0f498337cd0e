/* Forms and token requests, from anybody who reaches the port. */
#include "form.h"
#include "oauth.h"

#include "fuzz_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  con_form f = {0};
  con_token_request r = {0};
  con_oauth_fault fault = 0;
  cd_err err = {0};
  cd_code rc = con_form_parse((cd_str){(const char *)data, size}, &f, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return 0;
  cd_buf text = CD_BUF_INIT(3 * CON_FORM_MAX + CON_FORM_FIELDS * 4);
  for (size_t i = 0; i < f.count; i++) {
    con_percent_add(&text, f.fields[i].name);
    cd_buf_add_char(&text, '=');
    con_percent_add(&text, f.fields[i].value);
    cd_buf_add_char(&text, '&');
  }
  rc = con_oauth_read(&f, &r, &fault, &err);
  must_explain(rc, &err);
  must(rc == CD_OK ? r.client_secret.len > 0 : con_oauth_status(fault) >= 400, "no outcome");
  /* What was read, written and read again is the same. */
  con_form again = {0};
  if (text.len <= CON_FORM_MAX) {
    must(con_form_parse(cd_buf_view(&text), &again, &err) == CD_OK, "refuses what it wrote");
    must(again.count == f.count, "another number of fields");
    for (size_t i = 0; i < f.count; i++)
      must(cd_str_eq(f.fields[i].name, again.fields[i].name) &&
               cd_str_eq(f.fields[i].value, again.fields[i].value),
           "another field");
  }
  con_form_release(&again);
  con_form_release(&f);
  cd_buf_release(&text);
  return 0;
}
