#include "cli/complain.h"

#include "shared/log.h"

void complain(const struct diag *d)
{
    char text[DIAG_FORMATTED_MAX];
    log_error("%s", diag_format(d, text, sizeof text));
}

void complain_all(const struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++)
        complain(&diags->items[i]);
    if (diags->dropped > 0)
        log_error("%zu more complaints of the same kind", diags->dropped);
}
