/* The console's configuration file: config/cordon-console.json, config/schemas/console.schema.json.
 */
#ifndef CON_CONFIG_H
#define CON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/status.h"
#include "limit.h"
#include "protocol/enroll.h"

#define CON_CONFIG_NAMES 32u
#define CON_CONFIG_SETS 64u
#define CON_SET_NAME_MAX 64u
#define CON_PATH_TEXT 512u

typedef struct con_listen {
  char address[64]; /* empty: every address */
  uint16_t port;
} con_listen;

/* A named list of exclusions; the text is a JSON array that was checked. */
typedef struct con_exclusions {
  cd_str name;
  char *json;
} con_exclusions;

typedef struct con_config {
  cd_json_doc *doc;                  /* views point into it */
  char data_dir[CON_PATH_TEXT - 32]; /* room for the names of files in it */
  char user[64]; /* whom to become when started as root; empty: refuse to start as root */
  con_listen people;
  con_listen agents;
  cd_str url;                      /* "https://console.example:8443", without a slash at the end */
  char certificate[CON_PATH_TEXT]; /* of the people's listener; empty: the signer's */
  char key[CON_PATH_TEXT];
  char ca[CON_PATH_TEXT];         /* what verifies that certificate, for new devices */
  cd_str names[CON_CONFIG_NAMES]; /* of the certificates that the signer makes for us */
  size_t name_count;
  cd_str agents_at[CD_CONSOLES_MAX]; /* where devices find the agents' listener */
  size_t agents_at_count;
  char signer_socket[CON_PATH_TEXT];
  char signer_user[64];
  con_exclusions sets[CON_CONFIG_SETS];
  size_t set_count;
  con_limit limit;
  uint64_t package_bytes;        /* of all packages that are kept */
  uint64_t package_device_bytes; /* of those of one device */
  uint64_t package_days;         /* and how long each is */
  uint64_t alert_days;           /* how long an alert is kept that nothing happens to */
  uint64_t action_days;          /* how long an action waits for its device */
  char log[128];
} con_config;

void con_config_init(con_config *c);
void con_config_release(con_config *c);
CD_MUST_USE cd_code con_config_parse(cd_str text, const char *name, con_config *c, cd_err *err);
/* From a file that nobody else may write to. */
CD_MUST_USE cd_code con_config_load(const char *path, con_config *c, cd_err *err);
/* The JSON array of the set; false if there is none of that name. */
bool con_config_exclusions(const con_config *c, cd_str name, cd_str *ret_json);

#endif
