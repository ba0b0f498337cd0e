/* Excluded services: whether they can be honoured, which run, and what a result says of them. */
#include "isolate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ruleset_groups.h"
#include "support/json.h"
#include "support/text.h"

/* What runs in this plugin's own service would be let through as well: the probes of verify above
 * all. */
static cordon_status check_own(const iso_params *p, sup_err *err)
{
  char own[4096];
  int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, own, sizeof(own) - 1) : 0;
  if (fd >= 0)
    (void)close(fd);
  own[len > 0 ? len : 0] = '\0';
  const iso_group *g = iso_groups_of_process(own, p->groups, p->group_count);
  if (g == NULL)
    return CORDON_OK;
  return sup_fail(err, CORDON_E_INVALID,
                  "the service '%.64s' is the one that isolates, and no exclusion may let it "
                  "through",
                  g->name);
}

/* A link's table sees no sockets. */
cordon_status iso_services_check(iso_plugin *self, const iso_params *p, bool stands, sup_err *err)
{
  if (p->strict)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "exclusions by service are not possible together with strict: at a link "
                    "packets cannot be told by service");
  if (stands)
    return CORDON_OK;
  cordon_status status = check_own(p, err);
  return status == CORDON_OK ? iso_groups_work(&self->ability.services, err) : status;
}

void iso_services_look(iso_params *p)
{
  sup_err why = {0};
  bool more = false;
  cordon_status status = iso_groups_find("", p->groups, p->group_count, &more, &why);
  p->groups_blind = status != CORDON_OK && status != CORDON_E_UNSUPPORTED;
  p->groups_note[0] = '\0';
  if (status != CORDON_OK)
    (void)snprintf(p->groups_note, sizeof(p->groups_note), "%.*s", ISO_GROUPS_NOTE - 1,
                   why.sentence);
  else if (more)
    (void)snprintf(p->groups_note, sizeof(p->groups_note),
                   "there are more slices than are looked at: a service in the rest is cut");
}

cordon_status iso_renew_groups(iso_plugin *self, const iso_params *p, bool guarded, sup_err *err)
{
  sup_text commands = SUP_TEXT_INIT(2 * ISO_GROUPS_ROOM);
  iso_groups_write_renewal(&commands, p, ISO_TABLE);
  if (guarded)
    iso_groups_write_renewal(&commands, p, ISO_GUARD_TABLE);
  cordon_status status =
      commands.failed ? sup_fail(err, CORDON_E_LIMIT, "there is no memory to renew the services")
                      : iso_load(self, guarded, sup_text_get(&commands), err);
  sup_text_release(&commands);
  return status;
}

static void write_note(sup_text *t, const iso_params *p, const iso_group *g)
{
  if (p->groups_note[0] != '\0')
    sup_text_addf(t, "%s; ", p->groups_note);
  if (p->groups_blind)
    sup_text_add(t, "what is in force for it stays; ");
  else if (g->place_count == 0)
    sup_text_add(t, "it is not running; what it does passes once it starts; ");
  if (g->more_places)
    sup_text_addf(t, "more than %d slices have a service of this name, and the rest is cut; ",
                  ISO_GROUP_PLACES);
  else if (g->place_count > 1)
    sup_text_addf(t, "%zu slices have a service of this name, and all pass; ", g->place_count);
  if (g->more_below)
    sup_text_add(t, "it has more groups of its own making than could be looked at, whose open "
                    "connections were ended; ");
}

void iso_services_add(const iso_params *p, cJSON *details)
{
  cJSON *services = p->group_count > 0 ? cJSON_AddArrayToObject(details, "services") : NULL;
  for (size_t i = 0; i < p->group_count; i++) {
    const iso_group *g = &p->groups[i];
    sup_text note = SUP_TEXT_INIT(1024);
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "name", g->name);
    (void)cJSON_AddBoolToObject(item, "running", g->place_count > 0);
    if (g->place_count > 0)
      sup_json_add_text(item, "cgroup", g->places[0].path);
    write_note(&note, p, g);
    if (note.len > 2) {
      note.ptr[note.len - 2] = '\0';
      sup_json_add_text(item, "note", note.ptr);
    }
    (void)cJSON_AddItemToArray(services, item);
    sup_text_release(&note);
  }
}
