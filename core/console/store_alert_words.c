/* The words that alerts are described with. */
#include "store_alert.h"

#include "base/banned.h"

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(cd_str a, const char *word)
{
  cd_str b = cd_str_from(word);
  if (a.len != b.len)
    return false;
  for (size_t i = 0; i < a.len; i++) {
    if (lower(a.ptr[i]) != lower(b.ptr[i]))
      return false;
  }
  return true;
}

static const char *find(const char *const *words, cd_str word)
{
  for (size_t i = 0; words[i] != NULL; i++) {
    if (same(word, words[i]))
      return words[i];
  }
  return NULL;
}

static const char *const severities[CON_SEVERITY_COUNT] = {
    [CON_SEVERITY_INFORMATIONAL] = "Informational",
    [CON_SEVERITY_LOW] = "Low",
    [CON_SEVERITY_MEDIUM] = "Medium",
    [CON_SEVERITY_HIGH] = "High",
};

const char *con_severity_name(con_severity severity)
{
  return (unsigned)severity < CON_SEVERITY_COUNT ? severities[severity] : NULL;
}

bool con_severity_from_name(cd_str name, con_severity *ret_severity)
{
  for (int i = 1; i < CON_SEVERITY_COUNT; i++) {
    if (same(name, severities[i])) {
      *ret_severity = (con_severity)i;
      return true;
    }
  }
  return false;
}

static const char *const statuses[CON_ALERT_STATUS_COUNT] = {
    [CON_ALERT_NEW] = "New",
    [CON_ALERT_IN_PROGRESS] = "InProgress",
    [CON_ALERT_RESOLVED] = "Resolved",
};

const char *con_alert_status_name(con_alert_status status)
{
  return (unsigned)status < CON_ALERT_STATUS_COUNT ? statuses[status] : NULL;
}

bool con_alert_status_from_name(cd_str name, con_alert_status *ret_status)
{
  for (int i = 1; i < CON_ALERT_STATUS_COUNT; i++) {
    if (same(name, statuses[i])) {
      *ret_status = (con_alert_status)i;
      return true;
    }
  }
  return false;
}

/* Where two pages of the public documentation spell a word in two ways, both are taken. */
static const char *const true_positive[] = {
    "MultiStagedAttack", "MaliciousUserActivity", "CompromisedUser", "Malware",
    "Phishing",          "UnwantedSoftware",      "Other",           NULL};
static const char *const informational[] = {"SecurityTesting",
                                            "LineOfBusinessApplication",
                                            "ConfirmedUserActivity",
                                            "ConfirmedActivity",
                                            "Other",
                                            NULL};
static const char *const false_positive[] = {"Clean", "NotMalicious", "InsufficientData", "Other",
                                             NULL};

static const struct {
  const char *word;
  const char *const *determinations;
} classifications[] = {{"TruePositive", true_positive},
                       {"InformationalExpectedActivity", informational},
                       {"FalsePositive", false_positive}};
#define CLASSIFICATIONS (sizeof(classifications) / sizeof(classifications[0]))

const char *con_classification_word(cd_str word)
{
  for (size_t i = 0; i < CLASSIFICATIONS; i++) {
    if (same(word, classifications[i].word))
      return classifications[i].word;
  }
  return NULL;
}

const char *con_determination_word(cd_str classification, cd_str word)
{
  for (size_t i = 0; i < CLASSIFICATIONS; i++) {
    const char *found = classification.len == 0 || same(classification, classifications[i].word)
                            ? find(classifications[i].determinations, word)
                            : NULL;
    if (found != NULL)
      return found;
  }
  return NULL;
}

static const char *const categories[] = {"General",
                                         "CommandAndControl",
                                         "Collection",
                                         "CredentialAccess",
                                         "DefenseEvasion",
                                         "Discovery",
                                         "Exfiltration",
                                         "Exploit",
                                         "Execution",
                                         "InitialAccess",
                                         "LateralMovement",
                                         "Malware",
                                         "Persistence",
                                         "PrivilegeEscalation",
                                         "Ransomware",
                                         "SuspiciousActivity",
                                         NULL};

const char *con_category_word(cd_str word)
{
  return find(categories, word);
}
