/* What a boot and the agent's start read from the disk: a rule file (f: both lines, b: the first
 * alone), the account of a restore (r), undo records (u); the first byte chooses. What was accepted
 * goes both ways. */
#include "restored.h"
#include "rule_file.h"
#include "undo_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static void must_be_endpoints(const agent_endpoint *e, unsigned count)
{
  must(count <= AGENT_ENDPOINTS_MAX);
  for (unsigned i = 0; i < count; i++)
    must(e[i].address[0] != '\0' && strchr(e[i].address, '%') == NULL && e[i].port != 0);
}

static void check_file(const agent_rule_file *f)
{
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  agent_rule_file back = {0};
  agent_endpoint consoles[AGENT_ENDPOINTS_MAX];
  unsigned count = 0;
  must(f->provider[0] != '\0' && f->digest[0] != '\0' && f->params != NULL);
  must(agent_params_consoles(cd_str_from(f->params), consoles, AGENT_ENDPOINTS_MAX, &count));
  must_be_endpoints(consoles, count);
  must(agent_rule_file_write(f, &text, &err) == CD_OK);
  must(agent_rule_file_read(cd_buf_view(&text), &back, &err) == CD_OK);
  must(agent_rule_file_same(f, &back) && agent_rule_file_same_rules(f, &back));
  must(f->since_ms == back.since_ms && f->proven_ms == back.proven_ms);
  agent_rule_file_release(&back);
  cd_buf_release(&text);
}

static void try_file(cd_str text, bool whole)
{
  cd_err err = {0};
  agent_rule_file f = {0};
  agent_endpoint consoles[AGENT_ENDPOINTS_MAX];
  unsigned count = 0;
  cd_code rc =
      whole ? agent_rule_file_read(text, &f, &err) : agent_rule_file_read_body(text, &f, &err);
  if (rc == CD_OK)
    check_file(&f);
  else
    must(err.text[0] != '\0' && f.params == NULL && f.terms == NULL);
  agent_rule_file_release(&f);
  agent_rule_file_salvage(text, consoles, AGENT_ENDPOINTS_MAX, &count);
  must_be_endpoints(consoles, count);
}

static void try_restored(cd_str text)
{
  cd_err err = {0};
  agent_restored r = {0};
  agent_restored back = {0};
  cd_buf out = CD_BUF_INIT(16 * 1024);
  if (agent_restored_read(text, &r, &err) != CD_OK) {
    must(err.text[0] != '\0' && r.outcome == AGENT_RESTORE_NONE);
    return;
  }
  must(agent_restored_write(&r, &out, &err) == CD_OK);
  must(agent_restored_read(cd_buf_view(&out), &back, &err) == CD_OK);
  must(memcmp(&r.outcome, &back.outcome, sizeof(r.outcome)) == 0 && r.at_ms == back.at_ms &&
       strcmp(r.digest, back.digest) == 0 && strcmp(r.sentence, back.sentence) == 0);
  cd_buf_release(&out);
}

static cd_code see(void *context, const char *plugin, cd_str record, cd_err *err)
{
  unsigned *count = context;
  (void)err;
  must(strlen(plugin) < AGENT_ID_MAX && record.len >= 2 && record.len <= CD_UNDO_RECORD_MAX);
  must(++*count <= CD_UNDO_RECORDS_MAX);
  return CD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  unsigned count = 0;
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'f': try_file(text, true); break;
  case 'b': try_file(text, false); break;
  case 'r': try_restored(text); break;
  default: must(agent_undo_text_each(text, see, &count, &err) == CD_OK || err.text[0] != '\0');
  }
  return 0;
}
