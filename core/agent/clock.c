#include "clock.h"

#include <string.h>

#include "base/clock.h"

#ifdef CORDON_FAULT_POINTS
#include <uv.h>

#include "base/buf.h"
#include "platform/file.h"
#endif

#include "base/banned.h"

#define STEP_MS 5000 /* the wall clock is slewed by less than this between two savings */
#define TIME_MAX (INT64_C(1) << 53)

static bool same_boot(const agent_now *a, const agent_now *b)
{
  return strcmp(a->boot, b->boot) == 0;
}

/* How long it was at least; 0 where the clocks cannot tell. */
static int64_t passed(const agent_now *last, const agent_now *now)
{
  int64_t ms = now->uptime_ms;
  if (same_boot(last, now))
    ms -= last->uptime_ms;
  else if (now->wall_ms - last->wall_ms > ms)
    ms = now->wall_ms - last->wall_ms;
  return ms > 0 ? ms : 0;
}

void agent_clock_advance(agent_clock *c, const agent_now *now)
{
  if (c->last.boot[0] == '\0')
    c->offset_ms = now->wall_ms - c->elapsed_ms;
  else if (c->elapsed_ms < TIME_MAX)
    c->elapsed_ms += passed(&c->last, now);
  c->last = *now;
}

void agent_clock_correct(agent_clock *c, int64_t console_ms)
{
  c->offset_ms = console_ms - c->elapsed_ms;
}

int64_t agent_clock_console_ms(const agent_clock *c)
{
  return c->elapsed_ms + c->offset_ms;
}

bool agent_clock_stale(const agent_clock *saved, const agent_clock *c, int64_t most_ms)
{
  if (!same_boot(&saved->last, &c->last) || c->elapsed_ms - saved->elapsed_ms > most_ms)
    return true;
  int64_t step =
      (c->last.wall_ms - c->last.uptime_ms) - (saved->last.wall_ms - saved->last.uptime_ms);
  return step > STEP_MS || step < -STEP_MS;
}

/* ---- the machine's clocks ---- */

#ifdef CORDON_FAULT_POINTS
/* For tests: the file that CORDON_CLOCK names shifts what the clocks say, by milliseconds, and may
 * stand for another boot: "UPTIME WALL [BOOT]". */
static void shift(agent_now *now)
{
  char path[512];
  size_t size = sizeof(path);
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(256);
  int64_t by[2] = {0};
  if (uv_os_getenv("CORDON_CLOCK", path, &size) == 0 &&
      pf_file_read(path, 256, &text, &err) == CD_OK) {
    cd_str rest = cd_buf_view(&text);
    for (int i = 0; i < 2; i++) {
      cd_str word = cd_str_cut(&rest, ' ');
      bool back = cd_str_starts(word, CD_STR("-"));
      uint64_t ms = 0;
      (void)cd_str_to_u64((cd_str){word.ptr + (back ? 1 : 0), word.len - (back ? 1 : 0)},
                          (uint64_t)TIME_MAX, &ms);
      by[i] = back ? -(int64_t)ms : (int64_t)ms;
    }
    if (rest.len > 0)
      (void)cd_str_copy(now->boot, sizeof(now->boot), rest);
  }
  now->uptime_ms += by[0];
  now->wall_ms += by[1];
  cd_buf_release(&text);
}
#endif

cd_code agent_now_read(agent_now *ret_now, cd_err *err)
{
  agent_now now = {.wall_ms = cd_wall_ms()};
  cd_code rc = pf_boot_id(now.boot, err);
  if (rc == CD_OK)
    rc = pf_uptime(&now.uptime_ms, err);
  if (rc != CD_OK)
    return rc;
#ifdef CORDON_FAULT_POINTS
  shift(&now);
#endif
  *ret_now = now;
  return CD_OK;
}
