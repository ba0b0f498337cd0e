#include "strict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft.h"

enum { LINE_MAX_LEN = 256 };

static const struct {
  const char *prefix;
  const char *hook;
  const char *jump;
} ways[2] = {{"chain in_", "type filter hook ingress device \"", "jump in"},
             {"chain out_", "type filter hook egress device \"", "jump out"}};

static size_t line_len(const char *text)
{
  return strcspn(text, "\n");
}

static const char *next_line(const char *text)
{
  size_t len = line_len(text);
  return text[len] == '\n' ? text + len + 1 : text + len;
}

static bool is_line(const char *text, const char *line)
{
  size_t len = strlen(line);
  return line_len(text) == len && memcmp(text, line, len) == 0;
}

/* The name of the link in `type filter hook W device "NAME" priority 0; policy drop;` and nothing
 * else. */
static bool read_hook(const char *text, size_t way, char ret_name[IF_NAMESIZE])
{
  static const char end[] = "\" priority 0; policy drop;";
  size_t len = line_len(text);
  size_t begin_len = strlen(ways[way].hook);
  if (len <= begin_len + sizeof(end) - 1 || memcmp(text, ways[way].hook, begin_len) != 0)
    return false;
  size_t name_len = len - begin_len - (sizeof(end) - 1);
  if (name_len >= IF_NAMESIZE || memcmp(text + begin_len + name_len, end, sizeof(end) - 1) != 0)
    return false;
  memcpy(ret_name, text + begin_len, name_len);
  ret_name[name_len] = '\0';
  return memchr(ret_name, '"', name_len) == NULL;
}

/* Four lines, exactly: the chain, its hook, the jump, the brace. NULL if it is something else. */
static const char *take_chain(const char *text, size_t way, iso_hooks *covered)
{
  char name[IF_NAMESIZE] = "";
  size_t prefix_len = strlen(ways[way].prefix);
  if (strncmp(text, ways[way].prefix, prefix_len) != 0)
    return NULL;
  size_t digits = strspn(text + prefix_len, "0123456789");
  if (digits == 0 || digits > 10 || line_len(text) != prefix_len + digits + 2 ||
      memcmp(text + prefix_len + digits, " {", 2) != 0)
    return NULL;
  const char *hook = next_line(text);
  const char *jump = next_line(hook);
  const char *brace = next_line(jump);
  if (!read_hook(hook, way, name) || !is_line(jump, ways[way].jump) || !is_line(brace, "}") ||
      covered->count == ISO_HOOKS_MAX)
    return NULL;
  iso_hook *h = &covered->items[covered->count++];
  memcpy(h->name, name, sizeof(h->name));
  h->index = (unsigned)strtoul(text + prefix_len, NULL, 10);
  return next_line(brace);
}

void iso_strict_take_links(const char *normalised, iso_strict *s, sup_text *rest)
{
  const char *at = normalised;
  while (*at != '\0') {
    const char *behind = take_chain(at, 0, &s->in);
    if (behind == NULL)
      behind = take_chain(at, 1, &s->out);
    if (behind == NULL) {
      behind = next_line(at);
      sup_text_bytes(rest, at, (size_t)(behind - at));
    }
    at = behind;
  }
}

static void find_uncovered(iso_strict *s)
{
  for (size_t i = 0; i < s->needed.count && s->uncovered[0] == '\0'; i++) {
    const iso_hook *h = &s->needed.items[i];
    if (!iso_hooks_have(&s->in, h->name) || !iso_hooks_have(&s->out, h->name))
      memcpy(s->uncovered, h->name, sizeof(s->uncovered));
  }
}

cordon_status iso_strict_look(bool wanted, iso_strict *ret_strict, sup_text *normal, sup_err *err)
{
  sup_text listing = SUP_TEXT_INIT(ISO_LISTING_MAX);
  sup_text whole = SUP_TEXT_INIT(ISO_LISTING_MAX);
  iso_strict *s = ret_strict;
  cordon_status status = wanted ? iso_hooks_read(&s->needed, err) : CORDON_OK;
  if (status == CORDON_OK)
    status = iso_nft_has_table(&iso_strict_table, &s->there, NULL, err);
  if (status == CORDON_OK && s->there)
    status = iso_nft_list(NULL, "list table netdev " ISO_STRICT_TABLE, &listing, err);
  if (status == CORDON_OK && s->there) {
    iso_listing_normalise(sup_text_get(&listing), listing.len, &whole);
    iso_strict_take_links(sup_text_get(&whole), s, normal);
    if (whole.failed || normal->failed)
      status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to compare the rules of strict");
  }
  find_uncovered(s);
  sup_text_release(&listing);
  sup_text_release(&whole);
  return status;
}

void iso_strict_add(const iso_strict *s, cJSON *details)
{
  cJSON *strict = cJSON_AddObjectToObject(details, "strict");
  cJSON *links = cJSON_AddArrayToObject(strict, "links");
  for (size_t i = 0; i < s->needed.count; i++) {
    const char *name = s->needed.items[i].name;
    if (iso_hooks_have(&s->in, name) && iso_hooks_have(&s->out, name))
      (void)cJSON_AddItemToArray(links, cJSON_CreateString(name));
  }
  if (s->uncovered[0] != '\0')
    (void)cJSON_AddStringToObject(strict, "uncovered", s->uncovered);
}

cordon_status iso_strict_works(sup_err *err)
{
  sup_err why = {0};
  if (iso_nft_load("table netdev " ISO_STRICT_TABLE "_try {\n  chain out {\n    type filter hook "
                   "egress device \"lo\" priority 0;\n  }\n}\n",
                   true, &why) == CORDON_OK)
    return CORDON_OK;
  return sup_fail(
      err, CORDON_E_UNSUPPORTED,
      "strict is not possible: this kernel has no hook where frames leave a link (Linux "
      "5.16 with CONFIG_NETFILTER_EGRESS): %s",
      why.sentence);
}
