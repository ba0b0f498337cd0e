/* A DNS server's whole wisdom in the lab: every name is this machine. */
#include "serve.h"

#include <string.h>

enum { HEADER = 12, TYPE_A = 1, TYPE_AAAA = 28, CLASS_IN = 1 };

/* Length of the first question (name, type, class), or 0 if it is cut short or compressed. */
static size_t question_length(const unsigned char *query, size_t len)
{
  size_t at = HEADER;
  while (at < len && query[at] != 0) {
    if (query[at] > 63)
      return 0;
    at += (size_t)query[at] + 1;
  }
  at += 5;
  return at <= len ? at - HEADER : 0;
}

static size_t add_record(unsigned char *out, uint16_t type, const void *address, size_t address_len)
{
  /* The name is a pointer to the question's; it lives for 60 s. */
  const unsigned char head[] = {0xc0, HEADER, 0, (unsigned char)type,       0, CLASS_IN, 0, 0,
                                0,    60,     0, (unsigned char)address_len};
  memcpy(out, head, sizeof head);
  memcpy(out + sizeof head, address, address_len);
  return sizeof head + address_len;
}

size_t serve_dns_answer(const serve *s, const unsigned char *query, size_t len, unsigned char *out,
                        size_t max)
{
  if (len < HEADER || (query[2] & 0xf8) != 0 || query[4] != 0 || query[5] != 1)
    return 0;
  size_t question = question_length(query, len);
  if (question == 0 || HEADER + question + 28 > max)
    return 0;
  size_t at = HEADER + question;
  memcpy(out, query, at);
  memset(out + 6, 0, 6);
  out[2] = (unsigned char)(0x84 | (query[2] & 1)); /* an answer, authoritative */
  out[3] = 0x80;
  uint16_t type = (uint16_t)(query[at - 4] << 8 | query[at - 3]);
  if (type == TYPE_A)
    at += add_record(out + at, TYPE_A, &s->answer4, sizeof s->answer4);
  else if (type == TYPE_AAAA)
    at += add_record(out + at, TYPE_AAAA, &s->answer6, sizeof s->answer6);
  if (type == TYPE_A || type == TYPE_AAAA)
    out[7] = 1;
  return at;
}
