/* What the value of a registry key says, as text. Pure: nothing of the system is asked, and the
 * bytes may be any. */
#ifndef READ_REG_TEXT_H
#define READ_REG_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { REG_TEXT_MAX = 8192 };

/* "REG_SZ"; of an unknown type its number. */
const char *win_reg_type(uint32_t type, char ret_buffer[16]);

/* Texts as UTF-8, lists of them with ` | ` between, numbers in decimal and hex, all else as hex.
 * Texts may lack their NUL or have an odd length. At most `size` - 1 bytes, `...(cut)` at the end
 * of what did not fit. How many bytes. */
size_t win_reg_value_text(uint32_t type, const void *bytes, size_t len, char *ret_text,
                          size_t size);

#endif
