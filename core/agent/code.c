#include "code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "journal_code.h"
#include "platform/system.h"
#include "protocol/release_code.h"
#include "protocol/secret.h"

#include "base/banned.h"

#define OWNERS_MAX 32u /* older isolations whose codes are told apart from wrong ones */

uint64_t agent_code_wait_ms(unsigned attempts, uint64_t last_ms, bool this_boot, uint64_t now_ms)
{
  uint64_t wait_ms = AGENT_CODE_WAIT_MS;
  if (attempts < AGENT_CODE_FREE)
    return 0;
  for (unsigned i = AGENT_CODE_FREE; i < attempts && wait_ms < AGENT_CODE_WAIT_MAX_MS; i++)
    wait_ms *= 2;
  if (wait_ms > AGENT_CODE_WAIT_MAX_MS)
    wait_ms = AGENT_CODE_WAIT_MAX_MS;
  /* The monotonic clock begins with the machine's run: after a reboot the wait began with it. */
  uint64_t since_ms = this_boot && last_ms <= now_ms ? last_ms : 0;
  uint64_t gone_ms = now_ms - since_ms;
  return gone_ms >= wait_ms ? 0 : wait_ms - gone_ms;
}

/* One who stands before the device with a code. */
typedef struct attempt {
  agent *agent;
  const pf_identity *who;
  const char *device;
  cd_release_code code;
  agent_wanted wanted;
  cd_terms terms; /* of the isolation, if there is one */
  char boot[PF_BOOT_ID_MAX];
  agent_code_record record;
} attempt;

static cd_code matches(const attempt *t, const char *action, const cd_terms *terms, bool *ret_match,
                       cd_err *err)
{
  cd_digest digest;
  *ret_match = false;
  if (!terms->has_code)
    return CD_OK;
  cd_code rc = cd_release_code_digest(&t->code, cd_str_from(t->device), cd_str_from(action),
                                      terms->code_salt, &digest, err);
  if (rc == CD_OK)
    *ret_match = cd_digest_equal(&digest, &terms->code_digest);
  return rc;
}

/* ---- a code of another isolation ---- */

typedef struct owner {
  const attempt *attempt;
  char action[CD_ID_SIZE]; /* whose code it is; empty: nobody's */
} owner;

static bool look_at_owner(void *context, const char *action, cd_str text)
{
  owner *o = context;
  cd_terms terms;
  cd_err ignored = {0};
  bool match = false;
  if (cd_terms_parse(text, &terms, &ignored) != CD_OK ||
      matches(o->attempt, action, &terms, &match, &ignored) != CD_OK || !match)
    return true;
  (void)cd_str_copy(o->action, sizeof(o->action), cd_str_from(action));
  return false;
}

/* What there is to say about a code that does not open this isolation, or opens nothing. */
static cd_code refuse_other(const attempt *t, cd_code code, const char *otherwise, cd_err *err)
{
  owner o = {.attempt = t};
  agent_code_record record = {0};
  char at[CD_TIME_TEXT_MAX];
  cd_code rc = agent_journal_code_owners(t->agent->journal, OWNERS_MAX, look_at_owner, &o, err);
  if (rc == CD_OK && o.action[0] != '\0')
    rc = agent_journal_code(t->agent->journal, o.action, &record, err);
  if (rc != CD_OK)
    return rc;
  cd_time_text(record.used_ms, at);
  if (o.action[0] == '\0')
    return cd_fail(err, code, "%s", otherwise);
  if (record.used_ms != 0)
    return cd_fail(err, code, "this release code was used already, at %s, and works once", at);
  return cd_fail(err, code, "this release code is of an older isolation (action %s)", o.action);
}

/* ---- may it be tried ---- */

static cd_code look_up(attempt *t, cd_err *err)
{
  agent *a = t->agent;
  t->device = agent_remote_device(a->remote);
  if (t->device == NULL)
    return cd_fail(err, CD_E_UNSUPPORTED,
                   "this device is not enrolled: no isolation of it has a release code");
  cd_code rc = agent_journal_wanted(a->journal, AGENT_CAP_ISOLATE, &t->wanted, err);
  if (rc == CD_OK && t->wanted.terms != NULL)
    rc = cd_terms_parse(cd_str_from(t->wanted.terms), &t->terms, err);
  if (rc == CD_OK)
    rc = agent_journal_code(a->journal, t->wanted.action, &t->record, err);
  return rc == CD_OK ? pf_boot_id(t->boot, err) : rc;
}

static cd_code check_turn(const attempt *t, cd_err *err)
{
  bool this_boot = strcmp(t->boot, t->record.boot) == 0;
  uint64_t wait_ms =
      agent_code_wait_ms(t->record.attempts, t->record.last_ms, this_boot, cd_mono_ms());
  if (t->record.attempts >= AGENT_CODE_ATTEMPTS)
    return cd_fail(err, CD_E_LIMIT,
                   "%u wrong release codes were given for this isolation: it takes none any more, "
                   "and ends by the console's word or by an administrator's",
                   AGENT_CODE_ATTEMPTS);
  if (wait_ms > 0)
    return cd_fail(err, CD_E_LIMIT,
                   "%u wrong release codes were given: the next can be tried in %llu s",
                   t->record.attempts, (unsigned long long)((wait_ms + 999) / 1000));
  return CD_OK;
}

static cd_code may_try(const attempt *t, cd_err *err)
{
  bool is_of = false;
  if (!t->wanted.isolated)
    return refuse_other(t, CD_E_CONFLICT,
                        "no isolation of this device is on record: there is nothing to release",
                        err);
  cd_code rc = cd_release_code_is_of(&t->code, cd_str_from(t->device), &is_of, err);
  if (rc == CD_OK && !is_of)
    rc = cd_fail(err, CD_E_DENIED, "this release code is of another device");
  if (rc == CD_OK && !t->terms.has_code)
    rc = refuse_other(t, CD_E_UNSUPPORTED,
                      "this isolation has no release code: it was not ordered by a console", err);
  return rc == CD_OK ? check_turn(t, err) : rc;
}

/* ---- the attempt ---- */

static void name_user(const attempt *t, char *out, size_t size)
{
  cd_str user = cd_str_from(t->who->user);
  size_t room = size - sizeof("code ()");
  user.len = cd_str_utf8_cut(user, room);
  (void)snprintf(out, size, "code (%.*s)", CD_STR_ARG(user));
}

/* A wrong code is a release that was refused: the history has it, and the console hears of it. */
static void report_wrong(const attempt *t, const cd_err *why)
{
  cd_err err = {0};
  agent_action *a = calloc(1, sizeof(*a));
  if (a == NULL)
    return;
  a->kind = AGENT_KIND_RELEASE;
  a->status = AGENT_FAILED;
  a->state = AGENT_CAP_ISOLATE;
  a->generation = t->wanted.generation;
  a->outcome = why->code;
  a->created_ms = cd_wall_ms();
  a->ended_ms = a->created_ms;
  a->user_id = t->who->user_id;
  a->process_id = t->who->process_id;
  name_user(t, a->user, sizeof(t->who->user));
  cd_code rc = cd_id_make(a->id, &err);
  if (rc == CD_OK && (!agent_text_set(&a->params, CD_STR("{}")) ||
                      !agent_text_set(&a->sentence, cd_str_from(why->text))))
    rc = cd_fail(&err, CD_E_INTERNAL, "no memory for the action");
  if (rc == CD_OK)
    rc = agent_journal_refused(t->agent->journal, a, &err);
  if (rc == CD_OK)
    agent_remote_action(t->agent->remote, a);
  else
    cd_log(CD_AREA_CONTROL, CD_LOG_ERROR,
           "a wrong release code is counted, but not in the history: %s", err.text);
  agent_action_free(a);
}

static cd_code refuse_wrong(const attempt *t, cd_err *err)
{
  unsigned made = t->record.attempts + 1;
  cd_err why = {0};
  cd_code rc = refuse_other(t, CD_E_DENIED, "this release code is wrong", &why);
  (void)cd_fail(err, rc, "%s (attempt %u of %u for action %s)", why.text, made, AGENT_CODE_ATTEMPTS,
                t->wanted.action);
  cd_log(CD_AREA_CONTROL, CD_LOG_WARN, "user=%s pid=%llu: %s", t->who->user,
         (unsigned long long)t->who->process_id, err->text);
  report_wrong(t, err);
  return rc;
}

/* The order is on record before the code counts as used: a crash in between leaves a device that is
 * to be released, and never one that is isolated and has no code. */
static cd_code release(const attempt *t, cd_str comment, char ret_id[CD_ID_SIZE], cd_err *err)
{
  pf_identity who = *t->who;
  name_user(t, who.user, sizeof(who.user));
  const agent_order_request request = {.kind = AGENT_KIND_RELEASE, .comment = comment, .who = &who};
  cd_err why = {0};
  cd_code rc = agent_order(t->agent, &request, ret_id, err);
  CD_FAULT_POINT("code.ordered");
  if (rc == CD_OK &&
      agent_journal_code_used(t->agent->journal, t->wanted.action, cd_wall_ms(), &why) != CD_OK)
    cd_log(CD_AREA_CONTROL, CD_LOG_ERROR, "%s; the code is of no use any more in any case",
           why.text);
  return rc;
}

static cd_code try_code(attempt *t, cd_str comment, char ret_id[CD_ID_SIZE], cd_err *err)
{
  bool match = false;
  cd_code rc = look_up(t, err);
  if (rc == CD_OK)
    rc = may_try(t, err);
  if (rc == CD_OK)
    rc =
        agent_journal_code_attempt(t->agent->journal, t->wanted.action, t->boot, cd_mono_ms(), err);
  CD_FAULT_POINT("code.counted");
  if (rc == CD_OK)
    rc = matches(t, t->wanted.action, &t->terms, &match, err);
  if (rc != CD_OK)
    return rc;
  return match ? release(t, comment, ret_id, err) : refuse_wrong(t, err);
}

cd_code agent_code_release(agent *a, const pf_identity *who, cd_str code, cd_str comment,
                           char ret_id[CD_ID_SIZE], cd_err *err)
{
  attempt t = {.agent = a, .who = who};
  cd_code rc = cd_release_code_parse(code, &t.code, err);
  if (rc == CD_OK)
    rc = try_code(&t, comment, ret_id, err);
  agent_wanted_release(&t.wanted);
  cd_wipe(&t.code, sizeof(t.code));
  return rc;
}

/* ---- where a code is needed ---- */

/* What cannot be read keeps nobody from releasing: it is a downgrade's or a damaged journal's, and
 * no code would be taken either. */
static bool has_code(const agent_wanted *wanted)
{
  cd_terms terms = {0};
  cd_err err = {0};
  if (!wanted->isolated || wanted->terms == NULL)
    return false;
  if (cd_terms_parse(cd_str_from(wanted->terms), &terms, &err) == CD_OK)
    return terms.has_code;
  cd_log(CD_AREA_CONTROL, CD_LOG_ERROR, "%s; no release code is asked for", err.text);
  return false;
}

static cd_code is_the_consoles(agent *a, const char *action, bool *ret_is, cd_err *err)
{
  agent_action *x = NULL;
  cd_code rc = agent_journal_action(a->journal, action, &x, err);
  *ret_is = rc == CD_OK && x->console;
  agent_action_free(x);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code agent_code_guard(agent *a, const char *what, cd_err *err)
{
  agent_wanted wanted = {0};
  bool consoles = false;
  if (a->config.local_release != AGENT_WHO_CODE)
    return CD_OK;
  cd_code rc = agent_journal_wanted(a->journal, AGENT_CAP_ISOLATE, &wanted, err);
  if (rc == CD_OK && has_code(&wanted))
    rc = is_the_consoles(a, wanted.action, &consoles, err);
  if (rc == CD_OK && consoles)
    rc = cd_fail(err, CD_E_DENIED,
                 "this isolation was ordered by the console, and here such a one is %s by the "
                 "console or with its release code (cordon local release --code), by nobody else",
                 what);
  agent_wanted_release(&wanted);
  return rc;
}
