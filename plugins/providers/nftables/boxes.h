/* Boxes of addresses x ports, and how a heap of overlapping ones becomes a list of disjoint ones:
 * nftables' interval sets refuse elements that overlap. */
#ifndef ISO_BOXES_H
#define ISO_BOXES_H

#include "addr.h"

typedef struct iso_box {
  iso_range range; /* of one family */
  uint16_t port_first;
  uint16_t port_last;
} iso_box;

typedef struct iso_boxes {
  iso_box *items;
  size_t count;
  size_t room;
} iso_boxes;

/* False if there is no memory. */
bool iso_boxes_add(iso_boxes *b, const iso_box *box);

/* Replaces the boxes (all of one family) by sorted, disjoint ones that cover exactly the same.
 * CORDON_E_LIMIT if that would take more than `max`; the boxes are then as before. */
cordon_status iso_boxes_merge(iso_boxes *b, size_t max, sup_err *err);

void iso_boxes_release(iso_boxes *b);

#endif
