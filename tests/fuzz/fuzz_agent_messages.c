/* What a plugin host says to the agent, when the plugin may have taken it over: the first byte
 * chooses the message, the rest is its payload. */
#include "host_read.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static void must_explain(cd_code rc, const cd_err *err)
{
  must((rc == CD_OK) == (err->text[0] == '\0'));
}

static void try_hello(cd_str payload)
{
  cd_err err = {0};
  host_hello hello = {0};
  cd_code rc = host_hello_read(payload, "org.example.plugin", &hello, &err);
  must_explain(rc, &err);
  must((rc == CD_OK) == (hello.concurrency > 0));
  must(hello.functions < 1u << AGENT_FN_COUNT);
}

static void try_end(cd_str payload, bool refused)
{
  cd_err err = {0};
  host_end end = {.status = CD_OK};
  cd_code rc =
      refused ? host_refused_read(payload, &end, &err) : host_end_read(payload, &end, &err);
  must_explain(rc, &err);
  must(!refused || rc != CD_OK || !cd_code_ok(end.status));
  must(strcmp(cd_code_name(end.status), "unknown") != 0);
  must(memchr(end.sentence, '\0', sizeof(end.sentence)) != NULL);
  must(cd_str_utf8_valid(cd_str_from(end.sentence)));
}

static void try_package(cd_str payload)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  host_package package = {.status = CD_OK};
  cd_code rc = host_package_read(payload, &package, &err);
  must_explain(rc, &err);
  must(memchr(package.cap, '\0', sizeof(package.cap)) != NULL);
  /* It goes into the action's result as it is. */
  if (rc == CD_OK)
    must(cd_json_parse(package.incomplete_names, CD_MANIFEST_MAX, "names", &doc, &err) == CD_OK);
  cd_json_free(doc);
  host_package_release(&package);
}

static void try_log(cd_str payload)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  uint64_t level = 0;
  cd_str line = {0};
  must_explain(host_log_read(payload, &doc, &level, &line, &err), &err);
  must(level <= 3 && cd_str_utf8_valid(line));
  cd_json_free(doc);
}

static void try_progress(cd_str payload)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  uint64_t done = 0;
  uint64_t total = 0;
  cd_str what = {0};
  must_explain(host_progress_read(payload, &doc, &done, &total, &what, &err), &err);
  must(what.len <= 1024);
  cd_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  if (size == 0)
    return 0;
  cd_str payload = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'H': try_hello(payload); break;
  case 'E': try_end(payload, false); break;
  case 'R': try_end(payload, true); break;
  case 'L': try_log(payload); break;
  case 'P': try_progress(payload); break;
  case 'K': try_package(payload); break;
  case 'O': must_explain(host_object_check(payload, CD_RESULT_MAX, "it", &err), &err); break;
  default: break;
  }
  return 0;
}
