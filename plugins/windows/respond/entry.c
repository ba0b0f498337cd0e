/* org.cordon.windows.respond: what live response asks a Windows device, one kind of thing at a
 * time. The readers are those of the investigation package. */
#include <stdlib.h>
#include <string.h>

#include "items.h"
#include "package/readout.h"

/* What a person who waits may be kept waiting for each table. */
enum { BRIEF = 20000, LENGTHY = 60000 };

static const col_item processes[] = {{"", "processes.csv", "Toolhelp, NtQueryInformationProcess",
                                      win_processes, LENGTHY, false, false}};
static const col_item modules[] = {
    {"", "modules.csv", "EnumProcessModulesEx", win_modules, LENGTHY, false, false}};
static const col_item connections[] = {{"", "connections.csv",
                                        "GetExtendedTcpTable, GetExtendedUdpTable", win_connections,
                                        BRIEF, false, false}};
static const col_item services[] = {{"", "services.csv",
                                     "EnumServicesStatusEx, QueryServiceConfig2", win_services,
                                     LENGTHY, false, false}};
static const col_item drivers[] = {{"", "drivers.csv", "EnumServicesStatusEx, QueryServiceConfig2",
                                    win_drivers, LENGTHY, false, false}};
static const col_item registry[] = {
    {"", "registry", "the registry", win_registry, BRIEF, true, false}};
static const col_item tasks[] = {
    {"", "tasks.csv", "ITaskService; %windir%\\System32\\Tasks", win_tasks, LENGTHY, false, false}};
static const col_item persistence[] = {
    {"", "hives.csv", "ProfileList, HKEY_USERS, NTUSER.DAT", win_hives, BRIEF, false, false},
    {"", "registry", "HKLM, HKU", win_autoruns, LENGTHY, true, false},
    {"", "startup_folders.csv", "Start Menu\\Programs\\Startup", win_startup_folders, BRIEF, false,
     false},
    {"", "bits_jobs.csv", "BITS: IBackgroundCopyManager", win_bits_jobs, BRIEF, false, false},
    {"", "wmi_subscriptions.csv", "WMI: root\\subscription, root\\default", win_wmi_autoruns, BRIEF,
     false, false}};
static const col_item startup_folders[] = {{"", "startup_folders.csv",
                                            "Start Menu\\Programs\\Startup", win_startup_folders,
                                            BRIEF, false, false}};

/* NOLINTBEGIN(bugprone-macro-parentheses): the name of an array and a constant. */
#define READING(name, needs_path)                                                                  \
  {                                                                                                \
    .what = #name, .items = name, .count = sizeof(name) / sizeof(name[0]), .of_path = needs_path   \
  }
/* NOLINTEND(bugprone-macro-parentheses) */

static const col_reading readings[] = {
    READING(processes, false), READING(modules, false),     READING(connections, false),
    READING(services, false),  READING(drivers, false),     READING(registry, true),
    READING(tasks, false),     READING(persistence, false), READING(startup_folders, false),
};

static const col_responder responder = {
    .readings = readings, .count = sizeof(readings) / sizeof(readings[0]), .run = win_read_out};

typedef struct respond_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
} respond_plugin;

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  const respond_plugin *self = p->plugin_data;
  return col_respond_run(&responder, self->host, req);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const respond_plugin *self = p->plugin_data;
  return col_respond_probe(&responder, self->host, req);
}

static const cordon_job job = {.struct_size = sizeof(cordon_job), .probe = on_probe, .run = on_run};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_RESPOND) == 0 ? &job : NULL;
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  free(p->plugin_data);
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  (void)config;
  (void)config_len;
  respond_plugin *self = calloc(1, sizeof(*self));
  if (self == NULL)
    return NULL;
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .destroy = destroy};
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_RESPOND, NULL};

/* One at a time: hives of users are loaded under names of this process. */
const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.windows.respond",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
