/* Remediations: a file by its SHA-1 as the machine-action API has it, single ones, and taking back
 * what one did. */
#include "api.h"

#include <string.h>

#include "permission.h"
#include "protocol/remediate.h"
#include "protocol/scan.h"

#include "base/banned.h"

#define TYPE_REMEDIATE CD_STR("Remediate")

/* ---- who may ---- */

/* Processes and files are what Machine.StopAndQuarantine speaks of. */
static bool is_stop_or_quarantine(cd_operation o)
{
  return o >= CD_OP_PROCESS_STOP && o <= CD_OP_FILE_FIND_QUARANTINE;
}

static bool may(con_call *c, const cd_remediation *r)
{
  if ((c->caller.permissions & CON_MAY_REMEDIATE) != 0 ||
      (is_stop_or_quarantine(r->operation) && !r->force))
    return true;
  con_reply_error(&c->reply, CON_FORBIDDEN,
                  "The application does not have any of the required application permissions "
                  "(Cordon.Remediate) to access the resource.");
  return false;
}

/* ---- a file by its SHA-1 ---- */

static bool read_sha1(con_call *c, cd_json *root, con_job *job)
{
  cd_str sha1 = {0};
  uint8_t bytes[CD_SHA1_TEXT_LEN / 2];
  char text[CD_SHA1_TEXT_LEN + 1];
  if (!con_call_text(c, root, "Sha1", CD_COMMENT_MAX, &sha1))
    return false;
  if (sha1.len != CD_SHA1_TEXT_LEN || !cd_unhex(bytes, sizeof(bytes), sha1)) {
    con_reply_error(&c->reply, CON_INVALID_HASH, "'%.*s' is not a SHA-1", CD_STR_ARG(sha1));
    return false;
  }
  cd_hex(text, bytes, sizeof(bytes));
  cd_buf_addf(&job->parameters,
              "{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"%s\"}}", text);
  return true;
}

void con_api_quarantine(con_call *c)
{
  con_job job = {.kind = CD_ORDER_REMEDIATE, .type = CD_STR("StopAndQuarantineFile")};
  con_job_order(c, &job, read_sha1);
}

/* ---- one that is named ---- */

static cd_code write_parameters(cd_str operation, const cd_json *target, const cd_remediation *r,
                                cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "operation", operation);
  cd_jw_value(&w, "target", target);
  if (r->force)
    cd_jw_bool(&w, "force", true);
  if (r->stop)
    cd_jw_bool(&w, "stop", true);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the parameters", err);
}

static bool read_one(con_call *c, cd_json *root, con_job *job)
{
  cd_err err = {0};
  cd_str name = {0};
  cd_json target = {0};
  cd_remediation r = {0};
  if (!con_call_text(c, root, "Operation", CD_WORD_MAX, &name))
    return false;
  bool there = cd_json_opt_obj(root, "Target", &target);
  (void)cd_json_opt_bool(root, "Force", &r.force);
  (void)cd_json_opt_bool(root, "Stop", &r.stop);
  if (!con_call_body_whole(c, root))
    return false;
  if (!there) {
    con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter Target is missing");
    return false;
  }
  if (!cd_operation_from_name(name, &r.operation)) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input Operation: '%.*s' is none that is known", CD_STR_ARG(name));
    return false;
  }
  if (cd_operation_gives_back(r.operation)) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input Operation: what an action did is taken back by "
                    "cordon/machineactions/{id}/undo or .../restore");
    return false;
  }
  job->scope = cd_str_from(cd_operation_name(r.operation));
  if (!may(c, &r))
    return false;
  if (write_parameters(name, &target, &r, &job->parameters, &err) != CD_OK) {
    con_call_trouble(c, &err);
    return false;
  }
  return con_job_check(c, job);
}

void con_api_remediate(con_call *c)
{
  con_job job = {.kind = CD_ORDER_REMEDIATE, .type = TYPE_REMEDIATE};
  con_job_order(c, &job, read_one);
}

/* ---- taking back ---- */

typedef struct earlier {
  cd_remediation asked; /* operation 0: given on the machine itself, so it is not known here */
  bool told;            /* its result says whether it can be taken back */
  bool can_undo;
  char why_not[CD_SENTENCE_MAX + 1];
} earlier;

static void read_asked(const con_action *a, earlier *e)
{
  cd_err ignored = {0};
  cd_json_doc *doc = NULL;
  cd_remediation r = {0};
  if (cd_json_parse(a->parameters, CD_PARAMETERS_MAX, "the order", &doc, &ignored) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_remediation_read(&root, &r);
  if (cd_json_status(&root, &ignored) == CD_OK)
    e->asked = (cd_remediation){.operation = r.operation, .force = r.force};
  cd_json_free(doc);
}

static void read_told(const con_action *a, earlier *e)
{
  cd_err ignored = {0};
  cd_json_doc *doc = NULL;
  cd_json said = {0};
  cd_remediate_result r = {0};
  if (a->evidence.len == 0 ||
      cd_json_parse(a->evidence, CD_RESULT_PAYLOAD_MAX, "the result", &doc, &ignored) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  if (cd_json_opt_obj(&root, "remediate", &said))
    cd_remediate_result_read(&said, &r);
  e->told = said.node != NULL && r.undo.len > 0 && cd_json_status(&root, &ignored) == CD_OK;
  e->can_undo = e->told && r.can_undo;
  cd_str why = {r.undo.ptr, cd_str_utf8_cut(r.undo, CD_SENTENCE_MAX)};
  if (e->told)
    (void)cd_str_copy(e->why_not, sizeof(e->why_not), why);
  cd_json_free(doc);
}

/* What one only takes back was ordered by the permission for that; who may have either may end it.
 */
uint32_t con_remediation_permissions(const con_action *a)
{
  earlier e = {0};
  read_asked(a, &e);
  bool either = cd_operation_gives_back(e.asked.operation) ||
                (is_stop_or_quarantine(e.asked.operation) && !e.asked.force);
  return either ? CON_MAY_QUARANTINE | CON_MAY_REMEDIATE : CON_MAY_REMEDIATE;
}

/* What the result does not speak of, the machine judges. */
static bool can_go_back(con_call *c, const con_action *a, bool restore, const earlier *e)
{
  if (a->kind != CD_ORDER_REMEDIATE) {
    con_reply_error(&c->reply, CON_BAD_REQUEST,
                    "The action is no remediation, so there is nothing to take back");
    return false;
  }
  if (!cd_action_status_final(a->status)) {
    con_reply_error(&c->reply, CON_BAD_REQUEST, "The action has not ended yet; cancel it instead");
    return false;
  }
  if (e->told && !e->can_undo) {
    con_reply_error(&c->reply, CON_BAD_REQUEST, "The action cannot be taken back: %s", e->why_not);
    return false;
  }
  bool file = e->asked.operation == CD_OP_FILE_QUARANTINE ||
              e->asked.operation == CD_OP_FILE_FIND_QUARANTINE || e->asked.operation == 0;
  if (restore && !file) {
    con_reply_error(&c->reply, CON_BAD_REQUEST,
                    "The action has put no file into quarantine; it is taken back by undo");
    return false;
  }
  return may(c, &e->asked);
}

static void take_back(con_call *c, const con_action *a, bool restore)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  earlier e = {0};
  con_job job = {.kind = CD_ORDER_REMEDIATE,
                 .type = TYPE_REMEDIATE,
                 .scope = restore ? CD_STR("file.restore") : CD_STR("undo"),
                 .parameters = CD_BUF_INIT(256)};
  if (con_call_body(c, &doc, &root) && con_job_said(c, &root, &job) &&
      con_call_body_whole(c, &root)) {
    read_asked(a, &e);
    read_told(a, &e);
    cd_buf_addf(&job.parameters, "{\"operation\":\"%.*s\",\"target\":{\"action\":\"%s\"}}",
                CD_STR_ARG(job.scope), a->id);
    if (can_go_back(c, a, restore, &e))
      con_job_create(c, a->device, &job);
  }
  cd_buf_release(&job.parameters);
  cd_json_free(doc);
}

static void take_back_named(con_call *c, bool restore)
{
  con_action a = {0};
  cd_err err = {0};
  cd_code rc = con_call_action(c, c->match.captured[0], &a, &err);
  if (rc == CD_OK)
    take_back(c, &a, restore);
  else if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
  else
    con_call_trouble(c, &err);
  con_action_release(&a);
}

void con_api_undo(con_call *c)
{
  take_back_named(c, false);
}

void con_api_restore(con_call *c)
{
  take_back_named(c, true);
}
