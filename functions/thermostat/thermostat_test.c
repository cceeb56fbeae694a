/* A unit test of the thermostat, in one process with it: hark/testing.h and cmocka. Any framework does; under
 * AddressSanitizer it finds what the function does wrong with memory, in gdb one can step through it. */
#include <hark/testing.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int begin(void **state)
{
    struct hark_test *t = hark_test_create(&hark_function);
    hark_test_trigger(t, "home/{room}/temperature");
    hark_test_publishes(t, "home/{room}/heater");
    hark_test_config(t, "setpoint", "21.5");
    hark_test_config(t, "hysteresis", "0.5");
    *state = t;
    return hark_test_start(t);
}

static int end(void **state)
{
    hark_test_destroy(*state);
    return 0;
}

static void assert_heater(struct hark_test *t, const char *temperature, const char *expected)
{
    assert_int_equal(hark_test_send(t, "home/kitchen/temperature", temperature), HARK_OK);
    assert_int_equal(hark_test_published_count(t), expected ? 1 : 0);
    if (!expected)
        return;
    assert_string_equal(hark_test_published(t, 0)->topic, "home/kitchen/heater");
    assert_string_equal(hark_test_published(t, 0)->payload, expected);
}

static void the_heater_follows_the_temperature(void **state)
{
    assert_heater(*state, "19.0", "on");
    assert_heater(*state, "21.5", NULL);
    assert_heater(*state, "25", "off");
}

static void what_is_no_number_is_rejected_and_said(void **state)
{
    static const char *const bad[] = {"", "warm", "21.5 degrees", "nan", "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(hark_test_send(*state, "home/kitchen/temperature", bad[i]), HARK_REJECT);
        assert_int_equal(hark_test_published_count(*state), 0);
        assert_true(hark_test_logged(*state, "is no temperature"));
        hark_test_clear_log(*state);
    }
}

static void a_bad_set_point_keeps_it_from_starting(void **unused)
{
    (void)unused;
    struct hark_test *t = hark_test_create(&hark_function);
    hark_test_config(t, "setpoint", "warm");
    assert_int_not_equal(hark_test_start(t), 0);
    assert_true(hark_test_logged(t, "setpoint must be a number"));
    hark_test_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_heater_follows_the_temperature, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_number_is_rejected_and_said, begin, end),
        cmocka_unit_test(a_bad_set_point_keeps_it_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
