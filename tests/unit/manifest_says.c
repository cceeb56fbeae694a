#include "manifest_says.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct manifest *accepted(const char *text)
{
    struct manifest *m = NULL;
    struct diags diags = {0};
    int r = manifest_parse("m.yaml", slice_of(text), &m, &diags);
    if (r < 0 && diags.count)
        fail_msg("%u:%u: %s", diags.items[0].line, diags.items[0].column, diags.items[0].text);
    assert_int_equal(r, 0);
    assert_int_equal(diags.count, 0);
    return m;
}

void refused(const char *text, const char *const *lines, size_t count)
{
    struct manifest *m = NULL;
    struct diags diags = {0};
    char line[DIAG_FORMATTED_MAX];

    assert_int_equal(manifest_parse("m.yaml", slice_of(text), &m, &diags), -EINVAL);
    assert_null(m);
    for (size_t i = 0; i < diags.count && i < count; i++)
        assert_string_equal(diag_format(&diags.items[i], line, sizeof line), lines[i]);
    assert_int_equal(diags.count, count);
    diags_finish(&diags);
}
