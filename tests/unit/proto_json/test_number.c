// proto/json: numbers to the last digit.
#include "proto/json/json.h"
#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool equal(const char *left, const char *right) {
    bool there = json_equal(bytes_from_text(left), bytes_from_text(right));
    bool back = json_equal(bytes_from_text(right), bytes_from_text(left));
    assert_int_equal(there, back);
    return there;
}

static void numbers_are_equal_by_value_in_any_spelling(void **state) {
    (void)state;
    assert_true(equal("1", "1.0"));
    assert_true(equal("1", "10e-1"));
    assert_true(equal("1", "0.001e3"));
    assert_true(equal("1", "0.1E+1"));
    assert_true(equal("100", "1e2"));
    assert_true(equal("-0", "0.000e5"));
    assert_true(equal("0e999", "0"));
    assert_true(equal("-12.50", "-1.25e01"));
    assert_true(equal("120.034", "0.0120034e4"));
    assert_true(equal("100.001", "100001e-3"));
    assert_false(equal("1", "-1"));
    assert_false(equal("1", "10"));
    assert_false(equal("1", "1.0000000000000000000000000000000000001"));
    assert_false(equal("0", "1e-400"));
    assert_false(equal("12", "1.3e1"));
    assert_false(equal("12", "123e-1"));
}

static void huge_numbers_are_told_apart_by_their_last_digit(void **state) {
    (void)state;
    assert_false(equal("9007199254740993", "9007199254740992"));
    assert_false(equal("12345678901234567890123", "12345678901234567890124"));
    assert_true(equal("12345678901234567890123", "1.2345678901234567890123e22"));
    assert_false(equal("1e400", "1e401"));
    assert_true(equal("1e400", "10e399"));
}

static void exponents_of_any_length_are_exact(void **state) {
    (void)state;
    assert_true(equal("1e100000000000000000000000000000", "10e99999999999999999999999999999"));
    assert_true(equal("1e-100000000000000000000000000000", "0.1e-99999999999999999999999999999"));
    assert_false(equal("1e100000000000000000000000000000", "10e99999999999999999999999999998"));
    assert_false(equal("1e100000000000000000000000000000", "1e-100000000000000000000000000000"));
    assert_true(equal("1e0000000000000000000000000000001", "10"));
    assert_true(equal("0.5e1", "50e-00000000000000000000000000000000001"));
}

static void integers_are_read_in_any_spelling_and_refused_beyond_64_bits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-0.0e7", true, 0},
        {"0e99999999999999999999", true, 0},
        {"2.0", true, 2},
        {"1e3", true, 1000},
        {"-1.5e1", true, -15},
        {"1000e-3", true, 1},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775807.000", true, INT64_MAX},
        {"9223372036854775.807e3", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9.223372036854775808e18", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"9.223372036854775808e18", false, 0},
        {"1e19", false, 0},
        {"1e99999999999999999999", false, 0},
        {"1e-1", false, 0},
        {"1e-99999999999999999999", false, 0},
        {"1.5", false, 0},
        {"\"1\"", false, 0},
        {"null", false, 0},
        {"[1]", false, 0},
    };
    for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
        int64_t value = 77;
        bool good = json_i64(bytes_from_text(cases[index].text), &value);
        if (good != cases[index].good || value != (good ? cases[index].value : 77)) {
            fail_msg("%s gave %d, %lld", cases[index].text, good, (long long)value);
        }
    }
}

static void integer_text_has_neither_point_nor_exponent(void **state) {
    (void)state;
    assert_true(json_number_is_integer_text(BYTES_LITERAL("-12345678901234567890")));
    assert_true(json_number_is_integer_text(BYTES_LITERAL("0")));
    assert_false(json_number_is_integer_text(BYTES_LITERAL("1.0")));
    assert_false(json_number_is_integer_text(BYTES_LITERAL("1e3")));
    assert_false(json_number_is_integer_text(BYTES_LITERAL("true")));
}

static bool same_double(double left, double right) {
    return memcmp(&left, &right, sizeof(left)) == 0;
}

static void doubles_are_the_nearest(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "0.1",
        "1e308",
        "5e-324",
        "2.2250738585072011e-308",
        "9007199254740993",
        "-1.7976931348623157e308",
        "1e400",
        "-1e400",
        "1e-400",
        "1e999999999999999999999",
        // longer than the short way takes
        "0.1000000000000000055511151231257827021181583404541015625000000000000000",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000000e-80",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000000000123e50",
        "-0.00000000000000000000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t index = 0; index < sizeof(texts) / sizeof(texts[0]); index++) {
        double value = 7;
        assert_true(json_double(bytes_from_text(texts[index]), &value));
        if (!same_double(value, strtod(texts[index], NULL))) {
            fail_msg("%s gave %a", texts[index], value);
        }
    }
    double value = 7;
    assert_false(json_double(BYTES_LITERAL("\"1\""), &value));
    assert_true(same_double(value, 7));
}

static void a_digit_far_behind_a_tie_rounds_a_double_up(void **state) {
    (void)state;
    char text[2000];
    int size = snprintf(text, sizeof(text), "9007199254740993.%01500d", 0);
    double value = 0;
    assert_true(json_double(bytes_of(text, (size_t)size), &value));
    assert_true(same_double(value, 9007199254740992.0));
    text[size - 1] = '1';
    assert_true(json_double(bytes_of(text, (size_t)size), &value));
    assert_true(same_double(value, 9007199254740994.0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_equal_by_value_in_any_spelling),
        cmocka_unit_test(huge_numbers_are_told_apart_by_their_last_digit),
        cmocka_unit_test(exponents_of_any_length_are_exact),
        cmocka_unit_test(integers_are_read_in_any_spelling_and_refused_beyond_64_bits),
        cmocka_unit_test(integer_text_has_neither_point_nor_exponent),
        cmocka_unit_test(doubles_are_the_nearest),
        cmocka_unit_test(a_digit_far_behind_a_tie_rounds_a_double_up),
    };
    return cmocka_run_group_tests_name("proto/json: numbers", tests, NULL, NULL);
}
