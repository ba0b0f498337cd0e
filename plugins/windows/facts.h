/* What a Windows device is, asked of the system with no privilege at all. Everything is bounded and
 * may be missing: what cannot be told is left out or null, as
 * config/schemas/facts.results.schema.json allows. */
#ifndef FACTS_H
#define FACTS_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "support/err.h"

enum {
  FACTS_TEXT = 256,
  FACTS_USERS_MAX = 256,
  FACTS_ADDRESSES_MAX = 1024,
  FACTS_INTERFACES_MAX = 256
};

/* RFC 3339 in UTC, of the 100 ns since 1601 that Windows counts; empty for what is no time. */
void facts_time(uint64_t ticks, char ret_text[32]);

/* Each adds its part to the result. */
void facts_add_system(cJSON *result);
void facts_add_interfaces(cJSON *result);
void facts_add_users(cJSON *result);

#endif
