/* What enrolment keeps and reads: one private file that goes both ways, one device key ever, tokens
 * and proxy files to the letter, requests that are for the key that was made. */
#include "enrolment.h"

#include "config.h"
#include "csr.h"
#include "place.h"
#include "token.h"

#include "protocol/base64.h"

#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cd_err err;

static char *text_of(const char *text)
{
  char *copy = cd_str_dup(cd_str_from(text));
  ck_assert_ptr_nonnull(copy);
  return copy;
}

static agent_enrolment *sample(void)
{
  agent_enrolment *e = agent_enrolment_new();
  ck_assert_ptr_nonnull(e);
  ck_assert_int_eq(agent_device_key(place(), &e->device_key, &err), CD_OK);
  (void)cd_str_copy(e->device, sizeof(e->device), CD_STR("desk-1"));
  e->root = *cd_key_public(e->device_key);
  cd_public_key_id(&e->root, e->root_id);
  e->ca = text_of("CA");
  e->certificate = text_of("CERT");
  e->tls_key = text_of("KEY");
  e->statement = text_of("a.b.c");
  e->order_key = text_of("d.e.f");
  e->enrolled_ms = 1790000000000;
  e->agent_count = 2;
  (void)cd_str_copy(e->agents[0], sizeof(e->agents[0]), CD_STR("console.example:8443"));
  (void)cd_str_copy(e->agents[1], sizeof(e->agents[1]), CD_STR("[2001:db8::1]:8443"));
  return e;
}

START_TEST(what_is_stored_comes_back_and_is_private)
{
  struct stat st;
  agent_enrolment *back = NULL;
  agent_enrolment *e = sample();
  ck_assert_int_eq(agent_enrolment_store(place(), e, &err), CD_OK);
  ck_assert_int_eq(stat(at("enrolment.json"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  ck_assert_msg(agent_enrolment_load(place(), &back, &err) == CD_OK, "%s", err.text);
  ck_assert_str_eq(back->device, e->device);
  ck_assert_str_eq(back->root_id, e->root_id);
  ck_assert_str_eq(back->tls_key, "KEY");
  ck_assert_str_eq(back->order_key, "d.e.f");
  ck_assert_uint_eq(back->agent_count, 2);
  ck_assert_str_eq(back->agents[1], "[2001:db8::1]:8443");
  ck_assert(cd_public_key_equal(cd_key_public(back->device_key), cd_key_public(e->device_key)));
  agent_enrolment_free(back);
  agent_enrolment_free(e);
  agent_enrolment_free(NULL);
}
END_TEST

START_TEST(a_device_without_one_is_not_enrolled)
{
  agent_enrolment *e = NULL;
  ck_assert_int_eq(agent_enrolment_load(place(), &e, &err), CD_OK);
  ck_assert_ptr_null(e);
  ck_assert(!exists(at("device.key")));
}
END_TEST

START_TEST(one_that_makes_no_sense_is_a_failure_that_names_the_file)
{
  agent_enrolment *e = NULL;
  put_text(at("enrolment.json"), "{\"version\":1}", 0600);
  ck_assert_int_eq(agent_enrolment_load(place(), &e, &err), CD_E_INVALID);
  ck_assert_ptr_null(e);
  ck_assert_msg(strstr(err.text, "enrolment.json") != NULL, "%s", err.text);
}
END_TEST

START_TEST(the_device_key_is_made_once)
{
  cd_key *first = NULL;
  cd_key *second = NULL;
  struct stat st;
  ck_assert_int_eq(agent_device_key(place(), &first, &err), CD_OK);
  ck_assert_int_eq(agent_device_key(place(), &second, &err), CD_OK);
  ck_assert(cd_public_key_equal(cd_key_public(first), cd_key_public(second)));
  ck_assert_int_eq(stat(at("device.key"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  cd_key_free(first);
  cd_key_free(second);
}
END_TEST

START_TEST(a_request_is_made_for_a_new_key)
{
  cd_key *first = NULL;
  cd_key *second = NULL;
  cd_buf csr = CD_BUF_INIT(CD_CSR_MAX);
  ck_assert_msg(agent_csr_make("desk-1", &first, &csr, &err) == CD_OK, "%s", err.text);
  ck_assert(cd_str_starts(cd_buf_view(&csr), CD_STR("-----BEGIN CERTIFICATE REQUEST-----\n")));
  cd_buf_reset(&csr);
  ck_assert_int_eq(agent_csr_make("desk-1", &second, &csr, &err), CD_OK);
  ck_assert(!cd_public_key_equal(cd_key_public(first), cd_key_public(second)));
  cd_public_key key;
  ck_assert_int_eq(agent_certificate_key(CD_STR("no certificate"), &key, &err), CD_E_INVALID);
  cd_key_free(first);
  cd_key_free(second);
  cd_buf_release(&csr);
}
END_TEST

/* ---- tokens ---- */

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static cd_code read_token(const char *urls, const char *secret, agent_token *out)
{
  cd_key *key = NULL;
  uint8_t der[CD_KEY_DER_SIZE];
  char root[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_buf text = CD_BUF_INIT(8192);
  cd_json_doc *doc = NULL;
  ck_assert_int_eq(cd_key_generate(&agent_random, &key, &err), CD_OK);
  cd_public_key_to_der(cd_key_public(key), der);
  cd_base64url_text(root, der, sizeof(der));
  cd_key_free(key);
  cd_buf_addf(&text,
              "{\"version\":1,\"enroll\":%s,\"agents\":[\"a:1\"],\"token\":\"%s\",\"root\":\"%s\","
              "\"ca\":\"CA\",\"tls_ca\":\"CA\"}",
              urls, secret, root);
  ck_assert_int_eq(cd_json_parse(cd_buf_view(&text), 8192, "the token", &doc, &err), CD_OK);
  cd_json token = cd_json_root(doc);
  cd_code rc = agent_token_read(&token, out, &err);
  cd_json_free(doc);
  cd_buf_release(&text);
  return rc;
}

START_TEST(a_token_names_where_to_enrol)
{
  agent_token t = {0};
  ck_assert_msg(read_token("[\"https://console.example:8444\",\"https://[2001:db8::1]:1/\","
                           "\"https://plain.example\"]",
                           SECRET, &t) == CD_OK,
                "%s", err.text);
  ck_assert_uint_eq(t.url_count, 3);
  ck_assert_str_eq(t.urls[0].host, "console.example");
  ck_assert_uint_eq(t.urls[0].port, 8444);
  ck_assert_str_eq(t.urls[1].host, "2001:db8::1");
  ck_assert_uint_eq(t.urls[2].port, 443);
}
END_TEST

START_TEST(a_token_is_for_the_consoles_that_it_names)
{
  static const char *const those[] = {"https://console.example:8444",
                                      "https://Console.EXAMPLE:8444/", "https://plain.example",
                                      "https://plain.example:443"};
  static const char *const others[] = {"https://console.example:8443",
                                       "https://console.example",
                                       "https://console.example.org:8444",
                                       "https://[2001:db8::1]:8444",
                                       "http://plain.example",
                                       "plain.example",
                                       ""};
  agent_token t = {0};
  ck_assert_int_eq(
      read_token("[\"https://console.example:8444\",\"https://plain.example\"]", SECRET, &t),
      CD_OK);
  for (size_t i = 0; i < COUNT_OF(those); i++)
    ck_assert_msg(agent_token_of(&t, cd_str_from(those[i]), &err) == CD_OK, "%s: %s", those[i],
                  err.text);
  for (size_t i = 0; i < COUNT_OF(others); i++)
    ck_assert_msg(agent_token_of(&t, cd_str_from(others[i]), &err) == CD_E_INVALID, "%s",
                  others[i]);
  ck_assert_int_eq(agent_token_of(&t, CD_STR("https://other.example:1"), &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the token is for https://console.example:8444, not for "
                             "https://other.example:1");
}
END_TEST

START_TEST(a_token_that_is_not_to_the_letter_is_refused)
{
  static const struct {
    const char *urls;
    const char *secret;
  } rows[] = {{"[]", SECRET},
              {"[\"http://console.example:1\"]", SECRET},
              {"[\"https://console.example/path\"]", SECRET},
              {"[\"https://user@console.example:1\"]", SECRET},
              {"[\"https://console.example:0\"]", SECRET},
              {"[\"https://console.example:1\"]", "short"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    agent_token t = {0};
    ck_assert_msg(read_token(rows[i].urls, rows[i].secret, &t) == CD_E_INVALID, "row %zu", i);
    ck_assert_msg(strstr(err.text, SECRET) == NULL, "the sentence shows the token: %s", err.text);
  }
}
END_TEST

START_TEST(a_proxy_file_has_a_place_and_perhaps_credentials)
{
  agent_proxy p = {0};
  ck_assert_int_eq(agent_proxy_parse(CD_STR("{\"proxy\":\"proxy.example:3128\"}"), "f", &p, &err),
                   CD_OK);
  ck_assert_str_eq(p.host, "proxy.example");
  ck_assert(!p.has_credentials);
  ck_assert_int_eq(
      agent_proxy_parse(
          CD_STR("{\"proxy\":\"[2001:db8::1]:3128\",\"user\":\"u\",\"password\":\"p\"}"), "f", &p,
          &err),
      CD_OK);
  ck_assert(p.has_credentials);
  ck_assert_str_eq(p.host, "2001:db8::1");
  ck_assert_int_eq(agent_proxy_parse(CD_STR("{\"proxy\":\"nowhere\"}"), "f", &p, &err),
                   CD_E_INVALID);
  ck_assert_int_eq(
      agent_proxy_parse(CD_STR("{\"proxy\":\"a:1\",\"password\":\"secret\"}"), "f", &p, &err),
      CD_E_INVALID);
  ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(the_configuration_names_the_channels_user_and_the_proxy_file)
{
  agent_config c;
  agent_config_init(&c);
  ck_assert_str_eq(c.channel_user, "cordon-channel");
  ck_assert_str_eq(c.proxy_file, "");
  ck_assert_int_eq(agent_config_parse(CD_STR("{\"console\":{\"channel_user\":\"nobody\","
                                             "\"proxy_file\":\"/etc/cordon/proxy.json\"}}"),
                                      "c", &c, &err),
                   CD_OK);
  ck_assert_str_eq(c.channel_user, "nobody");
  ck_assert_str_eq(c.proxy_file, "/etc/cordon/proxy.json");
  ck_assert_int_eq(
      agent_config_parse(CD_STR("{\"console\":{\"proxy_file\":\"proxy.json\"}}"), "c", &c, &err),
      CD_E_INVALID);
  agent_config_release(&c);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      what_is_stored_comes_back_and_is_private,
      a_device_without_one_is_not_enrolled,
      one_that_makes_no_sense_is_a_failure_that_names_the_file,
      the_device_key_is_made_once,
      a_request_is_made_for_a_new_key,
      a_token_names_where_to_enrol,
      a_token_is_for_the_consoles_that_it_names,
      a_token_that_is_not_to_the_letter_is_refused,
      a_proxy_file_has_a_place_and_perhaps_credentials,
      the_configuration_names_the_channels_user_and_the_proxy_file,
  };
  if (geteuid() != 0) {
    (void)puts("not root: there is no folder for trusted files");
    return 77;
  }
  return run_suite("agent.enrolment", tests, COUNT_OF(tests));
}
