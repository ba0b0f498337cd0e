/* The resource machineAction. */
#include "shape.h"

#include "base/banned.h"

typedef enum field {
  ID,
  TYPE,
  TITLE,
  REQUESTOR,
  REQUESTOR_COMMENT,
  STATUS,
  MACHINE_ID,
  DNS_NAME,
  CREATED,
  UPDATED,
  CANCELLATION_REQUESTOR,
  CANCELLATION_COMMENT,
  CANCELLATION_TIME,
  ERROR_RESULT,
  SCOPE,
  EXTERNAL_ID,
  REQUEST_SOURCE,
  RELATED_FILE,
  COMMANDS,
  TROUBLESHOOT,
  FIELD_COUNT
} field;

static const con_field fields[FIELD_COUNT] = {
    [ID] = {"id", CON_TEXT, true},
    [TYPE] = {"type", CON_TEXT, true},
    [TITLE] = {"title", CON_TEXT, false},
    [REQUESTOR] = {"requestor", CON_TEXT, true},
    [REQUESTOR_COMMENT] = {"requestorComment", CON_TEXT, false},
    [STATUS] = {"status", CON_TEXT, true},
    [MACHINE_ID] = {"machineId", CON_TEXT, true},
    [DNS_NAME] = {"computerDnsName", CON_TEXT, true},
    [CREATED] = {"creationDateTimeUtc", CON_TIME, true},
    [UPDATED] = {"lastUpdateDateTimeUtc", CON_TIME, true},
    [CANCELLATION_REQUESTOR] = {"cancellationRequestor", CON_TEXT, false},
    [CANCELLATION_COMMENT] = {"cancellationComment", CON_TEXT, false},
    [CANCELLATION_TIME] = {"cancellationDateTimeUtc", CON_TIME, false},
    [ERROR_RESULT] = {"errorHResult", CON_NUMBER, false},
    [SCOPE] = {"scope", CON_TEXT, true},
    [EXTERNAL_ID] = {"externalId", CON_TEXT, true},
    [REQUEST_SOURCE] = {"requestSource", CON_TEXT, true},
    [RELATED_FILE] = {"relatedFileInfo", CON_JSON, false},
    [COMMANDS] = {"commands", CON_LIST, false},
    [TROUBLESHOOT] = {"troubleshootInfo", CON_TEXT, false}};

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

static cd_str why_not(const con_action *a)
{
  cd_str none = {0};
  if (a->altered.len > 0)
    return a->altered;
  return a->status == CD_ACTION_SUCCEEDED ? none : a->sentence;
}

static cd_str text_of(const con_action *a, field f)
{
  switch (f) {
  case ID: return cd_str_from(a->id);
  case TYPE: return a->type;
  case REQUESTOR: return a->requestor;
  case STATUS: return cd_str_from(cd_action_status_name(a->status));
  case MACHINE_ID: return a->device;
  case DNS_NAME: return a->dns_name;
  case CANCELLATION_REQUESTOR: return a->cancel_by;
  case CANCELLATION_COMMENT: return a->cancel_comment;
  case SCOPE: return a->scope;
  case EXTERNAL_ID: return a->ticket;
  case REQUEST_SOURCE: return a->source;
  case RELATED_FILE: return a->related_file;
  case TROUBLESHOOT: return why_not(a);
  default: return (cd_str){0};
  }
}

static void get(const void *row, size_t index, con_value *v)
{
  const con_action *a = row;
  *v = (con_value){0};
  switch ((field)index) {
  case CREATED: set_time(v, a->created_ms); break;
  case UPDATED: set_time(v, a->updated_ms); break;
  case CANCELLATION_TIME: set_time(v, a->cancelled_ms); break;
  case ERROR_RESULT:
  case COMMANDS: break;
  case REQUESTOR_COMMENT: /* may be empty, and is a text then */ v->text = a->comment; break;
  case CANCELLATION_COMMENT:
    v->text = a->cancel_comment;
    v->null = a->cancelled_ms == 0;
    break;
  default: set_text(v, text_of(a, (field)index)); break;
  }
}

const con_shape con_actions = {
    .set = "MachineActions", .fields = fields, .field_count = FIELD_COUNT, .get = get};
