/* Processor time. The OS counts it for the process as a whole, so what is allowed is the largest of
 * what the running operations may use, counted anew at each start and end. A watch runs for days
 * and may use its share again and again, as long as it is idle most of the time. */
#include "cpu_rule.h"
#include "host.h"

#include "base/clock.h"

#include <stdio.h>

#include "base/banned.h"

static uint32_t allowed_s(ph_host *host)
{
  uint32_t most_s = 0;
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    ph_op *op = &host->ops[i];
    if (atomic_load(&op->id) == 0)
      continue;
    if (op->start.cpu_s == 0)
      return 0;
    if (op->start.cpu_s > most_s)
      most_s = op->start.cpu_s;
  }
  return most_s;
}

void ph_cpu_arm(ph_host *host)
{
  cd_err err = {0};
  pf_usage usage = {0};
  host->cpu_s = allowed_s(host);
  host->cpu_armed_ms = cd_mono_ms();
  if (pf_usage_self(&usage, &err) == CD_OK)
    host->cpu_used_ms = usage.cpu_ms;
  if (pf_confine_cpu(host->cpu_s, &err) != CD_OK)
    ph_logf(host, 0, CORDON_LOG_WARN, "the processor time could not be limited: %s", err.text);
}

static ph_cpu_verdict judge(ph_host *host)
{
  pf_usage usage = {0};
  ph_cpu_facts facts = {.allowed_s = host->cpu_s};
  if (pf_usage_self(&usage, NULL) != CD_OK)
    return PH_CPU_END;
  facts.used_ms = usage.cpu_ms - host->cpu_used_ms;
  facts.wall_ms = cd_mono_ms() - host->cpu_armed_ms;
  facts.running = ph_op_count(host, &facts.background);
  return ph_cpu_judge(&facts);
}

static void on_used_up(void *context)
{
  ph_host *host = context;
  ph_cpu_verdict verdict = judge(host);
  if (host->leaving || verdict == PH_CPU_IGNORE)
    return;
  if (verdict == PH_CPU_RENEW) {
    ph_cpu_arm(host);
    return;
  }
  char sentence[CD_ERR_TEXT_MAX];
  (void)snprintf(sentence, sizeof(sentence),
                 "plugin '%s' used up the %u seconds of processor time that it was given",
                 host->setup.plugin, host->cpu_s);
  ph_out_flush(host);
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    if (atomic_load(&host->ops[i].id) != 0)
      ph_op_give_up(host, &host->ops[i], CD_E_LIMIT, sentence);
  }
  ph_host_leave(host, PH_EXIT_LIMIT);
}

cd_code ph_cpu_init(ph_host *host, cd_err *err)
{
  return pf_cpu_watch_new(&host->loop, on_used_up, host, &host->cpu_watch, err);
}
