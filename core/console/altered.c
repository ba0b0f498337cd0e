#include "altered.h"

#include "base/log.h"

#include "base/banned.h"

cd_code con_altered_open(con_altered *a, cd_err *err)
{
  int uv = uv_mutex_init(&a->lock);
  if (uv != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "no mutex: %s", uv_strerror(uv));
  a->open = true;
  return CD_OK;
}

void con_altered_close(con_altered *a)
{
  if (a->open)
    uv_mutex_destroy(&a->lock);
  a->open = false;
}

/* FNV-1a: what is told twice by a collision, or once too few, is no loss. Never 0. */
static uint64_t add_hash(uint64_t hash, cd_str text)
{
  for (size_t i = 0; i < text.len; i++)
    hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(1099511628211);
  return hash | 1;
}

/* False: it was known. */
static bool learn(con_altered *a, uint64_t hash)
{
  for (size_t i = 0; i < CON_ALTERED_KEPT; i++) {
    if (a->known[i] == hash)
      return false;
  }
  a->known[a->count++ % CON_ALTERED_KEPT] = hash;
  return true;
}

void con_altered_note(con_altered *a, const con_action *action)
{
  if (action->altered.len == 0 || !a->open)
    return;
  uint64_t hash = add_hash(UINT64_C(14695981039346656037), cd_str_from(action->id));
  hash = add_hash(hash, action->altered);
  uv_mutex_lock(&a->lock);
  bool first = learn(a, hash);
  uv_mutex_unlock(&a->lock);
  if (first)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "device=%.*s action=%s: %.*s", CD_STR_ARG(action->device),
           action->id, CD_STR_ARG(action->altered));
}

uint64_t con_altered_count(con_altered *a)
{
  if (!a->open)
    return 0;
  uv_mutex_lock(&a->lock);
  uint64_t count = a->count;
  uv_mutex_unlock(&a->lock);
  return count;
}
