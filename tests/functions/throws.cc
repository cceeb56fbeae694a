// C++ with its library: throws and catches what the payload says; `uncaught` is not caught.
#include <hark/function.h>

#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

static int handle(hark_context *ctx, const hark_message *in)
{
    std::map<std::string, std::string> words{{"payload", static_cast<const char *>(in->payload)}};
    try {
        throw std::runtime_error("caught " + words.at("payload"));
    } catch (const std::exception &e) {
        std::cout << e.what() << std::endl;
        if (words["payload"] == "uncaught")
            throw;
        return hark_reply(ctx, e.what(), std::string(e.what()).size());
    }
}

HARK_FUNCTION(.start = nullptr, .handle = handle, .stop = nullptr);
