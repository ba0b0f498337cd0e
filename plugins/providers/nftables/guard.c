#include "guard.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "gens.h"
#include "support/call.h"
#include "support/json.h"

enum { LOOK_AGAIN_MS = 20 };

void iso_guard_open(iso_guard *g)
{
  sup_err why = {0};
  uint32_t generation = 0;
  *g = (iso_guard){.session = NULL};
  /* Before libnftables, which ends the process where there is no netlink socket for it. */
  cordon_status status = iso_gens_current(&generation, &why);
  if (status == CORDON_OK)
    status = iso_session_open(&g->session, &why);
  if (status != CORDON_OK)
    (void)snprintf(g->why, sizeof(g->why), "%.*s", ISO_GUARD_WHY - 1, why.sentence);
}

void iso_guard_close(iso_guard *g)
{
  iso_session_close(g->session);
  g->session = NULL;
  g->held = false;
}

void iso_guard_drop(iso_guard *g)
{
  bool unsupported = g->unsupported;
  char why[ISO_GUARD_WHY];
  memcpy(why, g->why, sizeof(why));
  iso_guard_close(g);
  iso_guard_open(g);
  g->unsupported = unsupported;
  if (g->session != NULL)
    memcpy(g->why, why, sizeof(why));
}

bool iso_guard_possible(const iso_guard *g)
{
  return g->session != NULL && !g->unsupported;
}

void iso_guard_note(iso_guard *g, const char *tag)
{
  g->held = tag != NULL;
  g->why[0] = '\0';
  (void)snprintf(g->tag, sizeof(g->tag), "%s", tag != NULL ? tag : "");
}

void iso_guard_refused(iso_guard *g, const sup_err *why)
{
  (void)snprintf(g->why, sizeof(g->why), "%.*s", ISO_GUARD_WHY - 1, why->sentence);
  iso_guard_drop(g);
}

cordon_status iso_guard_look(const iso_guard *g, const char *tag, iso_guard_state *ret_state,
                             sup_err *err)
{
  bool there = false;
  cordon_status status = iso_nft_has_table(&iso_guard_table, &there, NULL, err);
  if (status != CORDON_OK)
    return status;
  if (there && g->held)
    *ret_state = tag == NULL || strcmp(tag, g->tag) == 0 ? ISO_GUARD_HELD : ISO_GUARD_STALE;
  else if (there)
    *ret_state = ISO_GUARD_FOREIGN;
  else
    *ret_state = iso_guard_possible(g) ? ISO_GUARD_NONE : ISO_GUARD_IMPOSSIBLE;
  return CORDON_OK;
}

bool iso_guard_wait(const iso_guard *g, uint64_t ms)
{
  uint64_t deadline = sup_now_ms() + ms;
  for (;;) {
    iso_guard_state state = ISO_GUARD_NONE;
    if (iso_guard_look(g, NULL, &state, NULL) != CORDON_OK || state != ISO_GUARD_FOREIGN)
      return true;
    if (sup_now_ms() >= deadline)
      return false;
    (void)poll(NULL, 0, LOOK_AGAIN_MS);
  }
}

void iso_guard_add(const iso_guard *g, iso_guard_state state, cJSON *details)
{
  static const char *const names[] = {[ISO_GUARD_NONE] = "missing",
                                      [ISO_GUARD_HELD] = "held",
                                      [ISO_GUARD_STALE] = "stale",
                                      [ISO_GUARD_FOREIGN] = "of another process",
                                      [ISO_GUARD_IMPOSSIBLE] = "impossible"};
  cJSON *guard = cJSON_AddObjectToObject(details, "guard");
  (void)cJSON_AddStringToObject(guard, "state", names[state]);
  if (g->why[0] != '\0')
    sup_json_add_text(guard, "note", g->why);
}

bool iso_guard_works(void)
{
  return iso_nft_load("table inet " ISO_GUARD_TABLE "_try {\n  flags owner\n}\n", true, NULL) ==
         CORDON_OK;
}
