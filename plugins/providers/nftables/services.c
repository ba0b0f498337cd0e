/* Excluded services: whether they can be honoured, and what a result says of them. */
#include "isolate.h"

#include <fcntl.h>
#include <unistd.h>

#include "support/json.h"

/* A link's table sees no sockets, and what runs in this plugin's own service would be let through
 * as well: the probes of verify above all. */
cordon_status iso_services_check(iso_plugin *self, const iso_params *p, sup_err *err)
{
  char own[4096];
  if (p->strict)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "exclusions by service are not possible together with strict: at a link "
                    "packets cannot be told by service");
  int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, own, sizeof(own) - 1) : 0;
  if (fd >= 0)
    (void)close(fd);
  own[len > 0 ? len : 0] = '\0';
  const iso_group *g = iso_groups_of_process(own, p->groups, p->group_count);
  if (g != NULL)
    return sup_fail(err, CORDON_E_INVALID,
                    "the service '%.64s' is the one that isolates, and no exclusion may let it "
                    "through",
                    g->name);
  return iso_groups_work(&self->ability.services, err);
}

void iso_services_add(const iso_params *p, cJSON *details)
{
  cJSON *services = p->group_count > 0 ? cJSON_AddArrayToObject(details, "services") : NULL;
  for (size_t i = 0; i < p->group_count; i++) {
    const iso_group *g = &p->groups[i];
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "name", g->name);
    (void)cJSON_AddBoolToObject(item, "running", g->path[0] != '\0');
    if (g->path[0] != '\0')
      sup_json_add_text(item, "cgroup", g->path);
    else
      (void)cJSON_AddStringToObject(item, "note",
                                    "it is not running; what it does passes once it starts");
    (void)cJSON_AddItemToArray(services, item);
  }
}
