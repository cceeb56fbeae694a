#include "support/hark.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct hark *hark_prepare(const char *broker_url)
{
    struct hark *h = must_alloc(sizeof *h);
    *h = (struct hark){
        .node = TEST_NODE, .folder = folder_create(), .state = folder_create(), .broker = broker_url};
    at_end_of_test(free, h);
    return h;
}

static void add(const char **argv, size_t *count, const char *option, const char *value)
{
    if (!value)
        return;
    if (option)
        argv[(*count)++] = option;
    argv[(*count)++] = value;
}

void hark_start(struct hark *h)
{
    const char *argv[24] = {"env"};
    size_t n = 1;
    for (size_t i = 0; i < sizeof h->environment / sizeof *h->environment; i++)
        add(argv, &n, NULL, h->environment[i]);
    add(argv, &n, NULL, h->as_nobody ? hark_installed() : TEST_HARK);
    add(argv, &n, "run", h->folder);
    add(argv, &n, "--node", h->node);
    add(argv, &n, "--state", h->state);
    add(argv, &n, "--broker", h->broker);
    add(argv, &n, "--config", h->config);
    add(argv, &n, "--drain", h->drain);
    for (size_t i = 0; i < sizeof h->more / sizeof *h->more && h->more[i]; i++)
        add(argv, &n, NULL, h->more[i]);
    const char *const *command = h->environment[0] ? argv : argv + 1; /* `env` is for variables alone */
    h->process = process_start(&(struct process_options){
        .name = "hark", .argv = command, .cgroup = h->cgroup, .as_nobody = h->as_nobody});
}

const char *hark_installed(void)
{
    const char *prefix = folder_create();
    const char *const folders[] = {"bin", "libexec", "libexec/hark"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mkdir(path_in(prefix, folders[i]), 0755), 0);
    file_copy(TEST_HARK, path_in(prefix, "bin/hark"));
    file_copy(TEST_HARK_WORKER, path_in(prefix, "libexec/hark/hark-worker"));
    file_copy(TEST_HARK_TLS, path_in(prefix, "libexec/hark/hark-tls.so"));
    return path_in(prefix, "bin/hark");
}

struct hark *hark_run(const char *broker_url)
{
    struct hark *h = hark_prepare(broker_url);
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 0 functions");
    return h;
}

const char *hark_wait_line(struct hark *h, const char *pattern)
{
    return lines_wait(h->process->err, pattern);
}

size_t hark_count_lines(struct hark *h, const char *pattern)
{
    return lines_count(h->process->err, pattern);
}

void hark_kill(struct hark *h)
{
    process_signal(h->process, SIGKILL);
    process_wait(h->process);
}

int hark_stop(struct hark *h)
{
    process_signal(h->process, SIGTERM);
    return process_wait(h->process);
}

const char *hark_file(struct hark *h, const char *name)
{
    return path_in(h->folder, name);
}

void hark_install(struct hark *h, const char *so, const char *as)
{
    file_copy(path_in(TEST_PUPPETS, so), hark_file(h, as));
}

void hark_install_example(struct hark *h, const char *name)
{
    char so[128], yaml[128];
    snprintf(so, sizeof so, "%s.so", name);
    snprintf(yaml, sizeof yaml, "%s.yaml", name);
    file_copy(path_in(TEST_EXAMPLES, so), hark_file(h, so));
    file_copy(path_in(TEST_EXAMPLE_MANIFESTS, yaml), hark_file(h, yaml));
}

void hark_manifest(struct hark *h, const char *name, const char *format, ...)
{
    char *text = NULL, file[128];
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    CHECK(len >= 0);
    snprintf(file, sizeof file, "%s.yaml", name);
    file_write(hark_file(h, file), text, (size_t)len);
    free(text);
}
