/* Log lines by area. Libraries return, programs log: one line per event, on standard error.
 *
 *   2026-11-24T04:08:16.123Z info  supervisor: isolate plugin=org.cordon.nftables: started in 14 ms
 *
 * Control characters and bytes that are not UTF-8 are escaped (\n, \x1b), so that text from a
 * plugin or a peer cannot forge a line. Thread-safe. No secrets: log ids and names. */
#ifndef CD_LOG_H
#define CD_LOG_H

#include "base/status.h"
#include "base/str.h"

typedef enum cd_log_level {
  CD_LOG_DEBUG = 0,
  CD_LOG_INFO = 1,
  CD_LOG_WARN = 2,
  CD_LOG_ERROR = 3
} cd_log_level;

typedef enum cd_log_area {
  CD_AREA_AGENT = 0,
  CD_AREA_JOURNAL,
  CD_AREA_SUPERVISOR,
  CD_AREA_PLUGIN, /* what a plugin logs or prints */
  CD_AREA_RECONCILE,
  CD_AREA_CONTROL,
  CD_AREA_HOST,
  CD_AREA_CTL,
  CD_AREA_REMOTE,  /* the agent about its console */
  CD_AREA_CHANNEL, /* cordon-channel itself */
  CD_AREA_CONSOLE, /* cordon-console */
  CD_AREA_SIGNER,  /* cordon-signer */
  CD_AREA_API,     /* people's calls at the console */
  CD_AREA_DEVICES, /* agents' connections to it */
  CD_AREA_COUNT
} cd_log_area;

/* Sets levels from a specification such as "all", "all=warn", "all,-control",
 * "all=info,plugin=debug": comma-separated `[-]area[=level]`; "-area" switches off, no level means
 * debug. Default: every area at info. */
CD_MUST_USE cd_code cd_log_configure(cd_str spec, cd_err *err);
/* Where lines go: a descriptor of the C library (2 by default). */
void cd_log_to(int fd);
/* Who else is told of errors: the text as it is in the line. Called on the thread that logs; it
 * does not log. NULL: nobody. */
typedef void (*cd_log_listener)(cd_log_area area, cd_str text);
void cd_log_errors_to(cd_log_listener listener);
void cd_log(cd_log_area area, cd_log_level level, const char *fmt, ...) CD_PRINTF(3, 4);
bool cd_log_enabled(cd_log_area area, cd_log_level level);
const char *cd_log_area_name(cd_log_area area);

#endif
