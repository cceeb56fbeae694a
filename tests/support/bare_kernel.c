/* bare_kernel [landlock] PROGRAM [ARGUMENT]...: runs a program as in a container that allows no new
 * namespace, on a kernel without landlock, or with it. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LANDLOCK_CREATE_RULESET = 444 };

static int refuse(unsigned landlock)
{
    const unsigned answer = SECCOMP_RET_ERRNO | EPERM, unknown = SECCOMP_RET_ERRNO | ENOSYS;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, landlock, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, unknown),
    };
    struct sock_fprog load = {.len = sizeof program / sizeof *program, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &load);
}

int main(int argc, char **argv)
{
    int with_landlock = argc > 1 && strcmp(argv[1], "landlock") == 0;
    char **program = argv + 1 + with_landlock;
    if (argc < 2 + with_landlock || refuse(with_landlock ? ~0u : LANDLOCK_CREATE_RULESET) < 0) {
        perror("bare_kernel");
        return 1;
    }
    execv(*program, program);
    perror(*program);
    return 1;
}
