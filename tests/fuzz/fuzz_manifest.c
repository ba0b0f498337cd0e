/* A manifest, a trust list or a configuration: the first byte chooses, the rest is the file. What
 * was accepted keeps the promises that the agent builds on. */
#include "config.h"
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static void try_manifest(cd_str text)
{
  cd_err err = {0};
  agent_manifest m = {0};
  if (agent_manifest_parse(text, "manifest", &m, &err) != CD_OK) {
    must(err.text[0] != '\0' && m.id[0] == '\0');
    return;
  }
  /* The id becomes the name of a folder, the library that of a file. */
  must(m.id[0] != '\0' && strchr(m.id, '/') == NULL && strstr(m.id, "..") == NULL);
  must(m.library[0] != '\0' && m.library[0] != '.' && strchr(m.library, '/') == NULL);
  must(m.memory_mb >= 16 && m.memory_mb <= 4096);
  must(m.cpu_s >= 1 && m.files >= 16);
  for (int fn = 0; fn < AGENT_FN_COUNT; fn++)
    must(fn == AGENT_FN_WATCH ? m.budget_ms[fn] == 0 : m.budget_ms[fn] >= 100);
  must(m.provides < 1u << AGENT_CAP_COUNT);
}

static void try_trust(cd_str text)
{
  static agent_trust t;
  cd_err err = {0};
  if (agent_trust_parse(text, "trust", &t, &err) != CD_OK) {
    must(err.text[0] != '\0');
    return;
  }
  must(t.count <= CD_PLUGINS_MAX);
  for (unsigned i = 0; i < t.count; i++)
    must(agent_trust_find(&t, t.entries[i].id) == &t.entries[i]);
}

static void try_config(cd_str text)
{
  cd_err err = {0};
  agent_config c;
  cd_buf settings = CD_BUF_INIT(CD_CONFIG_MAX);
  agent_config_init(&c);
  if (agent_config_parse(text, "config", &c, &err) != CD_OK) {
    must(err.text[0] != '\0' && c.doc == NULL);
    return;
  }
  must(c.mark != 0 && c.interval_s >= 5 && c.interval_s <= 86400);
  for (unsigned i = 0; i < c.console_count; i++)
    must(c.console[i].address[0] != '\0' && c.console[i].port != 0);
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    must(c.provider_count[cap] <= AGENT_PROVIDERS_MAX);
    for (unsigned i = 0; i < c.provider_count[cap]; i++) {
      cd_buf_reset(&settings);
      agent_config_settings(&c, c.providers[cap][i], &settings);
      must(settings.failed == CD_OK && settings.len >= 2 && settings.ptr[0] == '{');
    }
  }
  cd_buf_release(&settings);
  agent_config_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'M': try_manifest(text); break;
  case 'T': try_trust(text); break;
  case 'C': try_config(text); break;
  default: break;
  }
  return 0;
}
