/* What the tests in a real kernel share: the plugin in a fake host on the test bed, and its
 * parameters. */
#ifndef KERNEL_H
#define KERNEL_H

#include "bed.h"
#include "fake_host.h"

extern fake_host host;
extern const cordon_state *isolate;

/* Fixture: the bed, and the plugin loaded within it. */
void kernel_setup(void);
void kernel_teardown(void);

/* Parameters of an isolation with the bed's console and mark. `exclusions`: the items of the array,
 * NULL for a full isolation. The text lives until the next call. */
const char *kernel_params(const char *exclusions);

/* Applies and expects success. */
void kernel_isolate(const char *exclusions);

/* The state that query tells, with the parameters of the last kernel_params(). */
const char *kernel_state(void);

#endif
