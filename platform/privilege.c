#include "privilege.h"

#include "platform/confine.h"

#include "base/banned.h"

static const pf_privilege privileges[] = {
    {"root", PF_PRIV_ROOT},           {"net_admin", PF_PRIV_NET_ADMIN},
    {"net_raw", PF_PRIV_NET_RAW},     {"read_all", PF_PRIV_READ_ALL},
    {"trace", PF_PRIV_TRACE},         {"kill", PF_PRIV_KILL},
    {"sys_admin", PF_PRIV_SYS_ADMIN}, {"sight", PF_PRIV_SIGHT},
    {"syslog", PF_PRIV_SYSLOG},       {"write_all", PF_PRIV_WRITE_ALL},
    {"modules", PF_PRIV_MODULES},     {"root_user", PF_PRIV_ROOT_USER},
};

const pf_privilege *pf_privileges(size_t *ret_count)
{
  *ret_count = sizeof(privileges) / sizeof(privileges[0]);
  return privileges;
}

bool pf_privilege_from_name(cd_str name, uint32_t *ret_bit)
{
  *ret_bit = 0;
  for (size_t i = 0; i < sizeof(privileges) / sizeof(privileges[0]); i++) {
    if (!cd_str_eq_cstr(name, privileges[i].name))
      continue;
    *ret_bit = privileges[i].bit;
    return true;
  }
  return false;
}
