#include "script/words.h"

#include "hark/function.h"

#include <errno.h>
#include <string.h>

const char *words_of_refusal(int error)
{
    switch (error) {
    case -EACCES:
        return "no pattern of the manifest's `publishes` matches it";
    case -EINVAL:
        return "topic or properties are nothing that MQTT can carry";
    case -EMSGSIZE:
        return "it is larger than `limits.payload`";
    case -ENOBUFS:
        return "this call put out `limits.publishes` messages already";
    case -EDESTADDRREQ:
        return "the message has no response topic: nobody asked for a reply";
    case -EPERM:
        return "only while a message is handled";
    default:
        return strerror(-error);
    }
}

int words_log_level(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = HARK_DEBUG; i <= HARK_ERROR; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}
