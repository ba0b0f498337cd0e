/* Confinement on Linux. The order matters: what needs privileges comes before they go, the signal
 * for the parent's death after the change of user (which clears it), the system call filter last of
 * what could need a call that it refuses. */
#include "platform/confine.h"
#include "platform/system.h"

#include "base/json.h"
#include "linux/parts.h"
#include "linux/sanitizer.h"
#include "posix/posix.h"
#include "privilege.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

#define MIB (1024u * 1024u)

/* RLIMIT_NPROC counts every thread of every process of the user, and the plugins' user is shared:
 * the limit leaves room for the threads of all hosts and stops a fork bomb. */
#define SHARED_TASKS 512u

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

cd_code pf_os_undumpable(cd_err *err)
{
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return cd_fail_os(err, CD_E_INTERNAL, errno, "this process stays readable by debuggers: %s",
                      strerror(errno));
  return CD_OK;
}

/* For kernels before 5.11. */
static cd_code mark_each(int first, cd_err *err)
{
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL)
    return cd_fail_os(err, CD_E_UNAVAILABLE, errno, "the open descriptors cannot be listed: %s",
                      strerror(errno));
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    uint64_t fd = 0;
    if (cd_str_to_u64(cd_str_from(e->d_name), INT32_MAX, &fd) && (int)fd >= first)
      (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
  }
  (void)closedir(dir);
  return CD_OK;
}

cd_code pf_os_close_on_exec(int first, cd_err *err)
{
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
    return CD_OK;
#endif
  return mark_each(first, err);
}

/* What is to be, decided before anything is changed. */
typedef struct plan {
  const pf_confine *c;
  pf_account account; /* whom to run as */
  bool change_user;
  bool root;     /* stay the administrator with everything */
  bool landlock; /* applied */
  bool quiet;    /* time of access is kept */
  uint64_t caps;
} plan;

static bool stays_root(const plan *p)
{
  return p->root || (p->c->privileges & PF_PRIV_ROOT_USER) != 0;
}

static cd_code plan_account(plan *p, cd_err *err)
{
  cd_err unnamed = {0};
  p->account = (pf_account){.uid = geteuid(), .gid = getegid()};
  if ((p->c->privileges & PF_PRIV_ROOT_USER) != 0 && geteuid() != 0)
    return cd_fail(err, CD_E_DENIED, "cannot run as root: this process was not started as root");
  if (p->c->user == NULL || stays_root(p)) {
    /* An account without a name is fine as long as nobody asks for it by name. */
    if (pf_account_by_uid(geteuid(), &p->account, &unnamed) != CD_OK)
      p->account.name[0] = '\0';
    return CD_OK;
  }
  cd_code rc = pf_account_by_name(p->c->user, &p->account, err);
  if (rc != CD_OK)
    return rc;
  p->change_user = p->account.uid != geteuid();
  if (p->change_user && geteuid() != 0)
    return cd_fail(err, CD_E_DENIED, "cannot run as '%s': this process was not started as root",
                   p->c->user);
  return CD_OK;
}

static cd_code plan_make(const pf_confine *c, plan *p, cd_err *err)
{
  *p = (plan){
      .c = c, .root = (c->privileges & PF_PRIV_ROOT) != 0, .caps = pf_caps_wanted(c->privileges)};
  if (p->root && geteuid() != 0)
    return cd_fail(err, CD_E_DENIED, "cannot be root: this process was not started as root");
  cd_code rc = plan_account(p, err);
  if (rc != CD_OK || p->root)
    return rc;
  uint64_t permitted = 0;
  rc = pf_caps_permitted(&permitted, err);
  if (rc != CD_OK || (p->caps & ~permitted) == 0)
    return rc;
  size_t count = 0;
  const pf_privilege *all = pf_privileges(&count);
  for (size_t i = 0; i < count; i++)
    if ((c->privileges & all[i].bit) != 0 && (pf_caps_wanted(all[i].bit) & ~permitted) != 0)
      return cd_fail(err, CD_E_DENIED,
                     "cannot have the privilege '%s': this process was started without it",
                     all[i].name);
  return CD_OK;
}

static cd_code set_session(cd_err *err)
{
  if (setsid() < 0 && getsid(0) != getpid())
    return cd_fail_os(err, CD_E_DENIED, errno, "no session of its own: %s", strerror(errno));
  (void)umask(077);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return cd_fail_os(err, CD_E_UNSUPPORTED, errno, "new privileges could not be switched off: %s",
                      strerror(errno));
  return pf_signals_reset(err);
}

static cd_code set_limits(const pf_confine *c, cd_err *err)
{
  cd_code rc = pf_limit_set(RLIMIT_CORE, 0, "core dumps", err);
  if (rc == CD_OK && c->memory_bytes > 0 && !PF_SANITIZER)
    rc = pf_limit_set(RLIMIT_AS, (rlim_t)c->memory_bytes, "memory", err);
  if (rc == CD_OK && c->files > 0)
    rc = pf_limit_set(RLIMIT_NOFILE, c->files, "open descriptors", err);
  if (rc == CD_OK && c->file_bytes > 0)
    rc = pf_limit_set(RLIMIT_FSIZE, (rlim_t)c->file_bytes, "the size of a file", err);
  return rc;
}

static cd_code become_user(const plan *p, cd_err *err)
{
  const pf_account *a = &p->account;
  /* Permitted capabilities outlive the change of user only with this. */
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(0, NULL) != 0 ||
      setresgid(a->gid, a->gid, a->gid) != 0 || setresuid(a->uid, a->uid, a->uid) != 0 ||
      prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
    return cd_fail_os(err, CD_E_DENIED, errno, "cannot run as '%s': %s", a->name, strerror(errno));
  return CD_OK;
}

static cd_code set_identity(const plan *p, cd_err *err)
{
  if (p->root)
    return CD_OK;
  cd_code rc = pf_caps_bar(err);
  if (rc == CD_OK && p->change_user)
    rc = become_user(p, err);
  if (rc == CD_OK)
    rc = pf_caps_keep(p->caps, err);
  return rc;
}

/* Before the identity goes: the folder may be below some that only root can enter. Whoever may look
 * into other processes is left out, because Landlock would keep it from that, and so is whoever may
 * write anywhere. */
static cd_code set_folders(plan *p, cd_err *err)
{
  if (p->root || (p->c->privileges & (PF_PRIV_TRACE | PF_PRIV_WRITE_ALL)) != 0)
    return CD_OK;
  return pf_landlock_self(p->c->state_dir, (p->c->privileges & PF_PRIV_KILL) == 0, &p->landlock,
                          err);
}

static pf_signals signals_wanted(const plan *p)
{
  if (p->root || (p->c->privileges & PF_PRIV_KILL) != 0)
    return PF_SIGNALS_ANY;
  if (p->c->processes == 0)
    return PF_SIGNALS_SELF;
  return PF_SIGNALS_GROUP;
}

static cd_code set_filter(const plan *p, cd_err *err)
{
  const pf_filter f = {.no_children = p->c->processes == 0,
                       .no_looking = !p->root && (p->c->privileges & PF_PRIV_TRACE) == 0,
                       .no_network = p->c->no_network,
                       .client = p->c->client,
                       .own_limits = !p->root,
                       .own_files = !p->root && (p->c->privileges & PF_PRIV_WRITE_ALL) == 0,
                       .signals = signals_wanted(p)};
  return pf_filter_self(&f, err);
}

/* Threads count too, so that they are bounded also where no process can be started. Without a user
 * of their own the plugins run as one who has other things to do. */
static cd_code set_tasks(const plan *p, cd_err *err)
{
  if (p->account.uid == 0 || (p->c->processes == 0 && p->c->user == NULL))
    return CD_OK;
  return pf_limit_set(RLIMIT_NPROC, (rlim_t)p->c->processes + SHARED_TASKS, "processes and threads",
                      err);
}

static cd_code follow_parent(const pf_confine *c, cd_err *err)
{
  if (c->parent == 0)
    return CD_OK;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return cd_fail_os(err, CD_E_INTERNAL, errno, "this process would outlive its parent: %s",
                      strerror(errno));
  /* The parent may have died before the line above; nothing would tell us any more. */
  if ((uint64_t)getppid() != c->parent)
    return cd_fail(err, CD_E_UNAVAILABLE, "process %llu is not the parent of this one any more",
                   (unsigned long long)c->parent);
  return CD_OK;
}

static void report_limit(cd_jw *w, const char *key, uint64_t value)
{
  if (value > 0)
    cd_jw_u64(w, key, value);
  else
    cd_jw_null(w, key);
}

static cd_code write_report(const plan *p, cd_buf *out, cd_err *err)
{
  cd_jw w;
  size_t count = 0;
  const pf_privilege *all = pf_privileges(&count);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (p->account.name[0] != '\0')
    cd_jw_cstr(&w, "user", p->account.name);
  else
    cd_jw_strf(&w, "user", "%lu", (unsigned long)p->account.uid);
  cd_jw_arr(&w, "privileges");
  for (size_t i = 0; i < count; i++)
    if ((p->c->privileges & all[i].bit) != 0)
      cd_jw_cstr(&w, NULL, all[i].name);
  cd_jw_end_arr(&w);
  report_limit(&w, "memory_mb", PF_SANITIZER ? 0 : p->c->memory_bytes / MIB);
  cd_jw_u64(&w, "processes", p->c->processes);
  report_limit(&w, "files", p->c->files);
  report_limit(&w, "file_mb", p->c->file_bytes / MIB);
  cd_jw_bool(&w, "landlock", p->landlock);
  if (p->c->keep_atime)
    cd_jw_bool(&w, "atime_kept", p->quiet);
  if (PF_SANITIZER && p->c->memory_bytes > 0)
    cd_jw_cstr(&w, "note", "memory is not limited: this build has a sanitizer");
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the report of the confinement", err);
}

cd_code pf_confine_self(const pf_confine *c, cd_buf *ret_report, cd_err *err)
{
  plan p = {0};
  pf_heap_frugal();
  cd_code rc = plan_make(c, &p, err);
  if (rc == CD_OK)
    rc = set_session(err);
  if (rc == CD_OK && c->keep_atime)
    p.quiet = pf_atime_keep();
  if (rc == CD_OK)
    rc = set_limits(c, err);
  if (rc == CD_OK)
    rc = set_folders(&p, err);
  if (rc == CD_OK)
    rc = set_identity(&p, err);
  if (rc == CD_OK)
    rc = pf_os_undumpable(err);
  if (rc == CD_OK)
    rc = set_tasks(&p, err);
  if (rc == CD_OK)
    rc = set_filter(&p, err);
  if (rc == CD_OK)
    rc = follow_parent(c, err);
  if (rc == CD_OK)
    rc = write_report(&p, ret_report, err);
  return rc;
}
