/* The folders and files that a scan begins with. */
#include <stdlib.h>
#include <string.h>

#include "support/files.h"

void sup_plan_add(sup_plan *p, const char *path, bool recent, bool asked)
{
  if (p->root_count >= SUP_ROOTS) {
    p->cut = true;
    return;
  }
  for (size_t i = 0; i < p->root_count; i++) {
    if (p->roots[i].recent == recent && strcmp(p->roots[i].path, path) == 0)
      return;
  }
  if ((p->root_count & (p->root_count - 1)) == 0) {
    void *grown =
        realloc(p->roots, (p->root_count == 0 ? 1 : p->root_count * 2) * sizeof(*p->roots));
    if (grown == NULL) {
      p->cut = true;
      return;
    }
    p->roots = grown;
  }
  sup_root *r = &p->roots[p->root_count];
  *r = (sup_root){.path = strdup(path), .recent = recent, .asked = asked};
  p->root_count += r->path != NULL ? 1 : 0;
  p->cut = p->cut || r->path == NULL;
}

/* Each local file system by itself, so that nothing that is mounted below hides one. */
void sup_plan_full(sup_plan *p)
{
  p->cross = false;
  for (size_t i = 0; i < p->mounts.count; i++) {
    if (p->mounts.items[i].fs == SUP_FS_LOCAL)
      sup_plan_add(p, p->mounts.items[i].point, false, false);
  }
  if (p->root_count == 0)
    sup_plan_add(p, "/", false, true);
}

void sup_plan_release(sup_plan *p)
{
  for (size_t i = 0; i < p->root_count; i++)
    free(p->roots[i].path);
  for (size_t i = 0; i < p->image_count; i++) {
    free(p->images[i].open);
    free(p->images[i].path);
  }
  free(p->roots);
  free(p->images);
  sup_mounts_release(&p->mounts);
  *p = (sup_plan){0};
}
