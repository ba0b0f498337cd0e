/* Questions to WMI, and to others by COM. */
#ifndef READ_WMI_H
#define READ_WMI_H

#include "read.h"

#include <unknwn.h>

enum { WMI_COLUMNS_MAX = 16 };

/* Rows of a query into the file that is begun: the values of the columns as text. 0 rows is S_OK.
 * Stops with the item. */
HRESULT win_wmi_rows(col_task *t, const wchar_t *name_space, const wchar_t *query,
                     const wchar_t *const *columns, size_t count, const char *first_field);

/* How a proxy of another process speaks to it: this process has said nothing of that for all of
 * them. */
void win_com_blanket(IUnknown *proxy);

#endif
