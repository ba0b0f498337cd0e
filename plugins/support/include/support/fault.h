/* Named points in a plugin at which a crash test may kill or stop the process: as CD_FAULT_POINT of
 * core/base, for code that sees only the ABI.
 *
 * Compiled in only with CORDON_FAULT_POINTS (never in a release). The environment variable
 * CORDON_FAULT holds comma-separated `point=action[:n]`, action one of `kill` and `stop`; with `:n`
 * only at the n-th time the point is reached. Other actions are somebody else's and ignored. On
 * Windows `stop` makes the file that CORDON_FAULT_GATE names and waits until it is gone, for a
 * minute at most. */
#ifndef SUP_FAULT_H
#define SUP_FAULT_H

#ifdef CORDON_FAULT_POINTS
#define SUP_FAULT_POINT(name) sup_fault_point(name)
/* Used through the macro, by one thread at a time. */
void sup_fault_point(const char *name);
#else
#define SUP_FAULT_POINT(name) ((void)0)
#endif

#endif
