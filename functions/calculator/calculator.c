/* calculator: answers arithmetic, MQTT 5 request and response.
 *
 * Shows: hark_reply(), which publishes to the request's response topic with its correlation data and needs no
 * entry in the manifest. Try it:
 *
 *     mosquitto_rr -V mqttv5 -t calc/div -e my/answer -m '22 7'
 */
#include <hark/function.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is wrong with the request, or NULL and the result. */
static const char *calculate(const char *op, double a, double b, double *ret)
{
    if (strcmp(op, "div") == 0 && b == 0)
        return "error: division by zero";
    if (strcmp(op, "add") == 0)
        *ret = a + b;
    else if (strcmp(op, "sub") == 0)
        *ret = a - b;
    else if (strcmp(op, "mul") == 0)
        *ret = a * b;
    else if (strcmp(op, "div") == 0)
        *ret = a / b;
    else
        return "error: the operations are add, sub, mul and div";
    return NULL;
}

/* Two numbers with white space between them, and nothing behind them. */
static bool parse_numbers(const char *text, size_t len, double *ret_a, double *ret_b)
{
    char *behind_a, *behind_b;
    *ret_a = strtod(text, &behind_a);
    *ret_b = strtod(behind_a, &behind_b);
    return behind_a != text && behind_b != behind_a && behind_b == text + len;
}

/* Who asks deserves an answer, also to a bad question: an error is a reply like any other, and the message is
 * done. HARK_REJECT would leave the asker waiting. */
static int answer(struct hark_context *ctx, const char *text)
{
    int error = hark_reply(ctx, text, strlen(text));
    if (error == -EDESTADDRREQ) {
        hark_log(ctx, HARK_WARN, "a request without a response topic: nobody to answer to");
        return HARK_REJECT;
    }
    return error;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    double a, b, result;
    if (!parse_numbers(in->payload, in->payload_len, &a, &b))
        return answer(ctx, "error: send two numbers, such as '2 3'");
    const char *error = calculate(hark_capture(ctx, "op"), a, b, &result);
    if (error)
        return answer(ctx, error);
    char text[32];
    snprintf(text, sizeof text, "%.15g", result);
    return answer(ctx, text);
}

HARK_FUNCTION(.handle = handle);
