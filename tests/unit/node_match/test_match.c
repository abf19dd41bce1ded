// node/match: ready tasks meet waiting polls.
#include "node/match/match.h"
#include "tests/unit/test.h"

static const uint64_t QUEUE = 77;

static struct match_supply
row(group_id group, uint8_t priority, int64_t ready_ms, uint64_t sequence) {
    return (struct match_supply){
        .group = group,
        .key =
            {.queue_hash = QUEUE, .priority = priority, .ready_ms = ready_ms, .sequence = sequence},
    };
}

static void add(struct match *match, struct match_supply supply) {
    match_add(match, &supply);
}

static void park(struct match *match, uint64_t request, int64_t deadline_ns) {
    struct match_poll poll = {
        .request = request,
        .queue = QUEUE,
        .count = 1,
        .deadline = {deadline_ns},
    };
    match_park(match, &poll);
}

static int create(void **state) {
    struct match *match = match_create();
    match_set_loaded(match, QUEUE);
    *state = match;
    return 0;
}

static int destroy(void **state) {
    struct match *match = *state;
    match_destroy(&match);
    return 0;
}

static void the_best_supply_goes_first(void **state) {
    struct match *match = *state;
    add(match, row(1, 0, 10, 1));
    add(match, row(2, 9, 50, 2));
    add(match, row(3, 9, 20, 4));
    add(match, row(4, 9, 20, 3));
    park(match, 1, 100);
    struct match_supply supply;
    struct match_poll poll;
    const group_id expected[] = {4, 3, 2, 1};
    for (int i = 0; i < 4; i++) {
        assert_true(match_next(match, &supply, &poll));
        assert_int_equal(supply.group, expected[i]);
    }
    assert_false(match_next(match, &supply, &poll));
    assert_int_equal(match_supply_count(match), 0);
}

static void polls_take_turns_oldest_first(void **state) {
    struct match *match = *state;
    park(match, 1, 100);
    park(match, 2, 100);
    for (uint64_t i = 0; i < 3; i++) {
        add(match, row(1, 0, 10, i));
    }
    struct match_supply supply;
    struct match_poll poll;
    const uint64_t expected[] = {1, 2, 1};
    for (int i = 0; i < 3; i++) {
        assert_true(match_next(match, &supply, &poll));
        assert_int_equal(poll.request, expected[i]);
    }
}

static void an_unparked_poll_gets_nothing(void **state) {
    struct match *match = *state;
    park(match, 1, 100);
    assert_true(match_unpark(match, 1));
    assert_false(match_unpark(match, 1));
    add(match, row(1, 0, 10, 1));
    struct match_supply supply;
    struct match_poll poll;
    assert_false(match_next(match, &supply, &poll));
    assert_int_equal(match_supply_count(match), 1);
    assert_int_equal(match_parked_count(match), 0);
}

static void polls_expire_in_the_order_of_their_deadlines(void **state) {
    struct match *match = *state;
    park(match, 1, 300);
    park(match, 2, 100);
    park(match, 3, 200);
    (void)match_unpark(match, 3);
    mono_time next = {0};
    assert_true(match_next_deadline(match, &next));
    assert_int_equal(next.ns, 100);
    struct match_poll poll;
    assert_false(match_expire(match, (mono_time){99}, &poll));
    assert_true(match_expire(match, (mono_time){250}, &poll));
    assert_int_equal(poll.request, 2);
    assert_false(match_expire(match, (mono_time){250}, &poll));
    assert_true(match_expire(match, (mono_time){300}, &poll));
    assert_int_equal(poll.request, 1);
    assert_int_equal(match_parked_count(match), 0);
}

static void a_queue_nobody_asked_for_keeps_nothing(void **state) {
    struct match *match = *state;
    struct match_supply other = row(1, 0, 10, 1);
    other.key.queue_hash = QUEUE + 1;
    assert_false(match_is_loaded(match, QUEUE + 1));
    match_add(match, &other);
    assert_int_equal(match_supply_count(match), 0);
}

static void rows_behind_the_horizon_wait_for_the_next_load(void **state) {
    struct match *match = *state;
    add(match, row(1, 5, 10, 1));
    struct match_supply horizon = row(1, 5, 20, 2);
    match_set_more(match, &horizon);
    add(match, row(1, 5, 30, 3)); // behind: left out
    add(match, row(1, 9, 40, 4)); // better than what was loaded: taken
    add(match, row(2, 0, 50, 5)); // another group has no horizon
    assert_int_equal(match_supply_count(match), 3);
    struct match_supply more;
    assert_false(match_take_more(match, &more));
    park(match, 1, 100);
    struct match_supply supply;
    struct match_poll poll;
    assert_true(match_next(match, &supply, &poll));
    assert_int_equal(supply.key.sequence, 4);
    assert_true(match_next(match, &supply, &poll));
    assert_int_equal(supply.key.sequence, 1);
    assert_true(match_take_more(match, &more));
    assert_int_equal(more.key.sequence, 2);
    assert_false(match_take_more(match, &more));
}

static void forgetting_supply_keeps_the_polls(void **state) {
    struct match *match = *state;
    park(match, 1, 100);
    (void)match_unpark(match, 1);
    add(match, row(1, 0, 10, 1));
    match_forget_supply(match);
    assert_int_equal(match_supply_count(match), 0);
    assert_false(match_is_loaded(match, QUEUE));
    park(match, 2, 100);
    match_set_loaded(match, QUEUE);
    add(match, row(1, 0, 10, 1));
    struct match_supply supply;
    struct match_poll poll;
    assert_true(match_next(match, &supply, &poll));
    assert_int_equal(poll.request, 2);
}

static void a_group_that_is_set_aside_keeps_its_place(void **state) {
    struct match *match = *state;
    add(match, row(1, 9, 10, 1));
    add(match, row(2, 5, 10, 2));
    add(match, row(1, 3, 10, 3));
    park(match, 1, 100);
    struct match_supply supply;
    struct match_poll poll;
    match_set_blocked(match, QUEUE, 1, true);
    add(match, row(1, 8, 10, 4));
    assert_true(match_next(match, &supply, &poll));
    assert_int_equal(supply.group, 2);
    assert_false(match_next(match, &supply, &poll));
    assert_int_equal(match_ready_count(match, QUEUE), 0);
    assert_int_equal(match_supply_count(match), 3);
    match_set_blocked(match, QUEUE, 1, false);
    const uint64_t expected[] = {1, 4, 3};
    for (int i = 0; i < 3; i++) {
        assert_true(match_next(match, &supply, &poll));
        assert_int_equal(supply.key.sequence, expected[i]);
    }
}

static void what_is_set_aside_is_forgotten_too(void **state) {
    struct match *match = *state;
    match_set_blocked(match, QUEUE, 1, true);
    add(match, row(1, 9, 10, 1));
    match_forget_supply(match);
    match_set_blocked(match, QUEUE, 1, false);
    assert_int_equal(match_supply_count(match), 0);
    assert_int_equal(match_ready_count(match, QUEUE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_best_supply_goes_first, create, destroy),
        cmocka_unit_test_setup_teardown(polls_take_turns_oldest_first, create, destroy),
        cmocka_unit_test_setup_teardown(an_unparked_poll_gets_nothing, create, destroy),
        cmocka_unit_test_setup_teardown(
            polls_expire_in_the_order_of_their_deadlines, create, destroy
        ),
        cmocka_unit_test_setup_teardown(a_queue_nobody_asked_for_keeps_nothing, create, destroy),
        cmocka_unit_test_setup_teardown(
            rows_behind_the_horizon_wait_for_the_next_load, create, destroy
        ),
        cmocka_unit_test_setup_teardown(forgetting_supply_keeps_the_polls, create, destroy),
        cmocka_unit_test_setup_teardown(a_group_that_is_set_aside_keeps_its_place, create, destroy),
        cmocka_unit_test_setup_teardown(what_is_set_aside_is_forgotten_too, create, destroy),
    };
    return cmocka_run_group_tests_name("node/match", tests, NULL, NULL);
}
