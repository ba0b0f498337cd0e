/* What a policy may say: the members of cordond.json that can be decided from afar, and no others.
 * What cannot be judged without the device (does that provider exist, is that address one of an
 * interface) is for the device to say. */
#include "protocol/policy.h"

#include "protocol/enroll.h"
#include "protocol/terms.h"

#include <string.h>

#include "base/banned.h"

#define PROVIDERS_MAX 8u
#define DISTRUST_MAX 64u
#define RESOLVERS_MAX 16u
#define CHECKS_MAX 32u
#define CONTACT_MAX 200u
#define ADDRESS_TEXT_MAX 45u /* INET6_ADDRSTRLEN without its NUL */

typedef bool (*text_check)(cd_str text);

/* A list of different texts that all are what `good` says. */
static void check_list(cd_json *obj, const char *key, size_t max, size_t text_max, text_check good,
                       const char *what)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(obj, key, max, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, text_max, &text);
    if (text.ptr != NULL && !good(text))
      cd_json_bad(&list, NULL, "has '%.*s', which is no %s", CD_STR_ARG(text), what);
    for (size_t k = 0; k < i; k++) {
      cd_str other = {0};
      cd_json_at_str(&list, k, text_max, &other);
      if (text.ptr != NULL && cd_str_eq(text, other))
        cd_json_bad(&list, NULL, "names '%.*s' twice", CD_STR_ARG(text));
    }
  }
}

static bool is_word(cd_str text)
{
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '-' && c != '_' && c != '.')
      return false;
  }
  return text.len > 0;
}

static bool is_digest(cd_str text)
{
  cd_digest digest;
  return cd_digest_from_text(text, &digest);
}

static bool is_endpoint(cd_str text)
{
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port = 0;
  cd_err why = {0};
  return cd_endpoint_parse(text, host, &port, &why) == CD_OK;
}

/* Its letters only: the device reads it. */
static bool is_address(cd_str text)
{
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!hex && c != '.' && c != ':')
      return false;
  }
  return text.len > 0;
}

static void check_providers(cd_json *body)
{
  static const char *const capabilities[] = {"facts",   "isolate",   "restrict", "scan",
                                             "collect", "remediate", "notify",   "respond"};
  cd_json map = {0};
  cd_json list = {0};
  if (!cd_json_opt_obj(body, "providers", &map))
    return;
  for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
    check_list(&map, capabilities[i], PROVIDERS_MAX, CD_PROVIDER_ID_MAX, is_word, "id of a plugin");
    /* Nobody is made unable to isolate, or to keep a device isolated, from afar. */
    if (cd_json_opt_arr(&map, capabilities[i], PROVIDERS_MAX, &list) && cd_json_len(&list) == 0)
      cd_json_bad(&map, capabilities[i], "must not be empty");
  }
  cd_json_no_more(&map);
}

static void check_plugins(cd_json *body)
{
  cd_json plugins = {0};
  if (!cd_json_opt_obj(body, "plugins", &plugins))
    return;
  check_list(&plugins, "distrust", DISTRUST_MAX, CD_DIGEST_TEXT_MAX - 1, is_digest, "digest");
  cd_json_no_more(&plugins);
}

static void check_console(cd_json *body)
{
  cd_json console = {0};
  if (!cd_json_opt_obj(body, "console", &console))
    return;
  check_list(&console, "agents", CD_CONSOLES_MAX, CD_ENDPOINT_MAX, is_endpoint, "HOST:PORT");
  check_list(&console, "resolvers", RESOLVERS_MAX, ADDRESS_TEXT_MAX, is_address, "address");
  cd_json_no_more(&console);
}

/* {"rule":"keep"} or {"rule":"release","after_s":N} */
static void check_rule(cd_json *obj, const char *key, uint64_t min, uint64_t max)
{
  static const char *const rules[] = {"keep", "release", NULL};
  cd_json rule = {0};
  int which = 0;
  uint64_t after = 0;
  if (!cd_json_opt_obj(obj, key, &rule))
    return;
  cd_json_enum(&rule, "rule", rules, &which);
  bool has = cd_json_opt_u64(&rule, "after_s", max, &after);
  if (has != (which == 1))
    cd_json_bad(&rule, "after_s", "goes with the rule 'release', and only with it");
  else if (has && after < min)
    cd_json_bad(&rule, "after_s", "must be at least %llu", (unsigned long long)min);
  cd_json_no_more(&rule);
}

static void check_isolate(cd_json *body)
{
  cd_json isolate = {0};
  bool strict = false;
  if (!cd_json_opt_obj(body, "isolate", &isolate))
    return;
  check_rule(&isolate, "lost_console", CD_LOST_AFTER_MIN_S, CD_LOST_AFTER_MAX_S);
  check_rule(&isolate, "unreachable", CD_UNREACHABLE_AFTER_MIN_S, CD_UNREACHABLE_AFTER_MAX_S);
  (void)cd_json_opt_bool(&isolate, "strict", &strict);
  cd_json_no_more(&isolate);
}

static void check_local(cd_json *body)
{
  static const char *const isolate[] = {"administrators", "group", "nobody", NULL};
  static const char *const release[] = {"administrators", "group", "code", "nobody", NULL};
  cd_json local = {0};
  int who = 0;
  if (!cd_json_opt_obj(body, "local", &local))
    return;
  (void)cd_json_opt_enum(&local, "isolate", isolate, &who);
  (void)cd_json_opt_enum(&local, "release", release, &who);
  cd_json_no_more(&local);
}

static void check_rest(cd_json *body)
{
  cd_json section = {0};
  cd_str contact = {0};
  bool enabled = false;
  if (cd_json_opt_obj(body, "preflight", &section)) {
    check_list(&section, "refuse", CHECKS_MAX, CD_WORD_MAX, is_word, "name of a check");
    check_list(&section, "warn", CHECKS_MAX, CD_WORD_MAX, is_word, "name of a check");
    cd_json_no_more(&section);
  }
  if (cd_json_opt_obj(body, "notify", &section)) {
    (void)cd_json_opt_bool(&section, "enabled", &enabled);
    (void)cd_json_opt_str(&section, "contact", CONTACT_MAX, &contact);
    cd_json_no_more(&section);
  }
}

void cd_policy_check_body(cd_json *body)
{
  check_providers(body);
  check_plugins(body);
  check_console(body);
  check_isolate(body);
  check_local(body);
  check_rest(body);
  cd_json_no_more(body);
}
