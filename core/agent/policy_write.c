/* What is in force, member by member, and who says so. */
#include <stdio.h>
#include <string.h>

#include "policy_private.h"

#include "base/banned.h"

/* The members that a policy may have, and those of the file that stand beside them, with what holds
 * where nobody says anything. */
static const struct {
  const char *section;
  const char *member;
  const char *fallback;
} members[] = {
    {"providers", "facts", "[]"},
    {"providers", "isolate", "[]"},
    {"providers", "restrict", "[]"},
    {"providers", "scan", "[]"},
    {"providers", "collect", "[]"},
    {"providers", "remediate", "[]"},
    {"providers", "notify", "[]"},
    {"providers", "respond", "[]"},
    {"plugins", "distrust", "[]"},
    {"console", "addresses", "[]"},
    {"console", "agents", "[]"},
    {"console", "resolvers", "[]"},
    {"isolate", "lost_console", "{\"rule\":\"keep\"}"},
    {"isolate", "unreachable", "{\"rule\":\"release\",\"after_s\":60}"},
    {"isolate", "strict", "false"},
    {"local", "group", "null"},
    {"local", "isolate", "\"group\""},
    {"local", "release", "\"group\""},
    {"preflight", "refuse", "[]"},
    {"preflight", "warn", "[]"},
    {"notify", "enabled", "true"},
    {"notify", "contact", "null"},
    {"policy", "trial_s", "120"},
};

static bool find(cd_json_doc *doc, const char *section, const char *member, cd_json *ret)
{
  cd_json part = {0};
  if (doc == NULL)
    return false;
  cd_json root = cd_json_root(doc);
  return cd_json_opt_obj(&root, section, &part) && cd_json_opt_value(&part, member, ret);
}

static void write_value(const agent_policy *p, cd_json_doc *body, size_t i, cd_jw *w)
{
  cd_json value = {0};
  bool by_policy = find(body, members[i].section, members[i].member, &value);
  bool by_file = !by_policy && find(p->file.doc, members[i].section, members[i].member, &value);
  cd_jw_obj(w, NULL);
  cd_jw_strf(w, "name", "%s.%s", members[i].section, members[i].member);
  if (by_policy || by_file)
    cd_jw_value(w, "value", &value);
  else
    cd_jw_raw(w, "value", cd_str_from(members[i].fallback));
  cd_jw_cstr(w, "source", by_policy ? "policy" : by_file ? "file" : "default");
  cd_jw_end_obj(w);
}

void agent_policy_write(const agent_policy *p, cd_jw *w)
{
  cd_err err = {0};
  cd_json_doc *body = NULL;
  bool has = p->now.version > 0;
  if (has && cd_json_parse(cd_str_from(p->now.body), CD_POLICY_BODY_MAX, "the policy", &body,
                           &err) != CD_OK)
    body = NULL;
  cd_jw_obj(w, NULL);
  cd_jw_u64(w, "version", p->now.version);
  cd_jw_cstr(w, "name", p->now.name[0] != '\0' ? p->now.name : NULL);
  cd_jw_time(w, "taken", p->now.taken_ms);
  cd_jw_bool(w, "trial", p->now.trial);
  cd_jw_u64(w, "previous", p->before.version);
  cd_jw_u64(w, "highest", p->seen.version);
  if (p->seen.refused > 0) {
    cd_jw_obj(w, "refused");
    cd_jw_u64(w, "version", p->seen.refused);
    cd_jw_cstr(w, "sentence", p->seen.sentence);
    cd_jw_end_obj(w);
  } else {
    cd_jw_null(w, "refused");
  }
  cd_jw_arr(w, "values");
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
    write_value(p, body, i, w);
  cd_jw_end_arr(w);
  cd_jw_end_obj(w);
  cd_json_free(body);
}
