/* complain.h: complaints as lines on standard error. */
#ifndef HARK_CLI_COMPLAIN_H
#define HARK_CLI_COMPLAIN_H

#include "shared/diag.h"

void complain(const struct diag *d);
void complain_all(const struct diags *diags);

#endif
