/* Section `collect` of the configuration. */
#include "config.h"

#include "base/banned.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const struct {
  const char *key;
  size_t offset;
  uint64_t fallback;
  uint64_t min;
  uint64_t max;
} members[] = {
    {"max_bytes", offsetof(agent_config_collect, max_bytes), GIB, 4 * MIB, 64 * GIB},
    {"max_artifact_bytes", offsetof(agent_config_collect, max_artifact_bytes), 256 * MIB, MIB,
     64 * GIB},
    {"max_total_bytes", offsetof(agent_config_collect, max_total_bytes), 4 * GIB, 4 * MIB,
     1024 * GIB},
    {"max_artifacts", offsetof(agent_config_collect, max_artifacts), 8000, 100, 8000},
    {"free_bytes", offsetof(agent_config_collect, free_bytes), 256 * MIB, 0, 1024 * GIB},
    {"quota_bytes", offsetof(agent_config_collect, quota_bytes), 2 * GIB, 4 * MIB, 1024 * GIB},
    {"keep_s", offsetof(agent_config_collect, keep_s), 24 * 3600, 60, 366 * 24 * 3600},
    {"budget_s", offsetof(agent_config_collect, budget_s), 300, 5, 86000},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static uint64_t *slot(agent_config_collect *c, size_t i)
{
  return (uint64_t *)(void *)((char *)c + members[i].offset);
}

void agent_config_init_collect(agent_config_collect *c)
{
  for (size_t i = 0; i < MEMBERS; i++)
    *slot(c, i) = members[i].fallback;
}

void agent_config_read_collect(cd_json *root, agent_config_collect *c)
{
  cd_json section = {0};
  if (!cd_json_opt_obj(root, "collect", &section))
    return;
  for (size_t i = 0; i < MEMBERS; i++) {
    uint64_t value = 0;
    if (!cd_json_opt_u64(&section, members[i].key, members[i].max, &value))
      continue;
    if (value < members[i].min)
      cd_json_bad(&section, members[i].key, "must be at least %llu",
                  (unsigned long long)members[i].min);
    *slot(c, i) = value;
  }
  if (c->quota_bytes < c->max_bytes)
    cd_json_bad(&section, "quota_bytes", "must be at least max_bytes");
  cd_json_no_more(&section);
}
