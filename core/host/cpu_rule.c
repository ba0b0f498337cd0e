#include "cpu_rule.h"

#include "base/banned.h"

#define PH_IDLE_FACTOR 20u /* a watch that used less than a twentieth of the time may go on */
#define PH_SLACK_MS                                                                                \
  500u /* the OS counts the limit in whole seconds, and its clocks differ a little */

ph_cpu_verdict ph_cpu_judge(const ph_cpu_facts *facts)
{
  if (facts->allowed_s == 0 || facts->used_ms + PH_SLACK_MS < facts->allowed_s * UINT64_C(1000))
    return PH_CPU_IGNORE;
  if (facts->running > 0 && facts->background == facts->running &&
      facts->used_ms * PH_IDLE_FACTOR < facts->wall_ms)
    return PH_CPU_RENEW;
  return PH_CPU_END;
}
