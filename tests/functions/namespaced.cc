/* Its hark_function is in a namespace, where nobody looks for it. */
#include <hark/function.h>

namespace mine {

static int handle(struct hark_context *, const struct hark_message *)
{
    return HARK_OK;
}

extern const struct hark_function hark_function;
HARK_FUNCTION(.start = nullptr, .handle = handle, .stop = nullptr);

}
