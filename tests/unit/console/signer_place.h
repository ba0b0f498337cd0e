/* A signer with its folder, a console's database, and a device with real keys. */
#ifndef CON_TEST_SIGNER_PLACE_H
#define CON_TEST_SIGNER_PLACE_H

#include "signer.h"
#include "signer_client.h"
#include "store_place.h"

#define FULL "{\"type\":\"full\",\"exclusions\":[]}"

/* The folder of the signer, made and filled. */
const char *signer_folder(void);
/* The text of a configuration: the database of store_place, a socket in the test's folder, our own
 * user, and what `more` adds (NULL: nothing), such as ",\"caps\":{}". */
const char *config_text(const char *more);
const char *socket_path(void);

/* Opens a signer; its clock is `signer_now`. */
void open_signer(sig_signer *s, const char *more);
extern int64_t signer_now; /* 0: the real one */
/* Closes it and opens it anew, as after a crash. */
void reopen_signer(sig_signer *s, const char *more);

/* An answer that was read; the texts last until the next ask. */
con_signer_reply ask(sig_signer *s, const char *method, const char *params);
con_signer_reply attach(sig_signer *s);
con_signer_reply sign(sig_signer *s, const char *device, const con_action_made *action,
                      const char *parameters, uint64_t generation);
/* Signs what `action` says. */
con_signer_reply sign_full(sig_signer *s, const char *device, const con_action_made *action);
con_signer_reply issue(sig_signer *s, const char *device, const char *csr,
                       const con_audit_ref *audit);
con_signer_reply state_key(sig_signer *s, const char *device, const cd_public_key *key,
                           const con_audit_ref *audit);

#define expect_signed(reply)                                                                       \
  do {                                                                                             \
    con_signer_reply r_ = (reply);                                                                 \
    ck_assert_msg(r_.code == CD_OK, "%s", r_.sentence);                                            \
  } while (0)
/* Refused with this code and these words, and nothing was signed or issued. */
#define expect_not_signed(reply, expected, words)                                                  \
  do {                                                                                             \
    con_signer_reply r_ = (reply);                                                                 \
    ck_assert_msg(r_.code == (expected), "%s: %s", cd_code_name(r_.code), r_.sentence);            \
    ck_assert_msg(strstr(r_.sentence, (words)) != NULL, "'%s' has no '%s'", r_.sentence, (words)); \
    ck_assert_uint_eq(r_.order.len + r_.statement.len + r_.certificate.len + r_.mark.len, 0);      \
  } while (0)

/* A device as it comes to enrol. */
typedef struct fleet_device {
  cd_key *device_key;
  cd_key *tls_key;
  char csr[4096];
  con_enrolled enrolled;
} fleet_device;
/* A PKCS#10 of this key. */
void make_csr(const cd_key *key, char out[4096]);
void enroll_device(con_store *s, const char *name, fleet_device *out);
void free_device(fleet_device *d);

/* Runs a command without a shell; its exit code. What it prints goes to `out` (may be NULL). */
int run(const char *const *argv, char *out, size_t out_size);
void put_text(const char *path, const char *text);

#endif
