/* Any bytes as the parameters of an isolation: they are refused with a sentence, or become rules
 * that are whole. */
#include "params.h"
#include "ruleset.h"
#include "ruleset_groups.h"
#include "targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

static void refused_well(cordon_status status, const sup_err *err)
{
  must(status == CORDON_E_INVALID || status == CORDON_E_LIMIT || status == CORDON_E_UNSUPPORTED,
       "refused with another status");
  must(err->sentence[0] != '\0' && err->status == status, "refused without a sentence");
}

static void start_services(iso_params *p)
{
  for (size_t i = 0; i < p->group_count; i++) {
    iso_place *place = &p->groups[i].places[0];
    (void)snprintf(place->path, sizeof(place->path), "system.slice/%zu", i);
    place->level = 2;
    p->groups[i].place_count = 1;
  }
}

static void render(const iso_params *p)
{
  sup_err err = {0};
  char tag[ISO_TAG_LEN + 1] = "";
  sup_text out = SUP_TEXT_INIT(ISO_RULESET_ROOM);
  iso_target targets[ISO_TARGETS];
  cordon_status status = iso_ruleset_render(p, &out, tag, &err);
  if (status != CORDON_OK) {
    refused_well(status, &err);
  } else {
    must(strlen(tag) == ISO_TAG_LEN && strstr(sup_text_get(&out), tag) != NULL,
         "rules without their tag");
    must(!iso_groups_any(p->groups, p->group_count) ||
             strstr(sup_text_get(&out), "\"system.slice/0\" : jump service_0_out") != NULL,
         "services that are not in the rules made for them");
    must(out.len > 2 && strcmp(sup_text_get(&out) + out.len - 2, "}\n") == 0,
         "rules that end too early");
    /* Nothing that came in as free text may reach the rules. */
    must(strchr(sup_text_get(&out), ';') != NULL && strstr(sup_text_get(&out), "note") == NULL,
         "free text in the rules");
  }
  iso_targets_choose(p, targets);
  for (size_t i = 0; i < ISO_TARGETS; i++)
    must(targets[i].addr.family == 0 || !iso_params_excludes(p, ISO_OUT, targets[i].protocol,
                                                             &targets[i].addr, targets[i].port),
         "a target that an exclusion lets through");
  sup_text_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  sup_err err = {0};
  iso_params p = {0};
  cJSON *doc = sup_json_parse((const char *)data, size, &err);
  if (doc == NULL) {
    refused_well(err.status, &err);
    return 0;
  }
  cordon_status status = iso_params_read(doc, &p, &err);
  if (status == CORDON_OK) {
    render(&p);
    start_services(&p);
    render(&p);
  } else {
    refused_well(status, &err);
  }
  iso_params_release(&p);
  cJSON_Delete(doc);
  return 0;
}
