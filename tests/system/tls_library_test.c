/* tls_library_test.c: hark-tls.so, which hark loads for brokers behind TLS, and for them alone. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/hark.h"
#include "support/port.h"
#include "support/stage.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BROKEN = 70 };

struct installation {
    const char *hark, *tls; /* paths */
};

static struct installation install(void)
{
    const char *hark = hark_installed();
    char *folder = strndup(hark, strlen(hark) - strlen("bin/hark"));
    at_end_of_test(free, folder);
    return (struct installation){hark, path_in(folder, "libexec/hark/hark-tls.so")};
}

static struct outcome run_behind_tls(const struct installation *i)
{
    const char *const argv[] = {i->hark,   "run",           "--broker",      "mqtts://127.0.0.1",
                                "--state", folder_create(), folder_create(), NULL};
    return command_run(&(struct process_options){.name = "hark", .argv = argv});
}

static void without_it_hark_says_what_is_missing(void **unused)
{
    (void)unused;
    struct installation i = install();
    file_remove(i.tls);
    struct outcome o = run_behind_tls(&i);
    assert_refused(o, BROKEN, "TLS cannot be loaded: ");
    assert_contains(o.err,
                    "/hark-tls.so: cannot open shared object file: No such file or directory: install ");
}

static void what_is_no_library_is_said(void **unused)
{
    (void)unused;
    struct installation i = install();
    file_print(i.tls, "no library");
    struct outcome o = run_behind_tls(&i);
    assert_refused(o, BROKEN, "TLS cannot be loaded: ");
    assert_contains(o.err, "/hark-tls.so: file too short: install ");
}

static void that_of_another_hark_is_not_used(void **unused)
{
    (void)unused;
    struct installation i = install();
    file_copy(TEST_OLDER_TLS, i.tls);
    struct outcome o = run_behind_tls(&i);
    assert_refused(o, BROKEN, "hark-tls.so is of hark 0.0.1, this is " HARK_VERSION ": install hark anew");
}

/* The dynamic linker tells of each file: ld.so(8). /proc/PID/maps would need root, as hark keeps its memory
 * from others of its own user. */
static struct hark *run_watched(const char *scheme)
{
    char *url;
    assert_true(asprintf(&url, "%s://127.0.0.1:%u", scheme, port_find_free()) > 0);
    at_end_of_test(free, url);
    struct hark *h = hark_prepare(url);
    h->environment[0] = "LD_DEBUG=files";
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 0 functions");
    return h;
}

static bool has(struct hark *h, const char *library)
{
    char loads[64];
    snprintf(loads, sizeof loads, "file=[^ ]*%s.* generating link map$", library);
    return hark_count_lines(h, loads) > 0;
}

static void only_a_broker_behind_tls_brings_openssl_into_memory(void **unused)
{
    (void)unused;
    struct hark *plain = run_watched("mqtt");
    assert_true(has(plain, "libuv"));
    assert_false(has(plain, "hark-tls.so") || has(plain, "libssl") || has(plain, "libcrypto"));
    struct hark *behind_tls = run_watched("mqtts");
    assert_true(has(behind_tls, "hark-tls.so") && has(behind_tls, "libssl") && has(behind_tls, "libcrypto"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(without_it_hark_says_what_is_missing),
        system_test(what_is_no_library_is_said),
        system_test(that_of_another_hark_is_not_used),
        system_test(only_a_broker_behind_tls_brings_openssl_into_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
