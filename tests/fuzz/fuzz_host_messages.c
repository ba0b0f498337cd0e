/* What cordon-plugin-host reads from the agent: the first byte chooses the message, the rest is its
 * payload. What was accepted must be whole: texts end, and what is handed to the plugin is JSON
 * again. */
#include "message.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static void must_be_json(const char *text, size_t len)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  must(strlen(text) == len);
  must(cd_json_parse((cd_str){text, len}, CD_FRAME_PAYLOAD_MAX, "again", &doc, &err) == CD_OK);
  cd_json_free(doc);
}

static void try_setup(cd_str payload)
{
  cd_err err = {0};
  ph_setup setup;
  if (ph_setup_parse(payload, &setup, &err) != CD_OK) {
    must(err.text[0] != '\0');
    return;
  }
  must(setup.capability != NULL);
  must(setup.confine.user == NULL || setup.confine.user == setup.user);
  must_be_json(setup.config, setup.config_len);
  ph_setup_release(&setup);
}

static void try_start(cd_str payload)
{
  cd_err err = {0};
  ph_start start;
  if (ph_start_parse(payload, &start, &err) != CD_OK) {
    must(err.text[0] != '\0');
    return;
  }
  must_be_json(start.params, start.params_len);
  if (start.undo != NULL)
    must_be_json(start.undo, start.undo_len);
  ph_start_release(&start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  uint64_t records = 0;
  cd_code status = CD_OK;
  if (size == 0)
    return 0;
  cd_str payload = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'S': try_setup(payload); break;
  case 'T': try_start(payload); break;
  case 'C': (void)!ph_credit_parse(payload, &records, &err); break;
  case 'U': (void)!ph_undo_done_parse(payload, &status, &err); break;
  default: break;
  }
  return 0;
}
