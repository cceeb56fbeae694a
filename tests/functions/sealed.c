/* Replies with what the seal leaves of the process it is in, as the process itself sees it. The payload says
 * what to look at. */
#define _GNU_SOURCE
#include <hark/function.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { TEXT_BYTES = 1024, GET_MDWE = 66, THREADS_MAX = 16, NEIGHBOURS_MAX = 100 };

static const char *outcome(long result)
{
    return result < 0 ? strerrorname_np(errno) : "done";
}

/* Where a constructor stands. */
static const char *above, *kernel, *itself;

__attribute__((constructor)) static void look_around(void)
{
    struct stat st;
    above = outcome(stat("../etc", &st));
    kernel = outcome(stat("sys/kernel", &st));
    itself = outcome(stat("self/fd", &st));
}

static void show_loading(char *text)
{
    sprintf(text, "above %s, self/fd %s", above, itself);
}

static void show_loading_proc(char *text)
{
    sprintf(text, "sys/kernel %s, self/fd %s", kernel, itself);
}

static void show_identity(char *text)
{
    uid_t real, effective, saved;
    gid_t group, effective_group, saved_group;
    getresuid(&real, &effective, &saved);
    getresgid(&group, &effective_group, &saved_group);
    sprintf(text, "%u %u %u, %u %u %u", real, effective, saved, group, effective_group, saved_group);
}

static void show_groups(char *text)
{
    sprintf(text, "%d", getgroups(0, NULL));
}

static void show_capabilities(char *text)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    int bounding = 0;
    syscall(SYS_capget, &header, sets);
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        bounding += prctl(PR_CAPBSET_READ, cap);
    sprintf(text, "effective %x%x permitted %x%x inheritable %x%x bounding %d", sets[1].effective,
            sets[0].effective, sets[1].permitted, sets[0].permitted, sets[1].inheritable, sets[0].inheritable,
            bounding);
}

static void show_locks(char *text)
{
    sprintf(text, "no_new_privs %d seccomp %d mdwe %d dumpable %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
            prctl(PR_GET_SECCOMP), prctl(GET_MDWE, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE));
}

static void show_processes(char *text)
{
    sprintf(text, "parent %d, own id %s, kill 1 %s", getppid(), getpid() < 10000 ? "small" : "large",
            outcome(kill(1, 0)));
}

/* What only shows that the worker was sealed with care. */
static void show_bonds(char *text)
{
    int signal_at_death = 0;
    prctl(PR_GET_PDEATHSIG, &signal_at_death);
    sprintf(text, "dies with %d, securebits %x", signal_at_death, (unsigned)prctl(PR_GET_SECUREBITS));
}

/* Signal 0 asks for the right alone. */
static void show_neighbours(char *text)
{
    int seen = 0, reached = 0;
    for (pid_t pid = 1; pid <= NEIGHBOURS_MAX; pid++) {
        int result = pid == getpid() ? -1 : kill(pid, 0);
        reached += result == 0;
        seen += pid != getpid() && (result == 0 || errno == EPERM);
    }
    sprintf(text, "sees %d, reaches %d", seen, reached);
}

/* Where the filter does not forbid to ask. */
static void show_tracing(char *text)
{
    int traced = 0;
    for (pid_t pid = 1; pid <= NEIGHBOURS_MAX; pid++)
        traced += pid != getpid() && ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
    sprintf(text, "traces %d", traced);
}

static long meet(int (*how)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "\0meeting"};
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 8;
    return how(socket(AF_UNIX, SOCK_DGRAM, 0), (struct sockaddr *)&at, len);
}

static void show_name_taken(char *text)
{
    sprintf(text, "%s", outcome(meet(bind)));
}

static void show_name_called(char *text)
{
    sprintf(text, "%s", outcome(meet(connect)));
}

static void show_files(char *text)
{
    struct stat st;
    char folder[64] = "";
    int len = sprintf(text, "open / %s", outcome(open("/", O_RDONLY | O_DIRECTORY)));
    len += sprintf(text + len, ", open /etc/passwd %s", outcome(open("/etc/passwd", O_RDONLY)));
    len += sprintf(text + len, ", stat /etc %s", outcome(stat("/etc", &st)));
    len += sprintf(text + len, ", stat self/fd %s", outcome(stat("self/fd", &st)));
    len += sprintf(text + len, ", create %s", outcome(open("/tmp/x", O_CREAT | O_WRONLY, 0600)));
    sprintf(text + len, ", in %s", getcwd(folder, sizeof folder) ? folder : "nowhere");
}

static void show_network(char *text)
{
    int pair[2];
    int len = sprintf(text, "inet %s", outcome(socket(AF_INET, SOCK_STREAM, 0)));
    len += sprintf(text + len, ", unix %s", outcome(socket(AF_UNIX, SOCK_STREAM, 0)));
    sprintf(text + len, ", pair %s", outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));
}

static void show_host(char *text)
{
    struct utsname name;
    uname(&name);
    sprintf(text, "%s", name.nodename);
}

static void show_limits(char *text)
{
    static const struct {
        const char *name;
        int resource;
    } shown[] = {{"data", RLIMIT_DATA},     {"cpu", RLIMIT_CPU},     {"nproc", RLIMIT_NPROC},
                 {"nofile", RLIMIT_NOFILE}, {"core", RLIMIT_CORE},   {"fsize", RLIMIT_FSIZE},
                 {"stack", RLIMIT_STACK},   {"lock", RLIMIT_MEMLOCK}};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct rlimit limit;
        getrlimit((__rlimit_resource_t)shown[i].resource, &limit);
        text += sprintf(text, "%s%s %ld", i ? " " : "", shown[i].name, (long)limit.rlim_max);
    }
}

static void *wait_for_its_end(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

static void show_threads(char *text)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[THREADS_MAX];
    int count = 0, error = 0;
    pthread_mutex_lock(&gate);
    while (count < THREADS_MAX && !(error = pthread_create(&threads[count], NULL, wait_for_its_end, &gate)))
        count++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    sprintf(text, "%d more threads, then %s", count, strerrorname_np(error));
}

static void show_code(char *text)
{
    void *plain = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int len = sprintf(
        text, "write and run %s",
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
            ? outcome(-1)
            : "done");
    len += sprintf(text + len, ", run what was written %s",
                   outcome(mprotect(plain, 4096, PROT_READ | PROT_EXEC)));
    sprintf(text + len, ", share %s",
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                ? outcome(-1)
                : "done");
}

static const struct {
    const char *name;
    void (*show)(char *text);
} views[] = {
    {"loading", show_loading},
    {"loading proc", show_loading_proc},
    {"identity", show_identity},
    {"groups", show_groups},
    {"capabilities", show_capabilities},
    {"locks", show_locks},
    {"processes", show_processes},
    {"bonds", show_bonds},
    {"neighbours", show_neighbours},
    {"tracing", show_tracing},
    {"name taken", show_name_taken},
    {"name called", show_name_called},
    {"files", show_files},
    {"network", show_network},
    {"host", show_host},
    {"limits", show_limits},
    {"threads", show_threads},
    {"code", show_code},
};

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char text[TEXT_BYTES] = "";
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(views[i].name, in->payload) == 0)
            views[i].show(text);
    return hark_reply(ctx, text, strlen(text));
}

HARK_FUNCTION(.handle = handle);
