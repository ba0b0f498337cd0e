/* Capabilities by the raw system calls: they act on the calling thread, which at this point is the
 * only one. */
#include "linux/parts.h"

#include "platform/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

#define BIT(capability) (UINT64_C(1) << (capability))

static const struct {
  uint32_t privilege;
  uint64_t set;
} meanings[] = {
    {PF_PRIV_NET_ADMIN, BIT(CAP_NET_ADMIN)},
    {PF_PRIV_NET_RAW, BIT(CAP_NET_RAW)},
    {PF_PRIV_READ_ALL, BIT(CAP_DAC_READ_SEARCH)},
    {PF_PRIV_TRACE, BIT(CAP_SYS_PTRACE)},
    {PF_PRIV_KILL, BIT(CAP_KILL)},
    {PF_PRIV_SYS_ADMIN, BIT(CAP_SYS_ADMIN)},
    {PF_PRIV_SYSLOG, BIT(CAP_SYSLOG)},
    {PF_PRIV_WRITE_ALL, BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
                            BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_SETFCAP)},
    {PF_PRIV_MODULES, BIT(CAP_SYS_MODULE)},
};

uint64_t pf_caps_wanted(uint32_t privileges)
{
  uint64_t set = 0;
  for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
    if ((privileges & meanings[i].privilege) != 0)
      set |= meanings[i].set;
  return set;
}

typedef struct cap_sets {
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
} cap_sets;

static bool caps_get(cap_sets *ret_sets)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capget, &header, data) != 0)
    return false;
  *ret_sets = (cap_sets){
      .effective = (uint64_t)data[1].effective << 32 | data[0].effective,
      .permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted,
      .inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable,
  };
  return true;
}

static bool caps_set(uint64_t set)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  data[0].effective = data[0].permitted = (uint32_t)set;
  data[1].effective = data[1].permitted = (uint32_t)(set >> 32);
  return syscall(SYS_capset, &header, data) == 0;
}

cd_code pf_caps_permitted(uint64_t *ret_set, cd_err *err)
{
  cap_sets sets = {0};
  if (!caps_get(&sets))
    return cd_fail_os(err, CD_E_INTERNAL, errno, "the capabilities are unknown: %s",
                      strerror(errno));
  *ret_set = sets.permitted;
  return CD_OK;
}

cd_code pf_caps_bar(cd_err *err)
{
  /* Kernels before 4.3 have no ambient set and say EINVAL. */
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
    return cd_fail_os(err, CD_E_INTERNAL, errno,
                      "the ambient capabilities could not be dropped: %s", strerror(errno));
  cap_sets now = {0};
  if (!caps_get(&now))
    return cd_fail_os(err, CD_E_INTERNAL, errno, "the capabilities are unknown: %s",
                      strerror(errno));
  if ((now.effective & BIT(CAP_SETPCAP)) == 0)
    return CD_OK;
  for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
    if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
      return cd_fail_os(err, CD_E_INTERNAL, errno,
                        "capability %lu could not be taken from the bounding set: %s", c,
                        strerror(errno));
  return CD_OK;
}

cd_code pf_caps_keep(uint64_t set, cd_err *err)
{
  cap_sets now = {0};
  if (!caps_set(set) || !caps_get(&now))
    return cd_fail_os(err, CD_E_DENIED, errno, "the capabilities could not be set: %s",
                      strerror(errno));
  if (now.permitted != set || now.effective != set || now.inheritable != 0)
    return cd_fail(err, CD_E_INTERNAL, "the capabilities are 0x%llx after setting them to 0x%llx",
                   (unsigned long long)now.permitted, (unsigned long long)set);
  return CD_OK;
}
