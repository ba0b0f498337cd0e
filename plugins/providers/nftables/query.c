/* query and probe: what the machine holds, and what it can. */
#include "isolate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "nft.h"
#include "packets.h"
#include "sockets.h"
#include "support/json.h"

static cordon_status answer_query(const iso_plugin *self, const sup_call *call,
                                  const iso_holding *h, const iso_params *p, sup_err *err)
{
  iso_counters counters = {0};
  sup_err ignored = {0};
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(result, "state", iso_state_name(h->state));
  sup_json_add_text(result, "digest", h->digest[0] != '\0' ? h->digest : NULL);
  cJSON *details = cJSON_AddObjectToObject(result, "details");
  if (h->frame.tag[0] != '\0')
    (void)cJSON_AddStringToObject(details, "made_from", h->frame.tag);
  if (h->note != NULL)
    (void)cJSON_AddStringToObject(details, "note", h->note);
  iso_guard_add(&self->guard, h->guard, details);
  if (p->strict || h->strict.there)
    iso_strict_add(&h->strict, details);
  iso_services_add(p, details);
  if (h->renew)
    (void)cJSON_AddBoolToObject(result, "renew", 1);
  /* What the rules hold is the answer; a counter that cannot be read takes nothing from it. */
  if (h->frame.table && iso_take_counters(h, &counters, &ignored) == CORDON_OK)
    iso_add_console_dropped(details, &counters);
  cordon_status status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

cordon_status iso_query(iso_plugin *self, const sup_call *call, sup_err *err)
{
  iso_params p = {0};
  sup_text rules = SUP_TEXT_INIT(ISO_RULESET_ROOM);
  char tag[ISO_TAG_LEN + 1] = "";
  iso_holding h = {0};
  cJSON *doc = sup_call_params(call, err);
  if (doc == NULL)
    return err->status;
  /* An empty object asks for whatever is there, for a device that should hold nothing. */
  bool anything = cJSON_GetArraySize(doc) == 0;
  cJSON_Delete(doc);
  cordon_status status = anything ? CORDON_OK : iso_read_request(self, call, &p, &rules, tag, err);
  iso_expected expected = {
      .tag = anything ? NULL : tag, .strict = p.strict, .params = anything ? NULL : &p};
  if (status == CORDON_OK)
    status = iso_examine(self, &expected, &h, err);
  if (status == CORDON_OK)
    status = answer_query(self, call, &h, &p, err);
  iso_params_release(&p);
  sup_text_release(&rules);
  return status;
}

/* Uses everything that any rules of ours use, so that the kernel can say what it lacks. */
static const char everything[] =
    "{\"type\":\"selective\",\"console\":[{\"address\":\"192.0.2.1\",\"port\":443},{\"address\":"
    "\"2001:db8::1\",\"port\":"
    "443}],\"resolvers\":[\"192.0.2.2\",\"2001:db8::2\"],\"mark\":1,\"exclusions\":["
    "{\"direction\":\"both\",\"address\":\"198.51.100.0/"
    "24\"},{\"direction\":\"both\",\"address\":\"2001:db8:1::/48\"},"
    "{\"direction\":\"both\",\"address\":\"203.0.113.1\",\"protocol\":\"icmp\"},"
    "{\"direction\":\"both\",\"address\":\"2001:db8:2::1-2001:db8:2::9\",\"protocol\":\"icmp\"},"
    "{\"direction\":\"both\",\"address\":\"203.0.113.2\",\"protocol\":\"tcp\",\"port\":\"80-90\"}]"
    "}";

/* Once in a process: trying it out makes the kernel wait for all its processors, which an order
 * that is to be in force at once need not do again. */
static cordon_status try_everything(iso_ability *a, sup_err *err)
{
  if (a->takes_all)
    return CORDON_OK;
  iso_params p = {0};
  sup_text rules = SUP_TEXT_INIT(ISO_RULESET_ROOM);
  char tag[ISO_TAG_LEN + 1];
  sup_call all = {.params = everything, .params_len = sizeof(everything) - 1};
  cordon_status status = iso_read_request(NULL, &all, &p, &rules, tag, err);
  if (status == CORDON_OK)
    status = iso_nft_load(sup_text_get(&rules), true, err);
  a->takes_all = status == CORDON_OK;
  iso_params_release(&p);
  sup_text_release(&rules);
  return status;
}

/* Why it cannot work here, in the two words that the contract has for it. */
static cordon_status no_use(cordon_status status, const sup_err *why, sup_err *err)
{
  if (status == CORDON_E_DENIED)
    return sup_fail(
        err, CORDON_E_UNAVAILABLE,
        "the kernel does not let this process change nftables rules; it needs CAP_NET_ADMIN: %s",
        why->sentence);
  if (status == CORDON_E_UNSUPPORTED || status == CORDON_E_NOTFOUND || status == CORDON_E_INVALID)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "this kernel lacks a part of nftables that isolation needs (inet family, "
                    "conntrack, reject, "
                    "interval sets): %s",
                    why->sentence);
  return sup_fail(err, CORDON_E_UNAVAILABLE, "nftables does not answer as it should: %s",
                  why->sentence);
}

static bool has_ipv6(void)
{
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0)
    (void)close(fd);
  return fd >= 0;
}

static bool can_watch(void)
{
  int fd = -1;
  if (iso_watch_open(&fd, NULL) != CORDON_OK)
    return false;
  (void)close(fd);
  return true;
}

static const iso_ability *ability(iso_plugin *self)
{
  iso_ability *a = &self->ability;
  bool services = a->services;
  if (!a->tried)
    (void)iso_groups_work(&services, NULL);
  if (!a->tried)
    *a = (iso_ability){.takes_all = a->takes_all,
                       .tried = true,
                       .guard = iso_guard_works(),
                       .strict = iso_strict_works(NULL) == CORDON_OK,
                       .end_sockets = iso_sockets_can_end(),
                       .services = services};
  return a;
}

static cordon_status answer_probe(iso_plugin *self, const sup_call *call, const char *version,
                                  sup_err *err)
{
  static const char *const always[] = {"full",  "selective", "ipv4",     "address",   "cidr",
                                       "range", "port",      "protocol", "direction", "mark"};
  cJSON *result = cJSON_CreateObject();
  cJSON *features = cJSON_AddArrayToObject(result, "features");
  for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
    (void)cJSON_AddItemToArray(features, cJSON_CreateString(always[i]));
  if (has_ipv6())
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("ipv6"));
  if (can_watch())
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("watch"));
  const iso_ability *can = ability(self);
  if (can->end_sockets)
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("destroy_sockets"));
  (void)cJSON_AddItemToArray(features, cJSON_CreateString("packet_sockets"));
  if (iso_sight(self->host) != NULL)
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("other_namespaces"));
  if (can->guard)
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("guard"));
  if (can->strict)
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("strict"));
  if (can->services)
    (void)cJSON_AddItemToArray(features, cJSON_CreateString("service"));
  (void)cJSON_AddStringToObject(result, "product", "nftables");
  sup_json_add_text(result, "product_version", version);
  cordon_status status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

cordon_status iso_probe(iso_plugin *self, const sup_call *call, sup_err *err)
{
  sup_err why = {0};
  uint32_t generation = 0;
  char version[32] = "";
  /* Before libnftables, which ends the process where there is no netlink socket for it. */
  cordon_status status = iso_gens_current(&generation, &why);
  if (status == CORDON_OK)
    status = iso_nft_version(version, sizeof(version), &why);
  if (status == CORDON_OK)
    status = try_everything(&self->ability, &why);
  return status == CORDON_OK ? answer_probe(self, call, version, err) : no_use(status, &why, err);
}
