/* The other names of a file that was removed (hard links): its bytes stay under them. */
#include <fts.h>
#include <stdio.h>
#include <string.h>

#include "remediate.h"

enum { LINKS_NAMED = 16, LINKS_MS = 5000 };

/* The folder at which the file's file system begins, as far as its own path shows it. */
static void top_of(const char *path, uint64_t dev, char ret_top[REM_PATH])
{
  char at[REM_PATH];
  struct stat st;
  (void)snprintf(at, sizeof(at), "%s", path);
  (void)snprintf(ret_top, REM_PATH, "%s", path);
  for (char *slash = strrchr(at, '/'); slash != NULL; slash = strrchr(at, '/')) {
    *slash = '\0';
    if (stat(at[0] != '\0' ? at : "/", &st) != 0 || st.st_dev != dev)
      break;
    (void)snprintf(ret_top, REM_PATH, "%s", at[0] != '\0' ? at : "/");
  }
}

typedef struct names {
  rem_job *job;
  struct stat st;
  uint64_t more;
  unsigned found;
  bool whole; /* it was looked everywhere */
} names;

static void look_at(names *n, const FTSENT *e)
{
  char show[REM_SHOW];
  if (e->fts_info != FTS_F || e->fts_statp->st_ino != n->st.st_ino ||
      e->fts_statp->st_dev != n->st.st_dev)
    return;
  if (n->found++ < LINKS_NAMED)
    rem_step(n->job, "hard link", "left", "the same file is also '%s', and stays there",
             rem_show(e->fts_path, show));
}

/* In the time there is. */
static void look_for(names *n, const char *path)
{
  char top[REM_PATH];
  char *roots[2] = {top, NULL};
  uint64_t until = sup_call_until(n->job->call, LINKS_MS);
  top_of(path, n->st.st_dev, top);
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
  n->whole = walk != NULL;
  for (FTSENT *e = walk != NULL ? fts_read(walk) : NULL; e != NULL && n->found < n->more;
       e = fts_read(walk)) {
    look_at(n, e);
    if (sup_now_ms() <= until && !sup_call_cancelled(n->job->call))
      continue;
    n->whole = false;
    break;
  }
  if (walk != NULL)
    (void)fts_close(walk);
}

/* Those that it had, and those that somebody made while it was sealed. */
void rem_names_left(rem_job *j, int fd, const char *path)
{
  names n = {.job = j};
  if (fstat(fd, &n.st) != 0) {
    j->partial = true;
    rem_measured(j, "other names", "how many there are could not be looked at");
    return;
  }
  n.more = n.st.st_nlink;
  if (n.more == 0) {
    rem_measured(j, "other names", "0");
    return;
  }
  j->partial = true;
  look_for(&n, path);
  rem_measured(j, "other names", "%llu, of which %u were found%s", (unsigned long long)n.more,
               n.found, n.whole || n.found >= n.more ? "" : " in the time there was");
  rem_step(j, "hard links", "left",
           "the file has %llu other names, of which %u were found: its bytes stay under them",
           (unsigned long long)n.more, n.found);
}
