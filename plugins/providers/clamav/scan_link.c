/* The connection of a scan: made, made again once, and watched. */
#include <stdio.h>
#include <unistd.h>

#include "scan_private.h"

enum { TICK_MS = 100, LOOK_MS = 500 };

cordon_status scan_connect(scan *s)
{
  cordon_status rc = clam_session_open(&s->session, s->call, s->set, &s->conf, &s->version, s->err);
  if (rc == CORDON_OK)
    rc = clam_session_begin(&s->session, s->err);
  s->protocol_broken = false;
  s->heard_ms = s->answered_ms = sup_now_ms();
  return rc;
}

static bool resend(scan *s)
{
  for (unsigned i = 0; i < s->slot_count; i++) {
    if (s->slots[i].id != 0 &&
        !clam_session_send(&s->session, s->slots[i].file.fd, &s->slots[i].id))
      return false;
  }
  return true;
}

/* Once: clamd was started again, and gets anew what it had. */
cordon_status scan_come_back(scan *s)
{
  uint64_t until = sup_now_ms() + (uint64_t)s->set->restart_s * 1000;
  clam_session_close(&s->session);
  if (s->again)
    return sup_fail(s->err, CORDON_E_IO,
                    "clamd went away for the second time; its log says why (a file that it cannot "
                    "bear, or no memory)");
  s->again = true;
  sup_log(s->call->host, s->call->op, CORDON_LOG_WARN, "clamd went away; waiting for it");
  for (;;) {
    cordon_status rc = sup_call_check(s->call, s->err);
    if (rc != CORDON_OK)
      return rc;
    rc = scan_connect(s);
    if (rc == CORDON_OK) {
      clam_pace_begin(&s->pace, s->order->cpu_percent, s->session.pid);
      return resend(s) ? CORDON_OK
                       : sup_fail(s->err, CORDON_E_IO, "clamd went away for the second time");
    }
    clam_session_close(&s->session);
    if (rc == CORDON_E_DENIED)
      return rc;
    if (sup_now_ms() >= until) {
      char why[sizeof(s->err->sentence)];
      (void)snprintf(why, sizeof(why), "%s", s->err->sentence);
      return sup_fail(s->err, CORDON_E_IO,
                      "clamd went away in the middle of the scan, and did not "
                      "come back within %u s: %.200s",
                      (unsigned)s->set->restart_s, why);
    }
    (void)usleep(TICK_MS * 1000);
  }
}

/* It neither answers nor works. */
cordon_status scan_check_alive(scan *s)
{
  double cpu_s = 0;
  char state = 0;
  uint64_t now = sup_now_ms();
  if (now - s->looked_ms < LOOK_MS)
    return CORDON_OK;
  s->looked_ms = now;
  bool seen = clam_process_cpu(s->session.pid, &cpu_s, &state);
  if (s->flying == 0 || !seen || state == 'D' || cpu_s > s->heard_cpu_s) {
    s->heard_cpu_s = cpu_s;
    s->heard_ms = now;
  }
  uint64_t longest_ms = (s->conf.max_scan_ms > 0 ? s->conf.max_scan_ms : 600000) + 60000;
  bool hangs = s->flying > 0 && now - s->heard_ms > (uint64_t)s->set->hang_s * 1000;
  bool silent = s->flying > 0 && now - s->answered_ms > longest_ms;
  if (!hangs && !silent)
    return CORDON_OK;
  return sup_fail(s->err, CORDON_E_IO,
                  "clamd hangs: %u files are with it, and it %s for %llu s; restart clamav-daemon",
                  s->flying, hangs ? "neither answered nor worked" : "answered nothing",
                  (unsigned long long)((now - (hangs ? s->heard_ms : s->answered_ms)) / 1000));
}
