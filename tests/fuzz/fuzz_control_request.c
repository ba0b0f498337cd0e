/* A request over the control socket, as any user of the machine may send it: read as each method
 * would read it. */
#include "control_read.h"
#include "token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static void check_order(const control_order *order)
{
  must(order->comment.len <= CD_COMMENT_MAX);
  must(order->has_exclusions || cd_json_len(&order->exclusions) == 0);
  must(cd_json_len(&order->exclusions) <= CD_EXCLUSIONS_MAX);
  must(order->lease_s <= CONTROL_LEASE_MAX_S);
  must(order->rules.lost_after_s == CONTROL_NO_RULE ||
       order->rules.lost_after_s <= CD_LOST_AFTER_MAX_S);
  must(order->rules.unreachable_after_s == CONTROL_NO_RULE ||
       order->rules.unreachable_after_s <= CD_UNREACHABLE_AFTER_MAX_S);
}

/* A document keeps its first failure, so each reader gets its own. */
static void try_as(cd_str payload, int reader)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str method = {0};
  cd_json params = {0};
  control_order order = {0};
  agent_token read = {0};
  control_enrolment wish = {0};
  control_package_order package = {0};
  uint64_t offset = 0;
  unsigned limit = 1;
  char id[CD_ID_SIZE] = "";
  char plugin[AGENT_ID_MAX] = "";
  cd_code rc = control_request_read(payload, &doc, &method, &params, &err);
  if (rc == CD_OK && reader == 0)
    rc = control_isolate_read(&params, &order, &err);
  else if (rc == CD_OK && reader == 1)
    rc = control_release_read(&params, &order, &err);
  else if (rc == CD_OK && reader == 2)
    rc = control_actions_read(&params, &limit, id, &err);
  else if (rc == CD_OK && reader == 3)
    rc = control_action_read(&params, id, &err);
  else if (rc == CD_OK && reader == 4)
    rc = control_enroll_read(&params, &wish, &err);
  else if (rc == CD_OK && reader == 5)
    rc = control_renew_read(&params, &order, &err);
  else if (rc == CD_OK && reader == 6)
    rc = control_collect_read(&params, &package, &err);
  else if (rc == CD_OK && reader == 7)
    rc = control_package_read(&params, id, &offset, &err);
  else if (rc == CD_OK)
    rc = control_unquarantine_read(&params, plugin, &err);
  if (rc == CD_OK && reader == 4)
    rc = agent_token_read(&wish.token, &read, &err);
  must((rc == CD_OK) == (err.text[0] == '\0'));
  if (rc == CD_OK) {
    must(method.len <= 64);
    must(limit >= 1 && limit <= 500);
    must(id[0] == '\0' || cd_id_valid(cd_str_from(id)));
    check_order(&order);
  }
  cd_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  for (int reader = 0; reader < 9; reader++)
    try_as((cd_str){(const char *)data, size}, reader);
  return 0;
}
