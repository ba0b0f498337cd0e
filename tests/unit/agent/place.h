/* A folder of its own for each test, below one that goes when the program ends; and the suite as a
 * program. */
#ifndef AGENT_TEST_PLACE_H
#define AGENT_TEST_PLACE_H

#include <check.h>

#include <stdbool.h>
#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Runs the tests, each in a process and an empty folder of its own, and removes the folders. The
 * program's exit code. */
int run_suite(const char *name, const TTest *const *tests, size_t count);

/* The folder of the running test. It lies where trusted files may lie when this is root, else below
 * /tmp. */
const char *place(void);
/* The path of a name in it; good until the fourth call after this one. */
const char *at(const char *name);
/* Writes a file with exactly this mode, replacing what was there. */
void put_file(const char *path, const void *bytes, size_t len, unsigned mode);
void put_text(const char *path, const char *text, unsigned mode);
/* Reads a whole file into a buffer that the caller frees; the bytes are followed by a NUL. */
char *get_file(const char *path, size_t *ret_len);
bool exists(const char *path);

#endif
