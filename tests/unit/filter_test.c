/* filter_test.c: the workers' system call filters, for both machines, whichever this one is: the programs
 * that were generated are interpreted here over calls that nobody makes. The lists are written out once more,
 * so that a rule that comes, goes or says something else has to be meant. */
#include "support/test.h"

#include "filter_granted.h"
#include "filter_programs.h"
#include "worker/filter_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { NUMBERS = 1024, SOCKETS = FILTER_UNIX | FILTER_TCP, X32_BIT = 0x40000000 };

#define ALLOW     SECCOMP_RET_ALLOW
#define REFUSE    (SECCOMP_RET_ERRNO | EPERM)
#define NOT_THERE (SECCOMP_RET_ERRNO | ENOSYS)
#define KILL      SECCOMP_RET_KILL_PROCESS
#define HIGH      (1ull << 32) /* of an argument: beyond what most conditions look at */
#define ONES      UINT64_MAX

/* ---- claims ---- */

static bool is_covered[FILTER_VARIANTS][NUMBERS]; /* by a claim about a call of this number */

/* Its number there; negative: this machine has no such call. A name that no machine has is a slip. */
static int number_of(const struct filter_variant *v, const char *call)
{
    int number = seccomp_syscall_resolve_name_arch(v->scmp, call);
    if (number == __NR_SCMP_ERROR)
        fail_msg("libseccomp knows no call '%s'", call);
    return number;
}

static void is(const struct filter_variant *v, const char *call, const uint64_t args[6], uint32_t expected)
{
    int number = number_of(v, call);
    if (number < 0)
        return;
    struct seccomp_data data = {.nr = number, .arch = v->arch};
    memcpy(data.args, args, sizeof data.args);
    uint32_t verdict = filter_run(v, &data);
    if (verdict != expected)
        fail_msg("%s: %s(0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx): 0x%x instead of 0x%x", v->name, call,
                 (unsigned long long)args[0], (unsigned long long)args[1], (unsigned long long)args[2],
                 (unsigned long long)args[3], (unsigned long long)args[4], verdict, expected);
    is_covered[v - filter_variants][number] = true;
}

/* Whatever its arguments. */
static void each_is(const char *const *calls, uint32_t expected)
{
    static const uint64_t zeros[6], ones[6] = {ONES, ONES, ONES, ONES, ONES, ONES};
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        for (const char *const *call = calls; *call; call++) {
            is(&filter_variants[i], *call, zeros, expected);
            is(&filter_variants[i], *call, ones, expected);
        }
}

static const char *const ordinary[] = {"read",
                                       "write",
                                       "readv",
                                       "writev",
                                       "pread64",
                                       "pwrite64",
                                       "lseek",
                                       "close",
                                       "dup",
                                       "dup2",
                                       "dup3",
                                       "pipe",
                                       "pipe2",
                                       "fstat",
                                       "newfstatat",
                                       "statx",
                                       "poll",
                                       "ppoll",
                                       "select",
                                       "pselect6",
                                       "epoll_create",
                                       "epoll_create1",
                                       "epoll_ctl",
                                       "epoll_wait",
                                       "epoll_pwait",
                                       "epoll_pwait2",
                                       "eventfd",
                                       "eventfd2",
                                       "timerfd_create",
                                       "timerfd_settime",
                                       "timerfd_gettime",
                                       "brk",
                                       "munmap",
                                       "mremap",
                                       "futex",
                                       "futex_waitv",
                                       "set_robust_list",
                                       "rseq",
                                       "membarrier",
                                       "sched_yield",
                                       "sched_getaffinity",
                                       "sched_getparam",
                                       "sched_getscheduler",
                                       "sched_get_priority_max",
                                       "sched_get_priority_min",
                                       "gettid",
                                       "rt_sigaction",
                                       "rt_sigprocmask",
                                       "rt_sigreturn",
                                       "rt_sigpending",
                                       "rt_sigsuspend",
                                       "rt_sigtimedwait",
                                       "sigaltstack",
                                       "restart_syscall",
                                       "pause",
                                       "alarm",
                                       "setitimer",
                                       "getitimer",
                                       "clock_gettime",
                                       "clock_getres",
                                       "clock_nanosleep",
                                       "nanosleep",
                                       "gettimeofday",
                                       "time",
                                       "times",
                                       "getrandom",
                                       "getrusage",
                                       "getcpu",
                                       "getpid",
                                       "getppid",
                                       "getuid",
                                       "geteuid",
                                       "getgid",
                                       "getegid",
                                       "getresuid",
                                       "getresgid",
                                       "getgroups",
                                       "capget",
                                       "getcwd",
                                       "chdir",
                                       "uname",
                                       "sysinfo",
                                       "getrlimit",
                                       "exit",
                                       "exit_group",
                                       NULL};

static void ordinary_calls_are_allowed(void **unused)
{
    (void)unused;
    each_is(ordinary, ALLOW);
}

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

static void calls_of_attackers_kill(void **unused)
{
    (void)unused;
    each_is(attackers, KILL);
}

static void clone3_is_not_there(void **unused)
{
    (void)unused;
    static const char *const calls[] = {"clone3", NULL};
    each_is(calls, NOT_THERE);
}

/* A call with conditions. */
struct condition {
    const char *call;
    uint64_t args[6];
    uint32_t expected;
    unsigned unless; /* one of these was granted: then it is the other way round */
};

static const struct condition conditions[] = {
    {"mmap", {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ONES}, ALLOW},
    {"mmap", {0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, ONES}, ALLOW},
    {"mmap", {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, 4}, ALLOW},
    {"mmap", {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ONES}, REFUSE},
    {"mmap", {0, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 4}, REFUSE},
    {"mmap", {0, 4096, HIGH | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 4}, REFUSE},
    {"mmap", {0, 4096, PROT_READ, MAP_SHARED, 4}, REFUSE},
    {"mmap", {0, 4096, PROT_READ, MAP_SHARED_VALIDATE, 4}, REFUSE},
    {"mmap", {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, ONES}, REFUSE},
    {"mmap", {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x40000, ONES}, REFUSE}, /* MAP_HUGETLB */
    {"mmap", {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100, ONES}, REFUSE},   /* MAP_GROWSDOWN */
    {"mmap", {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, FILTER_CHANNEL}, REFUSE},
    {"mmap", {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, FILTER_CHANNEL}, REFUSE},
    {"mmap", {0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, FILTER_CHANNEL}, REFUSE},
    {"mmap", {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, FILTER_CHANNEL}, REFUSE},
    {"mprotect", {0, 4096, PROT_NONE}, ALLOW},
    {"mprotect", {0, 4096, PROT_READ | PROT_WRITE}, ALLOW},
    {"mprotect", {0, 4096, PROT_READ | PROT_EXEC}, REFUSE},
    {"mprotect", {0, 4096, HIGH | PROT_EXEC}, REFUSE},
    {"mprotect", {0, 4096, PROT_READ | 0x01000000}, REFUSE}, /* PROT_GROWSDOWN */
    {"madvise", {0, 4096, MADV_NORMAL}, ALLOW},
    {"madvise", {0, 4096, MADV_DONTNEED}, ALLOW},
    {"madvise", {0, 4096, 5}, REFUSE},
    {"madvise", {0, 4096, MADV_FREE}, ALLOW},
    {"madvise", {0, 4096, HIGH | MADV_REMOVE}, REFUSE},
    {"madvise", {0, 4096, MADV_DONTFORK}, REFUSE},
    {"madvise", {0, 4096, MADV_DOFORK}, REFUSE},
    {"madvise", {0, 4096, MADV_MERGEABLE}, REFUSE},
    {"madvise", {0, 4096, MADV_UNMERGEABLE}, REFUSE},
    {"madvise", {0, 4096, MADV_HUGEPAGE}, ALLOW},
    {"madvise", {0, 4096, MADV_NOHUGEPAGE}, ALLOW},
    {"madvise", {0, 4096, MADV_DONTDUMP}, ALLOW},
    {"madvise", {0, 4096, MADV_DODUMP}, ALLOW},
    {"madvise", {0, 4096, MADV_WIPEONFORK}, REFUSE},
    {"madvise", {0, 4096, 100}, REFUSE}, /* MADV_HWPOISON */
    {"madvise", {0, 4096, 0xffffffff}, REFUSE},
    {"sendto", {FILTER_CHANNEL, 1, 1, MSG_NOSIGNAL, 0}, ALLOW},
    {"sendto", {FILTER_CHANNEL, 1, 1, 0, 4096}, REFUSE},
    {"sendto", {FILTER_CHANNEL, 1, 1, 0, HIGH}, REFUSE},
    {"sendto", {FILTER_CHANNEL + 1, 1, 1, 0, 0}, REFUSE, SOCKETS},
    {"recvfrom", {FILTER_CHANNEL, 1, 1, 0, 0}, ALLOW},
    {"recvfrom", {FILTER_CHANNEL, 1, 1, 0, HIGH}, REFUSE},
    {"recvfrom", {0, 1, 1, 0, 0}, REFUSE, SOCKETS},
    {"recvmsg", {FILTER_CHANNEL, 4096, 0}, ALLOW, FILTER_UNIX}, /* another socket could be there */
    {"recvmsg", {FILTER_CHANNEL + 1, 4096, 0}, REFUSE},
    {"ioctl", {0, 0x5401}, ALLOW},
    {"ioctl", {0, 0x5412}, REFUSE}, /* TIOCSTI */
    {"ioctl", {0, 0}, REFUSE},
    {"fcntl", {0, F_DUPFD}, ALLOW},
    {"fcntl", {0, F_GETFD}, ALLOW},
    {"fcntl", {0, F_SETFD}, ALLOW},
    {"fcntl", {0, F_GETFL}, ALLOW},
    {"fcntl", {0, F_DUPFD_CLOEXEC}, ALLOW},
    {"fcntl", {0, F_SETFL}, REFUSE, SOCKETS},
    {"fcntl", {0, HIGH | F_SETOWN}, REFUSE},
    {"fcntl", {0, 10}, REFUSE},   /* F_SETSIG */
    {"fcntl", {0, 1024}, REFUSE}, /* F_SETLEASE */
    {"fcntl", {0, 1026}, REFUSE}, /* F_NOTIFY */
    {"fcntl", {0, 1031}, REFUSE}, /* F_SETPIPE_SZ */
    {"fcntl", {0, 1033}, REFUSE}, /* F_ADD_SEALS */
    {"tgkill", {FILTER_OWN_PID, 1, SIGABRT}, ALLOW},
    {"tgkill", {1, 1, SIGKILL}, REFUSE},
    {"tgkill", {0, 0, SIGKILL}, REFUSE},
    {"prlimit64", {0, 0, 0, 4096}, ALLOW},
    {"prlimit64", {0, 0, 4096, 0}, REFUSE},
    {"prlimit64", {0, 0, HIGH, 0}, REFUSE},
    {"prlimit64", {1, 0, 0, 4096}, REFUSE},
    {"personality", {0xffffffff}, ALLOW},
    {"personality", {0}, KILL},
    {"personality", {0x0040000}, KILL}, /* ADDR_NO_RANDOMIZE */
    {"prctl", {PR_SET_NAME}, ALLOW},
    {"prctl", {PR_SET_VMA}, ALLOW},
    {"prctl", {PR_GET_PDEATHSIG}, ALLOW},
    {"prctl", {PR_GET_DUMPABLE}, ALLOW},
    {"prctl", {PR_GET_NAME}, ALLOW},
    {"prctl", {PR_GET_SECCOMP}, ALLOW},
    {"prctl", {PR_CAPBSET_READ}, ALLOW},
    {"prctl", {PR_GET_SECUREBITS}, ALLOW},
    {"prctl", {PR_GET_TIMERSLACK}, ALLOW},
    {"prctl", {PR_GET_NO_NEW_PRIVS}, ALLOW},
    {"prctl", {66}, ALLOW},  /* PR_GET_MDWE */
    {"prctl", {65}, REFUSE}, /* PR_SET_MDWE */
    {"prctl", {PR_SET_PDEATHSIG}, REFUSE},
    {"prctl", {PR_SET_DUMPABLE}, REFUSE},
    {"prctl", {PR_SET_SECCOMP}, REFUSE},
    {"prctl", {PR_SET_MM}, REFUSE},
    {"prctl", {PR_SET_PTRACER}, REFUSE},
    {"prctl", {PR_SET_CHILD_SUBREAPER}, REFUSE},
    {"prctl", {PR_SET_SYSCALL_USER_DISPATCH}, REFUSE},
    {"prctl", {PR_CAP_AMBIENT}, REFUSE},
    {"prctl", {PR_SET_TAGGED_ADDR_CTRL}, REFUSE},
};

static void conditions_hold(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        for (size_t j = 0; j < sizeof conditions / sizeof *conditions; j++) {
            const struct condition *c = &conditions[j];
            uint32_t other = c->expected == ALLOW ? REFUSE : ALLOW;
            is(&filter_variants[i], c->call, c->args,
               filter_variants[i].kind & c->unless ? other : c->expected);
        }
}

static const uint64_t READ_FLAGS[] = {
    O_RDONLY, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_RDONLY | O_CLOEXEC | O_DIRECTORY};
static const uint64_t OTHER_FLAGS[] = {O_WRONLY, O_RDWR,    O_CREAT, O_TRUNC,  O_APPEND,
                                       O_PATH,   O_TMPFILE, O_EXCL,  O_NOATIME};

/* Some flags have other values on another machine: of this one, then. */
static bool is_native(const struct filter_variant *v)
{
    return v->scmp == seccomp_arch_native();
}

/* Of flags beyond those to read: with a grant to write, all but O_PATH, __O_TMPFILE and O_NOATIME. */
static bool opens_with(const struct filter_variant *v, uint64_t flags)
{
    return v->kind & FILTER_WRITE && !(flags & (O_PATH | 020000000 | O_NOATIME));
}

static void files_are_opened_to_read_unless_writing_is_granted(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FILTER_VARIANTS; i++) {
        for (size_t j = 0; j < sizeof READ_FLAGS / sizeof *READ_FLAGS && is_native(&filter_variants[i]);
             j++) {
            is(&filter_variants[i], "openat", (uint64_t[6]){(uint64_t)AT_FDCWD, 1, READ_FLAGS[j]}, ALLOW);
            is(&filter_variants[i], "open", (uint64_t[6]){1, READ_FLAGS[j]}, ALLOW);
        }
        for (size_t j = 0; j < sizeof OTHER_FLAGS / sizeof *OTHER_FLAGS && is_native(&filter_variants[i]);
             j++) {
            uint32_t expected = opens_with(&filter_variants[i], OTHER_FLAGS[j]) ? ALLOW : REFUSE;
            is(&filter_variants[i], "openat", (uint64_t[6]){(uint64_t)AT_FDCWD, 1, OTHER_FLAGS[j]}, expected);
            is(&filter_variants[i], "open", (uint64_t[6]){1, OTHER_FLAGS[j]}, expected);
        }
        /* the same everywhere: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_PATH; __O_TMPFILE */
        static const uint64_t everywhere[] = {1, 2, 0100, 01000, 02000, 010000000, 020000000};
        for (size_t j = 0; j < sizeof everywhere / sizeof *everywhere; j++)
            is(&filter_variants[i], "openat", (uint64_t[6]){0, 1, everywhere[j] | O_CLOEXEC},
               opens_with(&filter_variants[i], everywhere[j]) ? ALLOW : REFUSE);
        is(&filter_variants[i], "openat", (uint64_t[6]){0, 1, O_CLOEXEC}, ALLOW);
    }
}

/* Threads as pthread_create(3) makes them; no other child, and no namespace on the way. */
static void threads_are_made_where_they_are_granted(void **unused)
{
    (void)unused;
    const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                            CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    const uint64_t others[] = {
        SIGCHLD,
        CLONE_VM | CLONE_VFORK | SIGCHLD,
        thread & ~(uint64_t)CLONE_THREAD,
        thread | CLONE_NEWUSER,
        thread | CLONE_NEWPID,
        thread | CLONE_UNTRACED,
        thread | CLONE_PARENT,
        thread | SIGCHLD,
        0,
    };
    for (size_t i = 0; i < FILTER_VARIANTS; i++) {
        is(&filter_variants[i], "clone", (uint64_t[6]){thread},
           filter_variants[i].kind & FILTER_THREADS ? ALLOW : REFUSE);
        for (size_t j = 0; j < sizeof others / sizeof *others; j++)
            is(&filter_variants[i], "clone", (uint64_t[6]){others[j]}, REFUSE);
    }
}

static void grants_open_what_they_name_and_nothing_beside(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FILTER_VARIANTS; i++) {
        const struct filter_variant *v = &filter_variants[i];
        for (const struct filter_granted *g = filter_granted; g->call; g++)
            is(v, g->call, g->args, v->kind & g->kinds ? ALLOW : REFUSE);
        for (const struct filter_granted *g = filter_beside; g->call; g++)
            is(v, g->call, g->args, REFUSE);
    }
}

/* After all the claims above: whatever else there is, and is yet to come. */
static void every_other_number_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        for (int number = 0; number < NUMBERS; number++) {
            struct seccomp_data data = {.nr = number, .arch = filter_variants[i].arch};
            if (is_covered[i][number])
                continue;
            uint32_t verdict = filter_run(&filter_variants[i], &data);
            if (verdict != REFUSE)
                fail_msg("%s: call %d, about which this test claims nothing, is not refused: 0x%x",
                         filter_variants[i].name, number, verdict);
        }
}

static void a_call_in_another_machines_manner_kills(void **unused)
{
    (void)unused;
    static const uint32_t others[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64,
                                      0};
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        for (size_t j = 0; j < sizeof others / sizeof *others; j++)
            for (int number = -1; number < NUMBERS && others[j] != filter_variants[i].arch; number++) {
                struct seccomp_data data = {.nr = number, .arch = others[j]};
                assert_int_equal(filter_run(&filter_variants[i], &data), KILL);
            }
}

static void x32_calls_kill(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        for (int number = 0; number < NUMBERS; number++) {
            struct seccomp_data data = {.nr = X32_BIT | number, .arch = filter_variants[i].arch};
            assert_int_equal(filter_run(&filter_variants[i], &data),
                             filter_variants[i].scmp == SCMP_ARCH_X86_64 ? KILL : REFUSE);
        }
}

/* Where the worker writes its own process id. */
static void there_is_one_place_for_the_own_process(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FILTER_VARIANTS; i++) {
        unsigned places = 0;
        for (size_t at = 0; at < filter_variants[i].count; at++)
            places += filter_variants[i].program[at].k == FILTER_OWN_PID;
        assert_int_equal(places, 1);
    }
}

static bool is_named(const struct filter_variant *v, const char *const *calls, int number)
{
    while (*calls && seccomp_syscall_resolve_name_arch(v->scmp, *calls) != number)
        calls++;
    return *calls;
}

/* Beside that, calls of mmap and prctl. */
static void the_zygote_keeps_what_it_calls_and_nothing_else(void **unused)
{
    (void)unused;
    static const char *const kept[] = {"clone",     "clone3",      "wait4",
                                       "kill",      "tgkill",      "capset",
                                       "setrlimit", "close_range", "landlock_restrict_self",
                                       "seccomp",   "unshare",     NULL};
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        for (int number = 0; number < NUMBERS && filter_variants[i].common; number++) {
            const struct filter_variant *v = &filter_variants[i];
            struct seccomp_data data = {.nr = number, .arch = v->arch};
            bool keeps = filter_run_common(v, &data) != filter_run(v, &data);
            if (keeps != is_named(v, kept, number))
                fail_msg("%s: call %d is %skept by the zygote", v->name, number, keeps ? "" : "not ");
        }
}

int main(void)
{
    filter_list();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_calls_are_allowed),
        cmocka_unit_test(calls_of_attackers_kill),
        cmocka_unit_test(clone3_is_not_there),
        cmocka_unit_test(conditions_hold),
        cmocka_unit_test(files_are_opened_to_read_unless_writing_is_granted),
        cmocka_unit_test(threads_are_made_where_they_are_granted),
        cmocka_unit_test(grants_open_what_they_name_and_nothing_beside),
        cmocka_unit_test(every_other_number_is_refused),
        cmocka_unit_test(a_call_in_another_machines_manner_kills),
        cmocka_unit_test(x32_calls_kill),
        cmocka_unit_test(there_is_one_place_for_the_own_process),
        cmocka_unit_test(the_zygote_keeps_what_it_calls_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
