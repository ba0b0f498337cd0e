/* The handlers of alerts, for the table of routes (api.c). */
#ifndef CON_API_ALERTS_H
#define CON_API_ALERTS_H

#include "call.h"
#include "store_alert.h"

/* api_alerts.c */
void con_api_alerts(con_call *c);
void con_api_machine_alerts(con_call *c);
void con_api_machine_alerts_count(con_call *c);
void con_api_alert(con_call *c);
void con_api_alert_change(con_call *c);
void con_api_alerts_change(con_call *c);
void con_api_alert_create(con_call *c);
/* False: the reply says that there is none. */
bool con_call_alert(con_call *c, cd_str id, con_alert *ret_alert);

/* api_alert_parts.c */
void con_api_alert_machine(con_call *c);
void con_api_alert_user(con_call *c);
void con_api_alert_files(con_call *c);
void con_api_alert_ips(con_call *c);
void con_api_alert_domains(con_call *c);
void con_api_alert_detail(con_call *c); /* below /api/cordon/ */

#endif
