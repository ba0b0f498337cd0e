/* Any bytes as what nftables printed: the normal form is no longer than its source may make it and
 * depends on nothing else, and what is read from it stays within bounds. */
#include "coverage.h"
#include "listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  /* An element separated by a comma alone gets a blank too, and a line that ends the text gets its
   * end. */
  size_t most = 2 * size + 16;
  sup_text first = SUP_TEXT_INIT(most);
  sup_text second = SUP_TEXT_INIT(most);
  iso_frame frame;
  iso_shape shape;
  char a[ISO_DIGEST_TEXT], b[ISO_DIGEST_TEXT];
  iso_listing_normalise((const char *)data, size, &first);
  iso_listing_normalise((const char *)data, size, &second);
  must(!first.failed && !second.failed, "the normal form is longer than it may be");
  iso_listing_digest(&first, a);
  iso_listing_digest(&second, b);
  must(strcmp(a, b) == 0, "two normal forms of one text");
  iso_listing_frame(sup_text_get(&first), &frame);
  must(strlen(frame.tag) == 0 || strlen(frame.tag) == ISO_TAG_LEN || memchr(data, 0, size) != NULL,
       "half a tag");
  iso_listing_shape(sup_text_get(&first), &shape);
  must(iso_shape_same(&shape, &shape), "a shape that differs from itself");
  cJSON *flowtables = cJSON_CreateArray();
  iso_flowtables_read((const char *)data, size, flowtables);
  must(cJSON_GetArraySize(flowtables) <= ISO_FLOWTABLES_MAX, "more flowtables than may be");
  cJSON_Delete(flowtables);
  sup_text_release(&first);
  sup_text_release(&second);
  return 0;
}
