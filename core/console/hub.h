/* The devices that are connected: one connection each. */
#ifndef CON_HUB_H
#define CON_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "server.h"

CD_MUST_USE cd_code con_hub_open(con_server *s, cd_err *err);
void con_hub_close(con_server *s); /* all links are gone */

con_link *con_hub_find(const con_server *s, cd_str device);
uint64_t con_hub_count(const con_server *s);
/* The link takes the device's place; whoever had it has lost it. */
void con_hub_put(con_server *s, con_link *l);
void con_hub_remove(con_server *s, con_link *l);
/* Something waits for the device: it is sent if it is connected. */
/* A device that is connected was last seen when its link last heard of it; what the store has is
 * that of its last report. */
void con_hub_seen(const con_server *s, con_device *device);
void con_hub_poke(con_server *s, cd_str device);
/* Policies, or whose they are, were changed. */
void con_hub_policies(con_server *s);
/* Ends the device's connection. */
void con_hub_drop(con_server *s, cd_str device, const char *why);
/* Every second. */
void con_hub_tick(con_server *s, uint64_t now_ms);
void con_hub_drop_all(con_server *s, const char *why);

#endif
