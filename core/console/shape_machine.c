/* The resource machine. */
#include "shape.h"
#include "store_alert.h"

#include <string.h>

#include "base/limits.h"
#include "protocol/limits.h"

#include "base/banned.h"

#define ACTIVE_MS                                                                                  \
  (INT64_C(7) * 24 * 3600 * 1000) /* after a week of silence a device is inactive                  \
                                   */
#define ADDRESSES_MAX (64u * 1024u)
#define INTERFACES_MAX 256u

typedef enum field {
  ID,
  MERGED_INTO,
  IS_DUPLICATE,
  IS_EXCLUDED,
  EXCLUSION_REASON,
  DNS_NAME,
  FIRST_SEEN,
  LAST_SEEN,
  OS_PLATFORM,
  OS_VERSION,
  OS_PROCESSOR,
  VERSION,
  LAST_IP,
  LAST_EXTERNAL_IP,
  AGENT_VERSION,
  OS_BUILD,
  HEALTH,
  DEVICE_VALUE,
  RBAC_GROUP_ID,
  RBAC_GROUP_NAME,
  RISK,
  EXPOSURE,
  AAD_JOINED,
  AAD_ID,
  TAGS,
  AV_STATUS,
  ONBOARDING,
  OS_ARCHITECTURE,
  MANAGED_BY,
  MANAGED_BY_STATUS,
  IP_ADDRESSES,
  VM_METADATA,
  FIELD_COUNT
} field;

static const con_field fields[FIELD_COUNT] = {
    [ID] = {"id", CON_TEXT, true},
    [MERGED_INTO] = {"mergedIntoMachineId", CON_TEXT, false},
    [IS_DUPLICATE] = {"isPotentialDuplication", CON_BOOL, false},
    [IS_EXCLUDED] = {"isExcluded", CON_BOOL, false},
    [EXCLUSION_REASON] = {"exclusionReason", CON_TEXT, false},
    [DNS_NAME] = {"computerDnsName", CON_TEXT, true},
    [FIRST_SEEN] = {"firstSeen", CON_TIME, true},
    [LAST_SEEN] = {"lastSeen", CON_TIME, true},
    [OS_PLATFORM] = {"osPlatform", CON_TEXT, true},
    [OS_VERSION] = {"osVersion", CON_TEXT, false},
    [OS_PROCESSOR] = {"osProcessor", CON_TEXT, false},
    [VERSION] = {"version", CON_TEXT, true},
    [LAST_IP] = {"lastIpAddress", CON_TEXT, true},
    [LAST_EXTERNAL_IP] = {"lastExternalIpAddress", CON_TEXT, true},
    [AGENT_VERSION] = {"agentVersion", CON_TEXT, true},
    [OS_BUILD] = {"osBuild", CON_NUMBER, true},
    [HEALTH] = {"healthStatus", CON_TEXT, true},
    [DEVICE_VALUE] = {"deviceValue", CON_TEXT, true},
    [RBAC_GROUP_ID] = {"rbacGroupId", CON_NUMBER, true},
    [RBAC_GROUP_NAME] = {"rbacGroupName", CON_TEXT, true},
    [RISK] = {"riskScore", CON_TEXT, true},
    [EXPOSURE] = {"exposureLevel", CON_TEXT, true},
    [AAD_JOINED] = {"isAadJoined", CON_BOOL, false},
    [AAD_ID] = {"aadDeviceId", CON_TEXT, true},
    [TAGS] = {"machineTags", CON_LIST, true},
    [AV_STATUS] = {"defenderAvStatus", CON_TEXT, false},
    [ONBOARDING] = {"onboardingStatus", CON_TEXT, true},
    [OS_ARCHITECTURE] = {"osArchitecture", CON_TEXT, false},
    [MANAGED_BY] = {"managedBy", CON_TEXT, false},
    [MANAGED_BY_STATUS] = {"managedByStatus", CON_TEXT, false},
    [IP_ADDRESSES] = {"ipAddresses", CON_JSON, false},
    [VM_METADATA] = {"vmMetadata", CON_JSON, false}};

static const char *health(const con_machine_row *r)
{
  if (r->device->last_seen_ms == 0)
    return "Unknown";
  if (r->device->revoked)
    return "Inactive"; /* it cannot be connected */
  return r->now_ms - r->device->last_seen_ms < ACTIVE_MS ? "Active" : "Inactive";
}

/* "x86_64" as the API's words. */
static cd_str processor(cd_str architecture, bool bits)
{
  static const struct {
    const char *ours;
    const char *processor;
    const char *bits;
  } words[] = {{"x86_64", "x64", "64-bit"},
               {"aarch64", "arm64", "64-bit"},
               {"arm64", "arm64", "64-bit"},
               {"i686", "x86", "32-bit"}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (cd_str_eq_cstr(architecture, words[i].ours))
      return cd_str_from(bits ? words[i].bits : words[i].processor);
  }
  return architecture;
}

static cd_str text_of(const con_machine_row *r, field f)
{
  const con_device *d = r->device;
  switch (f) {
  case ID: return d->id;
  case DNS_NAME: return d->dns_name;
  case OS_PLATFORM: return d->os_platform;
  case VERSION: return d->os_version;
  case OS_PROCESSOR: return processor(d->os_architecture, false);
  case OS_ARCHITECTURE: return processor(d->os_architecture, true);
  case LAST_IP: return d->last_ip;
  case LAST_EXTERNAL_IP: return d->last_external_ip;
  case AGENT_VERSION: return d->agent_version;
  case HEALTH: return cd_str_from(health(r));
  case DEVICE_VALUE: return CD_STR("Normal");
  case RISK:
    return d->risk > 0 ? cd_str_from(con_severity_name((con_severity)d->risk)) : CD_STR("None");
  case ONBOARDING: return d->revoked ? CD_STR("CanBeOnboarded") : CD_STR("Onboarded");
  default: /* what nothing here knows */ return (cd_str){0};
  }
}

static void get(const void *row, size_t index, con_value *v)
{
  const con_machine_row *r = row;
  uint64_t build = 0;
  *v = (con_value){0};
  switch ((field)index) {
  case FIRST_SEEN:
    v->number = r->device->first_seen_ms;
    v->null = v->number == 0;
    break;
  case LAST_SEEN:
    v->number = r->device->last_seen_ms;
    v->null = v->number == 0;
    break;
  case OS_BUILD:
    v->null = !cd_str_to_u64(r->device->os_build, INT32_MAX, &build);
    v->number = (int64_t)build;
    break;
  case IS_DUPLICATE: v->number = r->device->clone_suspected ? 1 : 0; break;
  case RBAC_GROUP_ID:
  case IS_EXCLUDED: break;
  case AAD_JOINED:
  case VM_METADATA: v->null = true; break;
  case TAGS:
    v->items = r->tags;
    v->count = r->tag_count;
    break;
  case IP_ADDRESSES:
    v->text = r->addresses.len > 0 ? cd_buf_view(&r->addresses) : CD_STR("[]");
    break;
  default:
    v->text = text_of(r, (field)index);
    v->null = v->text.len == 0;
    break;
  }
}

const con_shape con_machines = {
    .set = "Machines", .fields = fields, .field_count = FIELD_COUNT, .get = get};

/* ---- rows ---- */

cd_str con_platform_word(cd_str family, cd_str id)
{
  static const struct {
    const char *id;
    const char *word;
  } words[] = {
      {"debian", "Debian"},    {"ubuntu", "Ubuntu"},      {"rhel", "RedHatEnterpriseLinux"},
      {"centos", "CentOS"},    {"fedora", "Fedora"},      {"sles", "SUSE"},
      {"rocky", "RockyLinux"}, {"almalinux", "AlmaLinux"}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (cd_str_eq_cstr(id, words[i].id))
      return cd_str_from(words[i].word);
  }
  if (cd_str_eq_cstr(family, "linux"))
    return CD_STR("Linux");
  return cd_str_eq_cstr(family, "macos") ? CD_STR("macOS") : CD_STR("Windows");
}

void con_machine_row_open(con_machine_row *r, const con_device *d, int64_t now_ms)
{
  cd_err err = {0};
  *r = (con_machine_row){.device = d, .now_ms = now_ms, .addresses = CD_BUF_INIT(ADDRESSES_MAX)};
  cd_buf text = CD_BUF_INIT(CON_TAGS_MAX * (CON_TAG_MAX * 6 + 8) + 64);
  cd_buf_add_cstr(&text, "{\"tags\":");
  cd_buf_add_str(&text, d->tags.len > 0 ? d->tags : CD_STR("[]"));
  cd_buf_add_char(&text, '}');
  if (cd_json_parse(cd_buf_view(&text), text.max, "tags", &r->doc, &err) == CD_OK) {
    cd_json root = cd_json_root(r->doc);
    cd_json list = {0};
    cd_json_arr(&root, "tags", CON_TAGS_MAX, &list);
    for (size_t i = 0; i < cd_json_len(&list); i++)
      cd_json_at_str(&list, i, CON_TAG_MAX, &r->tags[r->tag_count++]);
  }
  cd_buf_release(&text);
}

/* "aa:bb:cc:dd:ee:ff" without separators, in capitals. */
static void write_mac(cd_jw *w, cd_str mac)
{
  char text[32];
  size_t len = 0;
  for (size_t i = 0; i < mac.len && len < sizeof(text); i++) {
    char c = mac.ptr[i];
    if (c != ':' && c != '-')
      text[len++] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
  }
  if (len == 0)
    cd_jw_null(w, "macAddress");
  else
    cd_jw_str(w, "macAddress", (cd_str){text, len});
}

static void write_interface(cd_jw *w, cd_json *interface)
{
  cd_str mac = {0};
  bool up = false;
  cd_json addresses = {0};
  (void)cd_json_opt_str(interface, "mac", 64, &mac);
  (void)cd_json_opt_bool(interface, "up", &up);
  cd_json_arr(interface, "addresses", INTERFACES_MAX, &addresses);
  for (size_t i = 0; i < cd_json_len(&addresses); i++) {
    cd_str address = {0};
    cd_json_at_str(&addresses, i, 100, &address);
    cd_jw_obj(w, NULL);
    cd_jw_str(w, "ipAddress", cd_str_cut(&address, '/'));
    write_mac(w, mac);
    cd_jw_cstr(w, "type", "Ethernet");
    cd_jw_cstr(w, "operationalStatus", up ? "Up" : "Down");
    cd_jw_end_obj(w);
  }
}

void con_machine_row_addresses(con_machine_row *r)
{
  cd_json_doc *doc = NULL;
  cd_json list = {0};
  cd_err err = {0};
  cd_jw w;
  if (r->device->facts.len == 0 ||
      cd_json_parse(r->device->facts, CD_FACTS_MAX, "facts", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_jw_init(&w, &r->addresses);
  cd_jw_arr(&w, NULL);
  if (cd_json_opt_arr(&root, "interfaces", INTERFACES_MAX, &list)) {
    for (size_t i = 0; i < cd_json_len(&list); i++) {
      cd_json interface = {0};
      cd_json_at_obj(&list, i, &interface);
      write_interface(&w, &interface);
    }
  }
  cd_jw_end_arr(&w);
  if (cd_jw_done(&w, "addresses", &err) != CD_OK || cd_json_status(&root, &err) != CD_OK)
    cd_buf_reset(&r->addresses);
  cd_json_free(doc);
}

void con_machine_row_close(con_machine_row *r)
{
  cd_json_free(r->doc);
  cd_buf_release(&r->addresses);
  *r = (con_machine_row){0};
}
