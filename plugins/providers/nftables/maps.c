#include "maps.h"

#include <stdio.h>
#include <string.h>

#include "ruleset_groups.h"

void iso_loaded_add(iso_loaded *l, const iso_params *p)
{
  for (size_t i = 0; i < p->group_count; i++) {
    for (size_t k = 0; k < p->groups[i].place_count && l->count < ISO_LOADED_MAX; k++) {
      const iso_place *place = &p->groups[i].places[k];
      l->items[l->count++] =
          (iso_let){.id = place->id, .level = (uint8_t)place->level, .service = (uint8_t)i};
    }
  }
}

static bool same(const iso_let *a, const iso_let *b)
{
  return a->id == b->id && a->level == b->level && a->service == b->service;
}

bool iso_loaded_same(const iso_loaded *a, const iso_loaded *b)
{
  size_t i = 0;
  while (a->count == b->count && i < a->count && same(&a->items[i], &b->items[i]))
    i++;
  return a->count == b->count && i == a->count;
}

bool iso_is_map(const char *set)
{
  return strncmp(set, ISO_GROUPS_MAP, sizeof(ISO_GROUPS_MAP) - 1) == 0;
}

static bool is_of_map(const char *set, iso_let *let)
{
  char name[ISO_GROUPS_NAME];
  for (let->way = 0; let->way < 2; let->way++) {
    for (let->level = 1; let->level <= ISO_GROUP_LEVELS; let->level++) {
      iso_groups_map(name, let->way, let->level);
      if (strcmp(set, name) == 0)
        return true;
    }
  }
  return false;
}

static bool is_of_service(const char *chain, iso_let *let)
{
  char name[ISO_GROUPS_NAME];
  for (let->service = 0; let->service < ISO_GROUPS_MAX; let->service++) {
    iso_groups_chain(name, let->service, let->way);
    if (strcmp(chain, name) == 0)
      return true;
  }
  return false;
}

void iso_in_maps_add(iso_in_maps *m, const char *set, const iso_element *e)
{
  iso_let let = {.id = e->number};
  if (e->jumps && m->count < ISO_IN_MAPS_MAX && is_of_map(set, &let) &&
      is_of_service(e->chain, &let))
    m->items[m->count++] = let;
  else
    m->foreign = true;
}

/* ---- reading ---- */

typedef struct reading {
  iso_in_maps *maps;
  const char *set;
  iso_in_maps before;
} reading;

static void forget(void *data)
{
  reading *r = data;
  *r->maps = r->before;
}

static void take(void *data, const iso_element *e)
{
  reading *r = data;
  iso_in_maps_add(r->maps, r->set, e);
}

cordon_status iso_in_maps_read(const iso_table *table, const iso_sets *sets, iso_in_maps *ret_maps,
                               sup_err *err)
{
  iso_in_maps maps = {.count = 0};
  cordon_status status = CORDON_OK;
  for (size_t i = 0; i < sets->count && status == CORDON_OK; i++) {
    reading r = {.maps = &maps, .set = sets->names[i], .before = maps};
    if (iso_is_map(r.set))
      status = iso_elements_read(table, r.set, forget, take, &r, err);
  }
  if (status == CORDON_OK)
    *ret_maps = maps;
  return status;
}

/* ---- comparing ---- */

static bool runs(const iso_let *let, const iso_params *p)
{
  if (let->service >= p->group_count)
    return false;
  const iso_group *g = &p->groups[let->service];
  for (size_t k = 0; k < g->place_count; k++) {
    if (g->places[k].id == let->id && g->places[k].level == let->level)
      return true;
  }
  return false;
}

static bool was_loaded(const iso_let *let, const iso_loaded *loaded)
{
  for (size_t i = 0; i < loaded->count; i++) {
    if (same(&loaded->items[i], let))
      return true;
  }
  return false;
}

static bool is_there(const iso_in_maps *m, const iso_let *let, uint8_t way)
{
  for (size_t i = 0; i < m->count; i++) {
    if (m->items[i].way == way && same(&m->items[i], let))
      return true;
  }
  return false;
}

static bool all_are_there(const iso_in_maps *m, const iso_params *p)
{
  iso_loaded wanted = {.count = 0};
  iso_loaded_add(&wanted, p);
  for (size_t i = 0; i < wanted.count; i++) {
    if (!is_there(m, &wanted.items[i], 0) || !is_there(m, &wanted.items[i], 1))
      return false;
  }
  return true;
}

iso_groups_state iso_groups_compare(const iso_in_maps *m, const iso_params *p,
                                    const iso_loaded *loaded)
{
  iso_groups_state state = ISO_GROUPS_RIGHT;
  if (m->foreign)
    return ISO_GROUPS_FOREIGN;
  for (size_t i = 0; i < m->count; i++) {
    if (runs(&m->items[i], p))
      continue;
    if (loaded != NULL && !was_loaded(&m->items[i], loaded))
      return ISO_GROUPS_FOREIGN;
    state = ISO_GROUPS_STALE;
  }
  if (p->groups_blind)
    return ISO_GROUPS_RIGHT;
  return all_are_there(m, p) ? state : ISO_GROUPS_STALE;
}
