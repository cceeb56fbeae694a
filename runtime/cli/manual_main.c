/* manual_main.c: `make_manual DIR`: writes all man pages to DIR/man1 and DIR/man5, which are there. The build
 * runs it; it is not installed. */
#include "cli/manual.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 128 };

/* Into man1 or man5, which is the last character of its name. */
static int write_file(const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "man%s/%s", name + strlen(name) - 1, name);
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    int error = manual_write(f, name);
    if (fclose(f) != 0 && error == 0)
        error = -errno;
    return error;
}

int main(int argc, char **argv)
{
    char name[MANUAL_NAME_MAX];
    if (argc != 2 || chdir(argv[1]) < 0) {
        fputs("usage: make_manual DIR, a folder with man1 and man5\n", stderr);
        return EXIT_FAILURE;
    }
    for (int i = 0; manual_name(i, name); i++) {
        int error = write_file(name);
        if (error < 0) {
            fprintf(stderr, "make_manual: %s: %s\n", name, strerror(-error));
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
