/* Opens a file by a number instead of a name. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    struct {
        struct file_handle head;
        unsigned char bytes[8];
    } handle_of = {.head = {.handle_bytes = 8, .handle_type = 1}};
    return outcome(open_by_handle_at(3, &handle_of.head, O_RDONLY));
}
