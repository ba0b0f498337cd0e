#include "hub.h"

#include "base/clock.h"

#include <stdlib.h>

#include "link.h"

#include "base/banned.h"

#define BUCKETS 4096u

struct con_hub {
  con_link *buckets[BUCKETS];
  uint64_t count;
};

static con_link **bucket_of(con_hub *h, cd_str device)
{
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < device.len; i++)
    hash = (hash ^ (unsigned char)device.ptr[i]) * 16777619u;
  return &h->buckets[hash % BUCKETS];
}

cd_code con_hub_open(con_server *s, cd_err *err)
{
  s->hub = calloc(1, sizeof(*s->hub));
  return s->hub != NULL ? CD_OK : cd_fail(err, CD_E_INTERNAL, "no memory for the hub");
}

void con_hub_close(con_server *s)
{
  free(s->hub);
  s->hub = NULL;
}

con_link *con_hub_find(const con_server *s, cd_str device)
{
  con_link *l = s->hub != NULL ? *bucket_of(s->hub, device) : NULL;
  while (l != NULL && !cd_str_eq_cstr(device, l->device))
    l = l->next;
  return l;
}

uint64_t con_hub_count(const con_server *s)
{
  return s->hub != NULL ? s->hub->count : 0;
}

void con_hub_put(con_server *s, con_link *l)
{
  con_link *before = con_hub_find(s, cd_str_from(l->device));
  if (before != NULL)
    con_hub_remove(s, before);
  con_link **bucket = bucket_of(s->hub, cd_str_from(l->device));
  l->next = *bucket;
  *bucket = l;
  s->hub->count++;
}

void con_hub_remove(con_server *s, con_link *l)
{
  if (s->hub == NULL)
    return;
  for (con_link **at = bucket_of(s->hub, cd_str_from(l->device)); *at != NULL; at = &(*at)->next) {
    if (*at != l)
      continue;
    *at = l->next;
    l->next = NULL;
    s->hub->count--;
    return;
  }
}

void con_hub_seen(const con_server *s, con_device *device)
{
  const con_link *l = con_hub_find(s, device->id);
  if (l == NULL || l->phase != CON_LINK_READY)
    return;
  int64_t seen_ms = cd_wall_ms() - (int64_t)(cd_mono_ms() - l->heard_ms);
  if (seen_ms > device->last_seen_ms)
    device->last_seen_ms = seen_ms;
}

void con_hub_poke(con_server *s, cd_str device)
{
  con_link *l = con_hub_find(s, device);
  if (l == NULL)
    return;
  con_link_pump(l);
  con_link_policy(l);
}

void con_hub_drop(con_server *s, cd_str device, const char *why)
{
  con_link *l = con_hub_find(s, device);
  if (l != NULL)
    con_link_close(l, 1008, why);
}

static void each_link(con_server *s, void (*each)(con_link *l, const void *context),
                      const void *context)
{
  for (unsigned i = 0; s->hub != NULL && i < BUCKETS; i++) {
    for (con_link *l = s->hub->buckets[i]; l != NULL;) {
      con_link *next = l->next; /* `each` may take it out */
      each(l, context);
      l = next;
    }
  }
}

static void look_at_policy(con_link *l, const void *context)
{
  (void)context;
  con_link_policy(l);
}

void con_hub_policies(con_server *s)
{
  each_link(s, look_at_policy, NULL);
}

static void close_one(con_link *l, const void *context)
{
  con_link_close(l, 1001, context);
}

void con_hub_drop_all(con_server *s, const char *why)
{
  each_link(s, close_one, why);
}

static void tick_one(con_link *l, const void *context)
{
  con_link_tick(l, *(const uint64_t *)context);
}

void con_hub_tick(con_server *s, uint64_t now_ms)
{
  each_link(s, tick_one, &now_ms);
}
