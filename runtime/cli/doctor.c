/* doctor.c: `hark doctor`: what this machine can enforce, layer by layer, seen in a worker and not assumed.
 */
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/machine.h"
#include "cli/probe.h"
#include "dispatcher/seal_policy.h"
#include "shared/log.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char probe_name[] = "doctor-probe.so";

struct findings {
    struct zygote_layers seal;
    bool probe_is_sealed;
    char probe[DIAG_TEXT_MAX];
    char user[RUN_AS_TEXT_MAX];
    char kernel[MACHINE_TEXT_MAX];
    struct cgroup_report cgroup;
};

/* ---- looking ---- */

/* A worker that goes as far as to refuse a file that is no function has put on the whole seal before: the
 * loader's words name the file. */
static void look_at_a_worker(struct host *h, struct findings *f)
{
    struct diag diag = {.text = "out of memory"};
    struct revision *r = revision_of_bytes(probe_name, slice_of("not a function"));
    enum probe_verdict verdict = r ? probe(h, r, &diag) : PROBE_IMPOSSIBLE;
    revision_drop(r);
    f->probe_is_sealed = verdict == PROBE_REFUSED && strstr(diag.text, probe_name);
    snprintf(f->probe, sizeof f->probe, "%s",
             f->probe_is_sealed ? "forked, sealed, and still able to look at a file that hark gave it"
                                : diag.text);
}

static int look(struct host *h, struct findings *f)
{
    f->seal = *zygote_layers(h->zygote);
    int code = host_needs_workers(h);
    if (code != 0)
        return code;
    look_at_a_worker(h, f);
    run_as_name((uid_t)f->seal.uid, f->user);
    machine_kernel(f->kernel);
    f->cgroup = *cgroups_report(h->cgroups);
    return 0;
}

static bool can_run(const struct findings *f)
{
    return seal_holds(&f->seal) && f->probe_is_sealed;
}

/* ---- telling ---- */

static void print_row(const char *status, const char *name, const char *text)
{
    printf("%-9s %-18s %s\n", status, name, text);
}

static void print_layer(const struct zygote_layers *z, enum layer layer)
{
    const struct layer_state *s = &z->layers[layer];
    char text[SEAL_LINE_MAX];
    if (s->status == LAYER_ENFORCED || s->status == LAYER_WAIVED)
        snprintf(text, sizeof text, "without it %s", layer_meaning(layer));
    else
        snprintf(text, sizeof text, "%swithout it %s; why: %s; what to do: %s",
                 seal_layer_is_fatal(z, layer) ? "no function runs: " : "", layer_meaning(layer),
                 seal_reason(z, layer), layer_remedy(layer));
    print_row(layer_status_name((enum layer_status)s->status), layer_name(layer), text);
}

static const char cgroup_meaning[] =
    "functions share processors and memory without an order, and limits.cpu_quota has no effect";

static void print_cgroup(const struct cgroup_report *r)
{
    char text[CGROUP_TEXT_MAX + SEAL_LINE_MAX];
    if (r->status == CGROUP_ENFORCED)
        snprintf(text, sizeof text, "without it %s; %s", cgroup_meaning, r->text);
    else
        snprintf(text, sizeof text, "without it %s; why: %s; what to do: %s", cgroup_meaning, r->text,
                 r->remedy);
    print_row(cgroup_status_name(r->status), "cgroup", text);
}

/* What a manifest may grant here. */
static const struct {
    const char *name, *meaning;
    struct grants sample;
} grants[] = {
    {"files", "manifests may grant files and folders", {.paths = {{.kind = GRANT_READ}}, .path_count = 1}},
    {"unix", "manifests may grant unix sockets", {.paths = {{.kind = GRANT_UNIX}}, .path_count = 1}},
    {"tcp", "manifests may grant TCP ports, without network-namespace", {.ports = {1}, .port_count = 1}},
};

enum { GRANTS = sizeof grants / sizeof *grants };

static const char *why_not_granted(const struct findings *f, int i)
{
    const char *key;
    return grants_refusal(&grants[i].sample, f->seal.layers, &key);
}

static void print_grants(const struct findings *f)
{
    for (int i = 0; i < GRANTS; i++) {
        const char *why = why_not_granted(f, i);
        print_row(why ? "refused" : "granted", grants[i].name, why ? why : grants[i].meaning);
    }
}

static void print_lines(const struct findings *f)
{
    char abi[16];
    for (int i = 0; i < LAYER_COUNT; i++)
        print_layer(&f->seal, (enum layer)i);
    print_row(f->probe_is_sealed ? "enforced" : "missing", "worker", f->probe);
    print_cgroup(&f->cgroup);
    print_grants(f);
    print_row("info", "user", f->user);
    print_row("info", "kernel", f->kernel);
    snprintf(abi, sizeof abi, "%u", f->seal.layers[LAYER_LANDLOCK].detail);
    print_row("info", "landlock-abi", abi);
}

static json_t *encode_layer(const struct zygote_layers *z, enum layer layer)
{
    const struct layer_state *s = &z->layers[layer];
    return json_pack("{s:s, s:s, s:b, s:i, s:s, s:s}", "name", layer_name(layer), "status",
                     layer_status_name((enum layer_status)s->status), "mandatory",
                     (int)layer_is_mandatory(layer, z->layers), "errno", (int)s->error, "meaning",
                     layer_meaning(layer), "remedy", layer_remedy(layer));
}

static json_t *encode_cgroup(const struct cgroup_report *r)
{
    json_t *controllers = json_array();
    for (unsigned bit = 1; bit <= CGROUP_ALL; bit <<= 1) {
        if (r->controllers & bit)
            json_array_append_new(controllers, json_string(cgroup_name(bit)));
    }
    return json_pack("{s:b, s:s, s:o, s:s, s:s, s:s}", "present", (int)(r->status != CGROUP_ABSENT), "status",
                     cgroup_status_name(r->status), "controllers", controllers, "text", r->text, "meaning",
                     cgroup_meaning, "remedy", r->remedy);
}

static json_t *encode_grants(const struct findings *f)
{
    json_t *list = json_array();
    for (int i = 0; i < GRANTS; i++) {
        const char *why = why_not_granted(f, i);
        json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "name", grants[i].name, "enforceable", !why,
                                              "text", why ? why : grants[i].meaning));
    }
    return list;
}

static int print_json(const struct findings *f)
{
    json_t *layers = json_array();
    for (int i = 0; i < LAYER_COUNT; i++)
        json_array_append_new(layers, encode_layer(&f->seal, (enum layer)i));
    json_t *root =
        json_pack("{s:b, s:o, s:o, s:{s:b, s:s}, s:o, s:i, s:s, s:i}", "can_run", (int)can_run(f), "layers",
                  layers, "grants", encode_grants(f), "worker", "sealed", (int)f->probe_is_sealed, "text",
                  f->probe, "cgroup", encode_cgroup(&f->cgroup), "uid", (int)f->seal.uid, "kernel", f->kernel,
                  "landlock_abi", (int)f->seal.layers[LAYER_LANDLOCK].detail);
    int error = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
    json_decref(root);
    if (error == 0)
        putchar('\n');
    return error ? EX_SOFTWARE : 0;
}

static int tell(const struct findings *f, bool json)
{
    int code = json ? print_json(f) : 0;
    if (!json)
        print_lines(f);
    if (code != 0)
        return code;
    return can_run(f) ? EX_OK : EX_NOPERM;
}

static int run(struct options *o)
{
    struct host host;
    struct findings findings = {0};
    int code = host_open(&host, o);
    if (code != 0)
        return code;
    code = look(&host, &findings);
    host_finish(&host);
    return code != 0 ? code : tell(&findings, o->json);
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "what this machine can enforce, and what to do about what it cannot",
    .help =
        "Starts a worker under the seal, with the options of 'hark run', and prints a line for each layer:\n"
        "enforced, degraded (part of it), missing or waived (by --insecure), its name, what is lost without "
        "it,\nand for one that does not hold why and what to do. 'worker' is what became of the worker "
        "itself.\n'files', 'unix' and 'tcp' say whether manifests may grant them here: granted or refused.\n"
        "'cgroup' is what hark can do with the cgroup that this command was started in; absent, "
        "functions run\nall the same. 'kernel' and the rest are for information.\n\n"
        "Exit codes: 0 functions run with these options, 64 usage, 70 internal, 77 they do not.\n",
    .examples = "What the user that functions will run as may do:\n"
                "  hark doctor --user hark\n",
    .takes = OPTIONS_SEAL | OPTION_JSON | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 0,
    .run = run,
};
