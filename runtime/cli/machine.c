#include "cli/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char cgroup_root[] = "/sys/fs/cgroup";

const char *machine_kernel(char buffer[MACHINE_TEXT_MAX])
{
    struct utsname names;
    int error = uname(&names);
    snprintf(buffer, MACHINE_TEXT_MAX, "%s", error ? "unknown" : names.release);
    return buffer;
}

/* The first line of a file that begins with `start`, without that and its end. */
static bool read_line(const char *path, const char *start, char *line, size_t size)
{
    FILE *f = fopen(path, "re");
    bool found = false;
    while (f && !found && fgets(line, (int)size, f))
        found = strncmp(line, start, strlen(start)) == 0;
    if (f)
        fclose(f);
    if (!found)
        return false;
    memmove(line, line + strlen(start), strlen(line + strlen(start)) + 1);
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += len) {
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

static bool judge_folder(const char *folder, char text[MACHINE_TEXT_MAX])
{
    char path[PATH_MAX], controllers[256];
    snprintf(path, sizeof path, "%.*s/cgroup.controllers", PATH_MAX - 32, folder);
    if (!read_line(path, "", controllers, sizeof controllers)) {
        snprintf(text, MACHINE_TEXT_MAX, "%s cannot be read: %s", path, strerror(errno));
        return false;
    }
    static const char *const needed[] = {"memory", "pids", "cpu"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!has_word(controllers, needed[i])) {
            snprintf(text, MACHINE_TEXT_MAX, "%s has no controller %s: with systemd write Delegate=yes",
                     folder, needed[i]);
            return false;
        }
    }
    snprintf(path, sizeof path, "%.*s/cgroup.subtree_control", PATH_MAX - 32, folder);
    if (access(folder, W_OK) != 0 || access(path, W_OK) != 0) {
        snprintf(text, MACHINE_TEXT_MAX, "%s may not be written: with systemd write Delegate=yes", folder);
        return false;
    }
    snprintf(text, MACHINE_TEXT_MAX, "%s: memory, pids, cpu", folder);
    return true;
}

bool machine_cgroup(char text[MACHINE_TEXT_MAX])
{
    char own[PATH_MAX / 2], folder[PATH_MAX];
    if (!read_line("/proc/self/cgroup", "0::", own, sizeof own)) {
        snprintf(text, MACHINE_TEXT_MAX, "%s", "no cgroup v2 on this machine");
        return false;
    }
    snprintf(folder, sizeof folder, "%s%s", cgroup_root, strcmp(own, "/") == 0 ? "" : own);
    return judge_folder(folder, text);
}
