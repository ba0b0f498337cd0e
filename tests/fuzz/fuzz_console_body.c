/* The bodies of calls that ask for an isolation or a release, from an application that may: they
 * are refused with the API's error shape, or make parameters that the rules for orders take. */
#include "api.h"

#include "fuzz_must.h"

#include <string.h>

#include "protocol/kind.h"

static void check_parameters(const con_wish *w)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  must(cd_json_parse(cd_buf_view(&w->parameters), CD_PARAMETERS_MAX, "parameters", &doc, &err) ==
           CD_OK,
       "parameters that are no JSON");
  cd_json root = cd_json_root(doc);
  cd_order_check_parameters(w->release ? CD_ORDER_RELEASE : CD_ORDER_ISOLATE, &root);
  must(cd_json_done(&root, &err) == CD_OK, err.text);
  cd_json_free(doc);
}

static void ask(con_server *s, cd_str body, bool release)
{
  con_wish w = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  con_call *c = con_call_new(s);
  must(c != NULL, "no memory");
  cd_buf_add_str(&c->body, body);
  if (con_call_body(c, &doc, &root) && con_wish_read(c, &root, release, &w)) {
    must(w.comment.len > 0, "no comment");
    check_parameters(&w);
    con_wish_release(&w);
  } else {
    must(c->reply.status >= 400 && c->reply.status < 500, "no refusal");
    must(strncmp(cd_buf_cstr(&c->reply.body), "{\"error\":{\"code\":\"", 18) == 0, "another shape");
  }
  cd_json_free(doc);
  con_call_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static con_server server;
  static const char config[] =
      "{\"people\":{\"url\":\"https://"
      "c:1\"},\"agents\":{\"addresses\":[\"c:2\"]},\"names\":[\"c\"],"
      "\"exclusions\":[{\"name\":\"default\",\"exclusions\":[{\"direction\":\"out\",\"address\":"
      "\"192.0.2.1\"}]}]}";
  cd_err err = {0};
  cd_str body = {(const char *)data, size};
  if (server.config.doc == NULL) {
    con_config_init(&server.config);
    must(con_config_parse(CD_STR(""), "", &server.config, &err) != CD_OK, "an empty file is good");
    must(con_config_parse(cd_str_from(config), "file", &server.config, &err) == CD_OK, err.text);
  }
  ask(&server, body, false);
  ask(&server, body, true);
  /* The same bytes as a configuration. */
  con_config other;
  con_config_init(&other);
  must_explain(con_config_parse(body, "file", &other, &err), &err);
  con_config_release(&other);
  return 0;
}
