#include "dispatcher/cgroup_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MOUNTINFO_MAX = 512 * 1024, PROCS_MAX = 64 * 1024 };

const char cgroup_remedy[] = "with systemd write Delegate=yes into the unit, or try systemd-run --scope "
                             "-p Delegate=yes hark run ... (as an ordinary user add --user)";
static const char v2_remedy[] = "start the machine with cgroup v2 alone (boot parameter "
                                "systemd.unified_cgroup_hierarchy=1)";

/* ---- texts ---- */

static const struct {
    const char *name;
    unsigned bit;
} controllers[] = {{"memory", CGROUP_MEMORY}, {"pids", CGROUP_PIDS}, {"cpu", CGROUP_CPU}};

enum { CONTROLLERS = sizeof controllers / sizeof *controllers };

bool cgroup_parse_path(const char *text, char ret_path[PATH_MAX])
{
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, "0::/", 4) != 0 || len - 3 >= PATH_MAX)
            continue;
        snprintf(ret_path, PATH_MAX, "%.*s", (int)len - 3, line + 3);
        return true;
    }
    return false;
}

/* Blanks and the like are written \040 in a mountinfo. */
static bool unescape(const char *field, char ret[PATH_MAX])
{
    size_t len = 0;
    for (; *field && *field != ' '; field++) {
        unsigned code = (unsigned char)*field;
        if (len + 1 >= PATH_MAX)
            return false;
        if (*field == '\\' && sscanf(field + 1, "%3o", &code) == 1 && code > 0 && code < 256)
            field += 3;
        ret[len++] = (char)code;
    }
    ret[len] = '\0';
    return true;
}

/* What is left of the path below the root of the mount; NULL: the mount does not show it. */
static const char *below(const char *path, const char *root)
{
    size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return NULL;
    return strcmp(path + len, "/") == 0 ? "" : path + len;
}

static bool parse_line(const char *line, const char *path, char ret_folder[PATH_MAX], size_t *ret_mount_len)
{
    int root_at = 0, point_at = 0;
    char root[PATH_MAX], point[PATH_MAX];
    const char *type = strstr(line, " - "), *end = strchr(line, '\n');
    if (!type || (end && type > end) || strncmp(type, " - cgroup2 ", 11) != 0)
        return false;
    (void)sscanf(line, "%*d %*d %*s %n%*s %n", &root_at, &point_at);
    if (!point_at || !unescape(line + root_at, root) || !unescape(line + point_at, point))
        return false;
    const char *rest = below(path, root);
    *ret_mount_len = strlen(point);
    return rest && snprintf(ret_folder, PATH_MAX, "%s%s", point, rest) < PATH_MAX;
}

bool cgroup_parse_mount(const char *mountinfo, const char *path, char ret_folder[PATH_MAX],
                        size_t *ret_mount_len)
{
    for (const char *line = mountinfo; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (parse_line(line, path, ret_folder, ret_mount_len))
            return true;
    }
    return false;
}

unsigned cgroup_parse_controllers(const char *list)
{
    unsigned found = 0;
    size_t len;
    for (; *list; list += len) {
        list += strspn(list, " \n");
        len = strcspn(list, " \n");
        for (int i = 0; i < CONTROLLERS; i++) {
            if (len == strlen(controllers[i].name) && strncmp(list, controllers[i].name, len) == 0)
                found |= controllers[i].bit;
        }
    }
    return found;
}

const char *cgroup_name(unsigned controller)
{
    for (int i = 0; i < CONTROLLERS; i++) {
        if (controllers[i].bit == controller)
            return controllers[i].name;
    }
    return "?";
}

const char *cgroup_names(unsigned bits, char buffer[CGROUP_NAMES_MAX])
{
    size_t used = 0;
    buffer[0] = '\0';
    for (int i = 0; i < CONTROLLERS; i++) {
        if (bits & controllers[i].bit)
            used += (size_t)snprintf(buffer + used, CGROUP_NAMES_MAX - used, "%s%s", used ? ", " : "",
                                     controllers[i].name);
    }
    return buffer;
}

/* ---- looking ---- */

bool cgroup_read(int folder, const char *name, char *buffer, size_t size)
{
    size_t len = 0;
    ssize_t n = -1;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (len < size - 1 && (n = read(fd, buffer + len, size - 1 - len)) > 0)
        len += (size_t)n;
    int error = n < 0 ? errno : EFBIG;
    close(fd);
    buffer[len] = '\0';
    errno = error;
    return n == 0;
}

__attribute__((format(printf, 3, 4))) static bool refuse(struct cgroup_place *p, const char *remedy,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->why, sizeof p->why, format, args);
    va_end(args);
    p->remedy = remedy;
    return false;
}

static bool find_folder(const char *proc, struct cgroup_place *p, size_t *ret_mount_len)
{
    char path[PATH_MAX], cgroups[PATH_MAX + 4096];
    int folder = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *mountinfo = malloc(MOUNTINFO_MAX);
    bool knows_path =
        cgroup_read(folder, "cgroup", cgroups, sizeof cgroups) && cgroup_parse_path(cgroups, path);
    bool found = knows_path && mountinfo && cgroup_read(folder, "mountinfo", mountinfo, MOUNTINFO_MAX) &&
                 cgroup_parse_mount(mountinfo, path, p->folder, ret_mount_len);
    free(mountinfo);
    if (folder >= 0)
        close(folder);
    if (!knows_path)
        return refuse(p, v2_remedy, "no cgroup v2 on this machine");
    return found || refuse(p, v2_remedy, "no mount of cgroup v2 that shows hark's own, %s", path);
}

static bool look_at_controllers(struct cgroup_place *p)
{
    char list[512], path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/cgroup.controllers", p->folder);
    if (!cgroup_read(AT_FDCWD, path, list, sizeof list))
        return refuse(p, cgroup_remedy, "%s cannot be read: %s", path, strerror(errno));
    p->controllers = cgroup_parse_controllers(list);
    snprintf(path, sizeof path, "%s/cgroup.type", p->folder);
    bool is_root = faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0;
    if (!p->controllers)
        return refuse(p, is_root ? v2_remedy : cgroup_remedy,
                      "%s has none of the controllers memory, pids, cpu", p->folder);
    return !is_root || refuse(p, cgroup_remedy, "%s is the root of all cgroups, not hark's own", p->folder);
}

/* The length of the folder's path up to the last part that is a unit of systemd with processes in it; 0:
 * none. */
static size_t find_unit(const char *folder, size_t from, size_t to)
{
    while (to > from) {
        if ((to - from > 8 && strncmp(folder + to - 8, ".service", 8) == 0) ||
            (to - from > 6 && strncmp(folder + to - 6, ".scope", 6) == 0))
            return to;
        do
            to--;
        while (to > from && folder[to] != '/');
    }
    return 0;
}

/* Both spellings: what systemd writes depends on its age; only root reads the second. */
static bool is_marked(const char *folder, size_t len)
{
    char path[PATH_MAX], value;
    snprintf(path, sizeof path, "%.*s", (int)len, folder);
    return (getxattr(path, "user.delegate", &value, 1) == 1 && value == '1') ||
           (getxattr(path, "trusted.delegate", &value, 1) == 1 && value == '1');
}

/* The innermost unit counts: what is below it is its own affair. To root all cgroups are writable, so the
 * mark has to be there. An ordinary user can write only what somebody gave away; the service manager of a
 * user marks nothing (systemd 252), and there it is enough to be alone. */
static bool is_delegated(const char *folder, size_t mount_len)
{
    size_t unit = find_unit(folder, mount_len, strlen(folder));
    return !unit || geteuid() != 0 || is_marked(folder, unit);
}

static bool look_at_rights(struct cgroup_place *p, size_t mount_len)
{
    static const char *const files[] = {"", "/cgroup.procs", "/cgroup.subtree_control"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s%s", p->folder, files[i]);
        if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
            return refuse(p, cgroup_remedy, "%s may not be written: %s", path, strerror(errno));
    }
    return is_delegated(p->folder, mount_len) ||
           refuse(p, cgroup_remedy, "%s is systemd's, which has not given it to hark", p->folder);
}

static bool look_at_neighbours(struct cgroup_place *p, pid_t self)
{
    char path[PATH_MAX + 32], *end;
    static char list[PROCS_MAX];
    snprintf(path, sizeof path, "%s/cgroup.procs", p->folder);
    if (!cgroup_read(AT_FDCWD, path, list, sizeof list))
        return refuse(p, cgroup_remedy, "%s cannot be read: %s", path, strerror(errno));
    for (const char *at = list; *at; at = *end ? end + 1 : end) {
        long pid = strtol(at, &end, 10);
        if (end == at || pid != self)
            return refuse(p, cgroup_remedy, "%s has other processes in it, for instance %ld", p->folder, pid);
    }
    return true;
}

bool cgroup_place_find(const char *proc, pid_t self, struct cgroup_place *ret_place)
{
    size_t mount_len = 0;
    *ret_place = (struct cgroup_place){0};
    return find_folder(proc, ret_place, &mount_len) && look_at_controllers(ret_place) &&
           look_at_rights(ret_place, mount_len) && look_at_neighbours(ret_place, self);
}
