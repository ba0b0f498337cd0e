#include "coverage.h"

#include <stdio.h>
#include <string.h>

#include "nft.h"
#include "support/json.h"

enum { NAME_MAX_LEN = 288 /* names have at most 255 bytes */ };

static const char *const not_probed[] = {
    "what others open to this device: only the digest of the rules tells",
    "what this device forwards, as for containers and guests: only the digest of the rules tells",
    "connections that a flowtable forwards, which pass no rules; details name the flowtables",
    "XDP and eBPF programs, which send and forward below the rules",
    "packet sockets, which receive past the rules, and without strict also send past them; details "
    "name those that are open",
    "macvlan, ipvlan and bridged interfaces on top of one of this device, which without strict "
    "send "
    "past the rules",
    "the network namespaces of containers that have a link of their own: what they send is dropped "
    "only where this device forwards it, or with strict"};

void iso_coverage_add(cJSON *list)
{
  for (size_t i = 0; i < sizeof(not_probed) / sizeof(not_probed[0]); i++)
    (void)cJSON_AddItemToArray(list, cJSON_CreateString(not_probed[i]));
}

/* Copies the words of a line up to its brace, or nothing if it does not begin with `word` or is too
 * long. */
static void take_name(const char *line, size_t len, const char *word, char *ret_name, size_t size)
{
  size_t skip = strlen(word);
  ret_name[0] = '\0';
  if (len < skip + 2 || memcmp(line, word, skip) != 0 || line[len - 1] != '{' ||
      len - skip - 2 >= size)
    return;
  memcpy(ret_name, line + skip, len - skip - 2);
  ret_name[len - skip - 2] = '\0';
}

static void add_name(cJSON *names, const char *table, const char *name)
{
  char full[2 * NAME_MAX_LEN];
  (void)snprintf(full, sizeof(full), "%s %s", table, name);
  /* Through an object, which is where text of unknown making is cleaned. */
  cJSON *holder = cJSON_CreateObject();
  sup_json_add_text(holder, "name", full);
  (void)cJSON_AddItemToArray(names, cJSON_DetachItemFromObject(holder, "name"));
  cJSON_Delete(holder);
}

void iso_flowtables_read(const char *text, size_t len, cJSON *names)
{
  char table[NAME_MAX_LEN] = "";
  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    size_t used = end != NULL ? (size_t)(end - text) : len;
    size_t indent = 0;
    while (indent < used && (text[indent] == '\t' || text[indent] == ' '))
      indent++;
    char name[NAME_MAX_LEN];
    take_name(text + indent, used - indent, "flowtable ", name, sizeof(name));
    if (name[0] != '\0' && cJSON_GetArraySize(names) < ISO_FLOWTABLES_MAX) {
      add_name(names, table, name);
    }
    if (indent == 0 && used > 6 && memcmp(text, "table ", 6) == 0)
      take_name(text, used, "table ", table, sizeof(table));
    used += end != NULL ? 1 : 0;
    text += used;
    len -= used;
  }
}

void iso_coverage_add_flowtables(cJSON *details)
{
  sup_text text = SUP_TEXT_INIT(ISO_LISTING_MAX);
  sup_err why = {0};
  cJSON *names = cJSON_CreateArray();
  if (iso_nft_list(NULL, "list flowtables", &text, &why) == CORDON_OK)
    iso_flowtables_read(sup_text_get(&text), text.len, names);
  else
    sup_json_add_text(details, "flowtables_note", why.sentence);
  if (cJSON_GetArraySize(names) > 0)
    (void)cJSON_AddItemToObject(details, "flowtables", names);
  else
    cJSON_Delete(names);
  sup_text_release(&text);
}
