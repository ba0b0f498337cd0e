/* Columns are as wide as their widest cell, but a cell wider than CELL_COLUMNS_MAX does not count:
 * one long text of a plugin must not make a page of blanks. */
#include "table.h"

#include "text.h"

#include "base/banned.h"

#define CELL_COLUMNS_MAX 48u
#define TABLE_COLUMNS_MAX 8u
#define LABEL_COLUMNS 12u
#define GAP 3u

typedef struct ctl_cell {
  size_t offset;
  size_t len;
  size_t width;
  ctl_colour colour;
} ctl_cell;

static const char *const codes[CTL_COLOURS] = {
    [CTL_PLAIN] = "",  [CTL_BOLD] = "1",  [CTL_DIM] = "2",
    [CTL_GOOD] = "32", [CTL_WARN] = "33", [CTL_BAD] = "1;31",
};

static void add_spaces(cd_buf *out, size_t count)
{
  for (size_t i = 0; i < count; i++)
    cd_buf_add_char(out, ' ');
}

void ctl_paint(cd_buf *out, const ctl_style *style, ctl_colour colour, cd_str text)
{
  bool paint = style->colour && colour != CTL_PLAIN && text.len > 0;
  if (paint)
    cd_buf_addf(out, "\033[%sm", codes[colour]);
  cd_buf_add_str(out, text);
  if (paint)
    cd_buf_add_cstr(out, "\033[0m");
}

void ctl_label(cd_buf *out, const ctl_style *style, const char *label)
{
  cd_str text = cd_str_from(label);
  ctl_paint(out, style, CTL_BOLD, text);
  add_spaces(out, text.len < LABEL_COLUMNS ? LABEL_COLUMNS - text.len : 1);
}

void ctl_line(cd_buf *out, const ctl_style *style, const char *label, ctl_colour colour,
              cd_str text)
{
  if (text.len == 0)
    return;
  cd_buf safe = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_text_add(&safe, text);
  ctl_label(out, style, label);
  ctl_paint(out, style, colour, cd_buf_view(&safe));
  cd_buf_add_char(out, '\n');
  cd_buf_release(&safe);
}

void ctl_table_init(ctl_table *t, size_t columns)
{
  t->columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX;
  cd_buf_init(&t->text, CTL_OUTPUT_MAX);
  cd_buf_init(&t->cells, CTL_OUTPUT_MAX);
}

void ctl_table_release(ctl_table *t)
{
  cd_buf_release(&t->text);
  cd_buf_release(&t->cells);
}

void ctl_table_cell(ctl_table *t, ctl_colour colour, cd_str text)
{
  ctl_cell cell = {.offset = t->text.len, .colour = colour};
  ctl_text_add(&t->text, text);
  if (t->text.failed != CD_OK)
    return;
  cell.len = t->text.len - cell.offset;
  if (cell.len > 0)
    cell.width = ctl_text_width((cd_str){t->text.ptr + cell.offset, cell.len});
  cd_buf_add(&t->cells, &cell, sizeof(cell));
}

void ctl_table_cellf(ctl_table *t, ctl_colour colour, const char *fmt, ...)
{
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  va_list args;
  va_start(args, fmt);
  cd_buf_addv(&text, fmt, args);
  va_end(args);
  ctl_table_cell(t, colour, cd_buf_view(&text));
  cd_buf_release(&text);
}

static const ctl_cell *cell_at(const ctl_table *t, size_t i)
{
  return (const ctl_cell *)(const void *)t->cells.ptr + i;
}

static void measure(const ctl_table *t, size_t count, size_t widths[TABLE_COLUMNS_MAX])
{
  for (size_t i = 0; i < count; i++) {
    size_t width = cell_at(t, i)->width;
    size_t *widest = &widths[i % t->columns];
    if (width <= CELL_COLUMNS_MAX && width > *widest)
      *widest = width;
  }
}

/* Whether the row ends with nothing but empty cells from `i` on: no blanks are written before a
 * newline. */
static bool row_is_over(const ctl_table *t, size_t i, size_t count)
{
  for (; i < count; i++) {
    if (cell_at(t, i)->len > 0)
      return false;
    if (i % t->columns == t->columns - 1)
      return true;
  }
  return true;
}

static void print_row(const ctl_table *t, const ctl_style *style, size_t first, size_t count,
                      const size_t *widths, cd_buf *out)
{
  for (size_t i = first; i < count && i < first + t->columns; i++) {
    const ctl_cell *cell = cell_at(t, i);
    if (cell->len > 0)
      ctl_paint(out, style, cell->colour, (cd_str){t->text.ptr + cell->offset, cell->len});
    size_t width = widths[i - first];
    bool last = i + 1 == first + t->columns || row_is_over(t, i + 1, count);
    if (last)
      break;
    if (width > 0 || cell->width > 0)
      add_spaces(out, (cell->width < width ? width - cell->width : 0) + GAP);
  }
  cd_buf_add_char(out, '\n');
}

cd_code ctl_table_print(const ctl_table *t, const ctl_style *style, size_t indent, cd_buf *out,
                        cd_err *err)
{
  cd_code rc = cd_buf_status(&t->text, "a table", err);
  if (rc != CD_OK)
    return rc;
  rc = cd_buf_status(&t->cells, "a table", err);
  if (rc != CD_OK)
    return rc;
  size_t widths[TABLE_COLUMNS_MAX] = {0};
  size_t count = t->cells.len / sizeof(ctl_cell);
  measure(t, count, widths);
  for (size_t i = 0; i < count; i += t->columns) {
    add_spaces(out, indent);
    print_row(t, style, i, count, widths, out);
  }
  return cd_buf_status(out, "the output", err);
}
