#include "params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"

enum { NOTE_MAX = 200 };

typedef struct word {
  const char *name;
  uint8_t value;
} word;

static const word directions[] = {
    {"out", ISO_OUT}, {"in", ISO_IN}, {"both", ISO_OUT | ISO_IN}, {NULL, 0}};
static const word protocols[] = {
    {"any", ISO_ANY}, {"tcp", ISO_TCP}, {"udp", ISO_UDP}, {"icmp", ISO_ICMP}, {NULL, 0}};

static cordon_status read_word(const word *words, const char *text, const char *at,
                               const char *choice, uint8_t *ret_value, sup_err *err)
{
  for (const word *w = words; w->name != NULL; w++) {
    if (strcmp(w->name, text) == 0) {
      *ret_value = w->value;
      return CORDON_OK;
    }
  }
  return sup_fail(err, CORDON_E_INVALID, "%s '%.32s' is none of %s", at, text, choice);
}

/* A port in plain decimal, 1 to 65535; `*text` moves behind it. */
static bool read_port(const char **text, uint16_t *ret_port)
{
  uint32_t port = 0;
  const char *c = *text;
  if (*c < '1' || *c > '9')
    return false;
  for (; *c >= '0' && *c <= '9'; c++) {
    port = port * 10 + (uint32_t)(*c - '0');
    if (port > 65535)
      return false;
  }
  *text = c;
  *ret_port = (uint16_t)port;
  return true;
}

static cordon_status read_ports(const char *text, const char *at, iso_exclusion *x, sup_err *err)
{
  const char *c = text;
  if (!read_port(&c, &x->port_first))
    goto malformed;
  x->port_last = x->port_first;
  if (*c == '-') {
    c++;
    if (!read_port(&c, &x->port_last))
      goto malformed;
  }
  if (*c != '\0')
    goto malformed;
  if (x->port_first > x->port_last)
    return sup_fail(err, CORDON_E_INVALID, "%s '%s' ends before it begins", at, text);
  return CORDON_OK;
malformed:
  return sup_fail(err, CORDON_E_INVALID,
                  "%s '%.32s' is no port from 1 to 65535 and no range of two of them", at, text);
}

static size_t characters(const char *utf8)
{
  size_t count = 0;
  for (; *utf8 != '\0'; utf8++)
    count += ((unsigned char)*utf8 & 0xc0) != 0x80;
  return count;
}

/* The place of the service of that name, which is added if it is new. */
static cordon_status read_service(const char *name, const char *at, iso_params *p, uint16_t *ret_at,
                                  sup_err *err)
{
  if (!iso_group_name_good(name))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s '%.64s' is no name of a service: letters, digits and :-_.\\@, at most %d "
                    "of them, ending in .service or .socket, and the instance of a template",
                    at, name, ISO_GROUP_NAME - 1);
  size_t i = 0;
  while (i < p->group_count && strcmp(p->groups[i].name, name) != 0)
    i++;
  if (i == ISO_GROUPS_MAX)
    return sup_fail(err, CORDON_E_LIMIT, "%s: the exclusions name more than %d services", at,
                    ISO_GROUPS_MAX);
  if (i == p->group_count) {
    (void)snprintf(p->groups[i].name, sizeof(p->groups[i].name), "%s", name);
    p->group_count++;
  }
  *ret_at = (uint16_t)i;
  return CORDON_OK;
}

/* A service's packets are told by its sockets, which the kernel finds for TCP and UDP only. */
static cordon_status narrow_to_sockets(const char *path, iso_exclusion *x, sup_err *err)
{
  if (x->protocols == ISO_ICMP)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "%s.protocol 'icmp' cannot be told by service: tcp, udp or any (which then is "
                    "both)",
                    path);
  x->protocols &= ISO_TCP | ISO_UDP;
  return CORDON_OK;
}

static cordon_status read_whose(const cJSON *v, const char *path, iso_params *p, iso_exclusion *x,
                                bool *ret_by_service, sup_err *err)
{
  const char *service = NULL, *address = NULL;
  char at[SUP_JSON_PATH_MAX];
  cordon_status status = sup_json_text(v, path, "service", 1, &service, err);
  if (status == CORDON_OK)
    status = sup_json_text(v, path, "address", service != NULL, &address, err);
  if (status == CORDON_OK && address != NULL) {
    sup_json_path(at, path, "address");
    status = iso_range_parse(address, at, &x->remote, err);
  }
  if (status == CORDON_OK && service != NULL) {
    sup_json_path(at, path, "service");
    status = read_service(service, at, p, &x->service, err);
  }
  *ret_by_service = service != NULL;
  return status;
}

static cordon_status read_exclusion(const cJSON *v, const char *path, iso_params *p,
                                    iso_exclusion *x, bool *ret_by_service, sup_err *err)
{
  static const char *const names[] = {"direction", "address", "service", "protocol",
                                      "port",      "note",    NULL};
  const char *direction = NULL, *protocol = NULL, *port = NULL, *note = NULL;
  cordon_status status = sup_json_members(v, path, names, err);
  if (status != CORDON_OK ||
      (status = sup_json_text(v, path, "direction", 0, &direction, err)) != CORDON_OK ||
      (status = sup_json_text(v, path, "protocol", 1, &protocol, err)) != CORDON_OK ||
      (status = sup_json_text(v, path, "port", 1, &port, err)) != CORDON_OK ||
      (status = sup_json_text(v, path, "note", 1, &note, err)) != CORDON_OK)
    return status;
  char at[SUP_JSON_PATH_MAX];
  sup_json_path(at, path, "direction");
  status = read_word(directions, direction, at, "out, in and both", &x->directions, err);
  if (status != CORDON_OK)
    return status;
  status = read_whose(v, path, p, x, ret_by_service, err);
  if (status != CORDON_OK)
    return status;
  sup_json_path(at, path, "protocol");
  status = read_word(protocols, protocol != NULL ? protocol : "any", at, "any, tcp, udp and icmp",
                     &x->protocols, err);
  if (status != CORDON_OK)
    return status;
  if (note != NULL && characters(note) > NOTE_MAX)
    return sup_fail(err, CORDON_E_INVALID, "%s.note is longer than %d characters", path, NOTE_MAX);
  x->port_first = 0;
  x->port_last = 65535;
  if (port == NULL)
    return *ret_by_service ? narrow_to_sockets(path, x, err) : CORDON_OK;
  if (x->protocols != ISO_TCP && x->protocols != ISO_UDP)
    return sup_fail(err, CORDON_E_INVALID,
                    "%s.port needs the protocol tcp or udp, for '%s' has no ports of its own", path,
                    protocol != NULL ? protocol : "any");
  sup_json_path(at, path, "port");
  return read_ports(port, at, x, err);
}

static cordon_status read_exclusions(const cJSON *array, iso_params *p, sup_err *err)
{
  size_t count = (size_t)cJSON_GetArraySize(array);
  if (count == 0)
    return CORDON_OK;
  p->exclusions = calloc(count, sizeof(*p->exclusions));
  p->by_service = calloc(count, sizeof(*p->by_service));
  p->groups = calloc(ISO_GROUPS_MAX, sizeof(*p->groups));
  if (p->exclusions == NULL || p->by_service == NULL || p->groups == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for %zu exclusions", count);
  const cJSON *v = NULL;
  cJSON_ArrayForEach(v, array)
  {
    char path[SUP_JSON_PATH_MAX];
    iso_exclusion x = {0};
    bool by_service = false;
    (void)snprintf(path, sizeof(path), "exclusions[%zu]", p->exclusion_count + p->by_service_count);
    cordon_status status = read_exclusion(v, path, p, &x, &by_service, err);
    if (status != CORDON_OK)
      return status;
    if (by_service)
      p->by_service[p->by_service_count++] = x;
    else
      p->exclusions[p->exclusion_count++] = x;
  }
  return CORDON_OK;
}

static cordon_status read_consoles(const cJSON *array, iso_params *p, sup_err *err)
{
  static const char *const names[] = {"address", "port", NULL};
  const cJSON *v = NULL;
  cJSON_ArrayForEach(v, array)
  {
    char path[SUP_JSON_PATH_MAX];
    char at[SUP_JSON_PATH_MAX];
    (void)snprintf(path, sizeof(path), "console[%zu]", p->console_count);
    const char *address = NULL;
    uint32_t port = 0;
    cordon_status status = sup_json_members(v, path, names, err);
    if (status != CORDON_OK ||
        (status = sup_json_text(v, path, "address", 0, &address, err)) != CORDON_OK ||
        (status = sup_json_u32(v, path, "port", 1, 65535, &port, err)) != CORDON_OK)
      return status;
    iso_endpoint *e = &p->consoles[p->console_count];
    sup_json_path(at, path, "address");
    status = iso_addr_parse(address, at, &e->addr, err);
    if (status != CORDON_OK)
      return status;
    e->port = (uint16_t)port;
    p->console_count++;
  }
  return CORDON_OK;
}

static cordon_status read_resolvers(const cJSON *array, iso_params *p, sup_err *err)
{
  const cJSON *v = NULL;
  cJSON_ArrayForEach(v, array)
  {
    char at[SUP_JSON_PATH_MAX];
    (void)snprintf(at, sizeof(at), "resolvers[%zu]", p->resolver_count);
    if (!cJSON_IsString(v))
      return sup_fail(err, CORDON_E_INVALID, "%s must be text", at);
    cordon_status status =
        iso_addr_parse(v->valuestring, at, &p->resolvers[p->resolver_count], err);
    if (status != CORDON_OK)
      return status;
    p->resolver_count++;
  }
  return CORDON_OK;
}

static cordon_status read_type(const char *type, const iso_params *p, bool *ret_selective,
                               sup_err *err)
{
  bool selective = strcmp(type, "selective") == 0;
  bool some = p->exclusion_count > 0 || p->by_service_count > 0;
  if (!selective && strcmp(type, "full") != 0)
    return sup_fail(err, CORDON_E_INVALID, "type '%.32s' is neither full nor selective", type);
  if (selective && !some)
    return sup_fail(err, CORDON_E_INVALID,
                    "exclusions is empty, and a selective isolation without exclusions would be a "
                    "full one under "
                    "another name");
  if (!selective && some)
    return sup_fail(err, CORDON_E_INVALID,
                    "exclusions is not empty, but a full isolation has none");
  *ret_selective = selective;
  return CORDON_OK;
}

cordon_status iso_params_read(const cJSON *doc, iso_params *ret_params, sup_err *err)
{
  static const char *const names[] = {"type",       "console", "resolvers", "mark",
                                      "exclusions", "strict",  NULL};
  iso_params p = {0};
  const char *type = NULL;
  const cJSON *consoles = NULL, *resolvers = NULL, *exclusions = NULL;
  cordon_status status = sup_json_members(doc, "", names, err);
  if (status != CORDON_OK ||
      (status = sup_json_text(doc, "", "type", 0, &type, err)) != CORDON_OK ||
      (status = sup_json_array(doc, "", "console", ISO_CONSOLES_MAX, &consoles, err)) !=
          CORDON_OK ||
      (status = sup_json_array(doc, "", "resolvers", ISO_RESOLVERS_MAX, &resolvers, err)) !=
          CORDON_OK ||
      (status = sup_json_u32(doc, "", "mark", 1, UINT32_MAX, &p.mark, err)) != CORDON_OK ||
      (status = sup_json_array(doc, "", "exclusions", ISO_EXCLUSIONS_MAX, &exclusions, err)) !=
          CORDON_OK ||
      (status = read_consoles(consoles, &p, err)) != CORDON_OK ||
      (status = read_resolvers(resolvers, &p, err)) != CORDON_OK ||
      (status = read_exclusions(exclusions, &p, err)) != CORDON_OK)
    goto failed;
  status = read_type(type, &p, &p.selective, err);
  if (status == CORDON_OK)
    status = sup_json_flag(doc, "", "strict", &p.strict, err);
  if (status != CORDON_OK)
    goto failed;
  *ret_params = p;
  return CORDON_OK;
failed:
  iso_params_release(&p);
  return status;
}

void iso_params_release(iso_params *p)
{
  free(p->exclusions);
  free(p->by_service);
  for (size_t i = 0; i < p->group_count; i++)
    free(p->groups[i].below);
  free(p->groups);
  *p = (iso_params){0};
}

static bool lets_through(const iso_exclusion *x, unsigned direction, unsigned protocol,
                         const iso_addr *remote, uint16_t port)
{
  bool any = x->remote.first.family == 0;
  return (x->directions & direction) != 0 && (x->protocols & protocol) != 0 &&
         (any || iso_range_has(&x->remote, remote)) && port >= x->port_first &&
         port <= x->port_last;
}

bool iso_params_excludes(const iso_params *p, unsigned direction, unsigned protocol,
                         const iso_addr *remote, uint16_t port)
{
  for (size_t i = 0; i < p->exclusion_count; i++) {
    if (lets_through(&p->exclusions[i], direction, protocol, remote, port))
      return true;
  }
  return false;
}

bool iso_params_excludes_group(const iso_params *p, uint64_t group, unsigned direction,
                               unsigned protocol, const iso_addr *remote, uint16_t port)
{
  for (size_t i = 0; i < p->by_service_count; i++) {
    const iso_exclusion *x = &p->by_service[i];
    if (iso_group_has(&p->groups[x->service], group) &&
        lets_through(x, direction, protocol, remote, port))
      return true;
  }
  return false;
}
