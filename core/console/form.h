/* Percent-encoding (RFC 3986) and forms (application/x-www-form-urlencoded), both ways. Pure. */
#ifndef CON_FORM_H
#define CON_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "odata.h"

#define CON_FORM_MAX (16u * 1024u) /* bytes of a form; a token request has 300 */
#define CON_FORM_FIELDS 32u

typedef struct con_form {
  con_param fields[CON_FORM_FIELDS];
  size_t count;
  char *memory; /* what the fields point into; holds secrets */
  size_t memory_len;
} con_form;

/* Refuses (CD_E_INVALID, CD_E_LIMIT) a broken escape, a NUL, what is not UTF-8, and too much. */
CD_MUST_USE cd_code con_form_parse(cd_str body, con_form *ret_form, cd_err *err);
/* Wipes and frees; harmless on a zeroed one. */
void con_form_release(con_form *f);
/* The value of the field of exactly that name; false if it is missing, or there twice. */
bool con_form_find(const con_form *f, const char *name, cd_str *ret_value);

/* Appends `s` with everything but unreserved characters escaped. */
void con_percent_add(cd_buf *out, cd_str s);

#endif
