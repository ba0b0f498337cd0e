#include "shape.h"

#include "base/banned.h"

static void write_list(cd_jw *w, const char *name, const con_value *v)
{
  cd_jw_arr(w, name);
  for (size_t i = 0; i < v->count; i++)
    cd_jw_str(w, NULL, v->items[i]);
  cd_jw_end_arr(w);
}

static void write_field(cd_jw *w, const con_field *f, const con_value *v)
{
  char when[CON_TIME_TEXT_MAX];
  if (v->null) {
    cd_jw_null(w, f->name);
    return;
  }
  switch (f->type) {
  case CON_TEXT: cd_jw_str(w, f->name, v->text); break;
  case CON_NUMBER: cd_jw_i64(w, f->name, v->number); break;
  case CON_BOOL: cd_jw_bool(w, f->name, v->number != 0); break;
  case CON_TIME:
    con_time_text(v->number, when);
    cd_jw_cstr(w, f->name, when);
    break;
  case CON_LIST: write_list(w, f->name, v); break;
  case CON_JSON: cd_jw_raw(w, f->name, v->text); break;
  }
}

static void write_fields(const con_shape *s, cd_jw *w, const con_odata *q, const void *row)
{
  for (size_t i = 0; i < s->field_count; i++) {
    con_value v = {0};
    if (q != NULL && !con_odata_selects(q, i))
      continue;
    s->get(row, i, &v);
    write_field(w, &s->fields[i], &v);
  }
}

void con_shape_write(const con_shape *s, cd_jw *w, const con_odata *q, const void *row, cd_str base)
{
  cd_jw_obj(w, NULL);
  if (base.len > 0)
    cd_jw_strf(w, "@odata.context", "%.*s/api/$metadata#%s/$entity", CD_STR_ARG(base), s->set);
  write_fields(s, w, q, row);
  cd_jw_end_obj(w);
}

void con_shape_write_as(const con_shape *s, cd_jw *w, const char *key, const void *row)
{
  cd_jw_obj(w, key);
  write_fields(s, w, NULL, row);
  cd_jw_end_obj(w);
}
