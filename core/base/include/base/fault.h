/* Named points at which a crash test may kill, stop or fail this process.
 *
 * Compiled in only with CORDON_FAULT_POINTS (never in a release); elsewhere the macros are empty.
 * The specification comes from the environment variable CORDON_FAULT: comma-separated
 * `point=action[:n]`, action one of `kill` (SIGKILL to itself), `stop` (SIGSTOP to itself), `fail`
 * (CD_FAULT_FAILS is true); with
 * `:n`, only at the n-th time the point is reached (default 1). A process logs nothing about it. */
#ifndef CD_FAULT_H
#define CD_FAULT_H

#include <stdbool.h>

#ifdef CORDON_FAULT_POINTS
#define CD_FAULT_POINT(name) ((void)cd_fault_reached(name))
#define CD_FAULT_FAILS(name) (cd_fault_reached(name))
/* The variable as this process got it, to hand to a child with a clean environment; NULL if unset.
 */
const char *cd_fault_spec(void);
#else
#define CD_FAULT_POINT(name) ((void)0)
#define CD_FAULT_FAILS(name) (false)
#endif

/* Used through the macros. True if the action is `fail` and it is due. */
bool cd_fault_reached(const char *name);

#endif
