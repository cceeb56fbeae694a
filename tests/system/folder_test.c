/* folder_test.c: what others can change is not run, by any command; and what config has in files. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BAD_DATA = 65 };

#define WRITABLE "can be written by its group and everybody else (mode 0777): chmod go-w "

static struct outcome invoke(const char *manifest)
{
    return hark_command("invoke", manifest, "--payload", "say out/a x");
}

static const char *folder_with_puppet(void)
{
    const char *folder = folder_create();
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"), PUPPET_MANIFEST);
    return folder;
}

static void allow(const char *path, mode_t mode)
{
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void invoke_refuses_what_others_can_change(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet(), *manifest = path_in(folder, "puppet.yaml");
    const char *const paths[] = {manifest, path_in(folder, "puppet.so"), folder};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(invoke(manifest).code, 0);
        allow(paths[i], 0777);
        struct outcome o = invoke(manifest);
        assert_int_equal(o.code, BAD_DATA);
        assert_contains(o.err, WRITABLE);
        allow(paths[i], 0755);
    }
}

static void invoke_of_a_bare_so_refuses_it_too(void **unused)
{
    (void)unused;
    const char *so = path_in(folder_with_puppet(), "puppet.so");
    allow(so, 0777);
    struct outcome o = hark_command("invoke", so, "--topic", "any");
    assert_int_equal(o.code, BAD_DATA);
    assert_contains(o.err, WRITABLE);
}

static void check_finds_what_others_can_change(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet();
    allow(path_in(folder, "puppet.so"), 0777);
    struct outcome o = hark_command("check", folder);
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "puppet.yaml:2:10: handler '");
    assert_contains(o.out, WRITABLE);
}

static void run_refuses_it_until_it_is_mended(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    const char *so = hark_file(s.hark, "puppet.so");
    hark_install(s.hark, "puppet.so", "puppet.so");
    allow(so, 0777);
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST);
    hark_wait_line(s.hark, "handler '.*puppet.so': it can be written by its group and everybody else "
                           "\\(mode 0777\\): chmod go-w ");
    hark_wait_line(s.hark, "^hark: error: refused ");
    allow(so, 0755);
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    stage_still_serves(&s);
}

static void run_deploys_when_the_folder_is_mended_and_no_file_was_touched(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    allow(s.hark->folder, 0777);
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST);
    hark_wait_line(s.hark,
                   "puppet.yaml: it lies in .*, which can be written by its group and everybody else");
    hark_wait_line(s.hark, "^hark: error: refused ");
    allow(s.hark->folder, 0755);
    hark_wait_line(s.hark, "^hark: deployed puppet ");
}

static void dev_refuses_it_too(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet();
    allow(path_in(folder, "puppet.yaml"), 0777);
    const char *const argv[] = {TEST_HARK, "dev", folder, NULL};
    struct process *p = process_start(&(struct process_options){.name = "hark dev", .argv = argv});
    lines_wait(p->err, "puppet.yaml: it can be written by its group and everybody else");
    lines_wait(p->err, "^hark: ready: 0 functions");
    process_signal(p, SIGTERM);
    assert_int_equal(process_wait(p), 0);
}

/* ---- config from files ---- */

static void config_from_a_file_reaches_the_function_and_follows_the_file(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    const char *file = hark_file(s.hark, "api.key");
    file_print(file, "first secret\n");
    allow(file, 0600);
    stage_puppet(&s, "config: { key: { from_file: api.key } }\n");
    stage_tell(&s, "config out/key key");
    stage_expect(&s, "out/key", "first secret");
    file_print(file, "second secret\n");
    hark_wait_line(s.hark, "^hark: deployed puppet version=[0-9a-f]{12} replaces=");
    stage_tell(&s, "config out/key key");
    stage_expect(&s, "out/key", "second secret");
    assert_int_equal(hark_count_lines(s.hark, "secret"), 0);
}

static void a_config_file_that_others_can_change_is_refused(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet(), *manifest = path_in(folder, "puppet.yaml");
    file_print(manifest, PUPPET_MANIFEST "config: { key: { from_file: api.key } }\n");
    file_print(path_in(folder, "api.key"), "secret\n");
    assert_int_equal(invoke(manifest).code, 0);
    allow(path_in(folder, "api.key"), 0777);
    struct outcome o = invoke(manifest);
    assert_int_equal(o.code, BAD_DATA);
    assert_contains(o.err, "puppet.yaml:5:16: config: 'key': from_file 'api.key': it " WRITABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(invoke_refuses_what_others_can_change),
        system_test(invoke_of_a_bare_so_refuses_it_too),
        system_test(check_finds_what_others_can_change),
        system_test(run_refuses_it_until_it_is_mended),
        system_test(run_deploys_when_the_folder_is_mended_and_no_file_was_touched),
        system_test(dev_refuses_it_too),
        system_test(config_from_a_file_reaches_the_function_and_follows_the_file),
        system_test(a_config_file_that_others_can_change_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
