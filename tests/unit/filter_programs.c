#include "filter_programs.h"

#include "support/test.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>

/* Both sets of programs, under names of their own. */
#pragma push_macro("__x86_64__")
#pragma push_macro("__aarch64__")
#undef __aarch64__
#undef __x86_64__
#define __x86_64__        1
#define FILTER_ONE_THREAD X86_64_ONE_THREAD
#define FILTER_THREADS    X86_64_THREADS
#include "filters.h"
#undef __x86_64__
#undef FILTER_ONE_THREAD
#undef FILTER_THREADS
#define __aarch64__       1
#define FILTER_ONE_THREAD AARCH64_ONE_THREAD
#define FILTER_THREADS    AARCH64_THREADS
#include "filters.h"
#undef FILTER_ONE_THREAD
#undef FILTER_THREADS
#pragma pop_macro("__aarch64__")
#pragma pop_macro("__x86_64__")

#define PROGRAM(filter) .program = (filter), .count = sizeof(filter) / sizeof *(filter)
#define X86_64          .arch = AUDIT_ARCH_X86_64, .scmp = SCMP_ARCH_X86_64
#define AARCH64         .arch = AUDIT_ARCH_AARCH64, .scmp = SCMP_ARCH_AARCH64

const struct filter_variant filter_variants[FILTER_VARIANTS] = {
    {.name = "x86-64", X86_64, PROGRAM(X86_64_ONE_THREAD)},
    {.name = "x86-64, threads", X86_64, .threads = true, PROGRAM(X86_64_THREADS)},
    {.name = "aarch64", AARCH64, PROGRAM(AARCH64_ONE_THREAD)},
    {.name = "aarch64, threads", AARCH64, .threads = true, PROGRAM(AARCH64_THREADS)},
};

/* ---- what the kernel does with a program: bpf(4), as far as libseccomp uses it ---- */

static bool jumps(uint16_t code, uint32_t a, uint32_t k)
{
    switch (BPF_OP(code)) {
    case BPF_JA:
        return true;
    case BPF_JEQ:
        return a == k;
    case BPF_JGT:
        return a > k;
    case BPF_JGE:
        return a >= k;
    case BPF_JSET:
        return (a & k) != 0;
    default:
        fail_msg("a jump that this test does not know: 0x%x", code);
        return false;
    }
}

uint32_t filter_run(const struct filter_variant *v, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (size_t at = 0; at < v->count; at++) {
        const struct sock_filter *f = &v->program[at];
        if (f->code == (BPF_RET | BPF_K))
            return f->k;
        if (f->code == (BPF_LD | BPF_W | BPF_ABS)) {
            assert_true(f->k % 4 == 0 && f->k < sizeof *data);
            memcpy(&a, (const char *)data + f->k, sizeof a);
        } else if (f->code == (BPF_ALU | BPF_AND | BPF_K)) {
            a &= f->k;
        } else if (f->code == (BPF_JMP | BPF_JA)) {
            at += f->k;
        } else if (BPF_CLASS(f->code) == BPF_JMP && BPF_SRC(f->code) == BPF_K) {
            at += jumps(f->code, a, f->k) ? f->jt : f->jf;
        } else {
            fail_msg("%s: an instruction that this test does not know: 0x%x", v->name, f->code);
        }
    }
    fail_msg("%s: it ran past its end", v->name);
    return 0;
}
