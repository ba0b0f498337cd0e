#include "protocol/exclusion.h"

#include <string.h>

#include "base/banned.h"

static bool ends(cd_str name, const char *end)
{
  cd_str e = cd_str_from(end);
  return name.len > e.len && memcmp(name.ptr + name.len - e.len, e.ptr, e.len) == 0;
}

static bool is_allowed(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr(":-_.\\@", c) != NULL);
}

bool cd_service_name_good(cd_str name)
{
  if (name.len > CD_SERVICE_NAME_MAX || (!ends(name, ".service") && !ends(name, ".socket")))
    return false;
  for (size_t i = 0; i < name.len; i++) {
    bool template = name.ptr[i] == '@' && name.ptr[i + 1] == '.';
    if (!is_allowed(name.ptr[i]) || template)
      return false;
  }
  return name.ptr[0] != '.' && name.ptr[0] != '@';
}

void cd_exclusion_read_whose(cd_json *exclusion, size_t address_max)
{
  cd_str address = {0};
  cd_str service = {0};
  if (!cd_json_opt_str(exclusion, "service", CD_SERVICE_NAME_MAX, &service)) {
    cd_json_str(exclusion, "address", address_max, &address);
    return;
  }
  if (!cd_service_name_good(service))
    cd_json_bad(exclusion, "service",
                "must be the name of a service as systemd has it, such as nginx.service");
  (void)cd_json_opt_str(exclusion, "address", address_max, &address);
}
