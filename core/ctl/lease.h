/* How long an isolation lasts, on the command line: --for, --lost-console, --unreachable. */
#ifndef CTL_LEASE_H
#define CTL_LEASE_H

#include "command.h"
#include "text.h"

#include "base/json.h"
#include "protocol/terms.h"

#define CTL_LEASE_MAX_S (366u * 24u * 3600u)

typedef struct ctl_lease {
  uint64_t lease_s; /* 0: not given */
  bool has_lost;
  bool has_unreachable;
  cd_terms rules; /* lost_after_s and unreachable_after_s, where given */
} ctl_lease;

/* "90s", "10m", "4h", "7d": in seconds, from `min_s` to `max_s`. `option` is for the sentence. */
CD_MUST_USE cd_code ctl_span_read(const char *option, const char *text, uint64_t min_s,
                                  uint64_t max_s, uint64_t *ret_s, cd_err *err);
CD_MUST_USE cd_code ctl_lease_read(const ctl_args *args, ctl_lease *ret_lease, cd_err *err);
/* Members "lost_console" and "unreachable", those that were given. */
void ctl_lease_write_rules(const ctl_lease *l, cd_jw *w);

/* What is wanted (members "lease_until", "lost_console", "unreachable"), in one or two lines;
 * nothing where it does not say. */
void ctl_lease_render(cd_json *wanted, const ctl_style *style, cd_buf *out);

#endif
