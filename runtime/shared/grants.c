#include "shared/grants.h"

#include <errno.h>

/* landlock(7): truncation since 3, TCP since 4, abstract sockets since 6. */
enum { ABI_TRUNCATE = 3, ABI_TCP = 4, ABI_SCOPED = 6 };

bool grants_have(const struct grants *grants, enum grant_kind kind)
{
    for (uint32_t i = 0; i < grants->path_count; i++)
        if (grants->paths[i].kind == kind)
            return true;
    return false;
}

bool grants_empty(const struct grants *grants)
{
    return grants->path_count == 0 && grants->port_count == 0;
}

/* ---- paths ---- */

static bool is_inside(struct slice path, struct slice folder)
{
    return path.len >= folder.len && memcmp(path.data, folder.data, folder.len) == 0 &&
           (path.len == folder.len || path.data[folder.len] == '/');
}

bool grants_overlap(struct slice a, struct slice b)
{
    return is_inside(a, b) || is_inside(b, a);
}

static bool is_dots(const char *part, size_t len)
{
    return (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
}

/* Each part between two slashes is a name. */
static bool is_normal(struct slice path)
{
    size_t start = 1;
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && path.data[i] != '/')
            continue;
        if (i == start || is_dots(path.data + start, i - start))
            return false;
        start = i + 1;
    }
    return true;
}

const char *grants_path_fault(struct slice path)
{
    if (path.len == 0 || path.data[0] != '/' || memchr(path.data, '\0', path.len))
        return "not a path from the root: write for instance /etc/site/thresholds.csv";
    if (path.len == 1)
        return "the whole machine is not granted: name the folders that are needed";
    if (path.len > GRANTS_PATH_BYTES_MAX - 1)
        return "too long: at most 4095 bytes are allowed";
    if (!is_normal(path))
        return "write the path without '.', '..', '//' and a '/' at the end";
    if (is_inside(path, slice_of("/proc")))
        return "/proc shows every process of the machine: it is not granted";
    if (is_inside(path, slice_of("/dev")))
        return "devices are not granted: let a service of the machine do it, and talk to it by `unix`";
    return NULL;
}

/* ---- on the wire ---- */

static char *put(char *to, const void *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

static char *put_number(char *to, uint32_t number)
{
    return put(to, &number, sizeof number);
}

uint32_t grants_encode(const struct grants *grants, char bytes[GRANTS_BYTES_MAX])
{
    char *end = bytes;
    if (grants_empty(grants))
        return 0;
    end = put_number(end, grants->path_count);
    end = put_number(end, grants->port_count);
    for (uint32_t i = 0; i < grants->path_count; i++) {
        struct slice path = grants->paths[i].path;
        end = put_number(end, grants->paths[i].kind);
        end = put_number(end, (uint32_t)path.len);
        end = put(end, path.data, path.len);
        *end++ = '\0';
    }
    for (uint32_t i = 0; i < grants->port_count; i++)
        end = put_number(end, grants->ports[i]);
    return (uint32_t)(end - bytes);
}

/* *number is 0 when there are not enough bytes. */
static bool take(struct slice *bytes, uint32_t *number)
{
    *number = 0;
    if (bytes->len < sizeof *number)
        return false;
    memcpy(number, bytes->data, sizeof *number);
    *bytes = slice_make(bytes->data + sizeof *number, bytes->len - sizeof *number);
    return true;
}

static bool take_path(struct slice *bytes, struct grant *grant)
{
    uint32_t kind, len;
    if (!take(bytes, &kind) || !take(bytes, &len) || kind < GRANT_READ || kind > GRANT_UNIX ||
        len >= bytes->len || bytes->data[len] != '\0')
        return false;
    *grant = (struct grant){(enum grant_kind)kind, slice_make(bytes->data, len)};
    *bytes = slice_make(bytes->data + len + 1, bytes->len - len - 1);
    return grants_path_fault(grant->path) == NULL;
}

static bool take_paths(struct slice *bytes, struct grants *grants)
{
    size_t total = 0;
    for (uint32_t i = 0; i < grants->path_count; i++) {
        if (!take_path(bytes, &grants->paths[i]))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (grants_overlap(grants->paths[i].path, grants->paths[j].path))
                return false;
        total += grants->paths[i].path.len;
    }
    return total <= GRANTS_PATH_BYTES_MAX;
}

static bool take_ports(struct slice *bytes, struct grants *grants)
{
    for (uint32_t i = 0; i < grants->port_count; i++) {
        uint32_t port;
        if (!take(bytes, &port) || port < 1 || port > UINT16_MAX)
            return false;
        grants->ports[i] = (uint16_t)port;
    }
    return true;
}

int grants_decode(struct slice bytes, struct grants *ret_grants)
{
    struct grants grants = {0};
    if (bytes.len > 0) {
        bool good = take(&bytes, &grants.path_count) && take(&bytes, &grants.port_count) &&
                    grants.path_count <= GRANTS_PATHS_MAX && grants.port_count <= GRANTS_PORTS_MAX &&
                    !grants_empty(&grants) && take_paths(&bytes, &grants) && take_ports(&bytes, &grants);
        if (!good || bytes.len > 0)
            return -EBADMSG;
    }
    *ret_grants = grants;
    return 0;
}

/* ---- what they need ---- */

static bool holds(const struct layer_state layers[LAYER_COUNT], enum layer layer)
{
    return layers[layer].status == LAYER_ENFORCED || layers[layer].status == LAYER_DEGRADED;
}

static uint32_t landlock_abi(const struct layer_state layers[LAYER_COUNT])
{
    return holds(layers, LAYER_LANDLOCK) ? layers[LAYER_LANDLOCK].detail : 0;
}

bool grants_are_mounted(const struct layer_state layers[LAYER_COUNT])
{
    return holds(layers, LAYER_ROOT);
}

/* The right to mount what is granted comes from the user namespace. */
static const char *refuse_files(const struct layer_state layers[LAYER_COUNT])
{
    if (grants_are_mounted(layers))
        return holds(layers, LAYER_USERNS) ? NULL
                                           : "this machine cannot bring files into the empty root without "
                                             "the layer user-namespace";
    return landlock_abi(layers) >= ABI_TRUNCATE
               ? NULL
               : "without the layer root, files need landlock of ABI 3 (Linux 6.2)";
}

static const char *refuse_unix(const struct layer_state layers[LAYER_COUNT], bool with_tcp)
{
    if (!grants_are_mounted(layers) || !holds(layers, LAYER_USERNS))
        return "only the layers root and user-namespace together can keep a function to these sockets";
    if ((with_tcp || !holds(layers, LAYER_NETNS)) && landlock_abi(layers) < ABI_SCOPED)
        return "beside the machine's network, sockets need landlock of ABI 6 (Linux 6.12), which keeps a "
               "function from abstract ones";
    return NULL;
}

static const char *refuse_tcp(const struct layer_state layers[LAYER_COUNT])
{
    if (landlock_abi(layers) < ABI_TCP)
        return "keeping a function to these ports needs landlock of ABI 4 (Linux 6.7)";
    if (!holds(layers, LAYER_SECCOMP))
        return "without the layer seccomp every protocol but TCP would be open";
    return NULL;
}

const char *grants_refusal(const struct grants *grants, const struct layer_state layers[LAYER_COUNT],
                           const char **ret_key)
{
    const char *why = NULL;
    *ret_key = "sandbox.files";
    if (grants_have(grants, GRANT_READ) || grants_have(grants, GRANT_WRITE))
        why = refuse_files(layers);
    if (!why && grants_have(grants, GRANT_UNIX)) {
        *ret_key = "sandbox.network.unix";
        why = refuse_unix(layers, grants->port_count > 0);
    }
    if (!why && grants->port_count > 0) {
        *ret_key = "sandbox.network.tcp";
        why = refuse_tcp(layers);
    }
    return why;
}
