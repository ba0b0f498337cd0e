/* Private to linux/: the parts of the confinement. */
#ifndef PF_LINUX_PARTS_H
#define PF_LINUX_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* ---- atime.c ---- */

/* From now on this process, and those it starts, read through mounts of their own that keep no time
 * of access. False: this kernel or its administrator does not allow it, or what is mounted does not
 * propagate; reading shows as it did. Needs CAP_SYS_ADMIN, and one thread. */
bool pf_atime_keep(void);

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

/* ---- landlock.c ---- */

/* From now on this thread, and those it starts, write, make, rename and remove nothing but below
 * `state_dir` (NULL: nowhere) and to /dev/null; with `signals`, where the kernel can, signals reach
 * only this process and its descendants. *ret_applied: false if this kernel has no Landlock. Needs
 * "no new privileges". */
CD_MUST_USE cd_code pf_landlock_self(const char *state_dir, bool signals, bool *ret_applied,
                                     cd_err *err);

/* ---- filter.c, filter_others.c ---- */

typedef enum pf_signals {
  PF_SIGNALS_ANY,   /* the filter leaves them alone */
  PF_SIGNALS_GROUP, /* of the process groups only our own; single processes are for Landlock, since
                       a filter does not know the children */
  PF_SIGNALS_SELF   /* only to this process */
} pf_signals;

typedef struct pf_filter {
  bool no_children; /* no process is started and no program run; else all stay in our group */
  bool no_looking;  /* into other processes */
  bool no_network;  /* of sockets only local ones are made */
  bool client;      /* see platform/confine.h */
  bool own_limits;  /* limits and priorities of others stay as they are */
  bool own_files;   /* modes and attributes of files stay as they are */
  pf_signals signals;
} pf_filter;

/* From now on no thread of this process, and none that it starts, gets what the filter refuses. */
CD_MUST_USE cd_code pf_filter_self(const pf_filter *f, cd_err *err);
/* Adds the rules about other processes to a libseccomp filter. 0, or the library's error. */
int pf_filter_others(void *filter, const pf_filter *f);

#endif
