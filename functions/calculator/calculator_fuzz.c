/* The calculator under a fuzzer: whatever is asked, it answers, and its answer is text. With clang:
 *
 *     clang -g -fsanitize=fuzzer,address -I.../include calculator.c calculator_fuzz.c -o calculator_fuzz
 *     ./calculator_fuzz -max_total_time=60
 */
#include <hark/testing.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hark_test *t = hark_test_create(&hark_function);
    hark_test_trigger(t, "calc/{op}");
    const struct hark_message question = {
        .topic = "calc/div", .payload = data, .payload_len = size, .qos = 1, .response_topic = "answer"};
    if (hark_test_message(t, &question) != HARK_OK || !hark_test_reply(t) || !hark_test_reply(t)->payload_len)
        abort();
    hark_test_destroy(t);
    return 0;
}
