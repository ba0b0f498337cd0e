/* CollectionSummaryReport.xls: the same as the manifest for people, as a SpreadsheetML document,
 * which Excel since 2002 and LibreOffice open. Every cell is text or number, so nothing in it can
 * be taken for a formula. */
#include <stdio.h>
#include <string.h>

#include "package/private.h"
#include "support/utf8.h"

static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<?mso-application progid=\"Excel.Sheet\"?>\n"
                           "<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" "
                           "xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\">\n"
                           "<Styles><Style ss:ID=\"h\"><Font ss:Bold=\"1\"/></Style></Styles>\n";

static const char *const columns[] = {"Id",     "Folder", "Item",         "File",
                                      "Source", "Start",  "Milliseconds", "Bytes",
                                      "Status", "Error",  "Ceiling",      "SHA-256"};

/* What XML cannot hold at all becomes `?`: the texts of records are escaped already. */
static void put_escaped(col_task *t, const char *text)
{
  size_t left = strlen(text);
  while (left > 0) {
    size_t len = sup_utf8_sequence(text, left);
    unsigned char c = (unsigned char)text[0];
    if (c == '&')
      (void)col_puts(t, "&amp;");
    else if (c == '<')
      (void)col_puts(t, "&lt;");
    else if (c == '>')
      (void)col_puts(t, "&gt;");
    else if (c == '"')
      (void)col_puts(t, "&quot;");
    else if (c == '\n' || c == '\r')
      (void)col_puts(t, "&#10;");
    else if (len == 0 || c < ' ' || c == 0x7f ||
             (len == 3 &&
              (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0)))
      (void)col_puts(t, "?");
    else
      (void)col_put(t, text, len);
    len = len == 0 ? 1 : len;
    text += len;
    left -= len;
  }
}

static void put_text(col_task *t, const char *style, const char *text)
{
  (void)col_printf(t, "<Cell%s><Data ss:Type=\"String\">", style);
  put_escaped(t, text != NULL ? text : "");
  (void)col_puts(t, "</Data></Cell>");
}

static void put_number(col_task *t, unsigned long long number)
{
  (void)col_printf(t, "<Cell><Data ss:Type=\"Number\">%llu</Data></Cell>", number);
}

static void put_record(col_task *t, size_t id, const col_record *r)
{
  char start[40];
  col_utc(r->start_ms / 1000, (uint32_t)(r->start_ms % 1000), true, start);
  (void)col_puts(t, "<Row>");
  put_number(t, id);
  put_text(t, "", r->folder);
  put_text(t, "", r->item);
  put_text(t, "", r->name);
  put_text(t, "", r->source);
  put_text(t, "", start);
  put_number(t, r->ms);
  put_number(t, r->bytes);
  put_text(t, "", col_status_name(r->status));
  put_text(t, "", r->error);
  put_text(t, "", r->cap);
  put_text(t, "", r->sha256);
  (void)col_puts(t, "</Row>\n");
}

static void put_pair(col_task *t, const char *name, const char *text)
{
  (void)col_puts(t, "<Row>");
  put_text(t, " ss:StyleID=\"h\"", name);
  put_text(t, "", text);
  (void)col_puts(t, "</Row>\n");
}

static void put_summary(col_task *t)
{
  const col_package *p = t->p;
  char text[64];
  uint32_t count[COL_STATUSES] = {0};
  (void)col_puts(t, "<Worksheet ss:Name=\"Summary\"><Table>\n");
  put_pair(t, "Device", p->o.device != NULL ? p->o.device : "");
  put_pair(t, "Action", p->o.action != NULL ? p->o.action : "");
  put_pair(t, "Profile", col_profile(&p->o));
  col_utc(p->started_ms / 1000, 0, false, text);
  put_pair(t, "Started", text);
  col_utc(col_wall_ms() / 1000, 0, false, text);
  put_pair(t, "Ended", text);
  for (size_t i = 0; i < p->count; i++)
    count[p->records[i].status]++;
  for (unsigned s = 0; s < COL_STATUSES; s++) {
    (void)snprintf(text, sizeof(text), "%u", (unsigned)count[s]);
    put_pair(t, col_status_name((col_status)s), text);
  }
  (void)col_puts(t, "</Table></Worksheet>\n");
}

void col_write_report(col_task *t)
{
  const col_package *p = t->p;
  col_begin(t, "CollectionSummaryReport.xls", "this collection");
  (void)col_puts(t, head);
  put_summary(t);
  (void)col_puts(t, "<Worksheet ss:Name=\"Items\"><Table>\n<Row>");
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
    put_text(t, " ss:StyleID=\"h\"", columns[i]);
  (void)col_puts(t, "</Row>\n");
  for (size_t i = 0; i < p->count; i++)
    put_record(t, i + 1, &p->records[i]);
  (void)col_puts(t, "</Table></Worksheet>\n</Workbook>\n");
}
