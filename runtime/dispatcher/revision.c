#include "dispatcher/revision.h"

#include "dispatcher/config_file.h"
#include "dispatcher/elf_check.h"
#include "dispatcher/freeze.h"
#include "dispatcher/script.h"
#include "dispatcher/zone_file.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void file_signature_take(const char *path, struct file_signature *ret_signature)
{
    struct stat s;
    *ret_signature = (struct file_signature){0};
    if (stat(path, &s) != 0)
        return;
    *ret_signature = (struct file_signature){true, s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_signature_equal(const struct file_signature *a, const struct file_signature *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static int64_t in_ns(struct timespec time)
{
    return (int64_t)time.tv_sec * (int64_t)NS_PER_S + time.tv_nsec;
}

/* ctime: unlike mtime, nobody can set it. */
bool file_signature_is_still(const struct file_signature *s, struct timespec now, uint64_t for_ns)
{
    return s->exists && in_ns(now) - in_ns(s->changed) >= (int64_t)for_ns;
}

/* FNV-1a (Fowler, Noll, Vo): to see a change, not to withstand an enemy. */
static uint64_t fold(uint64_t hash, uint64_t value)
{
    for (int i = 0; i < 64; i += 8)
        hash = (hash ^ (value >> i & 0xff)) * 0x100000001b3u;
    return hash;
}

uint64_t file_signatures_fold(char *const *paths)
{
    uint64_t hash = paths ? 0xcbf29ce484222325u : 0;
    for (; paths && *paths; paths++) {
        struct file_signature s;
        file_signature_take(*paths, &s);
        const uint64_t values[] = {s.exists,
                                   s.device,
                                   s.inode,
                                   (uint64_t)s.bytes,
                                   (uint64_t)s.modified.tv_sec,
                                   (uint64_t)s.modified.tv_nsec,
                                   (uint64_t)s.changed.tv_sec,
                                   (uint64_t)s.changed.tv_nsec};
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            hash = fold(hash, values[i]);
    }
    return hash;
}

/* `path`'s folder as a prefix to put a name behind: "" or something that ends in '/'. */
static struct slice folder_prefix(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slice_make(path, slash ? (size_t)(slash - path) + 1 : 0);
}

static char *join(struct slice prefix, const char *name)
{
    char *path;
    const char *between = prefix.len > 0 && prefix.data[prefix.len - 1] != '/' ? "/" : "";
    if (name[0] == '/')
        return strdup(name);
    return asprintf(&path, "%.*s%s%s", SLICE_ARG(prefix), between, name) < 0 ? NULL : path;
}

char *revision_handler_path(const char *manifest_path, const char *functions, const char *handler)
{
    char *beside = join(folder_prefix(manifest_path), handler);
    if (!beside || !functions || access(beside, F_OK) == 0)
        return beside;
    char *second = join(slice_of(functions), handler);
    if (second && access(second, F_OK) == 0) {
        free(beside);
        return second;
    }
    free(second);
    return beside;
}

/* NULL: out of memory. */
static char *other_handler_path(const char *manifest_path, const char *functions, const char *handler,
                                const char *chosen)
{
    char *beside = join(folder_prefix(manifest_path), handler);
    if (!beside || strcmp(beside, chosen) != 0)
        return beside;
    free(beside);
    return join(slice_of(functions), handler);
}

static void hash_piece(SHA2_CTX *s, const void *data, uint64_t len)
{
    SHA256Update(s, (const uint8_t *)&len, sizeof len);
    SHA256Update(s, data, len);
}

/* The manifest's text has the config that it writes out. */
static void hash_config_files(SHA2_CTX *s, const struct manifest *m)
{
    for (size_t i = 0; i < m->config_count; i++) {
        if (m->config[i].from_file)
            hash_piece(s, m->config[i].value, strlen(m->config[i].value));
    }
}

/* The version names the content of all files; the lengths keep their borders in place. */
static void compute_version(struct revision *r, struct slice manifest, const struct frozen *handler)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA2_CTX s;
    SHA256Init(&s);
    hash_piece(&s, manifest.data, manifest.len);
    hash_config_files(&s, r->manifest);
    if (r->script)
        hash_piece(&s, r->script, r->script_bytes);
    SHA256Update(&s, handler->data, handler->len);
    SHA256Final(hash, &s);
    for (size_t i = 0; i < REVISION_VERSION_LEN / 2; i++)
        snprintf(r->version + 2 * i, 3, "%02x", hash[i]);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The complaint about a handler stands where the manifest names it; `d` holds what is wrong with it. */
static void complain_of_handler(const struct revision *r, const struct diag *d, struct diags *diags)
{
    const struct manifest *m = r->manifest;
    if (!m->handler_line)
        diags_add(diags, r->handler_path, 0, 0, "%s", d->text);
    else
        diags_add(diags, m->file, m->handler_line, m->handler_column, "handler '%s': %s", r->handler_path,
                  d->text);
}

static void complain_of_missing(const struct manifest *m, const char *manifest_path, const char *functions,
                                struct diags *diags)
{
    struct slice folder = folder_prefix(manifest_path);
    const char *build_it = script_is_named(m->handler) ? "" : "build it, ";
    if (folder.len == 0)
        folder = slice_of("./");
    if (m->handler[0] == '/')
        diags_add(diags, m->file, m->handler_line, m->handler_column,
                  "handler '%s' not found: %sput it there", m->handler, build_it);
    else if (!functions)
        diags_add(diags, m->file, m->handler_line, m->handler_column,
                  "handler '%s' not found: looked in %.*s: %sput it there, or name its folder by --functions",
                  m->handler, SLICE_ARG(folder), build_it);
    else
        diags_add(diags, m->file, m->handler_line, m->handler_column,
                  "handler '%s' not found: looked in %.*s and %s: %sput it into one of them", m->handler,
                  SLICE_ARG(folder), functions, build_it);
}

/* What a worker loads: the handler, or the adapter of a script, which is taken as text. */
static int freeze_handler(struct revision *r, struct frozen *ret_frozen, struct diag *diag)
{
    if (!script_is_named(r->handler_path))
        return freeze_trusted_file(r->handler_path, base_name(r->handler_path), REVISION_HANDLER_BYTES_MAX,
                                   ret_frozen, diag);
    int error = script_read(r->handler_path, &r->script, &r->script_bytes, diag);
    return error < 0 ? error : script_freeze_adapter(r->handler_path, ret_frozen, diag);
}

/* Fills in handler_fd, script and version. */
static int load_handler(struct revision *r, struct slice manifest, struct diag *diag)
{
    struct frozen frozen = {.fd = -1};
    int error = freeze_handler(r, &frozen, diag);
    if (error < 0)
        return error;
    error = elf_check(frozen.data, frozen.len, diag);
    if (error == 0) {
        compute_version(r, manifest, &frozen);
        r->handler_fd = freeze_take_fd(&frozen);
    }
    freeze_finish(&frozen);
    return error;
}

/* Takes the manifest in any case. */
static struct revision *revision_create(struct manifest *m, char *handler_path)
{
    struct revision *r = calloc(1, sizeof *r);
    struct log_budget *budget = calloc(1, sizeof *budget);
    struct cgroup_share *share = cgroup_share_create();
    if (!r || !budget || !share || !m || !handler_path) {
        free(r);
        free(budget);
        cgroup_share_drop(share);
        free(handler_path);
        manifest_free(m);
        return NULL;
    }
    *r = (struct revision){.references = 1,
                           .manifest = m,
                           .handler_fd = -1,
                           .handler_path = handler_path,
                           .log_budget = budget,
                           .cgroup_share = share};
    return r;
}

static int out_of_memory(const char *file, struct diags *diags)
{
    diags_add(diags, file, 0, 0, "out of memory");
    return -ENOMEM;
}

static int load_named_handler(struct revision *r, const char *manifest_path, const char *functions,
                              struct slice text, struct diags *diags)
{
    struct diag diag = {0};
    int error = load_handler(r, text, &diag);
    if (error == -ENOENT)
        complain_of_missing(r->manifest, manifest_path, functions, diags);
    else if (error < 0)
        complain_of_handler(r, &diag, diags);
    return error;
}

static int load_with_manifest(const char *manifest_path, const char *functions, struct slice text,
                              struct revision **ret_revision, struct revision_names *ret_names,
                              struct diags *diags)
{
    struct manifest *m;
    int error = manifest_parse(manifest_path, text, &m, diags);
    if (error < 0)
        return error;
    struct revision *r = revision_create(m, revision_handler_path(manifest_path, functions, m->handler));
    if (!r)
        return out_of_memory(manifest_path, diags);
    *ret_names = (struct revision_names){.function = strdup(m->function),
                                         .handler_path = strdup(r->handler_path),
                                         .config_files = config_files_list(m, folder_prefix(manifest_path))};
    file_signature_take(r->handler_path, &ret_names->handler_signature);
    if (functions)
        ret_names->other_path = other_handler_path(manifest_path, functions, m->handler, r->handler_path);
    ret_names->other_signature = file_signatures_fold((char *const[]){ret_names->other_path, NULL});
    ret_names->config_signature = file_signatures_fold(ret_names->config_files);
    error = config_files_read(m, folder_prefix(manifest_path), diags);
    if (error == 0)
        error = zone_files_read(m, diags);
    if (error == 0)
        error = load_named_handler(r, manifest_path, functions, text, diags);
    if (error < 0)
        revision_drop(r);
    else
        *ret_revision = r;
    return error;
}

void revision_names_finish(struct revision_names *names)
{
    free(names->function);
    free(names->handler_path);
    free(names->other_path);
    config_files_free(names->config_files);
    *names = (struct revision_names){0};
}

int revision_load(const char *manifest_path, const char *functions, struct revision **ret_revision,
                  struct diags *diags)
{
    struct revision_names names = {0};
    int error = revision_load_named(manifest_path, functions, ret_revision, &names, diags);
    revision_names_finish(&names);
    return error;
}

int revision_load_named(const char *manifest_path, const char *functions, struct revision **ret_revision,
                        struct revision_names *ret_names, struct diags *diags)
{
    struct frozen text = {.fd = -1};
    struct diag diag = {0};
    int error =
        freeze_trusted_file(manifest_path, base_name(manifest_path), MANIFEST_BYTES_MAX, &text, &diag);
    if (error < 0) {
        diags_add(diags, manifest_path, 0, 0, "%s", diag.text);
        return error;
    }
    error = load_with_manifest(manifest_path, functions, slice_make(text.data, text.len), ret_revision,
                               ret_names, diags);
    freeze_finish(&text);
    return error;
}

int revision_load_handler(const char *handler_path, struct revision **ret_revision, struct diags *diags)
{
    struct diag diag = {0};
    struct revision *r = revision_create(manifest_for_handler(handler_path), strdup(handler_path));
    if (!r)
        return out_of_memory(handler_path, diags);
    r->publish_anywhere = true;
    int error = load_handler(r, slice_of(""), &diag);
    if (error < 0) {
        diags_add(diags, handler_path, 0, 0, "%s", diag.text);
        revision_drop(r);
        return error;
    }
    *ret_revision = r;
    return 0;
}

struct revision *revision_of_bytes(const char *name, struct slice bytes)
{
    struct revision *r = revision_create(manifest_for_handler(name), strdup(name));
    if (!r)
        return NULL;
    r->handler_fd = memfd_create(name, MFD_CLOEXEC);
    if (r->handler_fd >= 0 && write(r->handler_fd, bytes.data, bytes.len) == (ssize_t)bytes.len)
        return r;
    revision_drop(r);
    return NULL;
}

void revision_place(const struct revision *r, const char *text, struct diag *ret_diag)
{
    struct manifest_place place;
    if (manifest_find_grant(r->manifest, text, &place))
        diag_set(ret_diag, r->manifest->file, place.line, place.column, "%s", text);
    else
        diag_set(ret_diag, NULL, 0, 0, "%s", text);
}

void revision_hold(struct revision *r)
{
    r->references++;
}

void revision_drop(struct revision *r)
{
    if (!r)
        return;
    CHECK(r->references > 0);
    if (--r->references > 0)
        return;
    if (r->handler_fd >= 0)
        close(r->handler_fd);
    manifest_free(r->manifest);
    free(r->handler_path);
    free(r->script);
    free(r->log_budget);
    cgroup_share_drop(r->cgroup_share);
    free(r);
}
