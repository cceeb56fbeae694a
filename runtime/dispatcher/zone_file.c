#include "dispatcher/zone_file.h"

#include "shared/descriptor_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder(void)
{
    const char *told = getenv("TZDIR");
    return told && told[0] == '/' ? told : "/usr/share/zoneinfo";
}

/* Fills buffer[ZONE_FILE_MAX]; as full as that, it is more than a zone. */
static int read_zone(int fd, char *buffer, size_t *ret_len)
{
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
        return -EINVAL;
    int error = descriptor_read(fd, buffer, ZONE_FILE_MAX, ret_len);
    return error == 0 && *ret_len == ZONE_FILE_MAX ? -EFBIG : error;
}

static int parse(const char *path, struct zone **ret_zone, const char **ret_why)
{
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *buffer = fd >= 0 ? malloc(ZONE_FILE_MAX) : NULL;
    int error = buffer ? read_zone(fd, buffer, &len) : fd < 0 ? -errno : -ENOMEM;
    *ret_why = error == -ENOENT ? "is not there" : error == -EINVAL ? "is no file" : strerror(-error);
    if (error == 0)
        error = zone_parse(slice_make(buffer, len), ret_zone, ret_why);
    if (fd >= 0)
        close(fd);
    free(buffer);
    return error;
}

static void complain(const struct manifest *m, const struct manifest_trigger *t, const char *path,
                     const char *why, struct diags *diags)
{
    bool has_tzdata = access(folder(), X_OK) == 0;
    diags_add(diags, m->file, t->timezone_line, t->timezone_column,
              "triggers[].timezone: unknown time zone '%s': %s %s: %s", t->timezone, path, why,
              has_tzdata ? "write one of tzdata's names, for instance Europe/Berlin"
                         : "install tzdata, or leave the zone out for UTC");
}

int zone_files_read(struct manifest *m, struct diags *diags)
{
    int first_error = 0;
    for (size_t i = 0; i < m->trigger_count; i++) {
        struct manifest_trigger *t = &m->triggers[i];
        char path[512];
        const char *why = "";
        if (!t->timezone || t->zone)
            continue;
        int length = snprintf(path, sizeof path, "%s/%s", folder(), t->timezone);
        int error = length < (int)sizeof path ? parse(path, &t->zone, &why) : -ENAMETOOLONG;
        if (error < 0)
            complain(m, t, path, why, diags);
        first_error = first_error ? first_error : error;
    }
    return first_error;
}
