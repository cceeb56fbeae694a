/* secrets_test.c: hark's key and password are in hark's memory, and in nobody else's: neither in a zygote's
 * nor in a worker's, nor in what the kernel shows of them. Reads the memory of processes that are not
 * dumpable, so it needs root. */
#include "support/certificates.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_BYTES = 32,
    PASSWORD_BYTES = 48,
    PIDS_MAX = 64,
    LINKS_MAX = 256,
    CHUNK_BYTES = 1 << 20,
    LOOKS = 500,
    LOOK_MS = 20,
    FAMILY_MIN = 2 + 2 + 2 + 1 /* zygotes, first processes, workers, a spare */
};
#define MAP_BYTES_MAX (1ull << 30) /* of a sanitized process, some are terabytes of shadow */

/* ---- what is looked for ---- */

struct needle {
    const char *name;
    unsigned char bytes[PASSWORD_BYTES];
    size_t len;
};

enum { PASSWORD, KEY, KEY_REVERSED, NEEDLES };

struct secrets {
    const char *folder;
    char password[PASSWORD_BYTES + 1];
    struct needle needles[NEEDLES];
};

static void make_password(struct secrets *s)
{
    unsigned char random[PASSWORD_BYTES / 2];
    assert_int_equal(RAND_bytes(random, sizeof random), 1);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(s->password + 2 * i, 3, "%02x", random[i]);
    s->needles[PASSWORD] = (struct needle){.name = "the password", .len = PASSWORD_BYTES};
    memcpy(s->needles[PASSWORD].bytes, s->password, PASSWORD_BYTES);
}

/* OpenSSL keeps a number with its lowest word first; files have the highest byte first. */
static void take_key(struct secrets *s, const struct certificate *c)
{
    BIGNUM *number = NULL;
    struct needle *key = &s->needles[KEY], *reversed = &s->needles[KEY_REVERSED];
    *key = *reversed = (struct needle){.name = "the private key", .len = KEY_BYTES};
    assert_int_equal(EVP_PKEY_get_bn_param(c->key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
    assert_int_equal(BN_bn2binpad(number, key->bytes, KEY_BYTES), KEY_BYTES);
    assert_int_equal(BN_bn2lebinpad(number, reversed->bytes, KEY_BYTES), KEY_BYTES);
    BN_free(number);
}

static void issue(const struct secrets *s, const char *name, const struct certificate *c)
{
    char file[32];
    snprintf(file, sizeof file, "%s.crt", name);
    certificate_write(c, path_in(s->folder, file));
    snprintf(file, sizeof file, "%s.key", name);
    certificate_write_key(c, path_in(s->folder, file), NULL);
}

static void secrets_make(struct secrets *s)
{
    *s = (struct secrets){.folder = folder_create()};
    struct certificate ca = certificate_make(
                           &(struct certificate_options){.name = "Test Authority", .is_authority = true}),
                       broker = certificate_make(&(struct certificate_options){
                           .name = "broker", .alternatives = "IP:127.0.0.1", .signer = &ca}),
                       ours =
                           certificate_make(&(struct certificate_options){.name = "gateway", .signer = &ca});
    certificate_write(&ca, path_in(s->folder, "ca.crt"));
    issue(s, "broker", &broker);
    issue(s, "ours", &ours);
    make_password(s);
    take_key(s, &ours);
    certificate_free(&ours);
    certificate_free(&broker);
    certificate_free(&ca);
}

/* ---- where it is looked for ---- */

static unsigned find_in(const struct secrets *s, const unsigned char *bytes, size_t len)
{
    unsigned found = 0;
    for (int i = 0; i < NEEDLES; i++)
        found |= (unsigned)(memmem(bytes, len, s->needles[i].bytes, s->needles[i].len) != NULL) << i;
    return found;
}

/* Chunks overlap, so that nothing hides between two. What cannot be read, as a page of a device, has been
 * nobody's to write. */
static unsigned find_in_range(const struct secrets *s, int memory, uint64_t from, uint64_t to)
{
    static unsigned char chunk[CHUNK_BYTES];
    unsigned found = 0;
    while (from < to) {
        size_t wanted = to - from < CHUNK_BYTES ? to - from : CHUNK_BYTES;
        ssize_t got = pread(memory, chunk, wanted, (off_t)from);
        if (got <= 0)
            return found;
        found |= find_in(s, chunk, (size_t)got);
        from += (size_t)got > PASSWORD_BYTES && from + (size_t)got < to ? (size_t)got - PASSWORD_BYTES
                                                                        : (size_t)got;
    }
    return found;
}

/* -1: it is out of our reach, or has gone. */
static int open_of(pid_t pid, const char *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool has_gone(pid_t pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
}

static unsigned find_in_memory(const struct secrets *s, pid_t pid)
{
    char path[64], line[512], rights[8];
    unsigned long long from, to;
    unsigned found = 0;
    int memory = open_of(pid, "mem");
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (has_gone(pid)) /* between the list of processes and here */
        goto end;
    assert_true(memory >= 0 && maps);
    while (fgets(line, sizeof line, maps)) {
        assert_int_equal(sscanf(line, "%llx-%llx %7s", &from, &to, rights), 3);
        bool is_shadow = to - from > MAP_BYTES_MAX;
#ifndef HARK_SANITIZED
        assert_false(is_shadow && rights[0] == 'r');
#endif
        if (rights[0] == 'r' && !is_shadow)
            found |= find_in_range(s, memory, from, to);
    }
end:
    if (maps)
        fclose(maps);
    if (memory >= 0)
        close(memory);
    return found;
}

static unsigned find_in_file(const struct secrets *s, pid_t pid, const char *file)
{
    static unsigned char bytes[1 << 16];
    int fd = open_of(pid, file);
    if (fd < 0 && has_gone(pid))
        return 0;
    assert_true(fd >= 0);
    size_t len = 0;
    for (ssize_t got; (got = read(fd, bytes + len, sizeof bytes - len)) > 0;)
        len += (size_t)got;
    close(fd);
    return find_in(s, bytes, len);
}

/* ---- descriptors ---- */

struct links {
    size_t count;
    char items[LINKS_MAX][PATH_MAX];
};

static void read_links(pid_t pid, struct links *l)
{
    char path[64];
    l->count = 0;
    for (int fd = 0; fd < LINKS_MAX; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        ssize_t len = readlink(path, l->items[l->count], PATH_MAX - 1);
        if (len > 0)
            l->items[l->count++][len] = '\0';
    }
}

/* A socket is named by its number, one end of a pair other than the other. */
static bool has_link(const struct links *l, const char *link)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i], link) == 0)
            return true;
    return false;
}

static void shares_no_socket_or_file(const struct hark *h, const struct secrets *s, pid_t pid)
{
    static struct links harks, its;
    read_links(h->process->pid, &harks);
    read_links(pid, &its);
    if (!has_gone(pid))
        assert_in_range(its.count, 1, LINKS_MAX - 1);
    for (size_t i = 0; i < its.count; i++) {
        const char *link = its.items[i];
        if ((strncmp(link, "socket:", 7) == 0 && has_link(&harks, link)) ||
            strncmp(link, s->folder, strlen(s->folder)) == 0 ||
            strncmp(link, h->state, strlen(h->state)) == 0)
            fail_msg("process %d has %s", (int)pid, link);
    }
}

/* ---- the scene ---- */

static struct broker *start_broker(const struct secrets *s)
{
    return broker_start_with(&(struct broker_options){.username = "site",
                                                      .password = s->password,
                                                      .certificate = path_in(s->folder, "broker.crt"),
                                                      .key = path_in(s->folder, "broker.key"),
                                                      .client_ca = path_in(s->folder, "ca.crt")});
}

static struct hark *start_hark(const struct secrets *s, struct broker *b)
{
    struct hark *h = hark_prepare(NULL);
    h->config = path_in(s->folder, "hark.yaml");
    file_print(path_in(s->folder, "site.password"), "%s\n", s->password);
    assert_int_equal(chmod(path_in(s->folder, "site.password"), 0600), 0);
    file_print(h->config,
               "broker: site\nbrokers:\n  site: { url: \"mqtts://site@127.0.0.1:%u\", password_file: "
               "site.password,\n    ca_file: ca.crt, cert_file: ours.crt, key_file: ours.key }\n",
               broker_tls_port(b));
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST "instances: { min: 1 }\n");
    hark_manifest(h, "networked",
                  "function: networked\nhandler: puppet.so\ntriggers: [ { topic: networked/do } ]\n"
                  "instances: { min: 1 }\nsandbox: { network: { tcp: [ 9 ] } }\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 2 functions");
    return h;
}

static bool can_read_memory(pid_t pid)
{
    int memory = open_of(pid, "mem");
    if (memory < 0)
        print_message("the memory of hark (%d) cannot be read: %s: run this test as root\n", (int)pid,
                      strerror(errno));
    else
        close(memory);
    return memory >= 0;
}

static size_t await_family(pid_t hark, pid_t *pids)
{
    size_t count = 0;
    for (int looks = 0; looks < LOOKS && count < FAMILY_MIN; looks++, poll(NULL, 0, LOOK_MS))
        count = descendant_pids(hark, pids, PIDS_MAX);
    assert_in_range(count, FAMILY_MIN, PIDS_MAX - 1);
    return count;
}

static void nobody_else_has_any(const struct secrets *s, const struct hark *h)
{
    pid_t pids[PIDS_MAX];
    size_t count = await_family(h->process->pid, pids);
    for (size_t i = 0; i < count; i++) {
        unsigned found = find_in_memory(s, pids[i]) | find_in_file(s, pids[i], "environ") |
                         find_in_file(s, pids[i], "cmdline");
        for (int n = 0; n < NEEDLES; n++)
            if (found & (1u << n))
                fail_msg("process %d has %s", (int)pids[i], s->needles[n].name);
        shares_no_socket_or_file(h, s, pids[i]);
    }
}

static void keys_and_passwords_are_in_hark_alone(void **unused)
{
    (void)unused;
    struct secrets s;
    secrets_make(&s);
    struct hark *h = start_hark(&s, start_broker(&s));
    if (!can_read_memory(h->process->pid)) {
        end_of_test(NULL);
        skip();
    }
    unsigned found = find_in_memory(&s, h->process->pid);
    assert_true(found & (1u << PASSWORD)); /* or the search is blind */
    assert_true(found & (1u << KEY | 1u << KEY_REVERSED));
    assert_int_equal(find_in_file(&s, h->process->pid, "cmdline"), 0);
    nobody_else_has_any(&s, h);
}

/* A zygote that is started again comes from a hark that has them by now. */
static void nor_do_those_have_them_that_come_later(void **unused)
{
    (void)unused;
    struct secrets s;
    secrets_make(&s);
    struct hark *h = start_hark(&s, start_broker(&s));
    if (!can_read_memory(h->process->pid)) {
        end_of_test(NULL);
        skip();
    }
    assert_int_not_equal(zygote_signal(h->process->pid, SIGKILL), 0);
    hark_wait_line(h, "zygote started again");
    hark_wait_line(h, "zygote started again");
    nobody_else_has_any(&s, h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(keys_and_passwords_are_in_hark_alone),
        system_test(nor_do_those_have_them_that_come_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
