/* The kill points of the crash tests. Without CORDON_FAULT_POINTS nothing of it is in the program.
 */
#include "base/fault.h"

#ifdef CORDON_FAULT_POINTS

#include "base/str.h"

#include <uv.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

#define RULES_MAX 16u
#define SPEC_MAX 1024u

typedef enum fault_action { FAULT_NONE = 0, FAULT_KILL, FAULT_STOP, FAULT_FAIL } fault_action;

typedef struct fault_rule {
  char point[64];
  fault_action action;
  uint64_t due; /* acts at this count, once */
  _Atomic uint64_t reached;
} fault_rule;

/* One specification per process, as the process got it: this module is the one exception to "no
 * state in variables", because a kill point must be one line in the code it kills. Written once,
 * under the uv_once. */
static uv_once_t once = UV_ONCE_INIT;
static bool spec_set;
static char spec[SPEC_MAX];
static fault_rule rules[RULES_MAX];
static size_t rule_count;

static fault_action action_of(cd_str name)
{
  if (cd_str_eq_cstr(name, "kill"))
    return FAULT_KILL;
  if (cd_str_eq_cstr(name, "stop"))
    return FAULT_STOP;
  if (cd_str_eq_cstr(name, "fail"))
    return FAULT_FAIL;
  return FAULT_NONE;
}

/* An item that cannot be read is left out: the test that wrote it then misses its crash and says
 * so. */
static void add_rule(cd_str item)
{
  if (rule_count == RULES_MAX)
    return;
  fault_rule *r = &rules[rule_count];
  cd_str rest = item;
  cd_str point = cd_str_cut(&rest, '=');
  cd_str action = cd_str_cut(&rest, ':');
  r->action = action_of(action);
  r->due = 1;
  if (r->action == FAULT_NONE || point.len == 0 || !cd_str_copy(r->point, sizeof(r->point), point))
    return;
  if (rest.len > 0 && (!cd_str_to_u64(rest, UINT64_MAX, &r->due) || r->due == 0))
    return;
  rule_count++;
}

static void read_spec(void)
{
  size_t size = sizeof(spec);
  if (uv_os_getenv("CORDON_FAULT", spec, &size) != 0) {
    spec[0] = '\0';
    return;
  }
  spec_set = true;
  cd_str rest = cd_str_from(spec);
  while (rest.len > 0)
    add_rule(cd_str_cut(&rest, ','));
}

const char *cd_fault_spec(void)
{
  uv_once(&once, read_spec);
  return spec_set ? spec : NULL;
}

bool cd_fault_reached(const char *name)
{
  uv_once(&once, read_spec);
  bool fails = false;
  for (size_t i = 0; i < rule_count; i++) {
    fault_rule *r = &rules[i];
    if (strcmp(r->point, name) != 0 || atomic_fetch_add(&r->reached, 1) + 1 != r->due)
      continue;
    if (r->action == FAULT_KILL)
      (void)uv_kill(uv_os_getpid(), SIGKILL);
#ifdef SIGSTOP
    if (r->action == FAULT_STOP)
      (void)uv_kill(uv_os_getpid(), SIGSTOP);
#endif
    fails = fails || r->action == FAULT_FAIL;
  }
  return fails;
}

#else

bool cd_fault_reached(const char *name)
{
  (void)name;
  return false;
}

#endif
