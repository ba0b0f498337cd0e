/* The rule file: what `cordond --restore` needs to put an isolation back in force before the
 * network comes up, without the journal, a console or a name service. It is text of two lines: a
 * JSON object, and the digest of that line, so that a file that was cut or has rotted is never
 * taken for another isolation. The rules themselves are not in it: the provider makes them from the
 * parameters, as it does for an order. */
#ifndef AGENT_RULE_FILE_H
#define AGENT_RULE_FILE_H

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "config.h"
#include "platform/system.h"
#include "protocol/digest.h"
#include "protocol/terms.h"

#define AGENT_RULE_FILE_MAX (CD_RESULT_MAX + 32u * 1024u) /* parameters and what is around them */

/* An isolation that was applied and proven. Owns its texts: agent_rule_file_release(). */
typedef struct agent_rule_file {
  uint64_t generation; /* of the order */
  char action[CD_ID_SIZE];
  int64_t since_ms;  /* when it was ordered */
  int64_t proven_ms; /* when probes showed it last before this was written */
  char boot[PF_BOOT_ID_MAX];
  char provider[AGENT_ID_MAX];
  char library[CD_DIGEST_TEXT_MAX]; /* digest of the provider's library */
  char digest[160];                 /* of what it put in force, in its own words */
  char *params;                     /* JSON object: of apply */
  char *terms; /* of the isolation, or NULL: the defaults. A boot acts on none */
} agent_rule_file;

void agent_rule_file_release(agent_rule_file *f);
CD_MUST_USE cd_code agent_rule_file_copy(agent_rule_file *to, const agent_rule_file *from,
                                         cd_err *err);
/* Whether they stand for the same isolation by the same means; run of the machine and times aside.
 */
bool agent_rule_file_same(const agent_rule_file *a, const agent_rule_file *b);
/* Whether the same rules come of them. */
bool agent_rule_file_same_rules(const agent_rule_file *a, const agent_rule_file *b);

CD_MUST_USE cd_code agent_rule_file_write(const agent_rule_file *f, cd_buf *out, cd_err *err);
/* Replaces *ret on success only. */
CD_MUST_USE cd_code agent_rule_file_read(cd_str text, agent_rule_file *ret, cd_err *err);
/* The first line alone. */
CD_MUST_USE cd_code agent_rule_file_read_body(cd_str body, agent_rule_file *ret, cd_err *err);

/* The console endpoints in a JSON object of parameters; false if they are not in order. Appends up
 * to `max`, without repeats. */
bool agent_params_consoles(cd_str params, agent_endpoint *out, unsigned max, unsigned *count);
/* The same from the text of a rule file of which nothing else can be believed. */
void agent_rule_file_salvage(cd_str text, agent_endpoint *out, unsigned max, unsigned *count);
void agent_endpoint_add(const agent_endpoint *e, agent_endpoint *out, unsigned max,
                        unsigned *count);
/* Canonical text of a literal address without a zone; false if it is none. */
bool agent_endpoint_set(agent_endpoint *e, cd_str address, uint64_t port);

#endif
