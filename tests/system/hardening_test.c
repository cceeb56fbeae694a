/* hardening_test.c: how hark's own programs are built, and what is left when hark is killed: nothing. */
#include "dispatcher/spares.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/moment.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const programs[] = {TEST_HARK, TEST_HARK_WORKER};
enum { PROGRAM_COUNT = sizeof programs / sizeof *programs, PROCESSES_MAX = 32, BURY_MS = 20, LOOKS = 500 };

/* ---- the programs ---- */

struct program {
    char *bytes;
    const Elf64_Ehdr *header;
    const Elf64_Phdr *segments;
};

static struct program open_program(const char *path)
{
    size_t len;
    struct program p = {.bytes = file_read(path, &len)};
    p.header = (const Elf64_Ehdr *)(const void *)p.bytes;
    assert_memory_equal(p.bytes, ELFMAG, SELFMAG);
    assert_int_equal(p.header->e_ident[EI_CLASS], ELFCLASS64);
    p.segments = (const Elf64_Phdr *)(const void *)(p.bytes + p.header->e_phoff);
    assert_true(p.header->e_phoff + p.header->e_phnum * sizeof *p.segments <= len);
    at_end_of_test(free, p.bytes);
    return p;
}

static const Elf64_Phdr *find_segment(const struct program *p, uint32_t type)
{
    for (int i = 0; i < p->header->e_phnum; i++) {
        if (p->segments[i].p_type == type)
            return &p->segments[i];
    }
    fail_msg("there is no segment of type %x", type);
    return NULL;
}

static uint64_t dynamic_value(const struct program *p, int64_t tag)
{
    const Elf64_Phdr *segment = find_segment(p, PT_DYNAMIC);
    const Elf64_Dyn *entry = (const Elf64_Dyn *)(const void *)(p->bytes + segment->p_offset);
    for (; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == tag)
            return entry->d_un.d_val;
    }
    return 0;
}

static void programs_are_independent_of_their_position(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        struct program p = open_program(programs[i]);
        assert_int_equal(p.header->e_type, ET_DYN);
        assert_int_equal(dynamic_value(&p, DT_FLAGS_1) & DF_1_PIE, DF_1_PIE);
    }
}

static void addresses_are_bound_at_start_and_read_only_then(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        struct program p = open_program(programs[i]);
        assert_true(find_segment(&p, PT_GNU_RELRO)->p_memsz > 0);
        assert_int_equal(dynamic_value(&p, DT_FLAGS) & DF_BIND_NOW, DF_BIND_NOW);
        assert_int_equal(dynamic_value(&p, DT_FLAGS_1) & DF_1_NOW, DF_1_NOW);
    }
}

static void nothing_is_written_and_executed(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        struct program p = open_program(programs[i]);
        for (int n = 0; n < p.header->e_phnum; n++)
            assert_int_not_equal(p.segments[n].p_flags & (PF_W | PF_X), PF_W | PF_X);
        assert_int_equal(find_segment(&p, PT_GNU_STACK)->p_flags & PF_X, 0);
    }
}

#ifdef __x86_64__
/* endbr64, at the begin of each function that may be called by its address. The C library's start files bring
 * a handful of their own. */
static void functions_begin_with_a_landing_pad_for_calls_by_address(void **unused)
{
    (void)unused;
    static const char landing_pad[] = "\xf3\x0f\x1e\xfa";
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        struct program p = open_program(programs[i]);
        unsigned found = 0;
        for (int n = 0; n < p.header->e_phnum; n++) {
            const char *at = p.bytes + p.segments[n].p_offset, *end = at + p.segments[n].p_filesz;
            if (!(p.segments[n].p_flags & PF_X))
                continue;
            while ((at = memmem(at, (size_t)(end - at), landing_pad, 4))) {
                found++;
                at += 4;
            }
        }
        assert_in_range(found, 50, UINT32_MAX);
    }
}
#endif

/* ---- the processes ---- */

/* The files in /proc of a process that others of its user may look into are that user's, else root's. */
static void other_processes_of_its_user_do_not_look_into_hark(void **unused)
{
    (void)unused;
    const char *prefix = folder_create(), *folder = folder_create();
    const char *const folders[] = {"bin", "libexec", "libexec/hark", "state"};
    char path[64];
    struct stat st;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(path_in(prefix, folders[i]), 0755), 0);
    file_copy(TEST_HARK, path_in(prefix, "bin/hark"));
    file_copy(TEST_HARK_WORKER, path_in(prefix, "libexec/hark/hark-worker"));
    assert_int_equal(chmod(path_in(prefix, "state"), 0777), 0);
    const char *const argv[] = {path_in(prefix, "bin/hark"), "run",  "--state",
                                path_in(prefix, "state"),    folder, NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = true});
    lines_wait(p->err, "^hark: ready: 0 functions");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)p->pid);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0);
}

/* Orphans are given to this process, which buries them: else the first process of their namespace would wait
 * for them. Returns how many have not ended in time. */
static size_t outlive(struct pollfd *ends, size_t count, uint64_t until_ns)
{
    size_t left = count;
    for (uint64_t now_ns; left > 0 && (now_ns = clock_now_ns()) < until_ns;) {
        int wait_ms = (int)((until_ns - now_ns) / NS_PER_MS) + 1;
        int ready = poll(ends, count, wait_ms < BURY_MS ? wait_ms : BURY_MS);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        for (size_t i = 0; i < count; i++) {
            if (ready <= 0 || ends[i].fd < 0 || !ends[i].revents)
                continue;
            close(ends[i].fd);
            ends[i].fd = -1;
            left--;
        }
    }
    return left;
}

/* A worker that hears no signal: in a call, or while it is loaded. */
static void given_a_deaf_one(struct stage *s, const char *so, const char *name)
{
    char line[96];
    file_copy(path_in(TEST_FUNCTIONS, so), hark_file(s->hark, so));
    hark_manifest(s->hark, name, "function: %s\nhandler: %s\ntriggers: [ { topic: deaf/%s } ]\ntimeout: 1h\n",
                  name, so, name);
    snprintf(line, sizeof line, "worker=[0-9]+ %s is deaf", name);
    hark_wait_line(s->hark, line);
}

static void when_hark_is_killed_nothing_of_it_survives_a_second(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    pid_t pids[PROCESSES_MAX];
    struct pollfd ends[PROCESSES_MAX];
    stage_puppet(&s, "timeout: 1h\ninstances: { min: 2, max: 3 }\n");
    stage_still_serves(&s);
    stage_tell(&s, "log on its way; hang"); /* one is in the middle of a call, one is idle */
    hark_wait_line(s.hark, "function=puppet worker=[0-9]+ on its way");
    given_a_deaf_one(&s, "stubborn.so", "starting");
    given_a_deaf_one(&s, "stubborn_load.so", "loading");
    size_t count = 0; /* with the zygote, the first process of the namespace, and spare workers */
    for (int looks = 0; looks < LOOKS && count < 2 + 2 + 2 + SPARES_OF_LATEST;
         looks++, poll(NULL, 0, BURY_MS))
        count = descendant_pids(s.hark->process->pid, pids, PROCESSES_MAX);
    assert_in_range(count, 2 + 2 + 2 + SPARES_OF_LATEST, PROCESSES_MAX - 1);
    for (size_t i = 0; i < count; i++) {
        ends[i] = (struct pollfd){.fd = (int)syscall(SYS_pidfd_open, pids[i], 0), .events = POLLIN};
        assert_true(ends[i].fd >= 0);
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    hark_kill(s.hark);
    size_t left = outlive(ends, count, clock_now_ns() + NS_PER_S);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    assert_int_equal(left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(programs_are_independent_of_their_position),
        system_test(addresses_are_bound_at_start_and_read_only_then),
        system_test(nothing_is_written_and_executed),
#ifdef __x86_64__
        system_test(functions_begin_with_a_landing_pad_for_calls_by_address),
#endif
        system_test(other_processes_of_its_user_do_not_look_into_hark),
        system_test(when_hark_is_killed_nothing_of_it_survives_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
