/* cordon-plugin-host PLUGIN CAPABILITY: started by cordond with its end of the link and the library
 * to load as descriptors. The arguments are there for `ps`. */
#include "host.h"

#include "base/log.h"
#include "ipc/message.h"
#include "platform/inherit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

/* LeakSanitizer stops the process with ptrace, which the confinement forbids; and a plugin that
 * ends the process leaves threads behind, which is its right. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PH_SANITIZED 1
#endif
#endif

#ifdef PH_SANITIZED
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
  return "detect_leaks=0";
}

const char *__tsan_default_options(void)
{
  return "report_thread_leaks=0";
}
#endif

int main(int argc, char **argv)
{
  cd_err err = {0};
  uv_file control = -1;
  uv_file library = -1;
  uv_file sight = -1;
  uv_file pass = -1;
  if (uv_guess_handle(IPC_HOST_CONTROL_FD) != UV_NAMED_PIPE) {
    (void)fputs("cordon-plugin-host is started by cordond and does nothing when started by hand: "
                "descriptor 3 is not a socket.\n",
                stderr);
    return PH_EXIT_BY_HAND;
  }
  ph_host *host = calloc(1, sizeof(*host));
  cd_code rc = host != NULL ? pf_harden_self(&err)
                            : cd_fail(&err, CD_E_INTERNAL, "there is no memory to start with");
  if (rc == CD_OK)
    rc = pf_inherit_take(IPC_HOST_CONTROL_FD, &control, &err);
  if (rc == CD_OK)
    rc = pf_inherit_take(IPC_HOST_LIBRARY_FD, &library, &err);
  if (rc == CD_OK && uv_guess_handle(IPC_HOST_SIGHT_FD) == UV_NAMED_PIPE)
    rc = pf_inherit_take(IPC_HOST_SIGHT_FD, &sight, &err);
  if (rc == CD_OK && uv_guess_handle(IPC_HOST_PASS_FD) == UV_NAMED_PIPE)
    rc = pf_inherit_take(IPC_HOST_PASS_FD, &pass, &err);
  /* What a plugin prints is to be seen when it prints it, and not lost when the process ends at
   * once. */
  (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  if (rc == CD_OK)
    rc = ph_host_init(host, control, uv_get_osfhandle(library), &err);
  if (rc == CD_OK) {
    host->sight = sight;
    host->pass = pass;
    ph_host_run(host);
  }
  cd_log(CD_AREA_HOST, CD_LOG_ERROR, "%s", err.text);
  free(host);
  return PH_EXIT_LINK;
}
