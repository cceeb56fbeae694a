/* What a manifest's `sandbox` says, and the whole line for everything that can be wrong with it. */
#include "manifest_says.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void grants_arrive_with_their_places(void **unused)
{
    (void)unused;
    struct manifest *m = accepted(LEAST "limits: { file_size: 3KiB }\nsandbox:\n  files:\n    - /a\n"
                                        "    - read: /b\n    - write: /c\n"
                                        "  network: { tcp: [ 5432, 1 ], unix: [ /run/s ] }\n");
    static const struct grant expected[] = {{GRANT_READ, {"/a", 2}},
                                            {GRANT_READ, {"/b", 2}},
                                            {GRANT_WRITE, {"/c", 2}},
                                            {GRANT_UNIX, {"/run/s", 6}}};
    assert_int_equal(m->grants.path_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(m->grants.paths[i].kind, expected[i].kind);
        assert_true(slice_equal(m->grants.paths[i].path, expected[i].path));
    }
    assert_int_equal(m->grants.port_count, 2);
    assert_int_equal(m->grants.ports[0], 5432);
    assert_int_equal(m->grants.ports[1], 1);
    assert_int_equal(m->limit_file_bytes, 3 * 1024);
    manifest_free(m);
}

static void nothing_is_granted_by_default(void **unused)
{
    (void)unused;
    static const char *const texts[] = {LEAST, LEAST "sandbox: { files: [], network: none }\n",
                                        LEAST "sandbox: {}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct manifest *m = accepted(texts[i]);
        assert_true(grants_empty(&m->grants));
        assert_int_equal(m->limit_file_bytes, 64 << 20);
        manifest_free(m);
    }
}

static void the_place_is(const struct manifest *m, const char *complaint, unsigned line, unsigned column)
{
    struct manifest_place place = {0};
    assert_true(manifest_find_grant(m, complaint, &place));
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void a_complaint_about_a_grant_finds_its_place(void **unused)
{
    (void)unused;
    struct manifest_place place;
    struct manifest *m =
        accepted("function: f\nhandler: f.so\ntriggers: [ { topic: t } ]\nsandbox:\n  files:\n"
                 "    - /a\n    - write: /ab\n  network:\n    tcp: [ 1 ]\n    unix: [ /s ]\n");
    the_place_is(m, "sandbox.files: '/a': no", 6, 7);
    the_place_is(m, "sandbox.files: '/ab': no", 7, 14);
    the_place_is(m, "sandbox.files: this machine cannot", 6, 7);
    the_place_is(m, "sandbox.network.tcp: this machine cannot", 9, 10);
    the_place_is(m, "sandbox.network.unix: '/s': no", 10, 13);
    assert_false(manifest_find_grant(m, "sandbox.files: '/abc': no", &place));
    assert_false(manifest_find_grant(m, "sandbox.network.unix: '/a': no", &place));
    assert_false(manifest_find_grant(m, "killed by SIGSEGV", &place));
    manifest_free(m);
}

static void a_grant_is_an_absolute_path_of_files(void **unused)
{
    (void)unused;
    REFUSED(
        LEAST "sandbox: { files: [ etc/site, /, /a/../b, /proc/1, /dev/ttyS0 ] }\n",
        "m.yaml:5:21: sandbox.files: not a path from the root: write for instance /etc/site/thresholds.csv",
        "m.yaml:5:31: sandbox.files: the whole machine is not granted: name the folders that are needed",
        "m.yaml:5:34: sandbox.files: write the path without '.', '..', '//' and a '/' at the end",
        "m.yaml:5:43: sandbox.files: /proc shows every process of the machine: it is not granted",
        "m.yaml:5:52: sandbox.files: devices are not granted: let a service of the machine do it, and talk "
        "to it by `unix`");
    REFUSED(
        LEAST "sandbox:\n  files:\n    - write: /a/\n",
        "m.yaml:7:14: sandbox.files[].write: write the path without '.', '..', '//' and a '/' at the end");
}

static void a_grant_says_read_or_write_once(void **unused)
{
    (void)unused;
    REFUSED(LEAST "sandbox:\n  files:\n    - { read: /a, write: /b }\n    - {}\n    - { reed: /c }\n",
            "m.yaml:7:7: sandbox.files: `read` and `write` in one item: write two, each with a path; `write` "
            "lets read, too",
            "m.yaml:8:7: sandbox.files: an item without a path: write for instance - read: /etc/site",
            "m.yaml:9:9: unknown key 'reed': did you mean 'read'?");
}

static void grants_do_not_overlap(void **unused)
{
    (void)unused;
    REFUSED(LEAST "sandbox:\n  files: [ /a/b, { write: /a } ]\n  network: { unix: [ /a/b/s ] }\n",
            "m.yaml:6:27: sandbox.files: '/a' overlaps with '/a/b': grant one of them",
            "m.yaml:7:22: sandbox.network.unix: '/a/b/s' overlaps with '/a/b': grant one of them");
}

static void sixteen_paths_are_the_most(void **unused)
{
    (void)unused;
    REFUSED(LEAST "sandbox:\n  files: [ /a, /b, /c, /d, /e, /f, /g, /h, /i, /j, /k, /l, /m, /n, /o ]\n"
                  "  network: { unix: [ /p, /q ] }\n",
            "m.yaml:7:26: sandbox.network.unix: at most 16 paths of 4096 bytes together are allowed: grant a "
            "folder");
}

static void a_network_is_none_or_ports_and_sockets(void **unused)
{
    (void)unused;
    REFUSED(LEAST "sandbox: { network: all }\n",
            "m.yaml:5:21: sandbox.network: found 'all': write none, or for instance { tcp: [ 5432 ] }");
    REFUSED(LEAST "sandbox: { network: { udp: [ 53 ] } }\n",
            "m.yaml:5:23: unknown key 'udp': allowed are tcp unix");
    REFUSED(
        LEAST "sandbox: { network: { tcp: 5432, unix: /run/s } }\n",
        "m.yaml:5:28: sandbox.network.tcp: expected a list, found '5432': write for instance tcp: [ 5432 ]",
        "m.yaml:5:40: sandbox.network.unix: expected a list, found '/run/s': write for instance unix: [ "
        "/run/postgresql/.s.PGSQL.5432 ]");
    REFUSED(LEAST "sandbox: { network: { tcp: [ 0, 65536, \"80\", x, 22, 22 ] } }\n",
            "m.yaml:5:30: sandbox.network.tcp: '0' is no port: write a number from 1 to 65535",
            "m.yaml:5:33: sandbox.network.tcp: '65536' is no port: write a number from 1 to 65535",
            "m.yaml:5:40: sandbox.network.tcp: '80' is no port: write a number from 1 to 65535",
            "m.yaml:5:46: sandbox.network.tcp: 'x' is no port: write a number from 1 to 65535",
            "m.yaml:5:53: sandbox.network.tcp: 22 is written twice: take one out");
}

static void a_largest_file_needs_one_to_write(void **unused)
{
    (void)unused;
    REFUSED(LEAST "limits: { file_size: 1MiB }\nsandbox: { files: [ /a ] }\n",
            "m.yaml:5:22: limits.file_size: the function may write no file: take it out, or grant one with "
            "sandbox: { files: [ { write: PATH } ] }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_arrive_with_their_places),
        cmocka_unit_test(nothing_is_granted_by_default),
        cmocka_unit_test(a_complaint_about_a_grant_finds_its_place),
        cmocka_unit_test(a_grant_is_an_absolute_path_of_files),
        cmocka_unit_test(a_grant_says_read_or_write_once),
        cmocka_unit_test(grants_do_not_overlap),
        cmocka_unit_test(sixteen_paths_are_the_most),
        cmocka_unit_test(a_network_is_none_or_ports_and_sockets),
        cmocka_unit_test(a_largest_file_needs_one_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
