/* cordond.json: what the administrator decides. Schema: config/schemas/cordond.schema.json. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <stdint.h>

#include "base/json.h"
#include "capability.h"
#include "protocol/digest.h"
#include "protocol/limits.h"

#define AGENT_ID_MAX 101       /* a plugin's id and its NUL */
#define AGENT_PROVIDERS_MAX 8  /* providers named for one capability */
#define AGENT_ENDPOINTS_MAX 32 /* console endpoints */
#define AGENT_RESOLVERS_MAX 16
#define AGENT_ADDRESS_MAX 46 /* INET6_ADDRSTRLEN */
#define AGENT_CONTACT_MAX 200u

#define AGENT_CHECK_MAX 41 /* a check of the preflight and its NUL */
#define AGENT_CHECKS_MAX 32

/* Names of checks: "session_in_use". */
typedef struct agent_checks {
  char names[AGENT_CHECKS_MAX][AGENT_CHECK_MAX];
  unsigned count;
} agent_checks;

typedef struct agent_endpoint {
  char address[AGENT_ADDRESS_MAX]; /* canonical text of an IPv4 or IPv6 address */
  uint16_t port;
} agent_endpoint;

/* Libraries that are not to be used, whatever the trust list says. */
#define AGENT_DISTRUST_MAX 64

/* Who may give an order on the device itself. */
typedef enum agent_who {
  AGENT_WHO_GROUP = 0, /* administrators and the members of local_group */
  AGENT_WHO_ADMINISTRATORS,
  AGENT_WHO_CODE, /* an isolation of the console's that has a code: only whoever has that */
  AGENT_WHO_NOBODY
} agent_who;

/* Ceilings of investigation packages. */
typedef struct agent_config_collect {
  uint64_t max_bytes;          /* of a zip */
  uint64_t max_artifact_bytes; /* of one artifact, before it is compressed */
  uint64_t max_total_bytes;    /* of all of them */
  uint64_t max_artifacts;
  uint64_t free_bytes;  /* the file system keeps so many */
  uint64_t quota_bytes; /* of all packages that are kept */
  uint64_t keep_s;
  uint64_t budget_s; /* where the order does not say */
} agent_config_collect;

/* Scans, where the order does not say. */
typedef struct agent_config_scan {
  uint64_t cpu_percent;    /* of all processors */
  uint64_t quick_budget_s; /* of a quick scan */
  uint64_t budget_s;       /* of the others */
} agent_config_scan;

typedef struct agent_config {
  char providers[AGENT_CAP_COUNT][AGENT_PROVIDERS_MAX][AGENT_ID_MAX];
  unsigned provider_count[AGENT_CAP_COUNT];
  char plugin_user[64];
  cd_json_doc *doc; /* owns `settings` */
  cd_json settings; /* object: plugin id -> settings; node NULL when absent */
  agent_endpoint console[AGENT_ENDPOINTS_MAX];
  unsigned console_count;
  /* Agents' listeners, HOST:PORT, to be connected to beside the enrolment's. */
  char agents[CD_CONSOLES_MAX][CD_ENDPOINT_MAX + 1];
  unsigned agent_count;
  char resolvers[AGENT_RESOLVERS_MAX][AGENT_ADDRESS_MAX];
  unsigned resolver_count;
  uint32_t mark;        /* SO_MARK of the agent's own sockets */
  bool strict;          /* isolate.strict: also at the links, where the provider can */
  uint32_t interval_s;  /* between two looks at a state that is in force */
  char local_group[64]; /* whose members may give local orders, beside administrators; empty: nobody
                         */
  agent_who local_isolate;
  agent_who local_release;
  cd_digest distrust[AGENT_DISTRUST_MAX];
  unsigned distrust_count;
  uint32_t trial_s;      /* within which a policy that moves the console must lead to it */
  uint32_t lost_after_s; /* of isolations given on this device, as in cd_terms; 0: keep */
  uint32_t unreachable_after_s;
  bool notify_enabled;
  char notify_contact[AGENT_CONTACT_MAX + 1]; /* shown to the people at the device; may be empty */
  char log[256];
  char channel_user[64]; /* cordon-channel runs as; empty: as the agent */
  char proxy_file[512];  /* where the proxy and its credentials are; empty: no proxy */
  agent_config_collect collect;
  agent_config_scan scan;
  agent_checks preflight_refuse; /* findings that an isolation is refused for */
  agent_checks preflight_warn;   /* findings that are only recorded, whatever their severity */
} agent_config;

/* An HTTP proxy on the way to the console. Holds a secret: wipe it. */
typedef struct agent_proxy {
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port;
  bool has_credentials;
  char user[CD_PROXY_SECRET_MAX + 1];
  char password[CD_PROXY_SECRET_MAX + 1];
} agent_proxy;

/* The defaults, as if the file were `{}`. */
void agent_config_init(agent_config *c);
void agent_config_release(agent_config *c);
/* Replaces *c on success only; `name` is for the sentence. */
CD_MUST_USE cd_code agent_config_parse(cd_str text, const char *name, agent_config *c, cd_err *err);
/* Reads a file that only administrators can write. */
CD_MUST_USE cd_code agent_config_load(const char *path, agent_config *c, cd_err *err);
/* Reads a file that only administrators can write: {"proxy":"HOST:PORT","user":..,"password":..}.
 */
CD_MUST_USE cd_code agent_proxy_load(const char *path, agent_proxy *ret_proxy, cd_err *err);
CD_MUST_USE cd_code agent_proxy_parse(cd_str text, const char *name, agent_proxy *ret_proxy,
                                      cd_err *err);
/* What one configuration distrusts, the other one does too. */
void agent_config_distrust_too(agent_config *c, const agent_config *other);
bool agent_config_distrusts(const agent_config *c, const cd_digest *library);
/* Lower-case letters, digits and underscores. */
bool agent_check_valid(cd_str name);
/* Section `preflight`: what is not there stays as it is. */
void agent_config_read_preflight(cd_json *root, agent_config *c);
/* Section `collect`: the defaults, and what the section says. */
void agent_config_init_collect(agent_config_collect *c);
void agent_config_read_collect(cd_json *root, agent_config_collect *c);
/* Section `scan`, likewise. */
void agent_config_init_scan(agent_config_scan *c);
void agent_config_read_scan(cd_json *root, agent_config_scan *c);
/* The settings of one plugin as JSON text, "{}" if there are none; appended to `out`. */
void agent_config_settings(const agent_config *c, const char *plugin_id, cd_buf *out);

#endif
