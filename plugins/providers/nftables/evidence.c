#include "evidence.h"

#include <errno.h>
#include <stddef.h>

const char *iso_outcome_name(iso_outcome o)
{
  static const char *const names[] = {
      [ISO_INCONCLUSIVE] = "inconclusive", [ISO_BLOCKED] = "blocked", [ISO_PASSED] = "passed"};
  return names[o];
}

bool iso_is_unroutable(int os_error)
{
  return os_error == ENETUNREACH || os_error == EHOSTUNREACH || os_error == EADDRNOTAVAIL ||
         os_error == EAFNOSUPPORT || os_error == ENETDOWN || os_error == ENODEV;
}

bool iso_needs_syn(const sup_probe *first, bool counted)
{
  if (first->kind != SUP_PROBE_TCP || first->answered)
    return false;
  if (first->os_error == ECONNREFUSED)
    return !counted;
  return first->os_error == 0 || first->os_error == ETIMEDOUT || first->os_error == ECONNRESET ||
         first->os_error == EHOSTUNREACH;
}

static const char unroutable[] =
    "there is no route for it, or no address of this device to send it from";
static const char not_ours[] =
    "it was refused on this device, but our rules did not count it: something else drops it first";
static const char left[] = "it left the device";

/* The kernel says EPERM at send when a firewall on this device dropped the packet, and only then.
 */
static iso_outcome judge_packet(const sup_probe *p, bool counted, const char **ret_note)
{
  if (p->left || p->answered) {
    *ret_note = p->answered ? "it was answered" : left;
    return ISO_PASSED;
  }
  if (p->os_error == EPERM && counted) {
    *ret_note = NULL;
    return ISO_BLOCKED;
  }
  *ret_note = p->os_error == EPERM ? not_ours
              : iso_is_unroutable(p->os_error)
                  ? unroutable
                  : "it could not be sent, for a reason that is not the firewall's";
  return ISO_INCONCLUSIVE;
}

static iso_outcome judge_tcp(const iso_seen *s, const char **ret_note)
{
  const sup_probe *first = &s->first;
  if (first->answered) {
    *ret_note = "it was answered";
    return ISO_PASSED;
  }
  if (s->syn.kind != SUP_PROBE_NONE) {
    iso_outcome o = judge_packet(&s->syn, s->counted, ret_note);
    if (o == ISO_BLOCKED)
      *ret_note = "it was dropped without a refusal";
    return o;
  }
  if (first->os_error == ECONNREFUSED && s->counted) {
    *ret_note = NULL;
    return ISO_BLOCKED;
  }
  *ret_note = iso_is_unroutable(first->os_error)
                  ? unroutable
                  : "it could not be sent, for a reason that is not the firewall's";
  return ISO_INCONCLUSIVE;
}

iso_outcome iso_judge(const iso_seen *seen, const char **ret_note)
{
  return seen->first.kind == SUP_PROBE_TCP ? judge_tcp(seen, ret_note)
                                           : judge_packet(&seen->first, seen->counted, ret_note);
}
