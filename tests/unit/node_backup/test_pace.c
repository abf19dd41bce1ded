// node/backup/pace: never faster than the rate, slower where answers take long, never below a
// fourth.
#include "node/backup/pace.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

static int64_t clock_ms;

static void wait_ms(void *argument, int64_t ms) {
    (void)argument;
    clock_ms += ms;
}

static int64_t now_ms(void *argument) {
    (void)argument;
    return clock_ms;
}

static const struct backup_server server = {.wait = wait_ms, .now_ms = now_ms};

enum {
    MIB = 1024 * 1024,
    STEP = 512 * 1024
};

// Bytes a second, what a step counts as among them, over a minute of steps that take so long.
static uint64_t rate_of(uint64_t rate, size_t step, int64_t took_ms) {
    clock_ms = 1000;
    struct backup_pace pace = backup_pace_begin(&server, rate);
    uint64_t bytes_read = 0;
    while (clock_ms < 61 * 1000) {
        clock_ms += took_ms;
        backup_pace_step(&pace, step, took_ms);
        bytes_read += step + LIMIT_BACKUP_STEP_BYTES;
    }
    return bytes_read / 60;
}

static void assert_about(uint64_t found, uint64_t wanted) {
    assert_in_range(found, wanted - wanted / 50, wanted + wanted / 50);
}

static void quick_answers_come_at_the_rate(void **state) {
    (void)state;
    assert_about(rate_of(16 * MIB, STEP, 0), 16 * MIB);
    assert_about(rate_of(16 * MIB, STEP, 5), 16 * MIB);
    assert_about(rate_of(16 * MIB, 100, 0), 16 * MIB);
    assert_about(rate_of(5 * MIB + 7, 100, 1), 5 * MIB + 7);
}

static void slow_answers_slow_it_down_to_a_fourth(void **state) {
    (void)state;
    // Four times 17 ms from question to question is twice what the rate wants.
    assert_about(rate_of(16 * MIB, STEP, 17), 8 * MIB - 200 * 1000);
    assert_about(rate_of(16 * MIB, STEP, 100), 4 * MIB);
    assert_true(rate_of(16 * MIB, STEP, 1000) < MIB); // the answers themselves are slower
}

static void time_that_was_lost_is_hardly_made_up_for(void **state) {
    (void)state;
    clock_ms = 1000;
    struct backup_pace pace = backup_pace_begin(&server, MIB);
    clock_ms += 3600 * 1000;
    int64_t begun_ms = clock_ms;
    for (int i = 0; i < 20; i++) {
        backup_pace_step(&pace, MIB - LIMIT_BACKUP_STEP_BYTES, 0);
    }
    assert_in_range(clock_ms - begun_ms, 20 * 1000 - LIMIT_BACKUP_CATCH_UP_MS, 20 * 1000);
}

static void without_a_rate_there_is_no_waiting(void **state) {
    (void)state;
    clock_ms = 1000;
    struct backup_pace pace = backup_pace_begin(&server, 0);
    backup_pace_step(&pace, STEP, 1000);
    assert_int_equal(clock_ms, 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_answers_come_at_the_rate),
        cmocka_unit_test(slow_answers_slow_it_down_to_a_fourth),
        cmocka_unit_test(time_that_was_lost_is_hardly_made_up_for),
        cmocka_unit_test(without_a_rate_there_is_no_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
