#include "support/other_broker.h"

#include "support/test.h"

#include <stdlib.h>
#include <string.h>

const char *other_broker_program(void)
{
    return getenv("HARK_TEST_BROKER");
}

bool other_broker_lacks(const char *what)
{
    const char *words = getenv("HARK_TEST_BROKER_LACKS");
    if (!other_broker_program() || !words)
        return false;
    size_t len = strlen(what);
    for (const char *at = words; (at = strstr(at, what)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

const char *other_broker_login(void)
{
    return other_broker_lacks("anonymous") ? "tester:secret@" : "";
}

void need_mosquitto(void)
{
    if (other_broker_program())
        skip();
}
