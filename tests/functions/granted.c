/* granted.c: uses what it was granted: `read PATH`, `list PATH`, `count PATH` (adds one to the number in it),
 * `tcp PORT`, `unix PATH` (says hello and hears). Replies what it got, or the name of the error. */
#define _GNU_SOURCE
#include <hark/function.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256 };

static void read_file(const char *path, char *got)
{
    FILE *f = fopen(path, "r");
    if (!f || !fgets(got, LINE_MAX_BYTES, f))
        snprintf(got, LINE_MAX_BYTES, "%s", strerrorname_np(errno));
    got[strcspn(got, "\n")] = '\0';
    if (f)
        fclose(f);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_folder(const char *path, char *got)
{
    const char *names[32];
    size_t count = 0, used = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        snprintf(got, LINE_MAX_BYTES, "%s", strerrorname_np(errno));
        return;
    }
    for (struct dirent *e; count < 32 && (e = readdir(folder));)
        names[count++] = strdup(e->d_name);
    closedir(folder);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count && used < LINE_MAX_BYTES; i++)
        used += (size_t)snprintf(got + used, LINE_MAX_BYTES - used, "%s%s", i ? " " : "", names[i]);
}

/* A new file takes the old one's place, as one does it who may be killed at any time. */
static void count_one(const char *path, char *got)
{
    char fresh[LINE_MAX_BYTES];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    read_file(path, got);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int len = snprintf(got, LINE_MAX_BYTES, "%ld", strtol(got, NULL, 10) + 1);
    if (fd < 0 || write(fd, got, (size_t)len) != len || fsync(fd) < 0 || close(fd) < 0 ||
        rename(fresh, path) < 0)
        snprintf(got, LINE_MAX_BYTES, "%s", strerrorname_np(errno));
}

static void talk(int fd, const struct sockaddr *to, socklen_t len, char *got)
{
    static const char hello[] = "hello\n";
    ssize_t n = -1;
    if (fd >= 0 && connect(fd, to, len) == 0 && send(fd, hello, strlen(hello), MSG_NOSIGNAL) > 0)
        n = recv(fd, got, LINE_MAX_BYTES - 1, 0);
    if (n < 0)
        n = snprintf(got, LINE_MAX_BYTES, "%s", strerrorname_np(errno));
    got[n] = '\0';
    got[strcspn(got, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
}

static void talk_tcp(const char *port, char *got)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0)
        snprintf(got, LINE_MAX_BYTES, "setsockopt");
    else
        talk(fd, (const struct sockaddr *)&to, sizeof to, got);
}

static void talk_unix(const char *path, char *got)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    talk(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&to, sizeof to, got);
}

static const struct {
    const char *name;
    void (*use)(const char *what, char *got);
} uses[] = {
    {"read", read_file}, {"list", list_folder}, {"count", count_one}, {"tcp", talk_tcp}, {"unix", talk_unix}};

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char name[16], what[LINE_MAX_BYTES], got[LINE_MAX_BYTES] = "";
    if (sscanf(in->payload, "%15s %255s", name, what) != 2)
        return HARK_REJECT;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (strcmp(uses[i].name, name) == 0) {
            uses[i].use(what, got);
            return in->response_topic ? hark_reply(ctx, got, strlen(got))
                                      : hark_publish(ctx, "out/granted", got, strlen(got));
        }
    return HARK_REJECT;
}

HARK_FUNCTION(.handle = handle);
