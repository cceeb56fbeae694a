/* filter_gen.c: writes the workers' system call filters as a C header. Runs on the machine that builds hark;
 * hark-worker itself links no libseccomp and loads the program in one call.
 *
 * This is the list to read: what is not named here is refused with EPERM. */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filter_internal.h"

#include <linux/filter.h>

/* Constants of Linux on both machines, written out: the headers of the building machine may be older. */
enum {
    PRIVATE = 0x02,         /* MAP_PRIVATE */
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

static scmp_filter_ctx filter;

static void must(int error, const char *what)
{
    if (error >= 0)
        return;
    fprintf(stderr, "filter_gen: %s: error %d\n", what, error);
    exit(EXIT_FAILURE);
}

/* By name, so that a list is the same for every machine; a call that this machine or this libseccomp does not
 * have needs no rule. */
static void rule(uint32_t action, const char *name, unsigned count, const struct scmp_arg_cmp *conditions)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return;
    must(seccomp_rule_add_array(filter, action, number, count, conditions), name);
}

#define ALLOW_IF(name, ...)                                                                                  \
    rule(SCMP_ACT_ALLOW, name, sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) / sizeof(struct scmp_arg_cmp),   \
         (struct scmp_arg_cmp[]){__VA_ARGS__})

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
    each(SCMP_ACT_ALLOW, names);
}

/* The loader maps code from the .so; written memory is never code, and nothing is shared with anybody. */
static void allow_memory(void)
{
    struct scmp_arg_cmp own = SCMP_A3_32(SCMP_CMP_MASKED_EQ, SHARE_MASK | STRANGE_MAPS, PRIVATE);
    ALLOW_IF("mmap", SCMP_A2_32(SCMP_CMP_MASKED_EQ, EXEC, 0), own);
    ALLOW_IF("mmap", SCMP_A2_32(SCMP_CMP_MASKED_EQ, WRITE, 0), own);
    ALLOW_IF("mprotect", SCMP_A2_32(SCMP_CMP_MASKED_EQ, ~(uint32_t)READ_WRITE, 0));
    /* From MADV_NORMAL to MADV_DONTNEED; MADV_FREE; huge pages yes and no; in a core dump no and yes. */
    ALLOW_IF("madvise", SCMP_A2_32(SCMP_CMP_LE, 4));
    static const uint32_t advice[] = {8, 14, 15, 16, 17};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        ALLOW_IF("madvise", SCMP_A2_32(SCMP_CMP_EQ, advice[i]));
}

/* The loader opens the .so. No O_PATH or O_TMPFILE: the rest is landlock's. */
static void allow_open(uint32_t flags)
{
    ALLOW_IF("openat", SCMP_A2_32(SCMP_CMP_MASKED_EQ, ~flags, 0));
    ALLOW_IF("open", SCMP_A1_32(SCMP_CMP_MASKED_EQ, ~flags, 0));
}

/* The channel is the one socket; a worker sends bytes through it, never descriptors. */
static void allow_channel(void)
{
    ALLOW_IF("sendto", SCMP_A0_32(SCMP_CMP_EQ, FILTER_CHANNEL), SCMP_A4(SCMP_CMP_EQ, 0));
    ALLOW_IF("recvfrom", SCMP_A0_32(SCMP_CMP_EQ, FILTER_CHANNEL), SCMP_A4(SCMP_CMP_EQ, 0));
}

/* The .so comes by the channel. A worker that can have another unix socket could put it at that number, and
 * take what a service sends: it has got the .so before the filter. */
static void allow_handler(unsigned kind)
{
    if (!(kind & FILTER_UNIX))
        ALLOW_IF("recvmsg", SCMP_A0_32(SCMP_CMP_EQ, FILTER_CHANNEL));
}

static void allow_files(void)
{
    ALLOW_IF("ioctl", SCMP_A1_32(SCMP_CMP_EQ, 0x5401));  /* TCGETS: is it a terminal? */
    static const uint32_t fcntls[] = {0, 1, 2, 3, 1030}; /* F_DUPFD F_GETFD F_SETFD F_GETFL F_DUPFD_CLOEXEC */
    for (size_t i = 0; i < sizeof fcntls / sizeof *fcntls; i++)
        ALLOW_IF("fcntl", SCMP_A1_32(SCMP_CMP_EQ, fcntls[i]));
}

/* ---- what a manifest grants ---- */

/* To find one's way in folders; which ones, the mounts and landlock say. */
static void allow_reading(void)
{
    static const char *const names[] = {"getdents64", "readlink", "readlinkat", "access", "faccessat",
                                        "faccessat2", "stat",     "lstat",      "statfs", "fstatfs",
                                        "fadvise64",  "flock",    NULL};
    each(SCMP_ACT_ALLOW, names);
}

/* Nothing that changes a mode, an owner or an attribute, that links, or that makes what is neither file nor
 * folder: rename with RENAME_WHITEOUT makes a device. fallocate has no flags, for one of them takes room
 * beyond RLIMIT_FSIZE. */
static void allow_writing(void)
{
    static const char *const names[] = {"truncate", "ftruncate", "fsync",    "fdatasync", "mkdir",
                                        "mkdirat",  "unlink",    "unlinkat", "rmdir",     "rename",
                                        "renameat", "umask",     NULL};
    each(SCMP_ACT_ALLOW, names);
    uint32_t flags = OPEN_FLAGS | WRITE_FLAGS | CREATE_FLAG;
    ALLOW_IF("openat", SCMP_A2_32(SCMP_CMP_MASKED_EQ, ~flags, 0),
             SCMP_A3_32(SCMP_CMP_MASKED_EQ, SET_ID_BITS, 0));
    ALLOW_IF("open", SCMP_A1_32(SCMP_CMP_MASKED_EQ, ~flags, 0),
             SCMP_A2_32(SCMP_CMP_MASKED_EQ, SET_ID_BITS, 0));
    ALLOW_IF("creat", SCMP_A1_32(SCMP_CMP_MASKED_EQ, SET_ID_BITS, 0));
    ALLOW_IF("renameat2", SCMP_A4_32(SCMP_CMP_LE, 3)); /* RENAME_NOREPLACE, RENAME_EXCHANGE */
    ALLOW_IF("fallocate", SCMP_A1_32(SCMP_CMP_EQ, 0));
    static const uint32_t locks[] = {5, 6, 7, 36, 37, 38}; /* F_GETLK F_SETLK F_SETLKW, F_OFD_ the same */
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++)
        ALLOW_IF("fcntl", SCMP_A1_32(SCMP_CMP_EQ, locks[i]));
}

static void allow_socket(uint32_t family, uint32_t type, uint32_t protocol)
{
    ALLOW_IF("socket", SCMP_A0_32(SCMP_CMP_EQ, family),
             SCMP_A1_32(SCMP_CMP_MASKED_EQ, ~(uint32_t)SOCKET_FLAGS, type),
             SCMP_A2_32(SCMP_CMP_EQ, protocol));
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
        ALLOW_IF(call, SCMP_A1_32(SCMP_CMP_EQ, options[i].level), SCMP_A2_32(SCMP_CMP_EQ, options[i].name));
}

/* Without addresses and MSG_FASTOPEN, which connects behind landlock's back. sendmsg and recvmsg are left
 * out: they carry descriptors, and what is in their headers no filter can see. */
static void allow_talking(void)
{
    static const char *const names[] = {"connect", "shutdown", "getpeername", "getsockname", NULL};
    each(SCMP_ACT_ALLOW, names);
    ALLOW_IF("sendto", SCMP_A3_32(SCMP_CMP_MASKED_EQ, FAST_OPEN, 0), SCMP_A4(SCMP_CMP_EQ, 0));
    ALLOW_IF("recvfrom", SCMP_A4(SCMP_CMP_EQ, 0));
    allow_options("setsockopt", to_set, sizeof to_set / sizeof *to_set);
    allow_options("getsockopt", to_set, sizeof to_set / sizeof *to_set);
    allow_options("getsockopt", to_ask, sizeof to_ask / sizeof *to_ask);
    ALLOW_IF("fcntl", SCMP_A1_32(SCMP_CMP_EQ, 4), /* F_SETFL */
             SCMP_A2_32(SCMP_CMP_MASKED_EQ, ~(uint32_t)STATUS_FLAGS, 0));
    ALLOW_IF("ioctl", SCMP_A1_32(SCMP_CMP_EQ, 0x5421)); /* FIONBIO */
    ALLOW_IF("ioctl", SCMP_A1_32(SCMP_CMP_EQ, 0x541b)); /* FIONREAD */
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

static void allow_process(int threads)
{
    /* raise(3) and abort(3) */
    ALLOW_IF("tgkill", SCMP_A0_32(SCMP_CMP_EQ, FILTER_OWN_PID));
    /* one's own limits, to read */
    ALLOW_IF("prlimit64", SCMP_A0_32(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
    /* PR_SET_NAME, PR_SET_VMA, and what only tells: PDEATHSIG, DUMPABLE, NAME, SECCOMP, CAPBSET, SECUREBITS,
     * TIMERSLACK, NO_NEW_PRIVS, MDWE */
    static const uint32_t prctls[] = {15, 0x53564d41, 2, 3, 16, 21, 23, 27, 30, 39, 66};
    for (size_t i = 0; i < sizeof prctls / sizeof *prctls; i++)
        ALLOW_IF("prctl", SCMP_A0_32(SCMP_CMP_EQ, prctls[i]));
    ALLOW_IF("personality", SCMP_A0_32(SCMP_CMP_EQ, 0xffffffff)); /* only asks */
    if (threads)
        ALLOW_IF("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, PTHREAD_FLAGS));
    rule(SCMP_ACT_ERRNO(ENOSYS), "clone3", 0,
         NULL); /* its flags are out of a filter's sight; libc turns to clone */
}

/* Nobody calls these by mistake. The process ends with SIGSYS. */
static const char *const attackers[] = {"ptrace",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "process_madvise",
                                        "kcmp",
                                        "bpf",
                                        "userfaultfd",
                                        "perf_event_open",
                                        "keyctl",
                                        "add_key",
                                        "request_key",
                                        "io_uring_setup",
                                        "io_uring_enter",
                                        "io_uring_register",
                                        "kexec_load",
                                        "kexec_file_load",
                                        "init_module",
                                        "finit_module",
                                        "delete_module",
                                        "mount",
                                        "umount",
                                        "umount2",
                                        "fsopen",
                                        "fsconfig",
                                        "fsmount",
                                        "fspick",
                                        "move_mount",
                                        "open_tree",
                                        "mount_setattr",
                                        "pivot_root",
                                        "chroot",
                                        "unshare",
                                        "setns",
                                        "open_by_handle_at",
                                        "name_to_handle_at",
                                        "modify_ldt",
                                        "iopl",
                                        "ioperm",
                                        "swapon",
                                        "swapoff",
                                        "reboot",
                                        "acct",
                                        "quotactl",
                                        "settimeofday",
                                        "stime",
                                        "clock_settime",
                                        "clock_adjtime",
                                        "adjtimex",
                                        "sethostname",
                                        "setdomainname",
                                        "uselib",
                                        "vhangup",
                                        "lookup_dcookie",
                                        "nfsservctl",
                                        "vm86",
                                        "vm86old",
                                        NULL};

static void kill_attackers(void)
{
    each(SCMP_ACT_KILL_PROCESS, attackers);
    struct scmp_arg_cmp not_a_question = SCMP_A0_32(SCMP_CMP_NE, 0xffffffff);
    rule(SCMP_ACT_KILL_PROCESS, "personality", 1, &not_a_question);
}

static void build(uint32_t machine, unsigned kind)
{
    filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    must(filter ? 0 : -ENOMEM, "seccomp_init");
    if (machine != seccomp_arch_native()) {
        must(seccomp_arch_add(filter, machine), "seccomp_arch_add");
        must(seccomp_arch_remove(filter, seccomp_arch_native()), "seccomp_arch_remove");
    }
    /* int 0x80 and x32 on x86-64, 32-bit calls on arm64 */
    must(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad arch");
    must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize"); /* a tree, not a list */
    allow_ordinary();
    allow_memory();
    allow_handler(kind);
    allow_files();
    allow_granted(kind);
    allow_process(kind & FILTER_THREADS);
    kill_attackers();
}

static void print(const char *machine, unsigned kind)
{
    static struct sock_filter program[FILTER_PROGRAM_MAX];
    int memory = memfd_create("filter", MFD_CLOEXEC);
    must(memory, "memfd_create");
    must(seccomp_export_bpf(filter, memory), "seccomp_export_bpf");
    off_t bytes = lseek(memory, 0, SEEK_END);
    must(bytes <= (off_t)sizeof program && pread(memory, program, sizeof program, 0) == bytes ? 0 : -EFBIG,
         "read the program");
    printf("static const struct sock_filter %s_%u[] = {\n", machine, kind);
    for (size_t i = 0; i < (size_t)bytes / sizeof *program; i++)
        printf("    {0x%04x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt, program[i].jf,
               program[i].k);
    puts("};");
    close(memory);
    seccomp_release(filter);
}

static int is_kind(unsigned kind)
{
    return !(kind & FILTER_WRITE) || kind & FILTER_READ;
}

static void print_table(const char *machine)
{
    printf("static const struct filter_program %s_FILTERS[FILTER_KINDS] = {\n", machine);
    for (unsigned kind = 0; kind < FILTER_KINDS; kind++)
        if (is_kind(kind))
            printf("    [%u] = {%s_%u, sizeof %s_%u / sizeof *%s_%u},\n", kind, machine, kind, machine, kind,
                   machine, kind);
    puts("};");
}

static void print_machine(const char *machine, const char *macro, uint32_t arch)
{
    printf("#if defined(%s)\n", macro);
    for (unsigned kind = 0; kind < FILTER_KINDS; kind++)
        if (is_kind(kind)) {
            build(arch, kind);
            print(machine, kind);
        }
    print_table(machine);
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
