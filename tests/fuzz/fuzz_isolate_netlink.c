/* Any bytes as what came over netlink: notices of nftables if the first byte is even, sockets if it
 * is odd. */
#include "diag.h"
#include "events.h"
#include "netlink.h"

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

static void on_event(void *data, const iso_event *e)
{
  size_t *count = data;
  (*count)++;
  must(memchr(e->name, 0, sizeof(e->name)) != NULL, "a name without an end");
  must(e->touches_us || e->new_generation, "a notice of nothing");
}

static void on_socket(void *data, const iso_socket *s)
{
  size_t *count = data;
  char text[ISO_ADDR_TEXT];
  (*count)++;
  must(iso_addr_text(&s->remote, text)[0] != '\0' && iso_addr_text(&s->local, text)[0] != '\0',
       "an address without a text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t count = 0;
  if (size == 0)
    return 0;
  iso_dump dump = {0};
  if (data[0] % 2 == 0)
    iso_events_walk(data + 1, size - 1, on_event, &count);
  else
    iso_diag_walk(data + 1, size - 1, &dump, on_socket, &count);
  must(count <= size / 16, "more messages than there are headers");
  return 0;
}
