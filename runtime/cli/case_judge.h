/* case_judge.h: did a test case do what it says? In words that show what is the matter. Pure. */
#ifndef HARK_CLI_CASE_JUDGE_H
#define HARK_CLI_CASE_JUDGE_H

#include "cli/case_run.h"

/* NULL: it passed. Else what is wrong, a line each, the last one ended too; the caller frees. */
char *case_judge(const struct case_run *run);

#endif
