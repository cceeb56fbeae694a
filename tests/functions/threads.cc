// C++ with threads: each throws and catches, counts in memory of its own, and is missed when it ends. One more than the
// function may have is an exception of std::thread's.
#include <hark/function.h>

#include <atomic>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace {

std::atomic<int> sum, caught, destroyed;

struct Counter {
    int value = 0;
    ~Counter()
    {
        ++destroyed;
    }
};
thread_local Counter counter;

void work(int number)
{
    try {
        counter.value += number;
        throw std::out_of_range("of " + std::to_string(number));
    } catch (const std::exception &) {
        sum += counter.value;
        ++caught;
    }
}

std::string run()
{
    std::vector<std::thread> threads;
    sum = caught = destroyed = 0;
    for (int i = 1; i <= 3; i++)
        threads.emplace_back(work, i);
    for (auto &thread : threads)
        thread.join();
    std::ostringstream text;
    text << sum << ", " << caught << " caught, " << destroyed << " destroyed";
    return text.str();
}

int handle(hark_context *ctx, const hark_message *)
{
    std::string text;
    try {
        text = run();
    } catch (const std::system_error &) {
        text = "refused";
    }
    return hark_reply(ctx, text.data(), text.size());
}

} // namespace

HARK_FUNCTION(.start = nullptr, .handle = handle, .stop = nullptr);
