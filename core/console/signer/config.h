/* The signer's configuration: written by the administrator, never by the console. */
#ifndef SIG_CONFIG_H
#define SIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/limits.h"

#define SIG_PROTECTED_MAX 4096u /* devices that are never isolated or remediated */
#define SIG_CAP_MAX 100000u
#define SIG_USER_MAX 64u

typedef struct sig_config {
  char database[CD_PATH_MAX]; /* the console's */
  char socket[CD_PATH_MAX];
  char console_user[SIG_USER_MAX]; /* who may ask: a name, or a number as text */
  uint64_t orders_per_minute;
  uint64_t isolated_per_hour; /* distinct devices */
  uint64_t remediated_per_hour;
  char (*protected)[CD_DEVICE_ID_MAX + 1];
  size_t protected_count;
  char log[256];
} sig_config;

CD_MUST_USE cd_code sig_config_parse(cd_str text, sig_config *ret_config, cd_err *err);
CD_MUST_USE cd_code sig_config_load(const char *path, sig_config *ret_config, cd_err *err);
void sig_config_release(sig_config *c);
bool sig_config_protects(const sig_config *c, const char *device);

#endif
