#include "filter_programs.h"

#include "support/test.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Both sets of programs. */
#pragma push_macro("__x86_64__")
#pragma push_macro("__aarch64__")
#undef __aarch64__
#undef __x86_64__
#define __x86_64__ 1
#include "filters.h"
#undef __x86_64__
#define __aarch64__ 1
#include "filters.h"
#pragma pop_macro("__aarch64__")
#pragma pop_macro("__x86_64__")

static const struct {
    const char *name;
    uint32_t arch, scmp;
    const struct filter_program *programs, *common, *rests;
} machines[] = {
    {"x86-64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, X86_64_FILTERS, X86_64_COMMON_FILTERS,
     X86_64_REST_FILTERS},
    {"aarch64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, AARCH64_FILTERS, AARCH64_COMMON_FILTERS,
     AARCH64_REST_FILTERS},
};

struct filter_variant filter_variants[FILTER_VARIANTS];

static void add(struct filter_variant *v, size_t machine, unsigned kind)
{
    const struct filter_program *p = &machines[machine].programs[kind];
    *v = (struct filter_variant){.arch = machines[machine].arch,
                                 .scmp = machines[machine].scmp,
                                 .kind = kind,
                                 .program = p->program,
                                 .count = p->count};
    snprintf(v->name, sizeof v->name, "%s%s%s%s%s%s", machines[machine].name,
             kind & FILTER_THREADS ? ", threads" : "", kind & FILTER_READ ? ", read" : "",
             kind & FILTER_WRITE ? ", write" : "", kind & FILTER_UNIX ? ", unix" : "",
             kind & FILTER_TCP ? ", tcp" : "");
}

static void add_in_two_parts(struct filter_variant *v, size_t machine, unsigned kind)
{
    const struct filter_program *common = machines[machine].common, *rest = &machines[machine].rests[kind];
    *v = (struct filter_variant){.arch = machines[machine].arch,
                                 .scmp = machines[machine].scmp,
                                 .kind = kind,
                                 .program = rest->program,
                                 .count = rest->count,
                                 .common = common->program,
                                 .common_count = common->count};
    snprintf(v->name, sizeof v->name, "%s, in two parts%s", machines[machine].name,
             kind & FILTER_THREADS ? ", threads" : "");
}

void filter_list(void)
{
    size_t count = 0;
    for (size_t machine = 0; machine < 2; machine++)
        for (unsigned kind = 0; kind < FILTER_PLAIN_KINDS; kind++)
            add_in_two_parts(&filter_variants[count++], machine, kind);
    for (size_t machine = 0; machine < 2; machine++)
        for (unsigned kind = 0; kind < FILTER_KINDS; kind++)
            if (machines[machine].programs[kind].program) {
                assert_true(count < FILTER_VARIANTS);
                add(&filter_variants[count++], machine, kind);
            }
    assert_int_equal(count, FILTER_VARIANTS);
}

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

static uint32_t run(const struct filter_variant *v, const struct sock_filter *program, size_t count,
                    const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (size_t at = 0; at < count; at++) {
        const struct sock_filter *f = &program[at];
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

uint32_t filter_run_common(const struct filter_variant *v, const struct seccomp_data *data)
{
    return run(v, v->common, v->common_count, data);
}

/* seccomp(2): the lower of two is the stricter, as signed numbers; of equals the one loaded last counts. */
uint32_t filter_run(const struct filter_variant *v, const struct seccomp_data *data)
{
    uint32_t verdict = run(v, v->program, v->count, data);
    uint32_t common = v->common ? filter_run_common(v, data) : SECCOMP_RET_ALLOW;
    const uint32_t action = SECCOMP_RET_ACTION_FULL;
    return (int32_t)(common & action) < (int32_t)(verdict & action) ? common : verdict;
}
