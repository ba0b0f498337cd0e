/* The API against the running program: one row for each rule that is documented. */
#include "device.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOBODY, READER, ISOLATOR, WRITER, CODER, ADMIN, SCANNER, STOPPER, ALERTER, APPS };

static const char *const permissions[APPS] = {
    [READER] = "Machine.Read.All",
    [ISOLATOR] = "Machine.Read.All,Machine.Isolate",
    [WRITER] = "Machine.ReadWrite.All",
    [CODER] = "Machine.ReleaseCode",
    [ADMIN] = "Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Revoke,"
              "Cordon.Audit.Read",
    [SCANNER] = "Machine.Scan,Alert.Read.All",
    [STOPPER] = "Machine.StopAndQuarantine",
    [ALERTER] = "Alert.ReadWrite.All"};
static const char *const names[APPS] = {
    [READER] = "reader", [ISOLATOR] = "isolator", [WRITER] = "writer",   [CODER] = "coder",
    [ADMIN] = "admin",   [SCANNER] = "scanner",   [STOPPER] = "stopper", [ALERTER] = "alerter"};

static place p;
static char *bearers[APPS];
static device desks[3];
static char action[64]; /* an isolation of desk-2 that waits */

typedef struct row {
  const char *rule;
  int app;
  const char *method;
  const char *path; /* $1, $2, $3: the desks' ids; $A: the action's */
  const char *body;
  unsigned status;
  const char *has;   /* in the body, or NULL */
  const char *lacks; /* likewise */
} row;

#define ID_0 "0000000000000000000000000000000000000000"

/* They change things: in this order. */
static const row rows[] = {
    /* who */
    {"no token", NOBODY, "GET", "/api/machines", NULL, 401, "\"code\":\"Unauthorized\"", NULL},
    {"the permission is named", READER, "POST", "/api/machines/$1/isolate", "{\"Comment\":\"c\"}",
     403,
     "\"message\":\"The application does not have any of the required application permissions "
     "(Machine.Isolate) to access the resource.\"",
     NULL},
    {"either of two permissions", WRITER, "GET", "/api/machines", NULL, 200, "\"value\":[{", NULL},
    {"writing takes its own", READER, "POST", "/api/machines/$1/tags",
     "{\"Value\":\"a\",\"Action\":\"Add\"}", 403, "(Machine.ReadWrite.All)", NULL},

    /* routes */
    {"any case", READER, "GET", "/API/Machines", NULL, 200, "\"value\":[{", NULL},
    {"a version", READER, "GET", "/api/v1.0/machines", NULL, 200, "\"value\":[{", NULL},
    {"a slash at the end", READER, "GET", "/api/machines/?top=1", NULL, 200, "twin", NULL},
    {"another method", READER, "PUT", "/api/machines", NULL, 404,
     "No HTTP resource was found that matches the request URI", NULL},
    {"no such route", READER, "GET", "/api/nothing", NULL, 404, "\"code\":\"NotFound\"", NULL},
    {"a GET of an action's path", ISOLATOR, "GET", "/api/machines/$1/isolate", NULL, 404,
     "\"code\":\"NotFound\"", NULL},

    /* machines */
    {"a collection's context", READER, "GET", "/api/machines", NULL, 200,
     "/api/$metadata#Machines\",\"value\":[", "@odata.count"},
    {"an entity's context", READER, "GET", "/api/machines/$1", NULL, 200,
     "/api/$metadata#Machines/$entity\",\"id\":\"", NULL},
    {"by name, in any case", READER, "GET", "/api/machines/DESK-1", NULL, 200,
     "\"computerDnsName\":\"desk-1\"", NULL},
    {"nulls are there", READER, "GET", "/api/machines/$1", NULL, 200, "\"aadDeviceId\":null", NULL},
    {"rbacGroupId is a number", READER, "GET", "/api/machines/$1", NULL, 200, "\"rbacGroupId\":0",
     NULL},
    {"unknown", READER, "GET", "/api/machines/" ID_0, NULL, 404,
     "\"code\":\"ResourceNotFound\",\"message\":\"Machine " ID_0 " was not found\"", NULL},
    {"an ambiguous name", READER, "GET", "/api/machines/twin", NULL, 400, "\"InvalidInput\"", NULL},

    /* OData */
    {"$top", READER, "GET", "/api/machines?$top=1", NULL, 200, "\"value\":[{", "},{\"id\""},
    {"$count", READER, "GET", "/api/machines?$top=1&$count=true", NULL, 200, "\"@odata.count\":3",
     NULL},
    {"$select", READER, "GET", "/api/machines?$select=id", NULL, 200, "{\"id\":\"", "osPlatform"},
    {"$filter", READER, "GET", "/api/machines?$filter=computerDnsName%20eq%20'desk-1'", NULL, 200,
     "desk-1", "twin"},
    {"a plus is a space", READER, "GET", "/api/machines?$filter=computerDnsName+eq+'desk-1'", NULL,
     200, "desk-1", "twin"},
    {"AND", READER, "GET",
     "/api/machines?$filter=computerDnsName%20eq%20'desk-1'%20AND%20rbacGroupId%20eq%200", NULL,
     200, "desk-1", "twin"},
    {"in", READER, "GET", "/api/machines?$filter=computerDnsName%20in%20('desk-1','x')", NULL, 200,
     "desk-1", "twin"},
    {"$orderby", READER, "GET", "/api/machines?$orderby=computerDnsName%20desc&$top=1", NULL, 200,
     "twin", "desk-1"},
    {"$skip beyond the end", READER, "GET", "/api/machines?$skip=100", NULL, 200, "\"value\":[]",
     NULL},
    {"a bad filter", READER, "GET", "/api/machines?$filter=nothing%20eq%201", NULL, 400,
     "\"code\":\"ODataError\"", NULL},
    {"too large a page", READER, "GET", "/api/machines?$top=10001", NULL, 400,
     "\"code\":\"ODataError\"", NULL},

    /* find */
    {"findbyip", READER, "GET", "/api/machines/findbyip(ip='192.0.2.77',timestamp=2026-01-01)",
     NULL, 400, "timestamp", NULL},
    {"findbyip without an address", READER, "GET", "/api/machines/findbyip(ip='x')", NULL, 400,
     "\"code\":\"InvalidIpAddress\"", NULL},
    {"findbytag without one", READER, "GET", "/api/machines/findbytag", NULL, 400,
     "\"code\":\"MissingRequiredParameter\"", NULL},

    /* tags */
    {"add", WRITER, "POST", "/api/machines/$1/tags", "{\"Value\":\"prod\",\"Action\":\"Add\"}", 200,
     "\"machineTags\":[\"prod\"]", NULL},
    {"findbytag", READER, "GET", "/api/machines/findByTag/?tag=prod", NULL, 200, "desk-1", "twin"},
    {"findbytag by its beginning", READER, "GET",
     "/api/machines/findbytag?tag=pr&useStartsWithFilter=true", NULL, 200, "desk-1", "twin"},
    {"any()", READER, "GET", "/api/machines?$filter=machineTags/any(t:t%20eq%20'prod')", NULL, 200,
     "desk-1", "twin"},
    {"remove", WRITER, "POST", "/api/machines/$1/tags",
     "{\"Value\":\"prod\",\"Action\":\"Remove\"}", 200, "\"machineTags\":[]", NULL},
    {"neither", WRITER, "POST", "/api/machines/$1/tags", "{\"Value\":\"a\",\"Action\":\"x\"}", 400,
     "\"code\":\"InvalidInput\"", NULL},
    {"no Value", WRITER, "POST", "/api/machines/$1/tags", "{\"Action\":\"Add\"}", 400,
     "Parameter Value is missing", NULL},
    {"of many", WRITER, "POST", "/api/machines/AddOrRemoveTagForMultipleMachines",
     "{\"Value\":\"floor-2\",\"Action\":\"Add\",\"MachineIds\":[\"$1\",\"$2\"]}", 200,
     "\"machineTags\":[\"floor-2\"]", NULL},
    {"of many, one unknown", WRITER, "POST", "/api/machines/addorremovetagformultiplemachines",
     "{\"Value\":\"x\",\"Action\":\"Add\",\"MachineIds\":[\"$1\",\"" ID_0 "\"]}", 404,
     "\"code\":\"ResourceNotFound\"", NULL},

    /* isolate: existence comes before the body */
    {"an unknown machine with a bad body", ISOLATOR, "POST",
     "/api/machines/elastic-connector-test/isolate", "nonsense", 404, "\"ResourceNotFound\"", NULL},
    {"no JSON", ISOLATOR, "POST", "/api/machines/$1/isolate", "nonsense", 400,
     "\"code\":\"InvalidRequestBody\"", NULL},
    {"no body", ISOLATOR, "POST", "/api/machines/$1/isolate", NULL, 400, "\"InvalidRequestBody\"",
     NULL},
    {"no comment", ISOLATOR, "POST", "/api/machines/$1/isolate", "{}", 400,
     "\"code\":\"MissingRequiredParameter\",\"message\":\"Parameter Comment is missing\"", NULL},
    {"names have their case", ISOLATOR, "POST", "/api/machines/$1/isolate", "{\"comment\":\"c\"}",
     400, "\"MissingRequiredParameter\"", NULL},
    {"an unknown type", ISOLATOR, "POST", "/api/machines/$1/isolate",
     "{\"Comment\":\"c\",\"IsolationType\":\"x\"}", 400, "\"InvalidInput\"", NULL},
    {"selective, by an unknown name", ISOLATOR, "POST", "/api/machines/$1/isolate",
     "{\"Comment\":\"c\",\"IsolationType\":\"Selective\",\"Exclusions\":\"x\"}", 400,
     "\"InvalidInput\"", NULL},
    {"exclusions of a full one", ISOLATOR, "POST", "/api/machines/$1/isolate",
     "{\"Comment\":\"c\",\"Exclusions\":\"default\"}", 400, "\"InvalidInput\"", NULL},
    {"selective", ISOLATOR, "POST", "/api/machines/$1/Isolate",
     "{\"Comment\":\"c\",\"IsolationType\":\"Selective\",\"ExternalId\":\"T-1\"}", 201,
     "\"scope\":\"Selective\",\"externalId\":\"T-1\"", NULL},
    {"a lease that is no number", ISOLATOR, "POST", "/api/machines/$3/isolate",
     "{\"Comment\":\"c\",\"LeaseSeconds\":\"4h\"}", 400, "LeaseSeconds", NULL},
    {"a lease of no time", ISOLATOR, "POST", "/api/machines/$3/isolate",
     "{\"Comment\":\"c\",\"LeaseSeconds\":0}", 400, "LeaseSeconds", NULL},
    {"terms that are none", ISOLATOR, "POST", "/api/machines/$3/isolate",
     "{\"Comment\":\"c\",\"Terms\":{\"lost_console\":{\"rule\":\"release\"}}}", 400, "after_s",
     NULL},
    {"terms with more in them", ISOLATOR, "POST", "/api/machines/$3/isolate",
     "{\"Comment\":\"c\",\"Terms\":{\"lease\":{\"until\":1}}}", 400, "lease", NULL},
    {"nothing to renew", ISOLATOR, "POST", "/api/cordon/machines/$3/renew",
     "{\"Comment\":\"c\",\"LeaseSeconds\":60}", 400, "nothing to renew", NULL},
    {"renewing has its permission", READER, "POST", "/api/cordon/machines/$1/renew",
     "{\"Comment\":\"c\",\"LeaseSeconds\":60}", 403, "(Machine.Isolate)", NULL},
    {"a renewal without a comment", ISOLATOR, "POST", "/api/cordon/machines/$1/renew",
     "{\"LeaseSeconds\":60}", 400, "Parameter Comment is missing", NULL},
    {"a renewal without a time", ISOLATOR, "POST", "/api/cordon/machines/$1/renew",
     "{\"Comment\":\"c\"}", 400, "Parameter LeaseSeconds is missing", NULL},
    {"a renewal while one is under way", ISOLATOR, "POST", "/api/cordon/machines/$1/renew",
     "{\"Comment\":\"c\",\"LeaseSeconds\":60}", 400, "\"ActiveRequestAlreadyExists\"", NULL},
    {"one at a time", ISOLATOR, "POST", "/api/machines/$1/isolate", "{\"Comment\":\"c\"}", 400,
     "\"code\":\"ActiveRequestAlreadyExists\",\"message\":\"Action is already in progress\"", NULL},
    {"of the group", ISOLATOR, "POST", "/api/machines/$1/unisolate", "{\"Comment\":\"c\"}", 400,
     "\"ActiveRequestAlreadyExists\"", NULL},
    {"release", ISOLATOR, "POST", "/api/machines/$3/unisolate", "{\"Comment\":\"c\"}", 201,
     "\"type\":\"Unisolate\",\"title\":null,\"requestor\":\"isolator\",\"requestorComment\":\"c\","
     "\"status\":\"Pending\"",
     NULL},

    /* what the preflight may refuse */
    {"an unknown judgement", ISOLATOR, "POST", "/api/machines/$1/isolate",
     "{\"Comment\":\"c\",\"Preflight\":\"Never\"}", 400, "Invalid input Preflight", NULL},
    {"a preflight takes its permission", READER, "POST", "/api/cordon/machines/$1/preflight",
     "{\"Comment\":\"c\"}", 403, "(Machine.Isolate)", NULL},
    {"a preflight of an unknown machine", ISOLATOR, "POST", "/api/cordon/machines/x/preflight",
     "{\"Comment\":\"c\"}", 404, "\"ResourceNotFound\"", NULL},
    {"a preflight without a comment", ISOLATOR, "POST", "/api/cordon/machines/$1/preflight", "{}",
     400, "\"MissingRequiredParameter\"", NULL},
    {"a preflight beside an isolation", ISOLATOR, "POST", "/api/cordon/machines/$1/preflight",
     "{\"Comment\":\"c\",\"Preflight\":\"warn\"}", 201,
     "\"type\":\"Preflight\",\"title\":null,\"requestor\":\"isolator\"", NULL},
    {"one preflight at a time", ISOLATOR, "POST", "/api/cordon/machines/$1/preflight",
     "{\"Comment\":\"c\"}", 400, "\"ActiveRequestAlreadyExists\"", NULL},
    {"of many, looked at", ISOLATOR, "POST", "/api/cordon/preflight",
     "{\"tag\":\"floor-2\",\"Comment\":\"c\",\"IsolationType\":\"Selective\"}", 201, "\"count\":2",
     NULL},
    {"the audit log keeps who asked", ADMIN, "GET", "/api/cordon/audit?from=1&limit=1000", NULL,
     200, "\"kind\":\"preflight\",\"type\":\"Preflight\"", NULL},

    /* scans */
    {"a scan takes its permission", READER, "POST", "/api/machines/$1/runAntiVirusScan",
     "{\"Comment\":\"c\",\"ScanType\":\"Quick\"}", 403, "(Machine.Scan)", NULL},
    {"a scan of an unknown machine", SCANNER, "POST", "/api/machines/x/runAntiVirusScan",
     "nonsense", 404, "\"ResourceNotFound\"", NULL},
    {"a scan without a comment", SCANNER, "POST", "/api/machines/$1/runAntiVirusScan",
     "{\"ScanType\":\"Quick\"}", 400, "Parameter Comment is missing", NULL},
    {"a scan without a type", SCANNER, "POST", "/api/machines/$1/runAntiVirusScan",
     "{\"Comment\":\"c\"}", 400, "Parameter ScanType is missing", NULL},
    {"a scan of a type that is not the API's", SCANNER, "POST", "/api/machines/$1/runAntiVirusScan",
     "{\"Comment\":\"c\",\"ScanType\":\"Custom\"}", 400, "it is Quick or Full", NULL},
    {"a scan", SCANNER, "POST", "/api/machines/$1/runAntivirusScan",
     "{\"Comment\":\"c\",\"ScanType\":\"full\"}", 201,
     "\"type\":\"RunAntiVirusScan\",\"title\":null,\"requestor\":\"scanner\",\"requestorComment\":"
     "\"c\",\"status\":\"Pending\"",
     "\"scope\":null"},
    {"one scan at a time", SCANNER, "POST", "/api/cordon/machines/$1/scan",
     "{\"Comment\":\"c\",\"ScanType\":\"Custom\",\"Paths\":[\"/srv\"]}", 400,
     "\"message\":\"Action is already in progress\"", NULL},
    {"a scan of paths", SCANNER, "POST", "/api/cordon/machines/$2/scan",
     "{\"Comment\":\"c\",\"ScanType\":\"Custom\",\"Paths\":[\"/srv\",{\"base64\":\"L_8\"}],"
     "\"CpuPercent\":20,\"BudgetSeconds\":600}",
     201, "\"scope\":\"Custom\"", NULL},
    {"a scan of a path that is none", SCANNER, "POST", "/api/cordon/machines/$2/scan",
     "{\"Comment\":\"c\",\"ScanType\":\"Custom\",\"Paths\":[\"srv\"]}", 400,
     "paths[0] must be an absolute path", NULL},
    {"a quick scan of paths", SCANNER, "POST", "/api/cordon/machines/$2/scan",
     "{\"Comment\":\"c\",\"ScanType\":\"Quick\",\"Paths\":[\"/srv\"]}", 400, "\"InvalidInput\"",
     NULL},

    /* remediations */
    {"a quarantine takes its permission", SCANNER, "POST", "/api/machines/$1/StopAndQuarantineFile",
     "{}", 403, "(Machine.StopAndQuarantine)", NULL},
    {"a quarantine without a hash", STOPPER, "POST", "/api/machines/$1/stopAndQuarantineFile",
     "{\"Comment\":\"c\"}", 400, "Parameter Sha1 is missing", NULL},
    {"a quarantine by what is no hash", STOPPER, "POST", "/api/machines/$1/stopAndQuarantineFile",
     "{\"Comment\":\"c\",\"Sha1\":\"12\"}", 400, "\"code\":\"InvalidHashValue\"", NULL},
    {"a remediation of another kind", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"user.disable\",\"Target\":{\"name\":\"x\"}}", 403,
     "(Cordon.Remediate)", NULL},
    {"a remediation with force", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\",\"Target\":{\"path\":\"/x\"},\"Force\":"
     "true}",
     403, "(Cordon.Remediate)", NULL},
    {"a remediation of nothing", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\"}", 400, "Parameter Target is missing",
     NULL},
    {"a remediation that is none", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"file.erase\",\"Target\":{}}", 400, "\"InvalidInput\"",
     NULL},
    {"a target that is not the operation's", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"process.stop\",\"Target\":{\"pid\":1}}", 400,
     "target.start is missing", NULL},
    {"a path that is none on any system", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\",\"Target\":{\"path\":\"C:x.exe\"}}", 400,
     "target.path must be an absolute path", NULL},
    {"an undo by its operation", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"undo\",\"Target\":{\"action\":\"$A\"}}", 400,
     "cordon/machineactions/{id}/undo", NULL},
    {"an undo of what is no remediation", STOPPER, "POST", "/api/cordon/machineactions/$A/undo",
     "{\"Comment\":\"c\"}", 400, "no remediation", NULL},
    {"an undo of nothing", STOPPER, "POST", "/api/cordon/machineactions/x/undo", "{}", 404,
     "\"ResourceNotFound\"", NULL},
    {"a remediation", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"process.stop\",\"Target\":{\"pid\":12,\"start\":3,"
     "\"boot\":\"b\"}}",
     201, "\"scope\":\"process.stop\"", NULL},
    {"a file of Windows", STOPPER, "POST", "/api/cordon/machines/$1/remediate",
     "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\",\"Target\":{\"path\":\"C:\\\\evil\\\\x."
     "exe\"}}",
     201, "\"scope\":\"file.quarantine\"", NULL},

    /* alerts */
    {"alerts take their permission", READER, "GET", "/api/alerts", NULL, 403,
     "(Alert.Read.All, Alert.ReadWrite.All)", NULL},
    {"no alerts", SCANNER, "GET", "/api/alerts?$expand=evidence&$top=3", NULL, 200,
     "/api/$metadata#Alerts\",\"value\":[]", NULL},
    {"what cannot be expanded", SCANNER, "GET", "/api/alerts?$expand=comments", NULL, 400,
     "\"ODataError\"", NULL},
    {"machines have nothing to expand", READER, "GET", "/api/machines?$expand=evidence", NULL, 400,
     "\"ODataError\"", NULL},
    {"fields of alerts", SCANNER, "GET",
     "/api/alerts?$filter=incidentId%20eq%205%20AND%20detectionSource%20in%20('a','b')%20and%20"
     "lastEventTime%20gt%202020-01-01Z",
     NULL, 200, "\"value\":[]", NULL},
    {"alerts of a machine", SCANNER, "GET", "/api/machines/$1/alerts", NULL, 200, "\"value\":[]",
     NULL},
    {"their number", SCANNER, "GET", "/api/machines/$1/alerts/$count?$filter=status%20eq%20'New'",
     NULL, 200, "0", "{"},
    {"an unknown alert", SCANNER, "GET", "/api/alerts/da1_1", NULL, 404,
     "Alert da1_1 was not found", NULL},
    {"changing takes its permission", SCANNER, "PATCH", "/api/alerts/da1_1", "{}", 403,
     "(Alert.ReadWrite.All)", NULL},
    {"changing an unknown alert", ALERTER, "PATCH", "/api/alerts/da1_1", "nonsense", 404,
     "\"ResourceNotFound\"", NULL},
    {"a batch without ids", ALERTER, "POST", "/api/alerts/batchUpdate", "{\"status\":\"New\"}", 400,
     "Parameter alertIds is missing", NULL},
    {"a batch with nothing to do", ALERTER, "POST", "/api/alerts/batchUpdate", "{\"alertIds\":[]}",
     400, "\"MissingRequiredParameter\"", NULL},
    {"an alert of an unknown machine", ALERTER, "POST", "/api/alerts/CreateAlertByReference",
     "{\"machineId\":\"x\",\"severity\":\"Low\",\"title\":\"t\",\"description\":\"d\","
     "\"recommendedAction\":\"r\",\"eventTime\":\"2020-01-01T00:00:00Z\",\"reportId\":\"1\","
     "\"category\":\"Exploit\"}",
     400, "Invalid input eventTime", NULL},

    /* actions */
    {"newest first", READER, "GET", "/api/machineactions?$top=1", NULL, 200, "\"Remediate\"",
     "\"Isolate\""},
    {"an action's context", READER, "GET", "/api/machineactions/$A", NULL, 200,
     "/api/$metadata#MachineActions/$entity\",\"id\":\"", NULL},
    {"by status", READER, "GET", "/api/machineActions?$filter=status%20eq%20'Succeeded'", NULL, 200,
     "\"value\":[]", NULL},
    {"by time", READER, "GET",
     "/api/machineactions?$filter=CreationDateTimeUtc%20lt%202020-01-01T00:00:00Z", NULL, 200,
     "\"value\":[]", NULL},
    {"by machine", READER, "GET", "/api/machineactions?$filter=machineId%20eq%20'$2'", NULL, 200,
     "$A", "Unisolate"},
    {"of a machine", READER, "GET", "/api/machines/$2/machineactions", NULL, 200, "$A",
     "Unisolate"},
    {"an unknown one", READER, "GET", "/api/machineactions/x", NULL, 404, "\"ResourceNotFound\"",
     NULL},
    {"cancel without a comment", ISOLATOR, "POST", "/api/machineactions/$A/cancel", "{}", 400,
     "\"MissingRequiredParameter\"", NULL},
    {"cancel an unknown one", ISOLATOR, "POST", "/api/machineactions/x/cancel", "{}", 404,
     "\"ResourceNotFound\"", NULL},
    {"cancel takes its permission", READER, "POST", "/api/machineactions/$A/cancel",
     "{\"Comment\":\"no\"}", 403, "\"code\":\"Forbidden\"", NULL},
    {"cancel takes that of the kind of action", SCANNER, "POST", "/api/machineactions/$A/cancel",
     "{\"Comment\":\"no\"}", 403, "(Machine.Isolate)", NULL},
    {"cancel", ISOLATOR, "POST", "/api/machineactions/$A/cancel", "{\"Comment\":\"no\"}", 200,
     "\"status\":\"Cancelled\"", "\"cancellationDateTimeUtc\":null"},
    {"cancel what has ended", ISOLATOR, "POST", "/api/machineactions/$A/cancel",
     "{\"Comment\":\"no\"}", 400, "\"code\":\"BadRequest\"", NULL},

    /* Cordon's own */
    {"why it waits", READER, "GET", "/api/cordon/devices/$1", NULL, 200,
     "\"waitsFor\":\"the device is not connected", NULL},
    {"an action with its evidence", READER, "GET", "/api/cordon/actions/$A", NULL, 200,
     "\"evidence\":null", NULL},
    {"a report", READER, "GET", "/api/cordon/actions/$A/report", NULL, 200, "\"cordonReport\":1",
     NULL},
    {"a report of nothing", READER, "GET", "/api/cordon/actions/x/report", NULL, 404,
     "\"ResourceNotFound\"", NULL},
    {"codes take their own permission", ISOLATOR, "POST", "/api/cordon/machineactions/$A/code",
     "{\"Comment\":\"c\"}", 403, "(Machine.ReleaseCode)", NULL},
    {"and it gives nothing else", CODER, "GET", "/api/machineactions/$A", NULL, 403,
     "\"Forbidden\"", NULL},
    {"a code of an unknown action", CODER, "POST", "/api/cordon/machineactions/x/code", "{}", 404,
     "\"ResourceNotFound\"", NULL},
    {"a code without a body", CODER, "POST", "/api/cordon/machineactions/$A/code", NULL, 400,
     "\"InvalidRequestBody\"", NULL},
    {"a comment is a text", CODER, "POST", "/api/cordon/machineactions/$A/code", "{\"Comment\":7}",
     400, "\"InvalidRequestBody\"", NULL},
    {"a code that opens nothing", CODER, "POST", "/api/cordon/machineactions/$A/code",
     "{\"Comment\":\"c\"}", 403,
     "\"code\":\"DisallowedOperation\",\"message\":\"the order was not sent to the device yet",
     NULL},
    {"whether there is a code", CODER, "GET", "/api/cordon/machineactions/$A/code", NULL, 200,
     "\"available\":false,\"shownTo\":null,\"shown\":null,\"sentence\":\"the order was not sent",
     "\"code\""},
    {"a preview", ISOLATOR, "POST", "/api/cordon/isolate",
     "{\"tag\":\"floor-2\",\"Comment\":\"c\",\"preview\":true}", 200,
     "\"preview\":true,\"tag\":"
     "\"floor-2\",\"count\":2",
     "\"action\""},
    {"another count than the preview's", ISOLATOR, "POST", "/api/cordon/isolate",
     "{\"tag\":\"floor-2\",\"Comment\":\"c\",\"expect\":7}", 400, "\"InvalidInput\"", NULL},
    {"bulk", ISOLATOR, "POST", "/api/cordon/isolate",
     "{\"tag\":\"floor-2\",\"Comment\":\"c\",\"expect\":2}", 201, "under way", NULL},
    {"tokens take their permission", READER, "POST", "/api/cordon/tokens", "{}", 403,
     "(Cordon.Enroll)", NULL},
    {"a token", ADMIN, "POST", "/api/cordon/tokens", "{\"uses\":2,\"hours\":1,\"tags\":[\"x\"]}",
     201, "\"token\":\"", NULL},
    {"a token without uses", ADMIN, "POST", "/api/cordon/tokens", "{\"uses\":0}", 400,
     "\"InvalidInput\"", NULL},
    {"unknown members", ADMIN, "POST", "/api/cordon/tokens", "{\"use\":1}", 400,
     "\"InvalidRequestBody\"", NULL},
    {"the list has no secret", ADMIN, "GET", "/api/cordon/tokens", NULL, 200, "\"usesLeft\":2",
     "\"token\""},
    {"an unknown token", ADMIN, "POST", "/api/cordon/tokens/x/revoke", "{}", 404,
     "\"ResourceNotFound\"", NULL},
    {"the audit log", ADMIN, "GET", "/api/cordon/audit?from=1&limit=2", NULL, 200, "\"next\":3",
     NULL},
    {"its head", ADMIN, "GET", "/api/cordon/audit/head", NULL, 200, "\"signed\":\"", NULL},
    {"the audit log takes its permission", ISOLATOR, "GET", "/api/cordon/audit", NULL, 403,
     "(Cordon.Audit.Read)", NULL},
    {"an enrolment that is none", NOBODY, "POST", "/api/cordon/enroll", "{}", 400,
     "\"InvalidRequestBody\"", NULL},
    {"revoke", ADMIN, "POST", "/api/cordon/devices/$3/revoke", "{\"Comment\":\"c\"}", 200,
     "\"onboardingStatus\":\"CanBeOnboarded\"", NULL},

    {"a revoked machine is not active", READER, "GET", "/api/machines/$3", NULL, 200,
     "\"healthStatus\":\"Inactive\"", NULL},
    {"a tag of one that is revoked", WRITER, "POST", "/api/machines/$3/tags",
     "{\"Value\":\"gone\",\"Action\":\"Add\"}", 200, "gone", NULL},
    {"a preview names who is left out", ISOLATOR, "POST", "/api/cordon/isolate",
     "{\"tag\":\"gone\",\"Comment\":\"c\",\"preview\":true}", 200,
     "\"count\":0,\"value\":[],\"leftOut\":[{\"id\":\"$3\",\"computerDnsName\":\"twin\",\"reason\":"
     "\"the "
     "device is revoked\"}]",
     NULL},
    {"and so does the order", ISOLATOR, "POST", "/api/cordon/isolate",
     "{\"tag\":\"gone\",\"Comment\":\"c\"}", 201, "the device is revoked", NULL},

    /* metrics, health */
    {"health", NOBODY, "GET", "/healthz", NULL, 200, "\"status\":\"ok\"", NULL},
    {"metrics", NOBODY, "GET", "/metrics", NULL, 200, "\ncordon_devices 3\n", NULL},
};

static void expand(const char *text, cd_buf *out)
{
  for (; *text != '\0'; text++) {
    if (text[0] == '$' && text[1] >= '1' && text[1] <= '3')
      cd_buf_add_cstr(out, desks[*++text - '1'].id);
    else if (text[0] == '$' && text[1] == 'A')
      cd_buf_add_cstr(out, (text++, action));
    else
      cd_buf_add_char(out, *text);
  }
}

static void set_up(void)
{
  static const char *const dns[] = {"desk-1", "twin", "twin"};
  char token[64];
  http_answer a;
  cd_buf path = CD_BUF_INIT(1000);
  place_make(&p);
  place_start(&p);
  for (int i = READER; i < APPS; i++)
    bearers[i] = place_app(&p, names[i], permissions[i]);
  token_new(&p, bearers[ADMIN], "{\"uses\":3}", token);
  for (int i = 0; i < 3; i++) {
    device_make(&desks[i], dns[i]);
    ck_assert_uint_eq(device_enroll(&desks[i], &p, token), 201);
  }
  cd_buf_addf(&path, "/api/machines/%s/isolate", desks[1].id);
  http_ask(p.people, p.ca, "POST", cd_buf_cstr(&path), bearers[ADMIN], "{\"Comment\":\"first\"}",
           &a);
  ck_assert_uint_eq(a.status, 201);
  json_member(cd_buf_cstr(&a.body), "id", action, sizeof(action));
  http_release(&a);
  cd_buf_release(&path);
}

static void tear_down(void)
{
  for (int i = 0; i < 3; i++)
    device_release(&desks[i]);
  for (int i = 0; i < APPS; i++)
    free(bearers[i]);
  place_stop(&p, SIGTERM);
  place_remove(&p);
}

static unsigned check_row(const row *r)
{
  cd_buf path = CD_BUF_INIT(4096);
  cd_buf body = CD_BUF_INIT(4096);
  cd_buf has = CD_BUF_INIT(4096);
  http_answer a;
  expand(r->path, &path);
  if (r->body != NULL)
    expand(r->body, &body);
  if (r->has != NULL)
    expand(r->has, &has);
  http_ask(p.people, p.ca, r->method, cd_buf_cstr(&path), bearers[r->app],
           r->body != NULL ? cd_buf_cstr(&body) : NULL, &a);
  bool good = a.status == r->status && strstr(cd_buf_cstr(&a.body), cd_buf_cstr(&has)) != NULL &&
              (r->lacks == NULL || strstr(cd_buf_cstr(&a.body), r->lacks) == NULL);
  if (!good)
    (void)fprintf(stderr, "%s: %s %s: %u (wanted %u), has '%s': %s\n", r->rule, r->method,
                  cd_buf_cstr(&path), a.status, r->status, cd_buf_cstr(&has), cd_buf_cstr(&a.body));
  http_release(&a);
  cd_buf_release(&path);
  cd_buf_release(&body);
  cd_buf_release(&has);
  return good ? 0 : 1;
}

START_TEST(each_documented_rule_holds)
{
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    wrong += check_row(&rows[i]);
  ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* ---- rules that take more than a row ---- */

static void ask(int app, const char *method, const char *path, const char *body, http_answer *a)
{
  cd_buf expanded = CD_BUF_INIT(4096);
  expand(path, &expanded);
  http_ask(p.people, p.ca, method, cd_buf_cstr(&expanded), bearers[app], body, a);
  cd_buf_release(&expanded);
}

static void expect(http_answer *a, unsigned status, const char *has)
{
  ck_assert_msg(a->status == status && strstr(cd_buf_cstr(&a->body), has) != NULL,
                "%u (wanted %u), has '%s': %s", a->status, status, has, cd_buf_cstr(&a->body));
  http_release(a);
}

START_TEST(nothing_is_asked_of_a_revoked_device)
{
  http_answer a;
  ask(ADMIN, "POST", "/api/cordon/devices/$3/revoke", "{\"Comment\":\"c\"}", &a);
  expect(&a, 200, "\"id\":\"");
  ask(ISOLATOR, "POST", "/api/machines/$3/isolate", "{\"Comment\":\"c\"}", &a);
  expect(&a, 403, "\"code\":\"DisallowedOperation\"");
  ask(ISOLATOR, "POST", "/api/machines/$3/unisolate", "{\"Comment\":\"c\"}", &a);
  expect(&a, 403, "\"code\":\"DisallowedOperation\"");
}
END_TEST

START_TEST(a_machine_is_found_by_its_address)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  char path[200];
  char when[40];
  time_t now = time(NULL);
  struct tm utc = {0};
  http_answer a;
  bool there = false;
  device_ready(&desks[2], &p);
  device_report(&desks[2], CD_WANTED_RELEASED, 0);
  for (int waited = 0; waited < 20000 && !there; waited += 20) {
    ask(READER, "GET", "/api/machines/$3", NULL, &a);
    there = strstr(cd_buf_cstr(&a.body), "\"lastIpAddress\":\"198.51.100.7\"") != NULL;
    http_release(&a);
    (void)nanosleep(&pause, NULL);
  }
  ck_assert(gmtime_r(&now, &utc) != NULL &&
            strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0);
  (void)snprintf(path, sizeof(path), "/api/machines/findbyip(ip='198.51.100.7',timestamp=%s)",
                 when);
  ask(READER, "GET", path, NULL, &a);
  expect(&a, 200, desks[2].id);
  ask(READER, "GET", "/api/machines/$3", NULL, &a);
  expect(&a, 200, "\"lastExternalIpAddress\":\"127.0.0.1\"");
  ask(READER, "GET", "/api/machines/findbyip(ip='198.51.100.8',timestamp=2026-01-01T00:00:00Z)",
      NULL, &a);
  expect(&a, 400, "\"code\":\"");
  (void)snprintf(path, sizeof(path), "/api/machines/findbyip(ip='198.51.100.8',timestamp=%s)",
                 when);
  ask(READER, "GET", path, NULL, &a);
  expect(&a, 200, "\"value\":[]");
}
END_TEST

START_TEST(a_batch_has_at_most_500_machines)
{
  http_answer a;
  cd_buf body = CD_BUF_INIT(60000);
  for (unsigned count = 501; count >= 500; count--) {
    cd_buf_reset(&body);
    cd_buf_add_cstr(&body, "{\"Value\":\"x\",\"Action\":\"Add\",\"MachineIds\":[");
    for (unsigned i = 0; i < count; i++)
      cd_buf_addf(&body, "%s\"%s\"", i > 0 ? "," : "", desks[0].id);
    cd_buf_add_cstr(&body, "]}");
    ask(WRITER, "POST", "/api/machines/addorremovetagformultiplemachines", cd_buf_cstr(&body), &a);
    if (count == 501)
      expect(&a, 400, "\"code\":\"MaximumBatchSizeExceeded\"");
    else
      expect(&a, 200, "\"machineTags\":[\"x\"]");
  }
  cd_buf_release(&body);
}
END_TEST

/* What one application writes into the form of a token request. */
static void token_form(const char *name, char *out, size_t size)
{
  char path[400];
  char text[2048] = "";
  char id[64];
  char secret[64];
  (void)snprintf(path, sizeof(path), "%s/%s.json", p.folder, name);
  FILE *f = fopen(path, "re");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
  (void)fclose(f);
  json_member(text, "client_id", id, sizeof(id));
  json_member(text, "client_secret", secret, sizeof(secret));
  (void)snprintf(out, size, "grant_type=client_credentials&client_id=%s&client_secret=%s", id,
                 secret);
}

/* At both addresses, by POST and, as some do it, by GET with a body. */
START_TEST(a_token_is_given)
{
  static const char *const lines[] = {"POST /t/oauth2/token", "POST /t/oauth2/v2.0/token",
                                      "GET /t/oauth2/token", "GET /t/oauth2/v2.0/token"};
  char form[400];
  char request[1000];
  token_form("reader", form, sizeof(form));
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    http_answer a;
    (void)snprintf(request, sizeof(request),
                   "%s HTTP/1.1\r\nHost: c\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   lines[i], strlen(form), form);
    http_ask_raw(p.people, p.ca, request, &a);
    ck_assert_msg(a.status == 200, "%s: %u %s", lines[i], a.status, cd_buf_cstr(&a.body));
    expect(&a, 200, "\"access_token\":\"");
  }
}
END_TEST

/* Of one application on one endpoint. */
START_TEST(who_calls_too_often_is_told_when_to_come_back)
{
  char text[8192] = "";
  http_answer a;
  FILE *f = fopen(p.config, "re");
  ck_assert(f != NULL && fread(text, 1, sizeof(text) - 1, f) > 0);
  (void)fclose(f);
  char *limit = strstr(text, "\"per_minute\":1000000");
  ck_assert_ptr_nonnull(limit);
  memcpy(limit, "\"per_minute\":3      ", strlen("\"per_minute\":1000000"));
  f = fopen(p.config, "we");
  ck_assert(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
  place_stop(&p, SIGTERM);
  place_start(&p);
  free(bearers[READER]);
  bearers[READER] = place_app(&p, "again", "Machine.Read.All");
  for (int i = 0; i < 3; i++) {
    ask(READER, "GET", "/api/machines", NULL, &a);
    expect(&a, 200, "\"value\":[");
  }
  ask(READER, "GET", "/api/machines", NULL, &a);
  ck_assert_msg(strcasestr(cd_buf_cstr(&a.head), "\r\nretry-after: ") != NULL, "%s",
                cd_buf_cstr(&a.head));
  expect(&a, 429, "\"code\":\"TooManyRequests\"");
  ask(READER, "GET", "/api/machines/$1", NULL, &a);
  expect(&a, 200, "\"id\":\"");
}
END_TEST

/* ---- HTTP itself ---- */

static const struct {
  const char *rule;
  const char *request;
  unsigned status; /* 0: no answer */
} raw[] = {
    {"a body in chunks is refused",
     "POST /t/oauth2/token HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"a body has a ceiling",
     "POST /t/oauth2/token HTTP/1.1\r\nHost: c\r\nContent-Length: 100000000\r\n\r\n", 413},
    {"a length is a number",
     "POST /t/oauth2/token HTTP/1.1\r\nHost: c\r\nContent-Length: -1\r\n\r\n", 400},
    {"a POST without a length has no body", "POST /t/oauth2/token HTTP/1.1\r\nHost: c\r\n\r\n",
     400},
    {"a token by GET with a body",
     "GET /t/oauth2/token HTTP/1.1\r\nHost: c\r\nContent-Length: 3\r\n\r\na=b", 400},
    {"a token without a secret",
     "POST /t/oauth2/v2.0/token HTTP/1.1\r\nHost: c\r\nContent-Length: "
     "44\r\n\r\ngrant_type=client_credentials&client_id=none",
     400},
    {"a wrong secret",
     "POST /t/oauth2/v2.0/token HTTP/1.1\r\nHost: c\r\nContent-Length: "
     "60\r\n\r\ngrant_type=client_credentials&client_id=none&client_secret=x",
     401},
    {"a request in two", "GET /healthz HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", 200},
    {"nonsense", "nonsense\r\n\r\n", 0},
    {"a NUL at the end of the path", "GET /api/machines/%00 HTTP/1.1\r\nHost: c\r\n\r\n", 400},
    {"a NUL in the path", "GET /api/machines/%00x HTTP/1.1\r\nHost: c\r\n\r\n", 400},
    {"a query with nothing in it", "GET /healthz? HTTP/1.1\r\nHost: c\r\n\r\n", 200},
    /* libwebsockets' own answers */
    {"a broken escape", "GET /api/machines/% HTTP/1.1\r\nHost: c\r\n\r\n", 403},
    {"a NUL within a name", "GET /healthz%00x HTTP/1.1\r\nHost: c\r\n\r\n", 0},
    {"a bearer that is none",
     "GET /api/machines HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer a.b.c\r\n\r\n", 401},
};

START_TEST(http_is_read_to_the_letter)
{
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
    http_answer a;
    http_ask_raw(p.people, p.ca, raw[i].request, &a);
    if (raw[i].status != 0 ? a.status != raw[i].status : a.status == 200) {
      (void)fprintf(stderr, "%s: %u (wanted %u): %s\n", raw[i].rule, a.status, raw[i].status,
                    cd_buf_cstr(&a.body));
      wrong++;
    }
    http_release(&a);
  }
  ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(an_old_token_ends_with_its_console)
{
  http_answer a;
  place_stop(&p, SIGTERM);
  place_start(&p);
  http_ask(p.people, p.ca, "GET", "/api/machines", bearers[READER], NULL, &a);
  ck_assert_uint_eq(a.status, 401);
  http_release(&a);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.api");
  TCase *t = tcase_create("api");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 300);
  tcase_add_test(t, each_documented_rule_holds);
  tcase_add_test(t, nothing_is_asked_of_a_revoked_device);
  tcase_add_test(t, a_machine_is_found_by_its_address);
  tcase_add_test(t, a_batch_has_at_most_500_machines);
  tcase_add_test(t, a_token_is_given);
  tcase_add_test(t, who_calls_too_often_is_told_when_to_come_back);
  tcase_add_test(t, http_is_read_to_the_letter);
  tcase_add_test(t, an_old_token_ends_with_its_console);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
