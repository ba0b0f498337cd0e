/* Runs a fuzz target once over each file of the folders and files named on the command line: the
 * regression run where there is no libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
  FILE *f = fopen(path, "rb");
  if (f == NULL)
    return 0;
  static uint8_t bytes[4u * 1024 * 1024];
  size_t len = fread(bytes, 1, sizeof(bytes), f);
  (void)fclose(f);
  /* A heap copy of the exact size, so that a sanitizer sees one byte too many. */
  uint8_t *exact = malloc(len > 0 ? len : 1);
  if (exact == NULL)
    return 0;
  for (size_t i = 0; i < len; i++)
    exact[i] = bytes[i];
  (void)LLVMFuzzerTestOneInput(exact, len);
  free(exact);
  return 1;
}

static int run_folder(const char *path)
{
  DIR *d = opendir(path);
  if (d == NULL)
    return run_file(path);
  int count = 0;
  for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
    char name[4096];
    if (e->d_name[0] == '.')
      continue;
    if (snprintf(name, sizeof(name), "%s/%s", path, e->d_name) < (int)sizeof(name))
      count += run_file(name);
  }
  (void)closedir(d);
  return count;
}

int main(int argc, char **argv)
{
  int count = 0;
  for (int i = 1; i < argc; i++)
    count += run_folder(argv[i]);
  printf("%d inputs\n", count);
  return count > 0 ? 0 : 1;
}
