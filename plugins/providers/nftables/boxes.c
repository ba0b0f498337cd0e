#include "boxes.h"

#include <stdlib.h>

bool iso_boxes_add(iso_boxes *b, const iso_box *box)
{
  if (b->count == b->room) {
    size_t room = b->room == 0 ? 64 : b->room * 2;
    iso_box *grown = realloc(b->items, room * sizeof(*grown));
    if (grown == NULL)
      return false;
    b->items = grown;
    b->room = room;
  }
  b->items[b->count++] = *box;
  return true;
}

void iso_boxes_release(iso_boxes *b)
{
  free(b->items);
  *b = (iso_boxes){0};
}

static int by_port(const void *a, const void *b)
{
  const iso_box *x = a;
  const iso_box *y = b;
  if (x->port_first != y->port_first)
    return x->port_first < y->port_first ? -1 : 1;
  return x->port_last < y->port_last ? -1 : x->port_last > y->port_last;
}

static int by_address(const void *a, const void *b)
{
  return iso_addr_compare(a, b);
}

/* Where some box begins or has just ended, sorted, each once. An end at the last address of the
 * family has no address behind it. */
static size_t find_borders(const iso_boxes *b, iso_addr *borders)
{
  size_t n = 0;
  for (size_t i = 0; i < b->count; i++) {
    borders[n++] = b->items[i].range.first;
    iso_addr behind = b->items[i].range.last;
    if (iso_addr_next(&behind))
      borders[n++] = behind;
  }
  qsort(borders, n, sizeof(*borders), by_address);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (kept == 0 || iso_addr_compare(&borders[kept - 1], &borders[i]) != 0)
      borders[kept++] = borders[i];
  }
  return kept;
}

static iso_addr before(const iso_addr *a)
{
  iso_addr b = *a;
  for (size_t i = b.family == 6 ? 16 : 4; i > 0; i--) {
    if (b.bytes[i - 1]-- != 0)
      break;
  }
  return b;
}

static iso_addr last_of(uint8_t family)
{
  iso_addr a = {.family = family};
  for (size_t i = 0; i < (family == 6 ? 16u : 4u); i++)
    a.bytes[i] = 0xff;
  return a;
}

/* Adds the port ranges that hold within one slab of addresses, merged. The boxes are sorted by
 * port. */
static bool add_slab(const iso_boxes *b, const iso_range *slab, iso_boxes *out)
{
  size_t start = out->count;
  for (size_t i = 0; i < b->count; i++) {
    const iso_box *box = &b->items[i];
    if (!iso_range_has(&box->range, &slab->first))
      continue;
    iso_box *top = out->count > start ? &out->items[out->count - 1] : NULL;
    if (top != NULL && (uint32_t)box->port_first <= (uint32_t)top->port_last + 1) {
      if (box->port_last > top->port_last)
        top->port_last = box->port_last;
      continue;
    }
    iso_box add = {.range = *slab, .port_first = box->port_first, .port_last = box->port_last};
    if (!iso_boxes_add(out, &add))
      return false;
  }
  return true;
}

/* Joins the slab that begins at `start` to the one before it if both are neighbours with the same
 * ports. Returns the start of the last slab. */
static size_t join_slabs(iso_boxes *out, size_t previous, size_t start)
{
  size_t count = start - previous;
  if (count == 0 || out->count - start != count)
    return start;
  iso_addr behind = out->items[previous].range.last;
  if (!iso_addr_next(&behind) || iso_addr_compare(&behind, &out->items[start].range.first) != 0)
    return start;
  for (size_t i = 0; i < count; i++) {
    if (by_port(&out->items[previous + i], &out->items[start + i]) != 0)
      return start;
  }
  for (size_t i = 0; i < count; i++)
    out->items[previous + i].range.last = out->items[start + i].range.last;
  out->count = start;
  return previous;
}

cordon_status iso_boxes_merge(iso_boxes *b, size_t max, sup_err *err)
{
  if (b->count == 0)
    return CORDON_OK;
  cordon_status status = CORDON_OK;
  iso_boxes out = {0};
  iso_addr *borders = calloc(b->count * 2, sizeof(*borders));
  if (borders == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to merge %zu exclusions", b->count);
  qsort(b->items, b->count, sizeof(*b->items), by_port);
  size_t n = find_borders(b, borders);
  size_t previous = 0;
  for (size_t i = 0; i < n && status == CORDON_OK; i++) {
    iso_range slab = {.first = borders[i],
                      .last = i + 1 < n ? before(&borders[i + 1]) : last_of(borders[i].family)};
    size_t start = out.count;
    if (!add_slab(b, &slab, &out))
      status =
          sup_fail(err, CORDON_E_LIMIT, "there is no memory to merge %zu exclusions", b->count);
    else if (out.count > start)
      previous = join_slabs(&out, previous, start);
    if (out.count > max)
      status = sup_fail(
          err, CORDON_E_LIMIT,
          "the exclusions overlap in so many ways that they become more than %zu rule elements; "
          "give fewer or simpler ones",
          max);
  }
  free(borders);
  if (status == CORDON_OK) {
    iso_boxes old = *b;
    *b = out;
    out = old;
  }
  iso_boxes_release(&out);
  return status;
}
