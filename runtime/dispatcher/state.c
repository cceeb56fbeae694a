#include "dispatcher/state.h"

#include "shared/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_BYTES_MAX = 8 << 20, FILE_NAME_MAX = 160 };

struct state {
    char *folder; /* <state>/<node>, for complaints */
    int folder_fd;
    int lock_fd;
    atomic_bool is_unflushed; /* the last flush of the folder failed */
};

static int fail(struct diag *diag, const char *file, int error, const char *what)
{
    diag_set(diag, file, 0, 0, "%s: %s", what, strerror(error));
    return -error;
}

static int make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

/* mkdir -p, mode 0700 (what the XDG base directory specification asks for). `path` is scribbled on and
 * restored. */
static int make_folders(char *path)
{
    int error = 0, refused = 0;
    for (char *slash = strchr(path + 1, '/'); slash && error == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = make_folder(path);
        *slash = '/';
        if (error == -EROFS || error == -EACCES) { /* it may be there all the same: what is in it tells */
            refused = error;
            error = 0;
        }
    }
    if (error == 0)
        error = make_folder(path);
    return error == -ENOENT && refused < 0 ? refused : error;
}

static int open_folder(struct state *s, struct diag *diag)
{
    int error = make_folders(s->folder);
    if (error < 0)
        return fail(diag, s->folder, -error, "the state folder cannot be made, --state names another");
    s->folder_fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder_fd < 0)
        return fail(diag, s->folder, errno, "the state folder cannot be opened");
    return 0;
}

static int take_lock(struct state *s, const char *node, struct diag *diag)
{
    s->lock_fd = openat(s->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return fail(diag, s->folder, errno, "the state folder cannot be written");
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return fail(diag, s->folder, errno, "the state folder cannot be locked");
    diag_set(diag, s->folder, 0, 0, "another hark named '%s' is running: give this one a --node of its own",
             node);
    return -EWOULDBLOCK;
}

struct state *state_open(const char *folder, const char *node, int *ret_errno, struct diag *diag)
{
    CHECK(!strchr(node, '/') && strcmp(node, "..") != 0 && node[0] != '\0');
    struct state *s = calloc(1, sizeof *s);
    int error = -ENOMEM;
    if (!s)
        goto fail;
    s->folder_fd = s->lock_fd = -1;
    if (asprintf(&s->folder, "%s/%s", folder, node) < 0) {
        s->folder = NULL;
        goto fail;
    }
    error = open_folder(s, diag);
    if (error == 0)
        error = take_lock(s, node, diag);
    if (error == 0)
        return s;
fail:
    if (error == -ENOMEM)
        diag_set(diag, folder, 0, 0, "out of memory");
    state_close(s);
    *ret_errno = error;
    return NULL;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    if (s->folder_fd >= 0)
        close(s->folder_fd);
    free(s->folder);
    free(s);
}

static void record_name(const char *function, char name[FILE_NAME_MAX])
{
    CHECK(!strchr(function, '/') && strlen(function) < FILE_NAME_MAX - 16);
    snprintf(name, FILE_NAME_MAX, "%s.json", function);
}

static int complain(const struct state *s, const char *name, struct diag *diag, int error, const char *what)
{
    char path[DIAG_FILE_MAX];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return fail(diag, path, error, what);
}

void session_record_finish(struct session_record *record)
{
    for (size_t i = 0; i < record->filter_count; i++)
        free(record->filters[i]);
    free(record->filters);
    free(record->broker);
    *record = (struct session_record){0};
}

static int decode_filters(const json_t *filters, struct session_record *record)
{
    if (!json_is_array(filters))
        return -EBADMSG;
    record->filters = calloc(json_array_size(filters) + 1, sizeof *record->filters);
    if (!record->filters)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(filters); i++) {
        const char *text = json_string_value(json_array_get(filters, i));
        if (!text)
            return -EBADMSG;
        record->filters[i] = strdup(text);
        if (!record->filters[i])
            return -ENOMEM;
        record->filter_count++;
    }
    return 0;
}

static int decode(const json_t *root, struct session_record *ret_record)
{
    struct session_record record = {0};
    const char *broker = json_string_value(json_object_get(root, "broker"));
    if (!broker)
        return -EBADMSG;
    record.broker = strdup(broker);
    record.speaks_5 = json_is_true(json_object_get(root, "speaks_5"));
    int error = record.broker ? decode_filters(json_object_get(root, "filters"), &record) : -ENOMEM;
    json_int_t sure = json_integer_value(json_object_get(root, "sure"));
    if (!record.speaks_5 && sure > 0)
        record.sure_count = (size_t)sure < record.filter_count ? (size_t)sure : record.filter_count;
    if (error < 0)
        session_record_finish(&record);
    else
        *ret_record = record;
    return error;
}

/* Takes fd. */
static int read_record(int fd, struct session_record *ret_record)
{
    struct stat stat;
    int error = -EBADMSG;
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_size <= RECORD_BYTES_MAX) {
        json_t *root = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
        if (root)
            error = decode(root, ret_record);
        json_decref(root);
    }
    close(fd);
    return error;
}

int state_read(struct state *s, const char *function, struct session_record *ret_record, struct diag *diag)
{
    char name[FILE_NAME_MAX];
    record_name(function, name);
    int fd = openat(s->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0)
        return complain(s, name, diag, errno, "the session record cannot be read");
    int error = read_record(fd, ret_record);
    return error < 0 ? complain(s, name, diag, -error, "the session record is damaged") : 0;
}

static json_t *encode(const struct session_record *record)
{
    json_t *filters = json_array();
    int error = filters ? 0 : -1;
    for (size_t i = 0; i < record->filter_count && error == 0; i++)
        error = json_array_append_new(filters, json_string(record->filters[i]));
    json_t *sure = record->speaks_5 ? NULL : json_integer((json_int_t)record->sure_count);
    if (error == 0)
        return json_pack("{s:s, s:b, s:o, s:o*}", "broker", record->broker, "speaks_5", record->speaks_5,
                         "filters", filters, "sure", sure);
    json_decref(sure);
    json_decref(filters);
    return NULL;
}

static char *encode_text(const struct session_record *record)
{
    json_t *root = encode(record);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return text;
}

static int write_file(const struct state *s, const char *name, const char *text, bool flush)
{
    size_t len = strlen(text);
    int fd = openat(s->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    errno = 0;
    int error = 0;
    if (write(fd, text, len) != (ssize_t)len)
        error = errno ? -errno : -EIO;
    else if (flush && fsync(fd) != 0)
        error = -errno;
    close(fd);
    return error;
}

static int flush_folder(struct state *s)
{
    int error = fsync(s->folder_fd) == 0 ? 0 : -errno;
    s->is_unflushed = error != 0;
    return error;
}

/* And will be after a power cut. */
static bool is_there(struct state *s, const char *name, const char *text)
{
    char bytes[4096];
    size_t at = 0, len = strlen(text);
    ssize_t n = -1;
    if (s->is_unflushed)
        return false;
    int fd = openat(s->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return false;
    while ((n = read(fd, bytes, sizeof bytes)) > 0 && (size_t)n <= len - at &&
           memcmp(bytes, text + at, (size_t)n) == 0)
        at += (size_t)n;
    close(fd);
    return n == 0 && at == len;
}

static void name_beside(const char *name, char beside[FILE_NAME_MAX + 8])
{
    snprintf(beside, FILE_NAME_MAX + 8, ".%s.new", name);
}

/* Written beside, then renamed over: after a power cut there is the old record or the new one. The folder is
 * to be flushed. */
static int write_beside(const struct state *s, const char *name, const char *text, bool flush)
{
    char beside[FILE_NAME_MAX + 8];
    name_beside(name, beside);
    int error = write_file(s, beside, text, flush);
    if (error < 0)
        unlinkat(s->folder_fd, beside, 0);
    return error;
}

static int rename_over(const struct state *s, const char *name)
{
    char beside[FILE_NAME_MAX + 8];
    name_beside(name, beside);
    if (renameat(s->folder_fd, beside, s->folder_fd, name) == 0)
        return 0;
    int error = -errno;
    unlinkat(s->folder_fd, beside, 0);
    return error;
}

static int replace_file(struct state *s, const char *name, const char *text)
{
    int error = write_beside(s, name, text, true);
    if (error == 0)
        error = rename_over(s, name);
    return error ? error : flush_folder(s);
}

int state_write(struct state *s, const char *function, const struct session_record *record, struct diag *diag)
{
    char name[FILE_NAME_MAX];
    record_name(function, name);
    char *text = encode_text(record);
    int error = !text ? -ENOMEM : is_there(s, name, text) ? 0 : replace_file(s, name, text);
    free(text);
    return error < 0 ? complain(s, name, diag, -error, "the session record cannot be written") : 0;
}

/* ---- many at once ---- */

bool session_record_has(const struct session_record *record, const char *filter)
{
    for (size_t i = 0; i < record->filter_count; i++)
        if (strcmp(record->filters[i], filter) == 0)
            return true;
    return false;
}

/* Both together, their strings borrowed; the filters of `wanted` are behind those of `known`, as subscribe.c
 * writes them. False: out of memory. */
static bool merge(const struct session_record *wanted, const struct session_record *known,
                  struct session_record *ret_both)
{
    bool same_broker = known->broker && strcmp(wanted->broker, known->broker) == 0;
    *ret_both = *wanted;
    ret_both->filters = calloc(wanted->filter_count + known->filter_count + 1, sizeof *ret_both->filters);
    if (!ret_both->filters)
        return false;
    ret_both->filter_count = 0;
    for (size_t i = 0; same_broker && i < known->filter_count; i++)
        ret_both->filters[ret_both->filter_count++] = known->filters[i];
    for (size_t i = 0; i < wanted->filter_count; i++)
        if (!session_record_has(ret_both, wanted->filters[i]))
            ret_both->filters[ret_both->filter_count++] = wanted->filters[i];
    ret_both->speaks_5 |= same_broker && known->speaks_5;
    ret_both->sure_count = same_broker ? known->sure_count : 0;
    return true;
}

/* True: it lies beside, and waits for the flush. */
static bool add_beside(struct state *s, const struct state_entry *entry)
{
    struct session_record known = {0}, both;
    struct diag ignored;
    char name[FILE_NAME_MAX];
    record_name(entry->function, name);
    if (state_read(s, entry->function, &known, &ignored) < 0)
        known = (struct session_record){0};
    char *text = NULL;
    if (merge(&entry->record, &known, &both)) {
        text = encode_text(&both);
        free(both.filters);
    }
    session_record_finish(&known);
    bool lies_beside = text && !is_there(s, name, text) && write_beside(s, name, text, false) == 0;
    free(text);
    return lies_beside;
}

/* One flush of the file system: it may have other things to write, but to flush file by file costs a disk
 * more than that as soon as there are a few. */
static void put_in_place(struct state *s, const struct state_entry *entries, const bool *lie_beside,
                         size_t count)
{
    char name[FILE_NAME_MAX];
    bool is_flushed = syncfs(s->folder_fd) == 0;
    for (size_t i = 0; i < count; i++) {
        if (!lie_beside[i])
            continue;
        record_name(entries[i].function, name);
        if (is_flushed && rename_over(s, name) == 0)
            continue;
        char beside[FILE_NAME_MAX + 8];
        name_beside(name, beside);
        unlinkat(s->folder_fd, beside, 0);
    }
    (void)flush_folder(s);
}

void state_add_all(struct state *s, const struct state_entry *entries, size_t count)
{
    size_t beside = 0;
    bool *lie_beside = calloc(count + 1, sizeof *lie_beside);
    for (size_t i = 0; lie_beside && i < count; i++)
        beside += lie_beside[i] = add_beside(s, &entries[i]);
    if (beside)
        put_in_place(s, entries, lie_beside, count);
    free(lie_beside);
}

int state_remove(struct state *s, const char *function, struct diag *diag)
{
    char name[FILE_NAME_MAX];
    record_name(function, name);
    if (unlinkat(s->folder_fd, name, 0) != 0)
        return errno == ENOENT ? 0 : complain(s, name, diag, errno, "the session record cannot be removed");
    if (fsync(s->folder_fd) != 0)
        return complain(s, name, diag, errno, "the session record cannot be removed");
    return 0;
}

int state_open_folder(struct state *s, const char *name, struct diag *diag)
{
    if (mkdirat(s->folder_fd, name, 0700) != 0 && errno != EEXIST)
        return complain(s, name, diag, errno, "the folder cannot be made");
    int fd = openat(s->folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : complain(s, name, diag, errno, "the folder cannot be opened");
}

const char *state_path(const struct state *s)
{
    return s->folder;
}

/* ---- who we are ---- */

static const char instance_name[] = "instance";

static bool read_instance(const struct state *s, char instance[STATE_INSTANCE_LEN + 1])
{
    int fd = openat(s->folder_fd, instance_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? read(fd, instance, STATE_INSTANCE_LEN + 1) : -1;
    if (fd >= 0)
        close(fd);
    if (len != STATE_INSTANCE_LEN)
        return false;
    instance[STATE_INSTANCE_LEN] = '\0';
    return strspn(instance, "0123456789abcdef") == STATE_INSTANCE_LEN;
}

static int write_instance(const struct state *s, const char *instance)
{
    int fd = openat(s->folder_fd, instance_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    errno = 0;
    bool good = write(fd, instance, STATE_INSTANCE_LEN) == STATE_INSTANCE_LEN && fsync(fd) == 0;
    int error = good ? 0 : errno ? -errno : -EIO;
    close(fd);
    return error;
}

int state_instance(struct state *s, char ret_instance[STATE_INSTANCE_LEN + 1], struct diag *diag)
{
    uint64_t number;
    if (read_instance(s, ret_instance))
        return 0;
    CHECK(getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number);
    snprintf(ret_instance, STATE_INSTANCE_LEN + 1, "%016llx", (unsigned long long)number);
    int error = write_instance(s, ret_instance);
    if (error == 0 && fsync(s->folder_fd) != 0)
        error = -errno;
    return error ? complain(s, instance_name, diag, -error, "the node's own name cannot be written") : 0;
}
