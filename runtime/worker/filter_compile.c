#include "filter_compile.h"

#include "filter_internal.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

/* Written from its end, where all that a jump leads to is known. A place is counted from the end, too. */
typedef unsigned place;

enum { JUMP_MAX = 250, RANGES_MAX = 400, ACTIONS_MAX = 4, BLOCKS_MAX = 128, X32_BIT = 0x40000000 };

/* Values from `first` up to where the next range begins. */
struct range {
    uint32_t first;
    place target;
};

/* One return, at several places. */
struct copies {
    uint32_t action;
    place first, last;
};

/* What is tried of one call's rules: shared by all calls that have the same. */
struct block {
    const struct filter_rule *rules;
    size_t count;
    place target;
};

static struct {
    uint32_t otherwise;
    struct sock_filter code[FILTER_PROGRAM_MAX]; /* backwards */
    place length;
    bool failed;
    struct copies returns[ACTIONS_MAX];
    unsigned return_count;
    struct block blocks[BLOCKS_MAX];
    size_t block_count;
} out;

static place emit(uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
    if (out.length == FILTER_PROGRAM_MAX) {
        out.failed = true;
        return 0;
    }
    out.code[out.length] = (struct sock_filter){code, jt, jf, k};
    return out.length++;
}

static bool is_near(place target)
{
    return out.length - target <= JUMP_MAX;
}

/* The index in out.returns; return_count: there is none yet. */
static unsigned find_return(uint32_t action)
{
    unsigned i = 0;
    while (i < out.return_count && out.returns[i].action != action)
        i++;
    return i;
}

/* The same place each time: near() finds a copy of it. */
static place emit_return(uint32_t action)
{
    unsigned i = find_return(action);
    if (i == ACTIONS_MAX) {
        out.failed = true;
        return 0;
    }
    if (i == out.return_count) {
        place at = emit(BPF_RET | BPF_K, 0, 0, action);
        out.returns[out.return_count++] = (struct copies){action, at, at};
    }
    return out.returns[i].first;
}

/* Where a jump may lead to, to get there. */
static place near(place target)
{
    const struct sock_filter there = out.code[target];
    if (is_near(target))
        return target;
    if (there.code != (BPF_RET | BPF_K))
        return emit(BPF_JMP | BPF_JA, 0, 0, out.length - target - 1);
    struct copies *copies = &out.returns[find_return(there.k)];
    if (!is_near(copies->last))
        copies->last = emit(there.code, 0, 0, there.k);
    return copies->last;
}

static place emit_jump(uint16_t op, uint32_t k, place if_true, place if_false)
{
    place yes = near(if_true);
    place no = if_true == if_false ? yes : near(if_false);
    return emit(BPF_JMP | BPF_K | op, (uint8_t)(out.length - yes - 1), (uint8_t)(out.length - no - 1), k);
}

static place emit_load(size_t offset, place then)
{
    if (then + 1 != out.length)
        (void)emit(BPF_JMP | BPF_JA, 0, 0, out.length - then - 1);
    return emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* ---- a word's values, in a tree ---- */

/* Of the ranges from i up to j, the best first step, and what the tree weighs: INSTRUCTION for each one, and
 * 1 for each number that the kernel tries on its way through it. */
enum { INSTRUCTION = 40, TRIED_MAX = 512 };

static struct {
    unsigned weight;
    uint16_t split;
} best[RANGES_MAX + 1][RANGES_MAX + 1];

static unsigned values_tried(const struct range *ranges, size_t count, size_t i, size_t j)
{
    uint32_t from = ranges[i].first, to = j < count ? ranges[j].first : TRIED_MAX;
    if (to > TRIED_MAX)
        to = TRIED_MAX;
    return from < to ? to - from : 0;
}

static bool is_single(const struct range *ranges, size_t i)
{
    return ranges[i].target == ranges[i + 2].target && ranges[i + 2].first - ranges[i + 1].first == 1;
}

static void plan(const struct range *ranges, size_t count, size_t i, size_t j)
{
    unsigned step = INSTRUCTION + values_tried(ranges, count, i, j);
    best[i][j].weight = ~0u;
    if (j - i == 1)
        best[i][j].weight = 0;
    else if (j - i == 3 && is_single(ranges, i))
        best[i][j].weight = step;
    else
        for (size_t at = i + 1; at < j; at++)
            if (best[i][at].weight + best[at][j].weight + step < best[i][j].weight) {
                best[i][j].weight = best[i][at].weight + best[at][j].weight + step;
                best[i][j].split = (uint16_t)at;
            }
}

static place emit_planned(const struct range *ranges, size_t i, size_t j)
{
    if (j - i == 1)
        return ranges[i].target;
    if (j - i == 3 && is_single(ranges, i))
        return emit_jump(BPF_JEQ, ranges[i + 1].first, ranges[i + 1].target, ranges[i].target);
    size_t at = best[i][j].split;
    place above = emit_planned(ranges, at, j);
    place below = emit_planned(ranges, i, at);
    return emit_jump(BPF_JGE, ranges[at].first, above, below);
}

static place emit_tree(const struct range *ranges, size_t count)
{
    for (size_t length = 1; length <= count; length++)
        for (size_t i = 0; i + length <= count; i++)
            plan(ranges, count, i, i + length);
    return emit_planned(ranges, 0, count);
}

/* `count` ranges and one that begins at `first`; of equal ones in a row the first is enough. */
static size_t add_range(struct range *ranges, size_t count, uint32_t first, place target)
{
    if (count && ranges[count - 1].first == first)
        count--; /* it was empty */
    if (count && ranges[count - 1].target == target)
        return count;
    if (count == RANGES_MAX) {
        out.failed = true;
        return count;
    }
    ranges[count] = (struct range){first, target};
    return count + 1;
}

/* ---- the rules of one call ---- */

static place emit_rules(const struct filter_rule *rules, size_t count, unsigned depth, place otherwise);

static bool same_check(const struct filter_rule *a, const struct filter_rule *b, unsigned depth)
{
    const struct filter_check *p = &a->checks[depth], *q = &b->checks[depth];
    if (depth >= a->check_count || depth >= b->check_count)
        return depth >= a->check_count && depth >= b->check_count;
    return p->argument == q->argument && p->mask == q->mask && p->low == q->low && p->high == q->high;
}

static size_t argument_offset(const struct filter_check *check, bool high_half)
{
    return offsetof(struct seccomp_data, args) + check->argument * sizeof(uint64_t) +
           (high_half ? sizeof(uint32_t) : 0);
}

/* A half of an argument, which is not looked at when the mask is 0. */
static place emit_half(const struct filter_check *check, bool high_half, place then, place otherwise)
{
    unsigned shift = high_half ? 32 : 0;
    uint32_t mask = (uint32_t)(check->mask >> shift);
    uint32_t low = (uint32_t)(check->low >> shift), high = (uint32_t)(check->high >> shift);
    place at;
    if (mask == 0)
        return then;
    if (low == 0 && high == 0 && mask != UINT32_MAX)
        at = emit_jump(BPF_JSET, mask, otherwise, then);
    else if (low == high)
        at = emit_jump(BPF_JEQ, low, then, otherwise);
    else
        at = emit_jump(BPF_JGT, high, otherwise, then);
    if (mask != UINT32_MAX && (low || high))
        at = emit(BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
    out.failed |= low != high && low != 0;
    return emit_load(argument_offset(check, high_half), at);
}

static place emit_check(const struct filter_check *check, place then, place otherwise)
{
    out.failed |= check->mask > UINT32_MAX && check->low != check->high;
    return emit_half(check, true, emit_half(check, false, then, otherwise), otherwise);
}

/* One rule after the other; those that begin with the same check have it in common. */
static place emit_in_turn(const struct filter_rule *rules, size_t count, unsigned depth, place otherwise)
{
    size_t begin = count;
    if (count == 0)
        return otherwise;
    while (begin > 0 && same_check(&rules[begin - 1], &rules[count - 1], depth))
        begin--;
    place then = emit_rules(rules + begin, count - begin, depth + 1, otherwise);
    place at =
        depth < rules[begin].check_count ? emit_check(&rules[begin].checks[depth], then, otherwise) : then;
    return emit_in_turn(rules, begin, depth, at);
}

/* All about values of the same word, so that a tree finds the one. */
static bool have_values(const struct filter_rule *rules, size_t count, unsigned depth)
{
    for (size_t i = 0; i < count; i++)
        if (depth >= rules[i].check_count || rules[i].checks[depth].mask != UINT32_MAX ||
            rules[i].checks[depth].argument != rules[0].checks[depth].argument)
            return false;
    return count > 1;
}

/* Stable: rules about the same value stay in order. */
static void sort(struct filter_rule *rules, size_t count,
                 uint64_t (*key)(const struct filter_rule *, unsigned), unsigned depth)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && key(&rules[j - 1], depth) > key(&rules[j], depth); j--) {
            struct filter_rule moved = rules[j];
            rules[j] = rules[j - 1];
            rules[j - 1] = moved;
        }
}

static uint64_t lowest_value(const struct filter_rule *rule, unsigned depth)
{
    return rule->checks[depth].low;
}

static uint64_t number(const struct filter_rule *rule, unsigned depth)
{
    (void)depth;
    return rule->number;
}

static place emit_values(struct filter_rule *rules, size_t count, unsigned depth, place otherwise)
{
    struct range ranges[RANGES_MAX] = {{0, otherwise}};
    size_t range_count = 1;
    sort(rules, count, lowest_value, depth);
    for (size_t i = 0, next; i < count; i = next) {
        const struct filter_check *check = &rules[i].checks[depth];
        for (next = i + 1; next < count && same_check(&rules[i], &rules[next], depth);)
            next++;
        out.failed |= next < count && rules[next].checks[depth].low <= check->high;
        place then = emit_rules(rules + i, next - i, depth + 1, otherwise);
        range_count = add_range(ranges, range_count, (uint32_t)check->low, then);
        if (check->high < UINT32_MAX)
            range_count = add_range(ranges, range_count, (uint32_t)check->high + 1, otherwise);
    }
    place at = emit_tree(ranges, range_count);
    return emit_load(argument_offset(&rules[0].checks[depth], false), at);
}

/* From the check at `depth` on, which is the first that they do not have behind them. */
static place emit_rules(const struct filter_rule *rules, size_t count, unsigned depth, place otherwise)
{
    if (depth >= rules[0].check_count)
        return emit_return(rules[0].action);
    if (!have_values(rules, count, depth))
        return emit_in_turn(rules, count, depth, otherwise);
    struct filter_rule sorted[FILTER_RULES_MAX];
    memcpy(sorted, rules, count * sizeof *sorted);
    return emit_values(sorted, count, depth, otherwise);
}

static bool same_rules(const struct block *block, const struct filter_rule *rules, size_t count)
{
    if (block->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct filter_rule *a = &block->rules[i], *b = &rules[i];
        if (a->action != b->action || a->check_count != b->check_count)
            return false;
        for (unsigned depth = 0; depth < a->check_count; depth++)
            if (!same_check(a, b, depth))
                return false;
    }
    return true;
}

static place find_block(const struct filter_rule *rules, size_t count)
{
    for (size_t i = 0; i < out.block_count; i++)
        if (same_rules(&out.blocks[i], rules, count))
            return out.blocks[i].target;
    if (out.block_count == BLOCKS_MAX) {
        out.failed = true;
        return 0;
    }
    place target = emit_rules(rules, count, 0, emit_return(out.otherwise));
    out.blocks[out.block_count++] = (struct block){rules, count, target};
    return target;
}

/* ---- the program ---- */

/* x32 calls are another manner of x86-64, and -1 is no call at all. */
static size_t add_manners(uint32_t machine, struct range *ranges, size_t count)
{
    if (machine != AUDIT_ARCH_X86_64 || out.otherwise == SECCOMP_RET_ALLOW)
        return count;
    count = add_range(ranges, count, X32_BIT, emit_return(SECCOMP_RET_KILL_PROCESS));
    return add_range(ranges, count, UINT32_MAX, emit_return(out.otherwise));
}

static place emit_numbers(uint32_t machine, const struct filter_rule *rules, size_t count)
{
    struct range ranges[RANGES_MAX] = {{0, emit_return(out.otherwise)}};
    size_t range_count = 1;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && rules[next].number == rules[i].number;)
            next++;
        range_count = add_range(ranges, range_count, rules[i].number, find_block(rules + i, next - i));
        range_count = add_range(ranges, range_count, rules[i].number + 1, emit_return(out.otherwise));
    }
    return emit_tree(ranges, add_manners(machine, ranges, range_count));
}

static void emit_program(uint32_t machine, const struct filter_rule *rules, size_t count)
{
    (void)emit_return(SECCOMP_RET_ALLOW);
    (void)emit_return(out.otherwise);
    place numbers = emit_load(offsetof(struct seccomp_data, nr), emit_numbers(machine, rules, count));
    if (out.otherwise == SECCOMP_RET_ALLOW)
        return;
    place kill = emit_return(SECCOMP_RET_KILL_PROCESS);
    (void)emit_load(offsetof(struct seccomp_data, arch), emit_jump(BPF_JEQ, machine, numbers, kill));
}

size_t filter_compile(uint32_t machine, uint32_t otherwise, const struct filter_rule *rules, size_t count,
                      struct sock_filter *program)
{
    struct filter_rule sorted[FILTER_RULES_MAX];
    if (count > FILTER_RULES_MAX)
        return 0;
    memset(&out, 0, sizeof out);
    out.otherwise = otherwise;
    for (size_t i = 0; i < count; i++)
        sorted[i] = rules[i];
    sort(sorted, count, number, 0);
    emit_program(machine, sorted, count);
    for (place i = 0; i < out.length; i++)
        program[i] = out.code[out.length - 1 - i];
    return out.failed ? 0 : out.length;
}
