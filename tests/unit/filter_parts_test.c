/* filter_parts_test.c: a worker without grants has its system call filter in two parts, one of them inherited
 * from the zygote. Together they say of every call what the whole filter says: nothing that was left to the
 * zygote is left to a function. The whole is what filter_test.c makes its claims about, too. */
#include "support/test.h"

#include "filter_programs.h"
#include "worker/filter_internal.h"

#include <linux/audit.h>
#include <stdbool.h>

enum {
    NUMBERS = 1024,
    ARGUMENTS = 6,
    FIRST_ARGUMENT = offsetof(struct seccomp_data, args),
    WORDS_MAX = 512,
    X32_BIT = 0x40000000,
    MANNERS = 4
};

/* What some condition could tell from its neighbours: the constants of the programs, and each bit alone. */
static uint32_t words[WORDS_MAX];
static size_t word_count;

static void add_word(uint32_t word)
{
    for (size_t i = 0; i < word_count; i++)
        if (words[i] == word)
            return;
    assert_true(word_count < WORDS_MAX);
    words[word_count++] = word;
}

/* A program begins with the tree of the calls' numbers; arguments are looked at behind it. */
static void add_words_of(const struct sock_filter *program, size_t count)
{
    size_t i = 0;
    while (i < count && (BPF_CLASS(program[i].code) != BPF_LD || program[i].k < FIRST_ARGUMENT))
        i++;
    assert_true(i < count);
    for (; i < count; i++)
        if (BPF_CLASS(program[i].code) != BPF_LD && BPF_CLASS(program[i].code) != BPF_RET)
            add_word(program[i].k);
}

static void list_words(const struct filter_variant *parts, const struct filter_variant *whole)
{
    word_count = 0;
    add_word(0);
    add_word(UINT32_MAX);
    for (unsigned bit = 0; bit < 32; bit++)
        add_word(1u << bit);
    add_words_of(parts->program, parts->count);
    add_words_of(parts->common, parts->common_count);
    add_words_of(whole->program, whole->count);
}

static uint32_t compare(const struct filter_variant *parts, const struct filter_variant *whole,
                        const struct seccomp_data *data)
{
    uint32_t found = filter_run(parts, data), expected = filter_run(whole, data);
    if (found != expected)
        fail_msg("%s: call %d of 0x%x (0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx): 0x%x instead of 0x%x",
                 parts->name, data->nr, data->arch, (unsigned long long)data->args[0],
                 (unsigned long long)data->args[1], (unsigned long long)data->args[2],
                 (unsigned long long)data->args[3], (unsigned long long)data->args[4], found, expected);
    return found;
}

/* Returns whether its arguments play a part. */
static bool compare_each_argument(const struct filter_variant *parts, const struct filter_variant *whole,
                                  struct seccomp_data data)
{
    uint32_t usual = compare(parts, whole, &data);
    bool differs = false;
    for (unsigned i = 0; i < ARGUMENTS; i++) {
        for (size_t w = 0; w < word_count; w++) {
            data.args[i] = words[w];
            differs |= compare(parts, whole, &data) != usual;
            data.args[i] = (uint64_t)words[w] << 32;
            differs |= compare(parts, whole, &data) != usual;
        }
        data.args[i] = 0;
    }
    return differs;
}

static void compare_each_pair(const struct filter_variant *parts, const struct filter_variant *whole,
                              struct seccomp_data data)
{
    for (unsigned i = 0; i < ARGUMENTS; i++)
        for (unsigned j = i + 1; j < ARGUMENTS; j++) {
            for (size_t w = 0; w < word_count * word_count; w++) {
                data.args[i] = words[w / word_count];
                data.args[j] = words[w % word_count];
                (void)compare(parts, whole, &data);
            }
            data.args[i] = data.args[j] = 0;
        }
}

static void compare_calls(const struct filter_variant *parts, const struct filter_variant *whole)
{
    static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, AUDIT_ARCH_I386, AUDIT_ARCH_ARM};
    unsigned with_conditions = 0;
    list_words(parts, whole);
    for (int nr = -1; nr < NUMBERS; nr++) {
        struct seccomp_data data = {.nr = nr, .arch = parts->arch};
        if (compare_each_argument(parts, whole, data)) {
            compare_each_pair(parts, whole, data);
            with_conditions++;
        }
        for (int i = 0; i < MANNERS; i++)
            (void)compare(parts, whole, &(struct seccomp_data){.nr = nr, .arch = archs[i]});
        (void)compare(parts, whole, &(struct seccomp_data){.nr = X32_BIT | nr, .arch = parts->arch});
    }
    assert_in_range(with_conditions, 10, 20); /* mmap, prctl, fcntl and so on */
}

static const struct filter_variant *find_whole(const struct filter_variant *parts)
{
    const struct filter_variant *v = filter_variants;
    while (v->common || v->arch != parts->arch || v->kind != parts->kind)
        v++;
    return v;
}

static void two_parts_say_what_the_whole_says(void **unused)
{
    (void)unused;
    unsigned compared = 0;
    for (size_t i = 0; i < FILTER_VARIANTS; i++)
        if (filter_variants[i].common) {
            compare_calls(&filter_variants[i], find_whole(&filter_variants[i]));
            compared++;
        }
    assert_int_equal(compared, 2 * FILTER_PLAIN_KINDS); /* on either machine */
}

int main(void)
{
    filter_list();
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_parts_say_what_the_whole_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
