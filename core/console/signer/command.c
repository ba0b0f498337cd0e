#include "command.h"

#include "base/clock.h"
#include "signer.h"

#include "base/banned.h"

static const char made[] =
    "The keys are made in %s (mode 0600, only for the signer's user):\n"
    "  root.key       states the other keys. Every agent pins its public half, root.pub.\n"
    "  order.key      signs orders and marks\n"
    "  policy.key     signs policy\n"
    "  device-ca.key  issues the certificates of agents and of the console; ca.pem is its own\n"
    "Root key id: %s\n\n"
    "Take the root key offline now. The signer does not need it to run:\n"
    "  1. copy root.key to two media that you keep in two safes, and check both copies with\n"
    "     openssl pkey -in COPY/root.key -noout -check\n"
    "  2. shred -u %s/root.key\n\n"
    "To replace a key, because it may have been seen or on a schedule: stop the signer, put "
    "root.key\n"
    "back into %s, then\n"
    "  cordon-signer --rotate order      devices take the new key with the next order, and the "
    "old\n"
    "                                    one never again after that\n"
    "  cordon-signer --rotate policy     likewise, with the next policy\n"
    "  cordon-signer --rotate device-ca  new certificates come from the new key; those of the old "
    "one\n"
    "                                    are good until they end, and are renewed by themselves\n"
    "then remove root.key again and start the signer. The root key itself cannot be replaced: it "
    "is\n"
    "what agents know. If it was seen, enrol the devices anew.\n";

cd_code sig_command_init(const char *folder, FILE *to, cd_err *err)
{
  char id[CD_KEY_ID_TEXT_MAX];
  sig_keys keys = {0};
  int64_t now_ms = cd_wall_ms();
  cd_code rc = sig_keys_init(folder, now_ms, err);
  if (rc == CD_OK)
    rc = sig_keys_load(folder, now_ms, &keys, err);
  if (rc != CD_OK)
    return rc;
  cd_public_key_id(&keys.root, id);
  (void)fprintf(to, made, folder, id, folder, folder);
  sig_keys_free(&keys);
  return CD_OK;
}

/* Nobody else has the folder while this has its state open. */
cd_code sig_command_rotate(const char *folder, const char *key, FILE *to, cd_err *err)
{
  static const cd_purpose purposes[] = {CD_PURPOSE_ORDER, CD_PURPOSE_POLICY, CD_PURPOSE_DEVICE_CA};
  sig_state *state = NULL;
  for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
    if (!cd_str_eq_cstr(cd_str_from(key), cd_purpose_name(purposes[i])))
      continue;
    cd_code rc = sig_state_open(folder, &state, err);
    if (rc == CD_OK)
      rc = sig_keys_rotate(folder, purposes[i], cd_wall_ms(), err);
    sig_state_close(state);
    if (rc == CD_OK)
      (void)fprintf(
          to, "The %s key is replaced. Take root.key away again, then start the signer.\n", key);
    return rc;
  }
  return cd_fail(err, CD_E_INVALID, "there is no key '%s': it is order, policy or device-ca", key);
}

cd_code sig_command_forget_console(const char *folder, FILE *to, cd_err *err)
{
  sig_state *state = NULL;
  cd_code rc = sig_state_open(folder, &state, err);
  if (rc == CD_OK)
    rc = sig_state_forget_seal(state, err);
  sig_state_close(state);
  if (rc == CD_OK)
    (void)fprintf(to, "The next console that comes is taken for the one whose audit log counts.\n");
  return rc;
}

static cd_code accept(sig_signer *s, uint64_t sequence, FILE *to, cd_err *err)
{
  con_audit_ref end = {0};
  con_audit_ref head = {0};
  cd_code rc = sig_log_look(&s->log, &end, err);
  if (rc == CD_OK)
    rc = sig_state_head(s->state, &head, err);
  if (rc != CD_OK)
    return rc;
  if (end.sequence != sequence)
    return cd_fail(err, CD_E_INVALID, "the audit log ends at entry %llu, not at %llu",
                   (unsigned long long)end.sequence, (unsigned long long)sequence);
  if (sig_log_catch_up(&s->log, NULL, NULL) == CD_OK)
    return cd_fail(err, CD_E_CONFLICT,
                   "the audit log is not older than the one that was seen; there is nothing to "
                   "accept");
  rc = sig_state_begin(s->state, err);
  if (rc != CD_OK)
    return rc;
  rc = sig_state_accept(s->state, s->now_ms(), &end, err);
  rc = sig_state_end(s->state, rc, err);
  if (rc == CD_OK)
    (void)fprintf(
        to,
        "The audit log is taken as it is, ending at entry %llu; the one seen before ended "
        "at %llu.\nStart the signer, then the console, which puts this on record; until "
        "it has, nothing is signed.\n",
        (unsigned long long)end.sequence, (unsigned long long)head.sequence);
  return rc;
}

cd_code sig_command_accept_head(const char *folder, sig_config *config, const char *sequence,
                                FILE *to, cd_err *err)
{
  static sig_signer s;
  uint64_t number = 0;
  if (!cd_str_to_u64(cd_str_from(sequence), CD_GENERATION_MAX, &number)) {
    sig_config_release(config);
    return cd_fail(err, CD_E_INVALID, "'%s' is not the number of an entry", sequence);
  }
  cd_code rc = sig_open(&s, folder, config, err);
  if (rc == CD_OK) {
    rc = accept(&s, number, to, err);
    sig_close(&s);
  }
  return rc;
}
