/* Takes all the memory it can get, at settings.at, but stops at settings.max_mb (default 1024), for
 * builds that cannot limit it. With settings.keep "yes" it keeps it. */
#include "zoo.h"

#include <stdio.h>
#include <stdlib.h>

#define MB (1024u * 1024u)

static struct block {
  struct block *next;
} * all;

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (!zoo_is_at(call))
    return CORDON_OK;
  unsigned long max_mb = zoo_number("max_mb", 1024);
  unsigned long mb = 0;
  for (; mb < max_mb; mb++) {
    struct block *block = malloc(MB);
    if (block == NULL)
      break;
    block->next = all;
    all = block;
  }
  while (all != NULL && !zoo_setting_is("keep", "yes")) {
    struct block *next = all->next;
    free(all);
    all = next;
  }
  if (mb == max_mb)
    return CORDON_OK;
  char sentence[ZOO_TEXT_MAX];
  (void)snprintf(sentence, sizeof(sentence), "no memory after %lu MiB", mb);
  zoo_explain(req, 0, sentence);
  *ret_done = true;
  return CORDON_E_LIMIT;
}
