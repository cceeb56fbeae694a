/* test_concerns.h: the files on which the outcome of a file of test cases hangs: itself, the manifest, what
 * its config has in files, the handler, and a script's adapter. */
#ifndef HARK_CLI_TEST_CONCERNS_H
#define HARK_CLI_TEST_CONCERNS_H

#include <stddef.h>
#include <stdint.h>

enum { TEST_CONCERNS_MAX = 300 /* a manifest's config has at most 256 */ };

struct test_concerns {
    char *paths[TEST_CONCERNS_MAX + 1]; /* owned; end in NULL; a file need not be there */
    size_t count;
};

/* As far as they can be known: of a manifest that is not good nothing else is. functions: second place of
 * handlers, or NULL. */
void test_concerns_find(const char *path, const char *functions, struct test_concerns *ret_concerns);
void test_concerns_finish(struct test_concerns *c);

#endif
