/* What to do when the OS says that the processor time is used up. A pure function. */
#ifndef PH_CPU_RULE_H
#define PH_CPU_RULE_H

#include <stddef.h>
#include <stdint.h>

typedef enum ph_cpu_verdict {
  PH_CPU_IGNORE = 1, /* the word is stale: more was allowed meanwhile */
  PH_CPU_RENEW, /* only watches run, and they are idle most of the time: they may use it again */
  PH_CPU_END
} ph_cpu_verdict;

typedef struct ph_cpu_facts {
  uint32_t allowed_s; /* 0: no limit */
  uint64_t used_ms;   /* processor time since it was allowed */
  uint64_t wall_ms;   /* time since then */
  size_t running;     /* operations */
  size_t background;  /* of these, watches */
} ph_cpu_facts;

ph_cpu_verdict ph_cpu_judge(const ph_cpu_facts *facts);

#endif
