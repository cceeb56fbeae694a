/* hark-worker PID IDENTITY WAIVED [grants] [cgroup]: started by hark with an empty environment
 * and its control socket at ZYGOTE_FD; the first before hark knows any secret, those for grants and those in
 * the place of one that ended later, of which exec(2) and close-on-exec keep it. PID is hark's own; IDENTITY
 * is whom to become, UID:GID, or
 * - to stay who we are; WAIVED names the layers of the seal that are not to be applied, with commas between,
 * or is -; `grants` says that its workers are those of functions with grants; `cgroup` says that
 * ZYGOTE_CGROUP_FD is the cgroup.procs of the cgroup to be in. It becomes the zygote. */
#include "worker/zygote.h"

#include "shared/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static bool is_control_socket(int fd)
{
    int type;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* A number that `end` follows. All that we are told here is above 0. */
static bool parse_id(const char **text, char end, uint32_t max, uint32_t *ret_id)
{
    char *stop;
    unsigned long id = strtoul(*text, &stop, 10);
    if (stop == *text || *stop != end || id == 0 || id > max)
        return false;
    *ret_id = (uint32_t)id;
    *text = stop + 1;
    return true;
}

static bool parse_pid(const char *text, pid_t *ret_pid)
{
    uint32_t pid;
    if (!parse_id(&text, '\0', INT32_MAX, &pid))
        return false;
    *ret_pid = (pid_t)pid;
    return true;
}

static bool parse_identity(const char *text, struct identity *identity)
{
    uint32_t uid, gid;
    if (strcmp(text, "-") == 0)
        return true;
    if (!parse_id(&text, ':', UINT32_MAX - 1, &uid) || !parse_id(&text, '\0', UINT32_MAX - 1, &gid))
        return false;
    *identity = (struct identity){.change = true, .uid = uid, .gid = gid};
    return true;
}

static bool parse_waived(char *text, bool waived[LAYER_COUNT])
{
    char *rest = NULL;
    if (strcmp(text, "-") == 0)
        return true;
    for (char *name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        int layer = layer_find(name);
        if (layer < 0)
            return false;
        waived[layer] = true;
    }
    return true;
}

/* The words at the end, each of which may be missing. */
static bool parse_words(char **words, struct zygote_options *options)
{
    options->grants = *words && strcmp(*words, "grants") == 0;
    words += options->grants;
    bool has_cgroup = *words && strcmp(*words, "cgroup") == 0;
    words += has_cgroup;
    options->cgroup_procs = has_cgroup ? ZYGOTE_CGROUP_FD : -1;
    return !*words && (!has_cgroup || fcntl(ZYGOTE_CGROUP_FD, F_GETFD) >= 0);
}

int main(int argc, char **argv)
{
    struct zygote_options options = {.control = ZYGOTE_FD};
    if (argc < 4 || !parse_words(argv + 4, &options) || !parse_pid(argv[1], &options.parent) ||
        !parse_identity(argv[2], &options.identity) || !parse_waived(argv[3], options.waived) ||
        !is_control_socket(ZYGOTE_FD)) {
        fputs("hark-worker: hark starts this program by itself: use `hark run`, or `hark invoke` to try a "
              "function\n",
              stderr);
        return EX_USAGE;
    }
    /* Without exit(3): there is nothing to flush, and the destructors of preloaded libraries are not ours. */
    _exit(zygote_run(&options));
}
