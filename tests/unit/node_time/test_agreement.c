// Where clocks agree.
#include "node/time/agreement.h"
#include "tests/unit/test.h"

static void three_that_agree_share_what_all_hold(void **state) {
    (void)state;
    const struct clock_interval clocks[] = {{0, 100}, {20, 120}, {-30, 70}};
    struct clock_interval shared = {0};
    assert_true(clocks_agree(clocks, 3, 2, &shared));
    assert_int_equal(shared.low_us, 20);
    assert_int_equal(shared.high_us, 70);
}

static void one_of_three_that_is_off_is_outvoted(void **state) {
    (void)state;
    const struct clock_interval clocks[] = {{3600000, 3600100}, {0, 100}, {50, 150}};
    struct clock_interval shared = {0};
    assert_true(clocks_agree(clocks, 3, 2, &shared));
    assert_int_equal(shared.low_us, 50);
    assert_int_equal(shared.high_us, 100);
}

static void three_that_differ_agree_on_nothing(void **state) {
    (void)state;
    const struct clock_interval clocks[] = {{0, 10}, {20, 30}, {40, 50}};
    struct clock_interval shared = {0};
    assert_false(clocks_agree(clocks, 3, 2, &shared));
}

static void fewer_than_a_majority_do_not_count(void **state) {
    (void)state;
    const struct clock_interval clocks[] = {{0, 10}, {5, 15}};
    struct clock_interval shared = {0};
    assert_false(clocks_agree(clocks, 2, 3, &shared));
    assert_true(clocks_agree(clocks, 2, 2, &shared));
}

static void of_two_majorities_the_earlier_counts(void **state) {
    (void)state;
    const struct clock_interval clocks[] = {{90, 200}, {40, 100}, {0, 50}};
    struct clock_interval shared = {0};
    assert_true(clocks_agree(clocks, 3, 2, &shared));
    assert_int_equal(shared.low_us, 40);
    assert_int_equal(shared.high_us, 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_that_agree_share_what_all_hold),
        cmocka_unit_test(one_of_three_that_is_off_is_outvoted),
        cmocka_unit_test(three_that_differ_agree_on_nothing),
        cmocka_unit_test(fewer_than_a_majority_do_not_count),
        cmocka_unit_test(of_two_majorities_the_earlier_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
