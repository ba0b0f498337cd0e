/* Colour, labelled lines and columns: the look of what `cordon` prints. Every cell is escaped on
 * its way in. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define CTL_OUTPUT_MAX                                                                             \
  (8u * 1024u * 1024u) /* what one command prints: a response of 1 MiB, escaped and padded */

typedef enum ctl_colour {
  CTL_PLAIN = 0,
  CTL_BOLD,
  CTL_DIM,
  CTL_GOOD,
  CTL_WARN,
  CTL_BAD,
  CTL_COLOURS
} ctl_colour;

/* How to print; made by main, or by a test that wants the same text every time. */
typedef struct ctl_style {
  bool colour;
  int64_t now_ms; /* the wall clock when it is printed, for "3 s ago" */
} ctl_style;

/* Text that is escaped already, in a colour. */
void ctl_paint(cd_buf *out, const ctl_style *style, ctl_colour colour, cd_str text);
/* The label that opens a line: bold, padded to the width that all labels share. NULL: only the room
 * for it. */
void ctl_label(cd_buf *out, const ctl_style *style, const char *label);
/* A whole line with untrusted text; nothing if the text is empty. */
void ctl_line(cd_buf *out, const ctl_style *style, const char *label, ctl_colour colour,
              cd_str text);

typedef struct ctl_table {
  size_t columns;
  cd_buf text;  /* the escaped cells, one after the other */
  cd_buf cells; /* struct ctl_cell each, row by row */
} ctl_table;

void ctl_table_init(ctl_table *t, size_t columns);
void ctl_table_release(ctl_table *t);
void ctl_table_cell(ctl_table *t, ctl_colour colour, cd_str text);
void ctl_table_cellf(ctl_table *t, ctl_colour colour, const char *fmt, ...) CD_PRINTF(3, 4);
/* Every row as a line behind `indent` spaces. A wide cell pushes only its own row. */
CD_MUST_USE cd_code ctl_table_print(const ctl_table *t, const ctl_style *style, size_t indent,
                                    cd_buf *out, cd_err *err);

#endif
