/* Section `scan` of the configuration. */
#include "config.h"
#include "protocol/scan.h"

#include "base/banned.h"

void agent_config_init_scan(agent_config_scan *c)
{
  *c = (agent_config_scan){
      .cpu_percent = 50, .quick_budget_s = 900, .budget_s = CD_SCAN_BUDGET_MAX_S};
}

static void read_number(cd_json *section, const char *key, uint64_t min, uint64_t max,
                        uint64_t *ret_number)
{
  uint64_t value = 0;
  if (!cd_json_opt_u64(section, key, max, &value))
    return;
  if (value < min)
    cd_json_bad(section, key, "must be at least %llu", (unsigned long long)min);
  *ret_number = value;
}

void agent_config_read_scan(cd_json *root, agent_config_scan *c)
{
  cd_json section = {0};
  if (!cd_json_opt_obj(root, "scan", &section))
    return;
  read_number(&section, "cpu_percent", 1, 100, &c->cpu_percent);
  read_number(&section, "quick_budget_s", CD_SCAN_BUDGET_MIN_S, CD_SCAN_BUDGET_MAX_S,
              &c->quick_budget_s);
  read_number(&section, "budget_s", CD_SCAN_BUDGET_MIN_S, CD_SCAN_BUDGET_MAX_S, &c->budget_s);
  cd_json_no_more(&section);
}
