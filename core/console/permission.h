/* What an application may do: the names of the machine-action API, and Cordon's own. */
#ifndef CON_PERMISSION_H
#define CON_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define CON_MAY_READ (1u << 0)          /* Machine.Read.All */
#define CON_MAY_WRITE (1u << 1)         /* Machine.ReadWrite.All */
#define CON_MAY_ISOLATE (1u << 2)       /* Machine.Isolate: isolate and release */
#define CON_MAY_RESTRICT (1u << 3)      /* Machine.RestrictExecution */
#define CON_MAY_SCAN (1u << 4)          /* Machine.Scan */
#define CON_MAY_COLLECT (1u << 5)       /* Machine.CollectForensics */
#define CON_MAY_QUARANTINE (1u << 6)    /* Machine.StopAndQuarantine */
#define CON_MAY_OFFBOARD (1u << 7)      /* Machine.Offboard */
#define CON_MAY_RESPOND (1u << 8)       /* Machine.LiveResponse */
#define CON_MAY_ENROLL (1u << 9)        /* Cordon.Enroll: tokens for new devices */
#define CON_MAY_REVOKE (1u << 10)       /* Cordon.Revoke: takes a device's certificate from it */
#define CON_MAY_AUDIT (1u << 11)        /* Cordon.Audit.Read */
#define CON_MAY_CODE (1u << 12)         /* Machine.ReleaseCode: to be shown an isolation's code */
#define CON_MAY_POLICY (1u << 13)       /* Cordon.Policy: policies and sets of exclusions */
#define CON_MAY_COLLECTION (1u << 14)   /* Cordon.Collection: lists of files for packages */
#define CON_MAY_REMEDIATE (1u << 15)    /* Cordon.Remediate: every remediation, and with force */
#define CON_MAY_READ_ALERTS (1u << 16)  /* Alert.Read.All */
#define CON_MAY_WRITE_ALERTS (1u << 17) /* Alert.ReadWrite.All */
#define CON_PERMISSIONS 18u

/* Any of those that act on a machine. */
#define CON_MAY_ACT                                                                                \
  (CON_MAY_ISOLATE | CON_MAY_RESTRICT | CON_MAY_SCAN | CON_MAY_COLLECT | CON_MAY_QUARANTINE |      \
   CON_MAY_OFFBOARD | CON_MAY_RESPOND | CON_MAY_REMEDIATE)

bool con_permission_from_name(cd_str name, uint32_t *ret_bit);
const char *con_permission_name(unsigned index); /* below CON_PERMISSIONS */
/* A JSON array of names, as the store keeps it. A name that is not known here gives nothing. */
uint32_t con_permissions_read(cd_str json);
/* The names, `separator` between them. */
void con_permissions_add(cd_buf *out, uint32_t permissions, const char *separator);

#endif
