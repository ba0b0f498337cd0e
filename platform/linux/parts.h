/* Private to linux/: the parts of the confinement. */
#ifndef PF_LINUX_PARTS_H
#define PF_LINUX_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* ---- capability.c ---- */

/* The kernel's capabilities, as a set of bits, for a set of PF_PRIV_*. */
uint64_t pf_caps_wanted(uint32_t privileges);
/* The permitted set of this thread. */
CD_MUST_USE cd_code pf_caps_permitted(uint64_t *ret_set, cd_err *err);
/* Empties the bounding and the ambient set. Without CAP_SETPCAP the bounding set stays; it then
 * gives nothing, because new privileges are off. */
CD_MUST_USE cd_code pf_caps_bar(cd_err *err);
/* Permitted and effective become exactly this set, inheritable empty; checked afterwards. */
CD_MUST_USE cd_code pf_caps_keep(uint64_t set, cd_err *err);

/* ---- no_children.c ---- */

/* From now on no thread of this process can start a process or run another program; threads can be
 * started. */
CD_MUST_USE cd_code pf_no_children(cd_err *err);

#endif
