/* manifest_says.h: what the tests of manifests have in common: a text is accepted, or refused with exactly
 * these lines. The file is called m.yaml in complaints. */
#ifndef TESTS_UNIT_MANIFEST_SAYS_H
#define TESTS_UNIT_MANIFEST_SAYS_H

#include "manifest/manifest.h"

/* The least that is needed; the next line is the fifth. */
#define LEAST "function: f\nhandler: f.so\ntriggers:\n  - topic: home/{room}/t\n"

/* Without a complaint. The caller frees. */
struct manifest *accepted(const char *text);

/* The complaints are these lines, no more and no fewer. */
void refused(const char *text, const char *const *lines, size_t count);

#define REFUSED(text, ...)                                                                                   \
    refused(text, (const char *const[]){__VA_ARGS__},                                                        \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
