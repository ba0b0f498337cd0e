/* What this device is to its console: its id, its keys, the pinned root. One file, enrolment.json,
 * readable for root only and replaced as a whole, so that a device is enrolled or is not, and never
 * half. The device key has a file of its own, device.key, made once and kept: a device that enrols
 * again is the same device. */
#ifndef AGENT_ENROLMENT_H
#define AGENT_ENROLMENT_H

#include "base/buf.h"
#include "base/status.h"
#include "protocol/enroll.h"
#include "protocol/key.h"
#include "protocol/statement.h"

#define AGENT_ENROLMENT_MAX (128u * 1024u) /* the file: three PEM texts and two statements */

/* Owns its texts and keys: agent_enrolment_free(). */
typedef struct agent_enrolment {
  char device[CD_DEVICE_ID_MAX + 1];
  cd_public_key root;
  char root_id[CD_KEY_ID_TEXT_MAX];
  char *ca;          /* PEM: vouches for the agents' listener and for this device */
  char *certificate; /* PEM chain, this device's first */
  char *tls_key;     /* PEM; wiped when freed */
  char *statement;   /* JWS about the device key */
  char *order_key;   /* JWS about the order key, as it was at enrolment */
  cd_key *device_key;
  int64_t enrolled_ms;
  unsigned agent_count;
  char agents[CD_CONSOLES_MAX][CD_ENDPOINT_MAX + 1];
} agent_enrolment;

/* Random bytes of the operating system. */
extern const cd_random agent_random;

/* NULL when there is no memory. */
agent_enrolment *agent_enrolment_new(void);
void agent_enrolment_free(agent_enrolment *e); /* NULL is fine */

/* *ret_enrolment is NULL, with CD_OK, for a device that was never enrolled. A file that cannot be
 * read or makes no sense is a failure. */
CD_MUST_USE cd_code agent_enrolment_load(const char *state_dir, agent_enrolment **ret_enrolment,
                                         cd_err *err);
/* Synced; the old file or the new one is there, whole. */
CD_MUST_USE cd_code agent_enrolment_store(const char *state_dir, const agent_enrolment *e,
                                          cd_err *err);
/* The text of the file, for the store and for tests; wipe it. */
CD_MUST_USE cd_code agent_enrolment_write(const agent_enrolment *e, cd_buf *out, cd_err *err);
/* Everything but the device key, which has its own file. */
CD_MUST_USE cd_code agent_enrolment_read(cd_str text, agent_enrolment *e, cd_err *err);

/* The device key, made at the first call and the same ever after. cd_key_free(). */
CD_MUST_USE cd_code agent_device_key(const char *state_dir, cd_key **ret_key, cd_err *err);

#endif
