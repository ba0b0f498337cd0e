/* The investigation package of a Windows device. */
#ifndef COLLECT_H
#define COLLECT_H

#include "read.h"

/* Every item of the package, in order of volatility. */
const col_item *win_items(size_t *ret_count);

#endif
