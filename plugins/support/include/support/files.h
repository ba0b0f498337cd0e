/* Files of a Linux device that a plugin is to look at: which they are (a plan), a walk over them
 * that follows nobody's links, and the opening of what others may swap in the meantime. */
#ifndef SUP_FILES_H
#define SUP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/stat.h>

#include "support/call.h"

enum {
  SUP_PATH = 4096,
  SUP_DEPTH = 128, /* folders below the one that a walk began with */
  SUP_ROOTS = 4096
};

/* ---- account.c ---- */

/* Of /etc/passwd alone: no directory is asked. False: there is none such. */
bool sup_account_id(const char *name, uint32_t *ret_uid);
bool sup_account_name(uint32_t uid, char ret_name[64]);
/* Each home folder. */
void sup_account_homes(void (*each)(void *data, const char *home), void *data);

/* ---- mounts.c ---- */

typedef enum sup_fs { SUP_FS_LOCAL = 0, SUP_FS_PSEUDO, SUP_FS_FAR } sup_fs;
typedef struct sup_mount {
  char *point;
  sup_fs fs;
  char type[32];
} sup_mount;
typedef struct sup_mounts {
  sup_mount *items; /* by their points */
  size_t count;
} sup_mounts;

sup_fs sup_fs_of(const char *type);                                /* pure */
void sup_mounts_text(sup_mounts *m, const char *text, size_t len); /* pure */
void sup_mounts_read(sup_mounts *m);
/* What is mounted just there, or NULL. */
const sup_mount *sup_mounts_at(const sup_mounts *m, const char *path);
/* What an absolute path is on; NULL: not known. */
const sup_mount *sup_mounts_of(const sup_mounts *m, const char *path);
void sup_mounts_release(sup_mounts *m);

/* ---- seen.c: pairs of device and inode ---- */

typedef struct sup_seen {
  struct sup_pair *slots;
  size_t room;
  size_t count;
  bool full;
} sup_seen;
/* True: it was not there, and is now (or there is no room to remember it). */
bool sup_seen_add(sup_seen *s, uint64_t dev, uint64_t ino);
void sup_seen_clear(sup_seen *s);
void sup_seen_release(sup_seen *s);

/* ---- plan.c, quick.c, images.c: which files ---- */

typedef struct sup_root {
  char *path;
  bool recent; /* only files that were changed in the last days */
  bool asked;  /* somebody named it: it must be there, and links on the way to it are meant */
} sup_root;

typedef struct sup_image {
  char *open; /* the way to it that does not go through its name: a link of the kernel */
  char *path;
  bool below; /* `open` is the folder that `path` is below */
  uint64_t dev;
  uint64_t ino;
  bool deleted;
  bool gone; /* a deleted library, to which there is no way */
} sup_image;

typedef struct sup_plan {
  sup_root *roots;
  size_t root_count;
  sup_image *images;
  size_t image_count;
  sup_mounts mounts;
  bool cross; /* a walk goes into other local file systems that it meets */
  bool cut;   /* there was more than fits */
} sup_plan;

void sup_plan_add(sup_plan *p, const char *path, bool recent, bool asked);
/* The quick set: what runs, what starts by itself, and where things arrive. */
void sup_plan_quick(sup_plan *p, const sup_call *call);
/* Of these, the places alone, and the programs and libraries that run alone. */
void sup_plan_places(sup_plan *p);
void sup_plan_images(sup_plan *p, const sup_call *call);
/* Each local file system. */
void sup_plan_full(sup_plan *p);
void sup_plan_release(sup_plan *p);
/* A line of /proc/PID/maps that is of a file, and executable; it is changed. Pure. */
bool sup_map_read(char *line, uint64_t *ret_dev, uint64_t *ret_ino, char **ret_path);
/* The program that a line of a unit file starts, or false. Pure. */
bool sup_unit_program(const char *line, size_t len, char ret_path[SUP_PATH]);

/* ---- walk.c ---- */

/* Why a file was not looked at. */
typedef enum sup_miss {
  SUP_MISS_TOO_LARGE = 0,
  SUP_MISS_PERMISSION,
  SUP_MISS_VANISHED,
  SUP_MISS_CHANGED,
  SUP_MISS_DEPTH,
  SUP_MISS_PATH_LENGTH,
  SUP_MISS_SPECIAL,
  SUP_MISS_FILE_SYSTEM,
  SUP_MISS_TIME,
  SUP_MISS_CANCELLED,
  SUP_MISS_ENGINE,
  SUP_MISS_ENGINE_LIMITS,
  SUP_MISS_ENCRYPTED,
  SUP_MISS_MISSING,
  SUP_MISS_DELETED,
  SUP_MISS_IO,
  SUP_MISSES
} sup_miss;
const char *sup_miss_name(sup_miss r);

typedef struct sup_file {
  int fd; /* -1: it was only looked at */
  struct stat st;
  char *path;
  bool deleted;
} sup_file;
void sup_file_release(sup_file *f);

typedef struct sup_walk sup_walk;
typedef struct sup_walk_events {
  void (*not_scanned)(void *data, const char *path, sup_miss reason, uint64_t size);
  /* `type`: of a file system that is not walked; "link": of a place that somebody other than root
   * made a link; NULL: a special file. */
  void (*left_out)(void *data, const char *path, const char *type);
  void *data;
} sup_walk_events;
/* `look`: files are not opened. Everything given must outlive it. */
sup_walk *sup_walk_new(const sup_plan *plan, bool look, uint64_t max_size,
                       const sup_walk_events *events);
/* 1: a file (of a size that is scanned), 0: nothing yet, -1: the end. Returns after a moment in any
 * case. */
int sup_walk_next(sup_walk *w, sup_file *ret_file);
void sup_walk_free(sup_walk *w);

/* ---- place.c: what others may swap ---- */

/* The place of a path (an O_PATH descriptor), below `from` or, with AT_FDCWD, from the top.
 * Negative with errno; ELOOP: there is a link in the way, or at its end. */
int sup_place(int from, const char *path);
/* From the top, following links that only root can have put there; `ret_path` is the way without
 * them. */
int sup_place_trusted(const char *path, char ret_path[SUP_PATH]);
/* Opens what is there if it is a regular file, and the planned one (NULL: any). Takes over the
 * place. Its time of access stays, where the caller may have that. Negative with errno; ELOOP: it
 * is another. */
int sup_open_file(int place, const struct stat *planned);
int sup_open_folder(int place);
/* What became of a file since it was opened; SUP_MISSES: nothing. */
sup_miss sup_file_after(const sup_file *f, uint64_t max_size);

#endif
