/* Reading the registry, whose keys and values anybody may have made. */
#ifndef READ_REG_H
#define READ_REG_H

#include "read.h"

enum { REG_NAME_MAX_UNITS = 16384, REG_DATA_MAX = 1024 * 1024, REG_SUBKEY_UNITS = 256 };

/* A text of the 64-bit view, not expanded. False: there is none, or it does not fit. */
bool win_reg_text(HKEY root, const wchar_t *key, const wchar_t *value, wchar_t ret_text[WIN_PATH]);
bool win_reg_number(HKEY root, const wchar_t *key, const wchar_t *value, uint32_t *ret_number);

/* The same of an open key, without leaving it. */
bool win_key_text(HKEY key, const wchar_t *value, wchar_t ret_text[WIN_PATH]);
bool win_key_number(HKEY key, const wchar_t *value, uint32_t *ret_number);

/* Calls `fn` for the name of each key below. 0 or an error. */
typedef bool win_subkey_fn(void *data, HKEY key, const wchar_t *name);
DWORD win_each_subkey(const col_task *t, HKEY key, win_subkey_fn *fn, void *data);

/* Calls `fn` for each value. `bytes` has at most REG_DATA_MAX of its bytes, `cut` tells whether
 * there were more. 0 or an error. */
typedef struct win_value {
  const wchar_t *name; /* "" for the key's own */
  DWORD type;
  const unsigned char *bytes;
  size_t len;
  bool cut;
} win_value;
typedef bool win_value_fn(void *data, HKEY key, const win_value *v);
DWORD win_each_value(const col_task *t, HKEY key, win_value_fn *fn, void *data);

/* When the key was written last, in 100 ns since 1601; 0: not known. */
uint64_t win_key_written(HKEY key);

#endif
