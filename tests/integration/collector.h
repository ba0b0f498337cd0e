/* An agent that collects with the zoo's `collects`, and what comes of it. */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include "driver.h"

/* `settings` of the plugin and `collect` of the agent, as JSON without braces, and where it is to
 * fail; each may be NULL. */
driver *collector_begin_with(const char *settings, const char *collect, const char *fault);
driver *collector_begin(const char *settings);
void collector_end(driver *d);

/* How many entries the zip has; the content of one of them, up to 255 bytes. */
unsigned collector_zip(const char *path, const char *name, char out[256]);
/* How many files wait in the agent's spool. */
unsigned collector_spool(driver *d);
/* The action has this status, and its sentence this part. */
void collector_expect(driver *d, const char *id, const char *status, const char *part);

#endif
