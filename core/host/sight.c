/* cordon.host.sight/1: what the agent looks up for the plugin. The agent is asked over a descriptor
 * of its own, not over the link: the answers carry sockets. */
#include "host.h"

#include "platform/sight.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static ph_host *host_of(const cordon_host *h)
{
  ph_host *host = h != NULL ? h->host_data : NULL;
  return host != NULL && host->sight >= 0 ? host : NULL;
}

static cordon_status CORDON_CALL space(const cordon_host *h, uint32_t index,
                                       cordon_space *ret_space)
{
  cd_err err = {0};
  pf_sight_space found = {.id = 0};
  uv_file sockets[2] = {-1, -1};
  ph_host *host = host_of(h);
  if (host == NULL || ret_space == NULL)
    return CORDON_E_INVALID;
  uv_mutex_lock(&host->sight_lock);
  cd_code rc = pf_sight_space_at(host->sight, index, &found, sockets, &err);
  uv_mutex_unlock(&host->sight_lock);
  *ret_space =
      (cordon_space){.id = found.id, .pid = found.pid, .diag = sockets[0], .route = sockets[1]};
  (void)snprintf(ret_space->name, sizeof(ret_space->name), "%s", found.name);
  return (cordon_status)rc;
}

static cordon_status CORDON_CALL holders(const cordon_host *h, const uint64_t *inodes,
                                         uint32_t count, cordon_holder *ret_holders)
{
  cd_err err = {0};
  pf_sight_holder found[PF_SIGHT_HOLDERS_MAX] = {{.pid = 0}};
  ph_host *host = host_of(h);
  if (host == NULL || inodes == NULL || ret_holders == NULL || count > PF_SIGHT_HOLDERS_MAX)
    return CORDON_E_INVALID;
  uv_mutex_lock(&host->sight_lock);
  cd_code rc = pf_sight_holders(host->sight, inodes, count, found, &err);
  uv_mutex_unlock(&host->sight_lock);
  for (uint32_t i = 0; i < count && rc == CD_OK; i++) {
    ret_holders[i] = (cordon_holder){.pid = found[i].pid};
    (void)snprintf(ret_holders[i].name, sizeof(ret_holders[i].name), "%s", found[i].name);
    (void)snprintf(ret_holders[i].program, sizeof(ret_holders[i].program), "%s", found[i].program);
  }
  return (cordon_status)rc;
}

static const cordon_host_sight table = {
    .struct_size = sizeof(cordon_host_sight), .space = space, .holders = holders};

const void *ph_sight_table(const ph_host *host)
{
  return host->sight >= 0 ? &table : NULL;
}
