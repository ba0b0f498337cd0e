/* Isolations follow their exclusions: each device that is isolated with an older state of its set
 * gets an order of the next generation. What is cut short here goes on at the next look. */
#include "base/clock.h"
#include "base/log.h"
#include "hub.h"
#include "store_exclusions.h"

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define AT_ONCE 500u /* orders of one look; each waits for the disk */

void con_exclusions_follow(con_server *s)
{
  for (unsigned i = 0; i < AT_ONCE; i++) {
    char device[CON_DEVICE_TEXT];
    con_action_made made = {0};
    cd_err err = {0};
    int64_t expires_ms = cd_wall_ms() + (int64_t)s->config.action_days * DAY_MS;
    cd_code rc = con_isolation_set_follow(s->store, expires_ms, device, &made, &err);
    if (rc == CD_E_NOTFOUND)
      return;
    if (rc != CD_OK) {
      cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "isolations do not follow their exclusions: %s",
             err.text);
      return;
    }
    cd_log(CD_AREA_DEVICES, CD_LOG_INFO,
           "device=%s action=%s: its exclusions were changed, so it is ordered anew", device,
           made.id);
    con_hub_poke(s, cd_str_from(device));
  }
}
