/* What this process uses: processor time, which is looked at now and then because nothing tells of
 * its end here, threads and handles. */
#include "platform/confine.h"

#include "windows/windows.h"

#include <tlhelp32.h>

#include <stdlib.h>

#include "base/banned.h"

#define LOOK_MS 100u

struct pf_cpu_watch {
  uv_timer_t timer;
  void (*on_used_up)(void *context);
  void *context;
};

/* The processor time of this process at which the watch is told; 0: never. The process has one, so
 * it is the process's. */
static uint64_t allowed_until_ms;

static uint64_t time_ms(const FILETIME *time)
{
  return (((uint64_t)time->dwHighDateTime << 32) | time->dwLowDateTime) / 10000u;
}

static cd_code used_ms(uint64_t *ret_ms, cd_err *err)
{
  FILETIME made;
  FILETIME ended;
  FILETIME kernel;
  FILETIME user;
  if (!GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user))
    return pf_win_fail(err, GetLastError(), "the processor time used is unknown");
  *ret_ms = time_ms(&kernel) + time_ms(&user);
  return CD_OK;
}

cd_code pf_confine_cpu(uint32_t seconds, cd_err *err)
{
  uint64_t now_ms = 0;
  cd_code rc = used_ms(&now_ms, err);
  if (rc == CD_OK)
    allowed_until_ms = seconds > 0 ? now_ms + seconds * UINT64_C(1000) : 0;
  return rc;
}

static void on_look(uv_timer_t *timer)
{
  pf_cpu_watch *watch = timer->data;
  uint64_t now_ms = 0;
  if (allowed_until_ms > 0 && used_ms(&now_ms, NULL) == CD_OK && now_ms >= allowed_until_ms)
    watch->on_used_up(watch->context);
}

cd_code pf_cpu_watch_new(uv_loop_t *loop, void (*on_used_up)(void *context), void *context,
                         pf_cpu_watch **ret_watch, cd_err *err)
{
  pf_cpu_watch *watch = calloc(1, sizeof(*watch));
  if (watch == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to watch the processor time");
  (void)uv_timer_init(loop, &watch->timer);
  watch->timer.data = watch;
  watch->on_used_up = on_used_up;
  watch->context = context;
  *ret_watch = watch;
  return CD_OK;
}

cd_code pf_cpu_watch_start(pf_cpu_watch *watch, cd_err *err)
{
  int rc = uv_timer_start(&watch->timer, on_look, LOOK_MS, LOOK_MS);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -rc, "the processor time cannot be watched: %s",
                      uv_strerror(rc));
  return CD_OK;
}

static uint32_t count_threads(void)
{
  THREADENTRY32 entry = {.dwSize = sizeof(entry)};
  uint32_t count = 0;
  HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
  if (all == INVALID_HANDLE_VALUE)
    return 0;
  for (BOOL more = Thread32First(all, &entry); more; more = Thread32Next(all, &entry))
    count += entry.th32OwnerProcessID == GetCurrentProcessId() ? 1 : 0;
  (void)CloseHandle(all);
  return count;
}

cd_code pf_usage_self(pf_usage *ret_usage, cd_err *err)
{
  DWORD handles = 0;
  pf_usage usage = {.threads = count_threads()};
  cd_code rc = used_ms(&usage.cpu_ms, err);
  if (rc != CD_OK)
    return rc;
  if (!GetProcessHandleCount(GetCurrentProcess(), &handles))
    return pf_win_fail(err, GetLastError(), "this process's handles could not be counted");
  usage.files = handles;
  *ret_usage = usage;
  return CD_OK;
}
