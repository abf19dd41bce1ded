// The clock of a simulated node: what it shows, and what it remembers of that.
#include "tests/simulation/clock.h"
#include "tests/unit/test.h"

static int setup(void **state) {
    *state = world_create(1, false);
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    world_destroy(&world);
    return 0;
}

// Found by the simulator, seed 455: a node started by a clock that was corrected before its first
// step, and the checker of times only knew what the clock showed at steps.
static void a_correction_does_not_make_it_forget_what_it_showed(void **state) {
    struct world *world = *state;
    struct clock clock;
    clock_init(&clock, world);
    clock.step_ms = 4959;
    assert_int_equal(clock_wall(&clock).ms - world_wall(world).ms, 4959);
    clock_correct(&clock);
    assert_int_equal(clock_wall(&clock).ms, world_wall(world).ms);
    assert_int_equal(clock.ahead_ms_max, 4959);
}

static void what_nobody_read_does_not_count(void **state) {
    struct clock clock;
    clock_init(&clock, *state);
    clock.step_ms = 4959;
    clock_correct(&clock);
    (void)clock_wall(&clock);
    assert_int_equal(clock.ahead_ms_max, 0);
}

static void a_clock_that_is_late_was_never_ahead(void **state) {
    struct clock clock;
    clock_init(&clock, *state);
    clock.step_ms = -300;
    (void)clock_wall(&clock);
    assert_int_equal(clock.ahead_ms_max, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_correction_does_not_make_it_forget_what_it_showed, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(what_nobody_read_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_is_late_was_never_ahead, setup, teardown),
    };
    return cmocka_run_group_tests_name("simulation clock", tests, NULL, NULL);
}
