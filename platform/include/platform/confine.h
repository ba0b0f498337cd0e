/* A process takes from itself what it will not need, before it loads code that is not ours. */
#ifndef PF_CONFINE_H
#define PF_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* What a plugin's manifest may ask for. Names in manifests are the lower-case ends: "net_admin". */
enum {
  PF_PRIV_ROOT = 1u << 0,      /* "root": stay the administrator; the limits below are then a fault
                                  boundary, not a security boundary */
  PF_PRIV_NET_ADMIN = 1u << 1, /* "net_admin": change firewall rules, end sockets */
  PF_PRIV_NET_RAW = 1u << 2,   /* "net_raw": raw sockets (ICMP probes) */
  PF_PRIV_READ_ALL = 1u << 3,  /* "read_all": read any file and folder */
  PF_PRIV_TRACE = 1u << 4,     /* "trace": look into other processes */
  PF_PRIV_KILL = 1u << 5,      /* "kill": signal any process */
  PF_PRIV_SYS_ADMIN = 1u << 6, /* "sys_admin": enter namespaces */
  PF_PRIV_SIGHT = 1u << 7,     /* "sight": no capability; the agent looks for it (sight.h) */
  PF_PRIV_SYSLOG = 1u << 8,    /* "syslog": read the kernel's log */
  PF_PRIV_WRITE_ALL = 1u << 9, /* "write_all": change any file, its owner, mode and attributes */
  PF_PRIV_MODULES = 1u << 10,  /* "modules": load and unload parts of the kernel */
  PF_PRIV_ROOT_USER = 1u << 11 /* "root_user": the user stays root, with only the capabilities of
                                  the other privileges; for services that ask who calls */
};

/* 0 and false for a name that is unknown. */
bool pf_privilege_from_name(cd_str name, uint32_t *ret_bit);

typedef struct pf_confine {
  const char *user;      /* run as this user; NULL: keep the user. Ignored with PF_PRIV_ROOT,
                            and with PF_PRIV_ROOT_USER, which is root */
  uint32_t privileges;   /* PF_PRIV_*; everything else is dropped, for good */
  uint64_t memory_bytes; /* address space; 0: no limit. Not applied in sanitizer builds, which
                            reserve terabytes */
  uint32_t processes;  /* child processes; 0: none can be started and no program run (threads can);
                          else a bound on runaway forking only. Either way the OS counts the user's
                          processes and threads together, over all hosts, and does not bind root */
  uint32_t files;      /* open descriptors; 0: no limit */
  uint64_t file_bytes; /* size of a file that is written; 0: no limit */
  uint64_t parent;     /* end when this process is no longer our parent; 0: do not */
  bool no_network;     /* no sockets but local ones are made from now on; those open stay */
  bool client;         /* speaks to servers and nothing else: no connections are taken, no sockets
                          but those of the internet, of this machine and for asking about its
                          addresses; nothing of the kernel's that such a program has no use for */
  bool keep_atime;     /* what is read keeps its time of access, where the system can do that for
                          one process: Linux since 5.12, for an administrator, where what is
                          mounted propagates. Where not, it is no failure */
  const char *state_dir; /* the only folder below which files may be made and changed; NULL: none */
} pf_confine;

/* Applies everything or fails; a process that failed must exit. No core dumps, no new privileges on
 * exec, umask 077, own session, signals as a new program expects them, but SIGPIPE and SIGXFSZ
 * ignored: writing to a closed pipe or past `file_bytes` fails and does not kill. Call it while the
 * process has one thread, before foreign code runs. Writes what was applied as a JSON object to
 * `ret_report` (for HELLO.confined):
 * {"user":"cordon-plugin","privileges":["net_admin"],"memory_mb":256,"processes":0,"files":64,"file_mb":16,
 * "landlock":true},
 * null where nothing limits, "atime_kept" where that was asked for, "note" when something asked for
 * was not applied; on Windows also "job", "administrators" and "integrity" as this process's token
 * has them. Asking for a user or privilege that this process cannot give is CD_E_DENIED, a user
 * that does not exist CD_E_NOTFOUND.
 */
CD_MUST_USE cd_code pf_confine_self(const pf_confine *c, cd_buf *ret_report, cd_err *err);

/* Allows `seconds` of processor time from now on; past it the watch below is told. May be called
 * again to renew. 0: no limit. */
CD_MUST_USE cd_code pf_confine_cpu(uint32_t seconds, cd_err *err);

/* Hears of it when the processor time is used up, on the loop's thread. It lives as long as the
 * process. Made before pf_confine_self(), started after it, which puts signals back. */
typedef struct pf_cpu_watch pf_cpu_watch;
CD_MUST_USE cd_code pf_cpu_watch_new(uv_loop_t *loop, void (*on_used_up)(void *context),
                                     void *context, pf_cpu_watch **ret_watch, cd_err *err);
CD_MUST_USE cd_code pf_cpu_watch_start(pf_cpu_watch *watch, cd_err *err);

/* What this process holds right now, to see what an operation left behind. */
typedef struct pf_usage {
  uint32_t threads;
  uint32_t files;
  uint64_t cpu_ms;
} pf_usage;
CD_MUST_USE cd_code pf_usage_self(pf_usage *ret_usage, cd_err *err);

/* For every daemon at its start: no core dumps, not readable by others' debuggers, umask 077,
 * SIGPIPE ignored, descriptors 0-2 open, those above 2 closed on exec. */
CD_MUST_USE cd_code pf_harden_self(cd_err *err);
/* As many open descriptors as this account is allowed; *ret_files is how many that are. For a
 * server with a connection for each device: the usual limit is for programs that call select(). */
CD_MUST_USE cd_code pf_files_raise(uint64_t *ret_files, cd_err *err);

#endif
