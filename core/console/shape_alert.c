/* The resource alert. */
#include "shape.h"

#include "base/banned.h"

typedef enum field {
  ID,
  INCIDENT,
  INVESTIGATION,
  ASSIGNED,
  SEVERITY,
  STATUS,
  CLASSIFICATION,
  DETERMINATION,
  INVESTIGATION_STATE,
  SOURCE,
  DETECTOR,
  CATEGORY,
  FAMILY,
  TITLE,
  DESCRIPTION,
  CREATED,
  FIRST,
  LAST,
  UPDATED,
  RESOLVED,
  MACHINE_ID,
  DNS_NAME,
  GROUP,
  TENANT,
  THREAT,
  TECHNIQUES,
  USER,
  LOGGED_ON,
  COMMENTS,
  EVIDENCE,
  FIELD_COUNT
} field;

static const con_field fields[FIELD_COUNT] = {
    [ID] = {"id", CON_TEXT, true},
    [INCIDENT] = {"incidentId", CON_NUMBER, true},
    [INVESTIGATION] = {"investigationId", CON_NUMBER, true},
    [ASSIGNED] = {"assignedTo", CON_TEXT, true},
    [SEVERITY] = {"severity", CON_TEXT, true},
    [STATUS] = {"status", CON_TEXT, true},
    [CLASSIFICATION] = {"classification", CON_TEXT, true},
    [DETERMINATION] = {"determination", CON_TEXT, true},
    [INVESTIGATION_STATE] = {"investigationState", CON_TEXT, false},
    [SOURCE] = {"detectionSource", CON_TEXT, true},
    [DETECTOR] = {"detectorId", CON_TEXT, false},
    [CATEGORY] = {"category", CON_TEXT, true},
    [FAMILY] = {"threatFamilyName", CON_TEXT, true},
    [TITLE] = {"title", CON_TEXT, true},
    [DESCRIPTION] = {"description", CON_TEXT, false},
    [CREATED] = {"alertCreationTime", CON_TIME, true},
    [FIRST] = {"firstEventTime", CON_TIME, true},
    [LAST] = {"lastEventTime", CON_TIME, true},
    [UPDATED] = {"lastUpdateTime", CON_TIME, true},
    [RESOLVED] = {"resolvedTime", CON_TIME, true},
    [MACHINE_ID] = {"machineId", CON_TEXT, true},
    [DNS_NAME] = {"computerDnsName", CON_TEXT, true},
    [GROUP] = {"rbacGroupName", CON_TEXT, false},
    [TENANT] = {"aadTenantId", CON_TEXT, false},
    [THREAT] = {"threatName", CON_TEXT, true},
    [TECHNIQUES] = {"mitreTechniques", CON_LIST, false},
    [USER] = {"relatedUser", CON_JSON, false},
    [LOGGED_ON] = {"loggedOnUsers", CON_LIST, false},
    [COMMENTS] = {"comments", CON_JSON, false},
    [EVIDENCE] = {"evidence", CON_JSON, false}};

static void set_text(con_value *v, cd_str s)
{
  v->text = s;
  v->null = s.len == 0;
}

static void set_time(con_value *v, int64_t ms)
{
  v->number = ms;
  v->null = ms == 0;
}

static cd_str text_of(const con_alert *a, field f)
{
  switch (f) {
  case ID: return cd_str_from(a->id);
  case ASSIGNED: return a->assigned_to;
  case SEVERITY: return cd_str_from(con_severity_name(a->severity));
  case STATUS: return cd_str_from(con_alert_status_name(a->status));
  case CLASSIFICATION: return a->classification;
  case DETERMINATION: return a->determination;
  case SOURCE: return a->source;
  case CATEGORY: return a->category;
  case FAMILY: return a->family;
  case TITLE: return a->title;
  case DESCRIPTION: return a->description;
  case MACHINE_ID: return a->device;
  case DNS_NAME: return a->dns_name;
  case THREAT: return a->threat;
  default: return (cd_str){0};
  }
}

static void get(const void *row, size_t index, con_value *v)
{
  const con_alert_row *r = row;
  const con_alert *a = r->alert;
  *v = (con_value){0};
  switch ((field)index) {
  case CREATED: set_time(v, a->created_ms); break;
  case FIRST: set_time(v, a->first_ms); break;
  case LAST: set_time(v, a->last_ms); break;
  case UPDATED: set_time(v, a->updated_ms); break;
  case RESOLVED: set_time(v, a->resolved_ms); break;
  case INCIDENT:
  case INVESTIGATION: v->null = true; break;
  case TECHNIQUES:
  case LOGGED_ON: break;
  case USER: set_text(v, cd_buf_view(&r->user)); break;
  case COMMENTS: v->text = a->comments.len > 0 ? a->comments : CD_STR("[]"); break;
  case EVIDENCE: v->text = a->evidence.len > 0 ? a->evidence : CD_STR("[]"); break;
  default: set_text(v, text_of(a, (field)index)); break;
  }
}

void con_alert_row_open(con_alert_row *r, const con_alert *a)
{
  cd_jw w;
  cd_err ignored = {0};
  *r = (con_alert_row){.alert = a, .user = CD_BUF_INIT(8192)};
  if (a->user.len == 0)
    return;
  cd_jw_init(&w, &r->user);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "userName", a->user);
  cd_jw_null(&w, "domainName");
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "a user", &ignored) != CD_OK)
    cd_buf_reset(&r->user);
}

void con_alert_row_close(con_alert_row *r)
{
  cd_buf_release(&r->user);
}

const con_shape con_alerts = {
    .set = "Alerts", .fields = fields, .field_count = FIELD_COUNT, .get = get};
