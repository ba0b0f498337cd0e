/* lab-json: reads a JSON document from standard input and prints the values at the paths given, a
 * line each, so that shell scripts need no other tool.
 *
 * A path is made of steps with dots between: a member's name, an element's number, `#` for how many
 * there are, `*` for each of them (its values come on one line, with spaces between), or
 * `name=text` for the first element whose member has that value. What is not there is printed as
 * `-`. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (8u * 1024 * 1024)
#define STEP_MAX 128

static const cJSON *select_element(const cJSON *list, const char *step, const char *equals)
{
  char name[STEP_MAX] = "";
  memcpy(name, step, (size_t)(equals - step));
  const cJSON *element = NULL;
  cJSON_ArrayForEach(element, list)
  {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(element, name);
    if (cJSON_IsString(member) && strcmp(member->valuestring, equals + 1) == 0)
      return element;
  }
  return NULL;
}

static const cJSON *take_step(const cJSON *at, const char *step)
{
  const char *equals = strchr(step, '=');
  if (cJSON_IsObject(at))
    return cJSON_GetObjectItemCaseSensitive(at, step);
  if (cJSON_IsArray(at) && equals)
    return select_element(at, step, equals);
  if (cJSON_IsArray(at))
    return cJSON_GetArrayItem(at, (int)strtol(step, NULL, 10));
  return NULL;
}

static void print_value(const cJSON *value)
{
  char *text = NULL;
  if (cJSON_IsString(value))
    fputs(value->valuestring, stdout);
  else if (!value || !(text = cJSON_PrintUnformatted(value)))
    fputs("-", stdout);
  else
    fputs(text, stdout);
  free(text);
}

static void print_path(const cJSON *at, const char *path)
{
  while (*path) {
    char step[STEP_MAX] = "";
    size_t len = strcspn(path, ".");
    if (len >= sizeof step)
      return;
    memcpy(step, path, len);
    path += len + (path[len] == '.');
    if (strcmp(step, "#") == 0) {
      printf("%d", cJSON_GetArraySize(at));
      return;
    }
    if (strcmp(step, "*") == 0) {
      const cJSON *element = NULL;
      cJSON_ArrayForEach(element, at)
      {
        print_path(element, path);
        if (element->next)
          putchar(' ');
      }
      return;
    }
    at = take_step(at, step);
  }
  print_value(at);
}

int main(int argc, char **argv)
{
  int rc = 1;
  size_t len = 0;
  cJSON *document = NULL;
  char *text = malloc(INPUT_MAX);
  if (!text)
    return 1;
  len = fread(text, 1, INPUT_MAX, stdin);
  if (len < INPUT_MAX)
    document = cJSON_ParseWithLength(text, len);
  if (!document) {
    fprintf(stderr, "lab-json: standard input is no JSON document of less than 8 MiB\n");
    goto done;
  }
  for (int i = 1; i < argc; i++) {
    print_path(document, argv[i]);
    putchar('\n');
  }
  rc = 0;
done:
  cJSON_Delete(document);
  free(text);
  return rc;
}
