/* Compares a package with its manifest: every file in one is in the other, with the same bytes.
 * That tells damage and loss, not who made it: whether it is the package of an action, its own
 * digest tells. */
#ifndef CTL_PACKAGE_CHECK_H
#define CTL_PACKAGE_CHECK_H

#include "package_read.h"

#include "base/json.h"

typedef enum ctl_item_status {
  CTL_ITEM_OK = 0,
  CTL_ITEM_PARTIAL,
  CTL_ITEM_DENIED,
  CTL_ITEM_ABSENT,
  CTL_ITEM_ERROR,
  CTL_ITEM_COUNT
} ctl_item_status;

/* Members of the manifest; views into `doc`. */
typedef struct ctl_package_report {
  cd_json_doc *doc; /* the manifest; NULL: it could not be read */
  cd_str device;
  cd_str action;
  cd_str profile;
  cd_str started;
  cd_str ended;
  size_t items[CTL_ITEM_COUNT];
  size_t whole;     /* files that are as the manifest says */
  size_t problems;  /* what is not as it says */
  cd_buf told;      /* the first of them, a line each, not escaped yet */
  bool is_signed;   /* its digest is that of the device's signed result */
  cd_digest digest; /* then */
} ctl_package_report;

#define CTL_PROBLEMS_TOLD 100u

/* The statuses as the manifest names them, NULL-terminated. */
extern const char *const ctl_item_status_names[];

/* CD_OK, also where there are problems. The caller releases *ret_report, also on failure. */
CD_MUST_USE cd_code ctl_package_check(ctl_package *p, ctl_package_report *ret_report, cd_err *err);
void ctl_package_report_release(ctl_package_report *r);

/* How long each file is to be by the manifest, before the files are looked at. */
typedef struct ctl_told {
  ctl_names names;
  uint64_t *bytes; /* by their numbers */
  uint64_t manifest_bytes;
} ctl_told;

/* The caller releases *ret_told, also on failure. */
CD_MUST_USE cd_code ctl_told_read(const ctl_package *p, ctl_told *ret_told, cd_err *err);
/* false: the manifest does not know it. */
bool ctl_told_bytes(const ctl_told *told, cd_str name, uint64_t *ret_bytes);
void ctl_told_release(ctl_told *told);

#endif
