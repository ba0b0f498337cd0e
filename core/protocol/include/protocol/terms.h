/* The terms of an isolation: how long it lasts, what happens when the console is lost or cannot be
 * reached through the rules, and what releases it without a console.
 *
 *   "lease":{"until":MS}                                  none: until it is released
 *   "lost_console":{"rule":"release","after_s":86400}     none: keep
 *   "unreachable":{"rule":"release","after_s":60}         none: release after 60 s
 *   "code":{"salt":BASE64URL,"digest":"sha256:..."}       none: only the console releases
 *
 * They are optional members of the parameters of an order of kind isolate, and travel through the
 * agent as an object with these members alone. */
#ifndef CD_TERMS_H
#define CD_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "protocol/digest.h"

#define CD_CODE_SALT_SIZE 16u
#define CD_TERMS_TEXT_MAX 1024u /* the object as text; all of it has 250 bytes */

#define CD_LOST_AFTER_MIN_S 60u
#define CD_LOST_AFTER_MAX_S (366u * 24u * 3600u)
#define CD_UNREACHABLE_AFTER_MIN_S 10u
#define CD_UNREACHABLE_AFTER_MAX_S 3600u
#define CD_UNREACHABLE_AFTER_S 60u /* where the terms say nothing */

typedef struct cd_terms {
  int64_t lease_until_ms;       /* the console's clock; 0: no end */
  uint32_t lost_after_s;        /* release when no console was heard for so long; 0: keep */
  uint32_t unreachable_after_s; /* roll back when the rules keep the console away; 0: keep */
  bool has_code;                /* a release code opens it */
  uint8_t code_salt[CD_CODE_SALT_SIZE];
  cd_digest code_digest;
} cd_terms;

/* What counts where nothing is said. */
void cd_terms_init(cd_terms *t);
/* Reads the four members, from the parameters of an order or from an object with them alone. What
 * is not there has its default; what is wrong sticks to the document. */
void cd_terms_read(cd_json *object, cd_terms *ret_terms);
/* Reads "lost_console" and "unreachable" alone; what is not there stays as it is in *t. */
void cd_terms_read_rules(cd_json *object, cd_terms *t);
/* Writes those two, whatever they are. */
void cd_terms_write_rules(const cd_terms *t, cd_jw *w);
/* Writes the members that differ from the defaults into the object that is open. */
void cd_terms_write(const cd_terms *t, cd_jw *w);
/* What is asked of a device by the parameters of an order, any object: a digest of them without the
 * release code, which is each order's own, and when its lease ends (0: never). Two orders with the
 * same wish ask for the same. */
CD_MUST_USE cd_code cd_wish_of(cd_str parameters, cd_digest *ret_wish, int64_t *ret_lease_ms,
                               cd_err *err);
/* The object with them alone; "{}" reads as the defaults. */
CD_MUST_USE cd_code cd_terms_parse(cd_str text, cd_terms *ret_terms, cd_err *err);
CD_MUST_USE cd_code cd_terms_print(const cd_terms *t, cd_buf *out, cd_err *err);

#endif
