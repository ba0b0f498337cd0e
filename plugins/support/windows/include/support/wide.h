/* The edge to Windows, where texts are UTF-16, errors are numbers of several kinds, and libraries
 * are loaded from the system's folder only. Windows only. */
#ifndef SUP_WIDE_H
#define SUP_WIDE_H

#include <stdbool.h>
#include <stddef.h>

#include <windows.h>

/* Into a buffer of the caller's; what does not fit is left out. NULL is empty. */
void sup_from_wide(const wchar_t *text, char *ret_text, size_t size);
/* False: it does not fit, or is no UTF-8. The text is empty then. */
bool sup_to_wide(const char *text, wchar_t *ret_text, size_t units);

/* A function of a library of the system's own folder, to be cast to its type, or NULL. The library
 * stays loaded. */
typedef void sup_function(void);
sup_function *sup_system_call(const wchar_t *library, const char *name);

/* Whether this is Wine, whose stubs say yes where Windows would act: a source that Wine only
 * pretends to have is told of as such. */
bool sup_is_wine(void);

#endif
