/* cases.c: any bytes as a file of test cases: refused with words, or what happened can be recorded in it, and
 * then it is what is expected: to record it again changes nothing. */
#include "fuzz.h"

#include "cli/case_update.h"

#include <errno.h>
#include <stdlib.h>

enum { OUTPUTS = 3 };

static struct case_happened *happened(enum play_outcome outcome)
{
    static const struct {
        const char *topic, *payload;
    } outputs[OUTPUTS] = {
        {"a", "{\"n\": [1, 0.5, null], \"k: #\": \"\"}"}, {"home/b c", "on"}, {"r", "yes\n"}};
    static const char *const lines[] = {"all is well", "#1: 'odd' \"line\""};
    struct case_happened *h = calloc(1, sizeof *h);
    *h = (struct case_happened){.outcome = outcome,
                                .logs = (char *const *)lines,
                                .log_count = sizeof lines / sizeof *lines,
                                .was_asked = true};
    h->outputs.items = calloc(OUTPUTS, sizeof *h->outputs.items);
    for (size_t i = 0; i < OUTPUTS; i++)
        h->outputs.items[h->outputs.count++] =
            (struct case_output){.publish = {.topic = slice_of(outputs[i].topic),
                                             .payload = slice_of(outputs[i].payload),
                                             .qos = (uint8_t)i},
                                 .is_reply = i == OUTPUTS - 1};
    return h;
}

static struct case_file *parse(struct slice text)
{
    struct diags diags = {0};
    struct case_file *f = NULL;
    int r = case_file_parse("f.test.yaml", text, &f, &diags);
    CHECK(r == 0 || (r == -EINVAL && diags.count > 0 && !f));
    diags_finish(&diags);
    return f;
}

static bool has_any_order(const struct case_file *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->cases[i].expect.any_order)
            return true;
    }
    return false;
}

static void record(const struct case_file *f, struct slice text, struct case_happened **all)
{
    struct case_updated once, twice;
    if (case_update(f, text, all, &once) < 0)
        return;
    struct slice now = slice_make(once.text, once.len);
    struct case_file *g = parse(now);
    CHECK(g && g->count == f->count);
    CHECK(case_update(g, now, all, &twice) == 0);
    CHECK(has_any_order(f) || slice_equal(now, slice_make(twice.text, twice.len)));
    case_updated_finish(&twice);
    case_updated_finish(&once);
    case_file_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct case_file *f = parse(text);
    if (!f)
        return 0;
    struct case_happened **all = calloc(f->count, sizeof(void *));
    for (size_t i = 0; i < f->count; i++)
        all[i] = happened(i % 3 == 1 ? PLAY_REJECT : PLAY_OK);
    record(f, text, all);
    for (size_t i = 0; i < f->count; i++) {
        case_outputs_finish(&all[i]->outputs);
        free(all[i]);
    }
    free(all);
    case_file_free(f);
    return 0;
}
