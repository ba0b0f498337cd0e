/* Whose flows an exclusion of a selective isolation lets through. */
#ifndef CD_EXCLUSION_H
#define CD_EXCLUSION_H

#include "base/json.h"

#define CD_SERVICE_NAME_MAX 255u /* systemd's own limit */

/* A name of a unit as systemd allows it, *.service or *.socket, and no template. */
bool cd_service_name_good(cd_str name);

/* Reads `address` and `service`: one of them has to be there, and both narrow each other. What an
 * address means is for the provider to say. */
void cd_exclusion_read_whose(cd_json *exclusion, size_t address_max);

#endif
