/* case_same.h: does a file of test cases that was changed by hark still say what it said? Pure. */
#ifndef HARK_CLI_CASE_SAME_H
#define HARK_CLI_CASE_SAME_H

#include "manifest/yaml.h"

/* Is all of the text what the old tree has, but for `expect` of the cases with changed[n]? */
bool case_same_but_expect(const struct yaml_tree *old, struct slice text, const bool *changed);

#endif
