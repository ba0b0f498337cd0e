/* What a provider says in a dry run, when it may have been taken over: whatever is taken can be
 * judged and written. */
#include "preflight.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static void write_it(const agent_preflight *p)
{
  cd_buf out = CD_BUF_INIT(1024 * 1024);
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_jw w;
  cd_jw_init(&w, &out);
  cd_jw_obj(&w, NULL);
  agent_preflight_write(p, &w);
  cd_jw_end_obj(&w);
  must(cd_jw_done(&w, "the preflight", &err) == CD_OK);
  must(cd_json_parse(cd_buf_view(&out), out.len, "the preflight", &doc, &err) == CD_OK);
  cd_json_free(doc);
  cd_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  agent_config config;
  agent_preflight *p = agent_preflight_new();
  must(p != NULL);
  agent_config_init(&config);
  cd_code rc = agent_preflight_read(p, (cd_str){(const char *)data, size}, &err);
  must((rc == CD_OK) == (err.text[0] == '\0'));
  must(p->count <= PREFLIGHT_FINDINGS_MAX && p->path_count <= PREFLIGHT_PATHS_MAX);
  must(rc == CD_OK || (p->count == 0 && p->path_count == 0));
  if (p->path_count > 0)
    agent_preflight_way(p, &p->paths[0].to, 1);
  agent_preflight_judge(p, &config, &(preflight_order){.console = size % 2 == 0});
  cd_buf reason = CD_BUF_INIT(256 * 1024);
  agent_preflight_reason(p, &reason);
  must(p->refused == (reason.len > 0));
  cd_buf_release(&reason);
  write_it(p);
  agent_preflight_free(p);
  agent_config_release(&config);
  return 0;
}
