/* check.c: `hark check`: manifests, handlers and the topic graph, before they meet a broker. */
#include "shared/check.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/host.h"
#include "cli/load.h"
#include "cli/probe.h"
#include "cli/settings.h"
#include "dispatcher/broker.h"
#include "dispatcher/deploy.h"
#include "dispatcher/lint.h"
#include "shared/log.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

struct check {
    const char *functions;      /* second place for handlers */
    struct node_config *config; /* NULL: none was given */
    struct host host;
    json_t *json; /* findings as an array; NULL: as lines */
    size_t findings;
    struct manifest **manifests; /* owned; of all files that have one */
    size_t manifest_count;
    size_t function_count; /* files looked at */
};

/* ---- findings ---- */

static json_t *encode(const struct diag *d)
{
    json_t *object = json_pack("{s:s, s:s}", "file", d->file, "text", d->text);
    if (object && d->line > 0) {
        json_object_set_new(object, "line", json_integer(d->line));
        json_object_set_new(object, "column", json_integer(d->column ? d->column : 1));
    }
    return object;
}

static void report(struct check *c, const struct diag *d)
{
    char text[DIAG_FORMATTED_MAX];
    c->findings++;
    if (c->json) {
        json_array_append_new(c->json, encode(d));
        return;
    }
    display_print(slice_of(diag_format(d, text, sizeof text)));
    putchar('\n');
}

static void report_all(struct check *c, const char *path, struct diags *diags)
{
    if (diags->dropped > 0) {
        struct diag more;
        diag_set(&more, path, 0, 0, "%zu more findings", diags->dropped);
        report(c, &more);
    }
    for (size_t i = 0; i < diags->count; i++)
        report(c, &diags->items[i]);
    diags_finish(diags);
}

/* ---- one file ---- */

static void remember(struct check *c, struct manifest *m)
{
    for (size_t i = 0; i < c->manifest_count; i++) {
        const struct manifest *other = c->manifests[i];
        struct diag d;
        if (strcmp(other->function, m->function) != 0)
            continue;
        diag_set(&d, m->file, m->function_line, m->function_column,
                 "function '%s' is defined in %s already: give one of them another name", m->function,
                 other->file);
        report(c, &d);
        break;
    }
    c->manifests = realloc(c->manifests, (c->manifest_count + 1) * sizeof(struct manifest *));
    CHECK(c->manifests);
    c->manifests[c->manifest_count++] = m;
}

/* 0, or the exit code: this machine cannot probe. */
static int probe_revision(struct check *c, const char *path, const struct revision *r)
{
    struct diag text = {0}, d;
    int code = probe(&c->host, r, &text);
    const struct manifest *m = r->manifest;
    if (code == PROBE_READY)
        return 0;
    if (code == PROBE_IMPOSSIBLE) {
        log_error("%s: %s", path, text.text);
        return EX_SOFTWARE;
    }
    revision_place(r, text.text, &d); /* a grant's */
    if (d.line == 0 && m->handler_line > 0)
        diag_set(&d, m->file, m->handler_line, m->handler_column, "handler '%s': %s", r->handler_path,
                 text.text);
    else if (d.line == 0)
        diag_set(&d, path, 0, 0, "%s", text.text);
    report(c, &d);
    return 0;
}

/* With --verbose: the proof of a cron line is its next time. */
static void say_next_ticks(const struct manifest *m)
{
    for (size_t i = 0; i < m->trigger_count; i++) {
        const struct manifest_trigger *t = &m->triggers[i];
        int64_t next = t->cron_text ? cron_next(&t->cron, t->zone, time(NULL)) : CRON_NEVER;
        if (next == CRON_NEVER)
            continue;
        int32_t offset_s = zone_segment_at(t->zone, next).offset_s, minutes = abs(offset_s) / 60;
        time_t local = next + offset_s;
        struct tm tm;
        char text[32];
        gmtime_r(&local, &tm);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
        log_debug("%s: %s: next at %s %c%02d%02d", m->function, t->timer, text, offset_s < 0 ? '-' : '+',
                  minutes / 60, minutes % 60);
    }
}

static const char *name_of_broker(const void *list, size_t i)
{
    return ((const struct node_broker *)list)[i].name;
}

static void check_broker(struct check *c, const struct manifest *m)
{
    struct diag d;
    bool is_default = !m->broker || strcmp(m->broker, NODE_DEFAULT_BROKER) == 0;
    if (!is_default && !c->config)
        log_warn("%s:%u:%u: broker '%s' is not checked: give --config hark.yaml", m->file, m->broker_line,
                 m->broker_column, m->broker);
    else if (!is_default &&
             broker_find(m, name_of_broker, c->config->brokers, c->config->broker_count, &d) < 0)
        report(c, &d);
}

static int check_file(struct check *c, const char *path)
{
    struct diags diags = {0};
    struct revision *r;
    int code = 0;
    c->function_count++;
    if (load_revision(path, c->functions, &r, &diags) == 0) {
        say_next_ticks(r->manifest);
        code = probe_revision(c, path, r);
        revision_drop(r);
    }
    report_all(c, path, &diags);
    struct manifest *m = load_is_manifest(path) ? load_manifest(path) : NULL;
    if (m) {
        check_broker(c, m);
        remember(c, m);
    }
    return code;
}

/* ---- folders ---- */

static int is_candidate(const struct dirent *entry)
{
    return deployer_is_manifest_name(entry->d_name);
}

static int check_folder(struct check *c, const char *folder)
{
    struct dirent **entries;
    int code = 0, count = scandir(folder, &entries, is_candidate, alphasort);
    if (count < 0) {
        log_error("%s: cannot be read: %s", folder, strerror(errno));
        return errno == EACCES ? EX_NOPERM : EX_DATAERR;
    }
    for (int i = 0; i < count; i++) {
        char *path;
        if (code == 0 && asprintf(&path, "%s/%s", folder, entries[i]->d_name) > 0) {
            code = check_file(c, strncmp(path, "./", 2) == 0 ? path + 2 : path);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    return code;
}

static int check_path(struct check *c, const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0) {
        log_error("%s: %s", path, strerror(errno));
        return errno == EACCES ? EX_NOPERM : EX_DATAERR;
    }
    return S_ISDIR(s.st_mode) ? check_folder(c, path) : check_file(c, path);
}

/* ---- all of it ---- */

static int check_graph(struct check *c)
{
    struct diags diags = {0};
    int error = lint_topic_graph((const struct manifest *const *)c->manifests, c->manifest_count, &diags);
    report_all(c, "", &diags);
    if (error)
        log_error("%s", strerror(-error));
    return error ? EX_SOFTWARE : 0;
}

static int finish(struct check *c, int code)
{
    if (c->json && code == 0 && json_dumpf(c->json, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    json_decref(c->json);
    for (size_t i = 0; i < c->manifest_count; i++)
        manifest_free(c->manifests[i]);
    free(c->manifests);
    node_config_free(c->config);
    host_finish(&c->host);
    if (code != 0)
        return code;
    log_info("%zu function%s checked, %zu finding%s", c->function_count, c->function_count == 1 ? "" : "s",
             c->findings, c->findings == 1 ? "" : "s");
    return c->findings > 0 ? 1 : EX_OK;
}

static int run(struct options *o)
{
    struct check c = {.functions = o->functions, .json = o->json ? json_array() : NULL};
    int code = host_init(&c.host, o);
    if (code != 0)
        return code;
    code = host_needs_workers(&c.host);
    if (code == 0 && o->config)
        code = settings_load_config(o->config, &c.config);
    if (code == 0 && o->argument_count == 0)
        code = check_path(&c, ".");
    for (size_t i = 0; i < o->argument_count && code == 0; i++)
        code = check_path(&c, o->arguments[i]);
    if (code == 0)
        code = check_graph(&c);
    return finish(&c, code);
}

const struct command command_check = {
    .name = "check",
    .arguments = "[FILE or DIR]...",
    .summary = "validate manifests, load their handlers, look for loops",
    .help =
        "Reads each manifest (FILE.yaml, or all in DIR; default: the current folder), loads its handler "
        "in a\n"
        "worker as a deploy would, and looks for functions that trigger each other in a circle. FILE.so: "
        "loads\n"
        "a handler alone. The names of brokers are looked up in --config hark.yaml. --verbose also says\n"
        "when each cron comes next. Findings go to standard output, one a line, FILE:LINE:COLUMN: what.\n\n"
        "Exit codes: 0 all good, 1 findings, 64 usage, 65 no such path, 70 internal, 77 not permitted.\n",
    .examples = "Everything that would be deployed, before it is:\n"
                "  hark check --config /etc/hark/hark.yaml /var/lib/hark/functions\n",
    .takes = OPTION_CONFIG | OPTION_FUNCTIONS | OPTIONS_SEAL | OPTION_JSON | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = SIZE_MAX,
    .run = run,
};
