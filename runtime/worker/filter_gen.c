/* filter_gen.c: writes the workers' system call filters as a C header. Runs on the machine that builds hark,
 * with libseccomp for the numbers of the calls; hark-worker itself loads the program in one call.
 *
 * This is the list to read: what is not named here is refused with EPERM. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter_compile.h"
#include "filter_internal.h"

/* Constants of Linux on both machines, written out: the headers of the building machine may be older. */
enum {
    PRIVATE = 0x02,         /* MAP_PRIVATE */
    SHARED = 0x01,          /* MAP_SHARED, and nothing else */
    SHARE_MASK = 0x0f,      /* MAP_TYPE */
    STRANGE_MAPS = 0x40100, /* MAP_HUGETLB, MAP_GROWSDOWN */
    READ_WRITE = 0x3,       /* PROT_READ | PROT_WRITE */
    WRITE = 0x2,            /* PROT_WRITE */
    EXEC = 0x4,             /* PROT_EXEC */
    OPEN_FLAGS =
        0xbc900, /* O_CLOEXEC NOFOLLOW DIRECTORY LARGEFILE NONBLOCK NOCTTY, DIRECT, on either machine */
    WRITE_FLAGS = 0x101683, /* O_WRONLY RDWR EXCL TRUNC APPEND DSYNC SYNC */
    CREATE_FLAG = 0x40,     /* O_CREAT */
    SET_ID_BITS = 06000,    /* S_ISUID S_ISGID */
    STATUS_FLAGS = 0x8c03,  /* O_WRONLY RDWR APPEND NONBLOCK LARGEFILE, on either machine */
    SOCKET_FLAGS = 0x80800, /* SOCK_CLOEXEC NONBLOCK */
    FAST_OPEN = 0x20000000, /* MSG_FASTOPEN */
    PTHREAD_FLAGS =
        0x3d0f00 /* CLONE_VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID */
};

static const uint32_t REFUSE = SECCOMP_RET_ERRNO | EPERM;

static struct {
    uint32_t machine; /* SCMP_ARCH_ and AUDIT_ARCH_, which are the same */
    struct filter_rule rules[FILTER_RULES_MAX];
    size_t count;
} list;

static void must(int error, const char *what)
{
    if (error >= 0)
        return;
    fprintf(stderr, "filter_gen: %s: error %d\n", what, error);
    exit(EXIT_FAILURE);
}

/* By name, so that a list is the same for every machine; a call that this machine or this libseccomp does not
 * have needs no rule. */
static void rule(uint32_t action, const char *name, unsigned count, const struct filter_check *checks)
{
    int number = seccomp_syscall_resolve_name_arch(list.machine, name);
    if (number < 0)
        return;
    must(list.count < FILTER_RULES_MAX && count <= FILTER_CHECKS_MAX ? 0 : -EFBIG, name);
    struct filter_rule *r = &list.rules[list.count++];
    *r = (struct filter_rule){.number = (uint32_t)number, .action = action, .check_count = count};
    for (unsigned i = 0; i < count; i++)
        r->checks[i] = checks[i];
}

#define ALLOW_IF(name, ...)                                                                                  \
    rule(SECCOMP_RET_ALLOW, name,                                                                            \
         sizeof((struct filter_check[]){__VA_ARGS__}) / sizeof(struct filter_check),                         \
         (struct filter_check[]){__VA_ARGS__})

/* Conditions on an argument, counted from 0. The kernel takes 32 bits of all but pointers. */

static struct filter_check has(unsigned argument, uint32_t mask, uint32_t value)
{
    return (struct filter_check){argument, mask, value, value};
}

static struct filter_check has_none(unsigned argument, uint32_t mask)
{
    return has(argument, mask, 0);
}

static struct filter_check has_only(unsigned argument, uint32_t mask)
{
    return has(argument, ~mask, 0);
}

static struct filter_check is(unsigned argument, uint32_t value)
{
    return has(argument, UINT32_MAX, value);
}

static struct filter_check is_at_most(unsigned argument, uint32_t value)
{
    return (struct filter_check){argument, UINT32_MAX, 0, value};
}

static struct filter_check is_null(unsigned argument)
{
    return (struct filter_check){argument, UINT64_MAX, 0, 0};
}

static void each(uint32_t action, const char *const *names)
{
    for (; *names; names++)
        rule(action, *names, 0, NULL);
}

/* Of the process itself, its memory and its time; nothing here reaches another process. */
static void allow_ordinary(void)
{
    static const char *const names[] = {
        /* descriptors it has; none of these makes one that reaches out */
        "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "close", "dup", "dup2", "dup3",
        "pipe", "pipe2", "fstat", "newfstatat", "statx", "poll", "ppoll", "select", "pselect6",
        "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd",
        "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
        /* memory; mmap and mprotect have rules of their own */
        "brk", "munmap", "mremap",
        /* threads of its own, once there are any */
        "futex", "futex_waitv", "set_robust_list", "rseq", "membarrier", "sched_yield", "sched_getaffinity",
        "sched_getparam", "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "gettid",
        /* signals to itself; tgkill has a rule of its own */
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait",
        "sigaltstack", "restart_syscall", "pause", "alarm", "setitimer", "getitimer",
        /* time and chance */
        "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
        "getrandom", "getrusage", "getcpu",
        /* who and where it is */
        "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
        "capget", "getcwd", "chdir", "uname", "sysinfo", "getrlimit", "exit", "exit_group", NULL};
    each(SECCOMP_RET_ALLOW, names);
}

/* The loader maps code from the .so; written memory is never code, and nothing is shared with anybody. */
static void allow_memory(void)
{
    struct filter_check own = has(3, SHARE_MASK | STRANGE_MAPS, PRIVATE);
    ALLOW_IF("mmap", own, has_none(2, EXEC));
    ALLOW_IF("mmap", own, has_none(2, WRITE));
    ALLOW_IF("mprotect", has_only(2, READ_WRITE));
    /* From MADV_NORMAL to MADV_DONTNEED; MADV_FREE; huge pages yes and no; in a core dump no and yes. */
    ALLOW_IF("madvise", is_at_most(2, 4));
    static const uint32_t advice[] = {8, 14, 15, 16, 17};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        ALLOW_IF("madvise", is(2, advice[i]));
}

/* The loader opens the .so. No O_PATH or O_TMPFILE: the rest is landlock's. */
static void allow_open(uint32_t flags)
{
    ALLOW_IF("openat", has_only(2, flags));
    ALLOW_IF("open", has_only(1, flags));
}

/* The channel is the one socket; a worker sends bytes through it, never descriptors. */
static void allow_channel(void)
{
    ALLOW_IF("sendto", is(0, FILTER_CHANNEL), is_null(4));
    ALLOW_IF("recvfrom", is(0, FILTER_CHANNEL), is_null(4));
}

/* The .so comes by the channel. A worker that can have another unix socket could put it at that number, and
 * take what a service sends: it has got the .so before the filter. */
static void allow_handler(unsigned kind)
{
    if (!(kind & FILTER_UNIX))
        ALLOW_IF("recvmsg", is(0, FILTER_CHANNEL));
}

static void allow_files(void)
{
    ALLOW_IF("ioctl", is(1, 0x5401));                    /* TCGETS: is it a terminal? */
    static const uint32_t fcntls[] = {0, 1, 2, 3, 1030}; /* F_DUPFD F_GETFD F_SETFD F_GETFL F_DUPFD_CLOEXEC */
    for (size_t i = 0; i < sizeof fcntls / sizeof *fcntls; i++)
        ALLOW_IF("fcntl", is(1, fcntls[i]));
}

/* ---- what a manifest grants ---- */

/* To find one's way in folders; which ones, the mounts and landlock say. */
static void allow_reading(void)
{
    static const char *const names[] = {"getdents64", "readlink", "readlinkat", "access", "faccessat",
                                        "faccessat2", "stat",     "lstat",      "statfs", "fstatfs",
                                        "fadvise64",  "flock",    NULL};
    each(SECCOMP_RET_ALLOW, names);
}

/* Nothing that changes a mode, an owner or an attribute, that links, or that makes what is neither file nor
 * folder: rename with RENAME_WHITEOUT makes a device. fallocate has no flags, for one of them takes room
 * beyond RLIMIT_FSIZE. */
static void allow_writing(void)
{
    static const char *const names[] = {"truncate", "ftruncate", "fsync",    "fdatasync", "mkdir",
                                        "mkdirat",  "unlink",    "unlinkat", "rmdir",     "rename",
                                        "renameat", "umask",     NULL};
    each(SECCOMP_RET_ALLOW, names);
    uint32_t flags = OPEN_FLAGS | WRITE_FLAGS | CREATE_FLAG;
    ALLOW_IF("openat", has_only(2, flags), has_none(3, SET_ID_BITS));
    ALLOW_IF("open", has_only(1, flags), has_none(2, SET_ID_BITS));
    ALLOW_IF("creat", has_none(1, SET_ID_BITS));
    ALLOW_IF("renameat2", is_at_most(4, 3)); /* RENAME_NOREPLACE, RENAME_EXCHANGE */
    ALLOW_IF("fallocate", is(1, 0));
    static const uint32_t locks[] = {5, 6, 7, 36, 37, 38}; /* F_GETLK F_SETLK F_SETLKW, F_OFD_ the same */
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++)
        ALLOW_IF("fcntl", is(1, locks[i]));
}

static void allow_socket(uint32_t family, uint32_t type, uint32_t protocol)
{
    ALLOW_IF("socket", is(0, family), has(1, ~SOCKET_FLAGS, type), is(2, protocol));
}

struct socket_option {
    uint32_t level, name;
};

/* None that opens a connection (TCP_FASTOPEN_CONNECT), hands out a descriptor (SO_PEERPIDFD) or loads a
 * protocol (TCP_ULP). */
static const struct socket_option to_set[] = {
    {1, 2},  {1, 6},  {1, 7},  {1, 8}, /* SO_REUSEADDR BROADCAST SNDBUF RCVBUF */
    {1, 9},  {1, 13},                  /* SO_KEEPALIVE LINGER */
    {1, 20}, {1, 21},                  /* SO_RCVTIMEO SNDTIMEO, */
    {1, 66}, {1, 67},                  /* the same with more years */
    {6, 1},  {6, 3},  {6, 12},         /* TCP_NODELAY CORK QUICKACK */
    {6, 4},  {6, 5},  {6, 6},          /* TCP_KEEPIDLE KEEPINTVL KEEPCNT */
    {6, 18}, {41, 26}                  /* TCP_USER_TIMEOUT, IPV6_V6ONLY */
};

static const struct socket_option to_ask[] = {
    {1, 3},  {1, 4},  {1, 17},
    {1, 30}, {1, 38}, {1, 39}, /* SO_TYPE ERROR PEERCRED ACCEPTCONN PROTOCOL DOMAIN */
    {6, 2},  {6, 11}           /* TCP_MAXSEG INFO */
};

static void allow_options(const char *call, const struct socket_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ALLOW_IF(call, is(1, options[i].level), is(2, options[i].name));
}

/* Without addresses and MSG_FASTOPEN, which connects behind landlock's back. sendmsg and recvmsg are left
 * out: they carry descriptors, and what is in their headers no filter can see. */
static void allow_talking(void)
{
    static const char *const names[] = {"connect", "shutdown", "getpeername", "getsockname", NULL};
    each(SECCOMP_RET_ALLOW, names);
    ALLOW_IF("sendto", has_none(3, FAST_OPEN), is_null(4));
    ALLOW_IF("recvfrom", is_null(4));
    allow_options("setsockopt", to_set, sizeof to_set / sizeof *to_set);
    allow_options("getsockopt", to_set, sizeof to_set / sizeof *to_set);
    allow_options("getsockopt", to_ask, sizeof to_ask / sizeof *to_ask);
    ALLOW_IF("fcntl", is(1, 4), /* F_SETFL */
             has_only(2, STATUS_FLAGS));
    ALLOW_IF("ioctl", is(1, 0x5421)); /* FIONBIO */
    ALLOW_IF("ioctl", is(1, 0x541b)); /* FIONREAD */
}

/* Which addresses, ports and paths, the network namespace, landlock and the root say. */
static void allow_sockets(unsigned kind)
{
    if (kind & FILTER_UNIX) {
        allow_socket(1, 1, 0); /* AF_UNIX, SOCK_STREAM */
        allow_socket(1, 5, 0); /* SOCK_SEQPACKET */
    }
    static const uint32_t families[] = {2, 10}; /* AF_INET, AF_INET6 */
    for (size_t i = 0; kind & FILTER_TCP && i < 2; i++) {
        allow_socket(families[i], 1, 0);
        allow_socket(families[i], 1, 6); /* IPPROTO_TCP; MPTCP is another, which landlock does not know */
    }
}

static void allow_granted(unsigned kind)
{
    allow_open(OPEN_FLAGS | (kind & FILTER_WRITE ? WRITE_FLAGS : 0));
    if (kind & FILTER_READ)
        allow_reading();
    if (kind & FILTER_WRITE)
        allow_writing();
    allow_sockets(kind);
    if (kind & (FILTER_UNIX | FILTER_TCP))
        allow_talking();
    else
        allow_channel();
}

/* raise(3) and abort(3) */
static void allow_own_signals(void)
{
    ALLOW_IF("tgkill", is(0, FILTER_OWN_PID));
}

static void allow_thread(unsigned kind)
{
    if (kind & FILTER_THREADS)
        ALLOW_IF("clone", is(0, PTHREAD_FLAGS));
}

/* Its flags are out of a filter's sight; libc turns to clone. */
static void hide_clone3(void)
{
    rule(SECCOMP_RET_ERRNO | ENOSYS, "clone3", 0, NULL);
}

static void allow_process(unsigned kind)
{
    allow_own_signals();
    /* one's own limits, to read */
    ALLOW_IF("prlimit64", is(0, 0), is_null(2));
    /* PR_SET_NAME, PR_SET_VMA, and what only tells: PDEATHSIG, DUMPABLE, NAME, SECCOMP, CAPBSET, SECUREBITS,
     * TIMERSLACK, NO_NEW_PRIVS, MDWE */
    static const uint32_t prctls[] = {15, 0x53564d41, 2, 3, 16, 21, 23, 27, 30, 39, 66};
    for (size_t i = 0; i < sizeof prctls / sizeof *prctls; i++)
        ALLOW_IF("prctl", is(0, prctls[i]));
    ALLOW_IF("personality", is(0, 0xffffffff)); /* only asks */
    allow_thread(kind);
    hide_clone3();
}

/* Nobody calls these by mistake. The process ends with SIGSYS. */
static const char *const attackers[] = {
    /* other processes */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
    /* what the kernel runs for us */
    "bpf", "userfaultfd", "perf_event_open", "keyctl", "add_key", "request_key", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "kexec_load", "kexec_file_load", "init_module", "finit_module",
    "delete_module",
    /* mounts and namespaces */
    "mount", "umount", "umount2", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount", "open_tree",
    "mount_setattr", "pivot_root", "chroot", "unshare", "setns", "open_by_handle_at", "name_to_handle_at",
    /* the machine */
    "modify_ldt", "iopl", "ioperm", "swapon", "swapoff", "reboot", "acct", "quotactl", "settimeofday",
    "stime", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "uselib",
    "vhangup", "lookup_dcookie", "nfsservctl", "vm86", "vm86old", NULL};

static void kill_attackers(void)
{
    each(SECCOMP_RET_KILL_PROCESS, attackers);
    rule(SECCOMP_RET_KILL_PROCESS, "personality", 0, NULL); /* whoever does more than ask, see above */
}

static void allow_all(unsigned kind)
{
    allow_ordinary();
    allow_memory();
    allow_handler(kind);
    allow_files();
    allow_granted(kind);
    allow_process(kind);
    kill_attackers();
}

/* ---- the two parts ---- */

/* What the zygote and the seal call, and a function must not. */
static const char *const preparing[] = {
    /* processes */ "clone",     "wait4",     "kill",
    /* and the seal */ "capset", "setrlimit", "close_range",
    "landlock_restrict_self",    "seccomp",   NULL};

/* PR_SET_PDEATHSIG, SET_DUMPABLE, CAPBSET_DROP, SET_SECUREBITS, CAP_AMBIENT */
static const uint32_t preparing_prctls[] = {1, 4, 24, 28, 47};

enum { PREPARING_PRCTLS = sizeof preparing_prctls / sizeof *preparing_prctls };

/* The flight recorder is shared memory. What is said first counts. */
static void allow_preparing(void)
{
    each(SECCOMP_RET_ALLOW, preparing);
    rule(SECCOMP_RET_ALLOW, "tgkill", 0, NULL);
    rule(SECCOMP_RET_ALLOW, "clone3", 0, NULL);
    rule(SECCOMP_RET_ALLOW, "unshare", 0, NULL);
    ALLOW_IF("mmap", is(3, SHARED), is(2, READ_WRITE));
    for (int i = 0; i < PREPARING_PRCTLS; i++)
        ALLOW_IF("prctl", is(0, preparing_prctls[i]));
}

/* Each rule of allow_preparing() ends here as it does for allow_all(). */
static void take_back(unsigned kind)
{
    allow_thread(kind);
    each(REFUSE, preparing);
    allow_own_signals();
    rule(REFUSE, "tgkill", 0, NULL);
    hide_clone3();
    rule(SECCOMP_RET_KILL_PROCESS, "unshare", 0, NULL);
    rule(REFUSE, "mmap", 1, (struct filter_check[]){is(3, SHARED)});
    for (int i = 0; i < PREPARING_PRCTLS; i++)
        rule(REFUSE, "prctl", 1, (struct filter_check[]){is(0, preparing_prctls[i])});
}

static void print(const char *machine, const char *part, unsigned kind, uint32_t otherwise)
{
    size_t most = otherwise == SECCOMP_RET_ALLOW ? FILTER_REST_MAX : FILTER_PROGRAM_MAX;
    static struct sock_filter program[FILTER_PROGRAM_MAX];
    size_t count = filter_compile(list.machine, otherwise, list.rules, list.count, program);
    must(count && count <= most ? 0 : -EFBIG, "the rules make no program");
    printf("static const struct sock_filter %s_%s%u[] = {\n", machine, part, kind);
    for (size_t i = 0; i < count; i++)
        printf("    {0x%04x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt, program[i].jf,
               program[i].k);
    puts("};");
}

static int is_kind(unsigned kind)
{
    return !(kind & FILTER_WRITE) || kind & FILTER_READ;
}

static void print_table(const char *machine, const char *part, unsigned kinds)
{
    printf("static const struct filter_program %s_%sFILTERS[%u] = {\n", machine, part, kinds);
    for (unsigned kind = 0; kind < kinds; kind++)
        if (is_kind(kind))
            printf("    [%u] = {%s_%s%u, sizeof %s_%s%u / sizeof(struct sock_filter)},\n", kind, machine,
                   part, kind, machine, part, kind);
    puts("};");
}

/* The first part allows threads to whoever the second does not take them from. */
static void print_parts(const char *machine)
{
    list.count = 0;
    allow_preparing();
    allow_all(FILTER_THREADS);
    print(machine, "COMMON_", 0, REFUSE);
    print_table(machine, "COMMON_", 1);
    for (unsigned kind = 0; kind < FILTER_PLAIN_KINDS; kind++) {
        list.count = 0;
        take_back(kind);
        print(machine, "REST_", kind, SECCOMP_RET_ALLOW);
    }
    print_table(machine, "REST_", FILTER_PLAIN_KINDS);
}

static void print_machine(const char *machine, const char *macro, uint32_t arch)
{
    list.machine = arch;
    printf("#if defined(%s)\n", macro);
    for (unsigned kind = 0; kind < FILTER_KINDS; kind++)
        if (is_kind(kind)) {
            list.count = 0;
            allow_all(kind);
            print(machine, "", kind, REFUSE);
        }
    print_table(machine, "", FILTER_KINDS);
    print_parts(machine);
    puts("#endif");
}

int main(int argc, char **argv)
{
    must(argc == 2 && freopen(argv[1], "w", stdout) ? 0 : -EINVAL, "usage: filter_gen FILE");
    puts("/* Made by filter_gen. */");
    print_machine("X86_64", "__x86_64__", SCMP_ARCH_X86_64);
    print_machine("AARCH64", "__aarch64__", SCMP_ARCH_AARCH64);
    must(fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO, argv[1]);
    return EXIT_SUCCESS;
}
