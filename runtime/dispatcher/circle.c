/* circle.c: which of the deployed functions trigger each other in a circle? */
#include "dispatcher/deploy_internal.h"

#include "dispatcher/lint.h"

#include <stdlib.h>

char *deployer_circle(const struct deployer *d, const struct function *f)
{
    const struct manifest **manifests = calloc(d->function_count + 1, sizeof(const struct manifest *));
    size_t count = 0, index = SIZE_MAX;
    const struct source *s;
    if (!manifests)
        return NULL; /* the hop count finds what goes round */
    TAILQ_FOREACH (s, &d->sources, link) {
        const struct revision *r = s->function ? function_revision(s->function) : NULL;
        if (!r || s->is_behind || count > d->function_count)
            continue;
        if (s->function == f)
            index = count;
        manifests[count++] = r->manifest;
    }
    char *circle = index != SIZE_MAX ? lint_circle_through(manifests, count, index) : NULL;
    free(manifests);
    return circle;
}
