/* cordon/plugin.h - the binary contract between cordon-plugin-host and a plugin. ABI 1.
 *
 * A plugin is a shared library with one exported data symbol, cordon_plugin_entry_1, and a manifest
 * beside it (docs/plugin-abi.md). It runs in a process of its own, confined as the manifest asks.
 *
 * Rules
 * - Structs carry their size and grow at the end. Whoever reads one copies the smaller of both
 *   sizes and treats the rest as absent; test a pointer that may be absent before you call it.
 * - Memory never changes owner. What is passed in lives for the call; the callee copies what it
 *   keeps.
 * - All text is UTF-8. JSON documents follow the capability's schemas (config/schemas/), nest at
 *   most 32 deep and are at most 1 MiB.
 * - No errno, GetLastError(), FILE *, allocator or exception crosses the boundary.
 * - There is no unload: the process ends instead.
 *
 * Threads
 *   [control]  the host's one control thread
 *   [worker]   the thread that runs the operation
 *   [any]      any thread of the plugin, until the operation it names has returned
 *
 * This header is a C99 subset that is also C++11 and depends on nothing but the C library. */
#ifndef CORDON_PLUGIN_H
#define CORDON_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CORDON_ABI_MAJOR 1
#define CORDON_ABI_MINOR 0

#if defined(_WIN32)
#define CORDON_CALL __cdecl
#define CORDON_EXPORT __declspec(dllexport)
#else
#define CORDON_CALL
#define CORDON_EXPORT __attribute__((visibility("default")))
#endif

typedef uint64_t cordon_op; /* names one operation; never reused in a process */
typedef int32_t cordon_status;

enum {
  CORDON_OK = 0,
  CORDON_PARTIAL = 1,        /* done in part; the result says which part */
  CORDON_REBOOT = 2,         /* done, in force after a reboot */
  CORDON_E_INVALID = -1,     /* the request makes no sense */
  CORDON_E_UNSUPPORTED = -2, /* an option or OS this provider cannot honour; nothing was changed */
  CORDON_E_UNAVAILABLE = -3, /* the product behind the provider is missing, stopped or busy */
  CORDON_E_DENIED = -4,      /* the OS or the product refused */
  CORDON_E_NOTFOUND = -5,
  CORDON_E_CONFLICT = -6, /* somebody else owns that state */
  CORDON_E_CANCELLED = -7,
  CORDON_E_DEADLINE = -8,
  CORDON_E_LIMIT = -9,       /* quota, size or count exceeded */
  CORDON_E_UNVERIFIED = -10, /* changed, but it could not be shown to hold */
  CORDON_E_IO = -11,
  CORDON_E_INTERNAL = -12
};

enum { CORDON_LOG_DEBUG = 0, CORDON_LOG_INFO = 1, CORDON_LOG_WARN = 2, CORDON_LOG_ERROR = 3 };

enum {
  CORDON_REQ_DRY_RUN = 1u << 0,       /* say in the result what would be done; change nothing */
  CORDON_REQ_APPLY_FOLLOWS = 1u << 1, /* with a dry run: the change itself comes next and shows what
                                         the OS takes, so that need not be tried out */
  CORDON_REQ_HELD = 1u << 2 /* with apply: this was in force, and is put in force again; what
                               cannot be let through any more is cut, not a reason to refuse */
};

/* One piece of work. Valid until the operation returns. */
typedef struct cordon_request {
  uint32_t struct_size;
  uint32_t flags; /* CORDON_REQ_* */
  cordon_op op;
  uint64_t budget_ms; /* 0: none (watch). Past it the host cancels; a grace time later the process
                         is killed */
  const char *params; /* JSON object by the capability's parameter schema; NUL-terminated */
  size_t params_len;  /* without the NUL */
  const char *undo;   /* JSON array of the records of note_undo(), newest first, or NULL */
  size_t undo_len;
} cordon_request;

typedef struct cordon_host cordon_host;
struct cordon_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void *host_data;     /* the host's; not for the plugin */
  const char *version; /* of the host, for logs */

  /* A table of the host by name, or NULL if this host has none such. Static storage. [any] */
  const void *(CORDON_CALL *get_extension)(const cordon_host *h, const char *id);
  /* One log line; op 0 when it belongs to none. No secrets. [any] */
  void(CORDON_CALL *log)(const cordon_host *h, cordon_op op, int32_t level, const char *line);
  /* Not 0 when the operation should end soon with CORDON_E_CANCELLED. Cheap: poll it. [any] */
  int32_t(CORDON_CALL *cancelled)(const cordon_host *h, cordon_op op);
  /* done of total, in any unit; total 0: unknown. `what` names the step, may be NULL. [any] */
  void(CORDON_CALL *progress)(const cordon_host *h, cordon_op op, uint64_t done, uint64_t total,
                              const char *what);
  /* One record (finding, row, event), a JSON object. May block while the agent is busy.
   * CORDON_E_INVALID: no JSON object; CORDON_E_LIMIT and CORDON_E_CANCELLED mean stop. [any] */
  cordon_status(CORDON_CALL *emit)(const cordon_host *h, cordon_op op, const char *json,
                                   size_t len);
  /* How to take back the NEXT change, a JSON object of at most 64 KiB. Returns CORDON_OK once the
   * agent has it on disk; with any other status do not make the change. [worker] */
  cordon_status(CORDON_CALL *note_undo)(const cordon_host *h, cordon_op op, const char *json,
                                        size_t len);
  /* The operation's result, a JSON object by the capability's result schema; the last one counts.
   * [worker] */
  cordon_status(CORDON_CALL *result)(const cordon_host *h, cordon_op op, const char *json,
                                     size_t len);
  /* Why it did not end well: the OS error as a number (0: none) and one sentence for people.
   * [worker] */
  void(CORDON_CALL *explain)(const cordon_host *h, cordon_op op, uint32_t os_error,
                             const char *sentence);
};

/* Host extension: bytes out, as files of a package, one after the other. NULL from get_extension()
 * where the capability makes none. Which names are taken, and what each status means:
 * docs/plugin-abi.md, "Artifacts". [any] */
#define CORDON_HOST_ARTIFACT "cordon.host.artifact/1"
typedef struct cordon_host_artifact {
  uint32_t struct_size;
  uint32_t reserved;
  cordon_status(CORDON_CALL *open)(const cordon_host *h, cordon_op op, const char *name,
                                   const char *meta_json, uint64_t *ret_id);
  cordon_status(CORDON_CALL *write)(const cordon_host *h, cordon_op op, uint64_t id,
                                    const void *bytes, size_t len);
  cordon_status(CORDON_CALL *close)(const cordon_host *h, cordon_op op, uint64_t id,
                                    int32_t complete);
} cordon_host_artifact;

/* Host extension: looks that take more rights than the plugin has, made by the agent. NULL from
 * get_extension() without the privilege `sight` in the manifest, or where the OS has nothing such.
 */
#define CORDON_HOST_SIGHT "cordon.host.sight/1"
typedef struct cordon_space {
  uint64_t id;   /* of a network namespace */
  int32_t pid;   /* a process in it */
  int32_t diag;  /* Linux: a socket of NETLINK_SOCK_DIAG made there; the plugin closes it */
  int32_t route; /* likewise of NETLINK_ROUTE */
  char name[64]; /* of the process: bytes of anybody's making */
} cordon_space;
typedef struct cordon_holder {
  int32_t pid;       /* 0: nobody was found */
  char name[64];     /* bytes of anybody's making */
  char program[192]; /* the file it runs, or empty */
} cordon_holder;
typedef struct cordon_host_sight {
  uint32_t struct_size;
  uint32_t reserved;
  /* Number `index` of the network namespaces that processes of this machine are in, other than the
   * agent's own; 0 looks anew. CORDON_E_NOTFOUND: no more. With any other failure that one was not
   * entered; id, pid and name tell which. [worker] */
  cordon_status(CORDON_CALL *space)(const cordon_host *h, uint32_t index, cordon_space *ret_space);
  /* Who holds the sockets with these inodes, at most 32. [worker] */
  cordon_status(CORDON_CALL *holders)(const cordon_host *h, const uint64_t *inodes, uint32_t count,
                                      cordon_holder *ret_holders);
} cordon_host_sight;

typedef struct cordon_plugin cordon_plugin;

/* Runs one operation, start to end, on a worker thread of its own: it may block. Its return ends
 * the operation. [worker] */
typedef cordon_status(CORDON_CALL *cordon_op_fn)(const cordon_plugin *p, const cordon_request *req);

struct cordon_plugin {
  uint32_t struct_size;
  uint32_t reserved;
  void *plugin_data;
  /* The table of a capability this plugin provides (cordon_state or cordon_job), else NULL. Static
   * storage. [control] */
  const void *(CORDON_CALL *get_extension)(const cordon_plugin *p, const char *id);
  /* Optional: breaks a blocking call of the operation. Must return at once. [control] */
  void(CORDON_CALL *cancel)(const cordon_plugin *p, cordon_op op);
  /* Before the process ends in order; no operation is running. [control] */
  void(CORDON_CALL *destroy)(const cordon_plugin *p);
};

/* Capabilities that hold a state of the machine. */
#define CORDON_EXT_ISOLATE "cordon.isolate/1"
#define CORDON_EXT_RESTRICT "cordon.restrict/1"
typedef struct cordon_state {
  uint32_t struct_size;
  uint32_t reserved;
  cordon_op_fn probe;   /* can it work here; if not, why and what to install. Changes nothing */
  cordon_op_fn apply;   /* idempotent; one atomic change, or undo noted step by step */
  cordon_op_fn release; /* idempotent; works from nothing but the machine and request.undo */
  cordon_op_fn query;   /* what the machine holds now */
  cordon_op_fn verify;  /* shows by probes that it holds, and returns the evidence */
  cordon_op_fn watch; /* optional; runs until cancelled, emits a record at each change by others */
} cordon_state;

/* Capabilities that run once. */
#define CORDON_EXT_FACTS "cordon.facts/1"
#define CORDON_EXT_SCAN "cordon.scan/1"
#define CORDON_EXT_COLLECT "cordon.collect/1"
#define CORDON_EXT_REMEDIATE "cordon.remediate/1"
#define CORDON_EXT_NOTIFY "cordon.notify/1"
#define CORDON_EXT_RESPOND "cordon.respond/1"
typedef struct cordon_job {
  uint32_t struct_size;
  uint32_t reserved;
  cordon_op_fn probe;
  cordon_op_fn run;  /* findings and rows through emit(), files through the artifact extension */
  cordon_op_fn undo; /* optional; takes back what request.undo says */
} cordon_job;

typedef struct cordon_plugin_entry {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t concurrency; /* operations at once, at least 1; a watch counts as none */
  uint32_t reserved;
  const char *id;              /* as in the manifest: "org.example.isolate-acme" */
  const char *version;         /* as in the manifest: "1.4.2" */
  const char *const *provides; /* capability ids, NULL-terminated */
  /* config: JSON object {"capability":ID,"state_dir":PATH,"settings":{...}}: what the host serves,
   * a folder that only this plugin may write, and the provider's settings by policy. NULL if this
   * machine cannot be served at all: log() says why. Only log() and get_extension() may be called
   * from here. `h` lives as long as the process. [control] */
  const cordon_plugin *(CORDON_CALL *create)(const cordon_host *h, const char *config,
                                             size_t config_len);
} cordon_plugin_entry;

/* Plain data with the major number in its name: the host reads it before it runs anything, and a
 * plugin for another ABI simply has no such symbol. */
extern CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_1;

#ifdef __cplusplus
}
#endif

#endif
