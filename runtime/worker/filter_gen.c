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

enum { PROGRAM_MAX = 4096 };

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

/* The loader opens the .so. To read only, no O_PATH, O_CREAT or O_TMPFILE: the rest is landlock's. The
 * channel is the one socket; a worker sends bytes through it, never descriptors. */
static void allow_files(void)
{
    ALLOW_IF("openat", SCMP_A2_32(SCMP_CMP_MASKED_EQ, ~(uint32_t)OPEN_FLAGS, 0));
    ALLOW_IF("open", SCMP_A1_32(SCMP_CMP_MASKED_EQ, ~(uint32_t)OPEN_FLAGS, 0));
    ALLOW_IF("sendto", SCMP_A0_32(SCMP_CMP_EQ, FILTER_CHANNEL), SCMP_A4(SCMP_CMP_EQ, 0));
    ALLOW_IF("recvfrom", SCMP_A0_32(SCMP_CMP_EQ, FILTER_CHANNEL), SCMP_A4(SCMP_CMP_EQ, 0));
    ALLOW_IF("recvmsg", SCMP_A0_32(SCMP_CMP_EQ, FILTER_CHANNEL)); /* a worker's descriptors come by it */
    ALLOW_IF("ioctl", SCMP_A1_32(SCMP_CMP_EQ, 0x5401));           /* TCGETS: is it a terminal? */
    static const uint32_t fcntls[] = {0, 1, 2, 3, 1030}; /* F_DUPFD F_GETFD F_SETFD F_GETFL F_DUPFD_CLOEXEC */
    for (size_t i = 0; i < sizeof fcntls / sizeof *fcntls; i++)
        ALLOW_IF("fcntl", SCMP_A1_32(SCMP_CMP_EQ, fcntls[i]));
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

static void build(uint32_t machine, int threads)
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
    allow_files();
    allow_process(threads);
    kill_attackers();
}

static void print(const char *name)
{
    static struct sock_filter program[PROGRAM_MAX];
    int memory = memfd_create("filter", MFD_CLOEXEC);
    must(memory, "memfd_create");
    must(seccomp_export_bpf(filter, memory), "seccomp_export_bpf");
    ssize_t bytes = pread(memory, program, sizeof program, 0);
    must(bytes > 0 && (size_t)bytes < sizeof program ? 0 : -EFBIG, "read the program");
    printf("static const struct sock_filter %s[] = {\n", name);
    for (size_t i = 0; i < (size_t)bytes / sizeof *program; i++)
        printf("    {0x%04x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt, program[i].jf,
               program[i].k);
    puts("};");
    close(memory);
    seccomp_release(filter);
}

static void print_machine(const char *macro, uint32_t machine)
{
    printf("#if defined(%s)\n", macro);
    build(machine, 0);
    print("FILTER_ONE_THREAD");
    build(machine, 1);
    print("FILTER_THREADS");
    puts("#endif");
}

int main(int argc, char **argv)
{
    must(argc == 2 && freopen(argv[1], "w", stdout) ? 0 : -EINVAL, "usage: filter_gen FILE");
    puts("/* Made by filter_gen. */");
    print_machine("__x86_64__", SCMP_ARCH_X86_64);
    print_machine("__aarch64__", SCMP_ARCH_AARCH64);
    must(fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO, argv[1]);
    return EXIT_SUCCESS;
}
