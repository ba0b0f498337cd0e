#include "probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define REASON_MAX 4096u

typedef struct cap_probe {
  agent_probes *owner;
  agent_capability cap;
  unsigned next; /* provider to ask */
  agent_plugin *asked;
  agent_function function;
  bool running;
  uint64_t at_ms; /* monotonic; 0: never */
  char provider[AGENT_ID_MAX];
  cd_buf reason; /* of the answer */
  cd_buf asking; /* of the question under way */
} cap_probe;

struct agent_probes {
  agent_supervisor *sup;
  cap_probe caps[AGENT_CAP_COUNT];
  cd_buf device; /* JSON; empty: not known */
  void (*on_device)(void *owner);
  void *owner;
};

static void ask_next(cap_probe *c);

static void add_reason(cap_probe *c, const char *id, const char *why)
{
  agent_reason_add(&c->asking, id, why);
}

static void answer(cap_probe *c, const char *provider)
{
  c->running = false;
  c->at_ms = cd_mono_ms();
  (void)cd_str_copy(c->provider, sizeof(c->provider), cd_str_from(provider));
  cd_buf_reset(&c->reason);
  cd_buf_add_str(&c->reason, cd_buf_view(&c->asking));
}

static void on_end(void *owner, const agent_op_end *end)
{
  cap_probe *c = owner;
  const agent_manifest *m = &c->asked->manifest;
  if (cd_code_ok(end->status) && c->function == AGENT_FN_RUN) {
    cd_buf_reset(&c->owner->device);
    cd_buf_add_str(&c->owner->device, end->result);
    if (c->owner->on_device != NULL && !c->owner->sup->stopping)
      c->owner->on_device(c->owner->owner);
  }
  if (c->owner->sup->stopping || cd_code_ok(end->status)) {
    answer(c, cd_code_ok(end->status) ? m->id : "");
    return;
  }
  char why[CD_ERR_TEXT_MAX + 256];
  bool hint = end->status == CD_E_UNAVAILABLE && m->install_hint[0] != '\0';
  (void)snprintf(why, sizeof(why), "%s%s%s", end->sentence, hint ? "; to install: " : "",
                 hint ? m->install_hint : "");
  add_reason(c, m->id, why);
  ask_next(c);
}

static const agent_op_events events = {.on_progress = NULL, .on_record = NULL, .on_end = on_end};

/* Facts are asked by running them: that is the best proof that they can be had. */
static void ask_next(cap_probe *c)
{
  for (;;) {
    const char *id = NULL;
    bool more = false;
    cd_err err = {0};
    agent_plugin *p = agent_supervisor_provider(c->owner->sup, c->cap, c->next++, &id, &more);
    if (!more) {
      answer(c, "");
      return;
    }
    if (p == NULL) {
      add_reason(c, id, "it is not installed, or does not provide this");
      continue;
    }
    c->asked = p;
    c->function = c->cap == AGENT_CAP_FACTS ? AGENT_FN_RUN : AGENT_FN_PROBE;
    agent_op *op = NULL;
    agent_op_order order = {
        .function = c->function, .params = CD_STR("{}"), .events = &events, .owner = c};
    if (agent_supervisor_run(c->owner->sup, p, c->cap, &order, &op, &err) == CD_OK)
      return;
    add_reason(c, id, err.text);
  }
}

cd_code agent_probes_new(agent_supervisor *sup, agent_probes **ret_probes, cd_err *err)
{
  agent_probes *p = calloc(1, sizeof(*p));
  if (p == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the capabilities");
  p->sup = sup;
  cd_buf_init(&p->device, CD_RESULT_MAX);
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    cap_probe *c = &p->caps[cap];
    c->owner = p;
    c->cap = (agent_capability)cap;
    cd_buf_init(&c->reason, REASON_MAX);
    cd_buf_init(&c->asking, REASON_MAX);
  }
  *ret_probes = p;
  return CD_OK;
}

void agent_probes_free(agent_probes *p)
{
  if (p == NULL)
    return;
  cd_buf_release(&p->device);
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    cd_buf_release(&p->caps[cap].reason);
    cd_buf_release(&p->caps[cap].asking);
  }
  free(p);
}

void agent_probes_refresh(agent_probes *p, uint32_t busy)
{
  uint64_t now = cd_mono_ms();
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    cap_probe *c = &p->caps[cap];
    if (c->at_ms != 0 && (busy & (1u << cap)) != 0)
      continue;
    if (c->running || (c->at_ms != 0 && now - c->at_ms < AGENT_PROBES_OLD_MS))
      continue;
    cd_buf_reset(&c->asking);
    c->next = 0;
    c->running = true;
    if (p->sup->config->provider_count[cap] == 0)
      cd_buf_add_cstr(&c->asking, "the configuration names no provider");
    ask_next(c);
  }
}

void agent_probes_forget(agent_probes *p)
{
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    if (!p->caps[cap].running)
      p->caps[cap].at_ms = 0;
  }
}

void agent_probes_write(const agent_probes *p, cd_jw *w)
{
  cd_jw_raw(w, "device", cd_buf_view(&p->device));
  cd_jw_arr(w, "capabilities");
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    const cap_probe *c = &p->caps[cap];
    cd_jw_obj(w, NULL);
    cd_jw_cstr(w, "capability", agent_capability_name((agent_capability)cap));
    cd_jw_cstr(w, "provider", c->provider[0] != '\0' ? c->provider : NULL);
    if (c->at_ms == 0)
      cd_jw_cstr(w, "reason", "it is being asked");
    else
      cd_jw_cstr(w, "reason", c->provider[0] == '\0' ? cd_buf_cstr(&c->reason) : NULL);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
}

const char *agent_probes_provider(const agent_probes *p, agent_capability cap, char *reason,
                                  size_t size)
{
  const cap_probe *c = &p->caps[cap];
  cd_str why = c->at_ms == 0 ? CD_STR("it is being asked") : cd_buf_view(&c->reason);
  if (c->provider[0] != '\0')
    why = (cd_str){0};
  (void)cd_str_copy(reason, size, (cd_str){why.ptr, cd_str_utf8_cut(why, size - 1)});
  return c->provider;
}

cd_str agent_probes_device(const agent_probes *p)
{
  return cd_buf_view(&p->device);
}

void agent_probes_on_device(agent_probes *p, void (*on_device)(void *owner), void *owner)
{
  p->on_device = on_device;
  p->owner = owner;
}
