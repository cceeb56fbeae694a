/* replay.c FOLDER: runs a fuzz target over every file of its corpus, so that what fuzzing once found stays
 * mended in builds without libFuzzer. Fails when there is nothing to run. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_MAX = 1024 * 1024 };

static FILE *open_input(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "rb");
}

/* On the heap, exactly as long as the file, so that a sanitizer sees one byte too many. */
static size_t read_input(FILE *file, uint8_t **ret_data)
{
    uint8_t *data = must_alloc(INPUT_MAX);
    size_t size = fread(data, 1, INPUT_MAX, file);
    uint8_t *exact = realloc(data, size ? size : 1);
    *ret_data = exact ? exact : data;
    return size;
}

static unsigned replay_file(const char *folder, const char *name)
{
    FILE *file = open_input(folder, name);
    uint8_t *data;
    if (!file) {
        fprintf(stderr, "replay: cannot open %s/%s\n", folder, name);
        exit(1);
    }
    size_t size = read_input(file, &data);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static unsigned replay_folder(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] == '.' ? 0 : replay_file(folder, entry->d_name);
    if (dir)
        closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    printf("%u inputs\n", count);
    return count ? 0 : 1;
}
