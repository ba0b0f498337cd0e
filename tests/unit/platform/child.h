/* Code that runs in a forked child, because what it does to itself cannot be undone. */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "platform/confine.h"

/* Runs `body` in a child and fails the test with the child's words if one of its expectations did
 * not hold. */
void in_child(void (*body)(const void *context), const void *context);
/* Like it, but returns how the child ended (as waitpid() tells it); expectations that failed end it
 * with status 99. */
int status_of_child(void (*body)(const void *context), const void *context);

/* In the child: says what did not hold and ends. */
__attribute__((noreturn, format(printf, 1, 2))) void child_fail(const char *fmt, ...);
#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition))                                                                              \
      child_fail("%s:%d: %s (errno %d)", __FILE__, __LINE__, #condition, errno);                   \
  } while (0)

/* In the child: confines, or ends; the report goes to `report` if not NULL. */
void confine(const pf_confine *c, char *report, size_t report_size);
/* A line of /proc/self/status as a number, hexadecimal for the capability sets. */
uint64_t own_status(const char *name, int base);
/* What the running kernel knows of Landlock; 0: nothing. */
long landlock_version(void);

#endif
