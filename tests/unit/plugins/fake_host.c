#include "fake_host.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The host that is asked stands at the front of its own table. */
static fake_host *of(const cordon_host *h)
{
  return h->host_data;
}

static const void *CORDON_CALL get_extension(const cordon_host *h, const char *id)
{
  (void)h;
  (void)id;
  return NULL;
}

static void CORDON_CALL take_log(const cordon_host *h, cordon_op op, int32_t level,
                                 const char *line)
{
  (void)h;
  printf("log %llu %d: %s\n", (unsigned long long)op, (int)level, line);
}

static int32_t CORDON_CALL is_cancelled(const cordon_host *h, cordon_op op)
{
  fake_host *f = of(h);
  (void)pthread_mutex_lock(&f->lock);
  int32_t cancelled = f->cancelled == op;
  (void)pthread_mutex_unlock(&f->lock);
  return cancelled;
}

static void CORDON_CALL take_progress(const cordon_host *h, cordon_op op, uint64_t done,
                                      uint64_t total, const char *what)
{
  (void)op;
  fake_host *f = of(h);
  ck_assert(done <= total);
  if (f->step_count < FAKE_STEPS)
    (void)snprintf(f->steps[f->step_count++], sizeof(f->steps[0]), "%s", what != NULL ? what : "");
}

static cordon_status CORDON_CALL take_record(const cordon_host *h, cordon_op op, const char *json,
                                             size_t len)
{
  (void)op;
  fake_host *f = of(h);
  cJSON *record = cJSON_ParseWithLength(json, len);
  ck_assert_msg(cJSON_IsObject(record), "a record that is no object: %s", json);
  (void)pthread_mutex_lock(&f->lock);
  if (f->record_count < FAKE_RECORDS) {
    f->record_ms[f->record_count] = now_ms();
    f->records[f->record_count++] = record;
  } else {
    cJSON_Delete(record);
  }
  (void)pthread_cond_broadcast(&f->said);
  while (f->hold_records)
    (void)pthread_cond_wait(&f->said, &f->lock);
  (void)pthread_mutex_unlock(&f->lock);
  return CORDON_OK;
}

void fake_hold_records(fake_host *f, bool hold)
{
  (void)pthread_mutex_lock(&f->lock);
  f->hold_records = hold;
  (void)pthread_cond_broadcast(&f->said);
  (void)pthread_mutex_unlock(&f->lock);
}

static cordon_status CORDON_CALL take_undo(const cordon_host *h, cordon_op op, const char *json,
                                           size_t len)
{
  (void)h;
  (void)op;
  (void)json;
  (void)len;
  return CORDON_OK;
}

static cordon_status CORDON_CALL take_result(const cordon_host *h, cordon_op op, const char *json,
                                             size_t len)
{
  (void)op;
  fake_host *f = of(h);
  ck_assert_uint_le(len, 1024 * 1024);
  cJSON_Delete(f->result);
  f->result = cJSON_ParseWithLength(json, len);
  ck_assert_msg(cJSON_IsObject(f->result), "a result that is no object: %s", json);
  return CORDON_OK;
}

static void CORDON_CALL take_explanation(const cordon_host *h, cordon_op op, uint32_t os_error,
                                         const char *sentence)
{
  (void)op;
  fake_host *f = of(h);
  f->os_error = os_error;
  (void)snprintf(f->sentence, sizeof(f->sentence), "%s", sentence);
}

static void make_table(fake_host *f)
{
  f->table = (cordon_host){.struct_size = sizeof(cordon_host),
                           .host_data = f,
                           .version = "test",
                           .get_extension = get_extension,
                           .log = take_log,
                           .cancelled = is_cancelled,
                           .progress = take_progress,
                           .emit = take_record,
                           .note_undo = take_undo,
                           .result = take_result,
                           .explain = take_explanation};
}

static void create_plugin(fake_host *f, const char *capability)
{
  char config[256];
  (void)snprintf(config, sizeof(config),
                 "{\"capability\":\"%s\",\"state_dir\":\"%s\",\"settings\":{}}", capability,
                 f->state_dir);
  f->plugin = f->entry->create(&f->table, config, strlen(config));
  ck_assert_ptr_nonnull(f->plugin);
}

void fake_host_open(fake_host *f, const char *library, const char *capability)
{
  memset(f, 0, sizeof(*f));
  (void)pthread_mutex_init(&f->lock, NULL);
  (void)pthread_cond_init(&f->said, NULL);
  make_table(f);
  void *loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  ck_assert_msg(loaded != NULL, "%s", dlerror());
  f->entry = dlsym(loaded, "cordon_plugin_entry_1");
  ck_assert_ptr_nonnull(f->entry);
  ck_assert_uint_eq(f->entry->abi_major, CORDON_ABI_MAJOR);
  (void)snprintf(f->state_dir, sizeof(f->state_dir), "/tmp/cordon-test-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(f->state_dir));
  create_plugin(f, capability);
}

void fake_host_restart(fake_host *f, const char *capability)
{
  f->plugin->destroy(f->plugin);
  create_plugin(f, capability);
}

static void forget_records(fake_host *f)
{
  for (int i = 0; i < f->record_count; i++)
    cJSON_Delete(f->records[i]);
  f->record_count = 0;
}

void fake_host_close(fake_host *f)
{
  f->plugin->destroy(f->plugin);
  cJSON_Delete(f->result);
  forget_records(f);
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/isolate.json", f->state_dir);
  (void)unlink(path);
  ck_assert_int_eq(rmdir(f->state_dir), 0);
}

static cordon_request request(cordon_op op, uint32_t flags, uint64_t budget_ms, const char *params)
{
  return (cordon_request){.struct_size = sizeof(cordon_request),
                          .flags = flags,
                          .op = op,
                          .budget_ms = budget_ms,
                          .params = params,
                          .params_len = strlen(params)};
}

/* As Check has it for its own times: with a sanitizer all takes several times as long. */
static uint64_t budget(void)
{
  const char *times = getenv("CK_TIMEOUT_MULTIPLIER");
  unsigned long factor = times != NULL ? strtoul(times, NULL, 10) : 1;
  return 20000 * (factor > 0 ? factor : 1);
}

cordon_status fake_run(fake_host *f, cordon_op_fn fn, uint32_t flags, const char *params)
{
  cJSON_Delete(f->result);
  f->result = NULL;
  f->sentence[0] = '\0';
  f->step_count = 0;
  cordon_request r = request(++f->last_op, flags, budget(), params);
  cordon_status status = fn(f->plugin, &r);
  ck_assert_msg((status != CORDON_OK) == (f->sentence[0] != '\0'),
                "status %d with the sentence '%s'", (int)status, f->sentence);
  return status;
}

static void *run_thread(void *data)
{
  fake_thread *t = data;
  cordon_request r = request(t->op, 0, 0, "{}");
  t->status = t->fn(t->host->plugin, &r);
  return NULL;
}

void fake_start(fake_host *f, cordon_op_fn fn, fake_thread *ret_thread)
{
  *ret_thread = (fake_thread){.host = f, .fn = fn, .op = ++f->last_op};
  ck_assert_int_eq(pthread_create(&ret_thread->thread, NULL, run_thread, ret_thread), 0);
}

cordon_status fake_stop(fake_thread *t)
{
  (void)pthread_mutex_lock(&t->host->lock);
  t->host->cancelled = t->op;
  (void)pthread_mutex_unlock(&t->host->lock);
  t->host->plugin->cancel(t->host->plugin, t->op);
  ck_assert_int_eq(pthread_join(t->thread, NULL), 0);
  return t->status;
}

bool fake_wait_records(fake_host *f, int count, int ms)
{
  struct timespec until;
  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  (void)pthread_mutex_lock(&f->lock);
  while (f->record_count < count && pthread_cond_timedwait(&f->said, &f->lock, &until) == 0)
    continue;
  bool enough = f->record_count >= count;
  (void)pthread_mutex_unlock(&f->lock);
  return enough;
}

void fake_save(const cJSON *document, const char *name)
{
  const char *folder = getenv("CORDON_TEST_RESULTS");
  char path[512];
  if (folder == NULL)
    return;
  ck_assert_ptr_nonnull(document);
  (void)snprintf(path, sizeof(path), "%s/%s.json", folder, name);
  FILE *file = fopen(path, "w");
  ck_assert_msg(file != NULL, "%s cannot be written", path);
  char *text = cJSON_Print(document);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
  cJSON_free(text);
}

static const cJSON *member(const fake_host *f, const char *name)
{
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(f->result, name);
  ck_assert_msg(v != NULL, "the result has no '%s'", name);
  return v;
}

const char *fake_text(const fake_host *f, const char *name)
{
  const cJSON *v = member(f, name);
  return cJSON_IsString(v) ? v->valuestring : "";
}

double fake_number(const fake_host *f, const char *name)
{
  const cJSON *v = member(f, name);
  ck_assert(cJSON_IsNumber(v));
  return v->valuedouble;
}

bool fake_flag(const fake_host *f, const char *name)
{
  return cJSON_IsTrue(member(f, name));
}
