// node/core/gates: what an effect waits for, group by group; node/core/gather: parts put together.
#include "node/core/gates.h"
#include "node/core/gather.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state) {
    *state = gates_create(4);
    return 0;
}

static int teardown(void **state) {
    struct gates *gates = *state;
    gates_destroy(&gates);
    return 0;
}

static void hold(struct gates *gates, uint64_t id, const struct gate *wanted, size_t count) {
    struct node_effect effect = {.kind = EFFECT_REPLY, .request_id = id};
    gates_hold(gates, &effect, wanted, count);
}

// The number of the next ready effect; 0: none.
static uint64_t ready(struct gates *gates) {
    struct node_effect effect = {0};
    return gates_take_ready(gates, &effect) ? effect.request_id : 0;
}

static uint64_t lost(struct gates *gates) {
    struct node_effect effect = {0};
    return gates_take_lost(gates, &effect) ? effect.request_id : 0;
}

static void an_effect_waits_for_every_group_it_depends_on(void **state) {
    struct gates *gates = *state;
    const struct gate both[] = {{.group = 1, .index = 5}, {.group = 2, .index = 7}};
    hold(gates, 1, both, 2);
    gates_committed(gates, 1, 9);
    assert_int_equal(ready(gates), 0);
    gates_committed(gates, 2, 6);
    assert_int_equal(ready(gates), 0);
    gates_committed(gates, 2, 7);
    assert_int_equal(ready(gates), 1);
    assert_int_equal(gates_held(gates), 0);
}

static void a_group_that_cannot_commit_holds_back_its_own_answers_only(void **state) {
    struct gates *gates = *state;
    hold(gates, 1, &(struct gate){.group = 1, .index = 1}, 1);
    hold(gates, 2, &(struct gate){.group = 2, .index = 1}, 1);
    gates_committed(gates, 2, 1);
    assert_int_equal(ready(gates), 2);
    assert_int_equal(ready(gates), 0);
}

static void a_read_waits_for_its_round_of_proof(void **state) {
    struct gates *gates = *state;
    gates_committed(gates, 1, 5);
    hold(gates, 1, &(struct gate){.group = 1, .index = 5, .read_round = 3}, 1);
    gates_read_confirmed(gates, 1, 2);
    assert_int_equal(ready(gates), 0);
    gates_read_confirmed(gates, 1, 3);
    assert_int_equal(ready(gates), 1);
}

static void what_waits_when_leadership_ends_is_lost(void **state) {
    struct gates *gates = *state;
    const struct gate both[] = {{.group = 1, .index = 5}, {.group = 2, .index = 7}};
    hold(gates, 1, both, 2);
    hold(gates, 2, &both[1], 1);
    gates_lost(gates, 1);
    assert_int_equal(lost(gates), 0);
    gates_committed(gates, 2, 7);
    assert_int_equal(lost(gates), 1);
    assert_int_equal(ready(gates), 2);
    // Another term of the same group counts from where it is told.
    hold(gates, 3, &both[0], 1);
    assert_int_equal(ready(gates), 0);
    gates_committed(gates, 1, 5);
    assert_int_equal(ready(gates), 3);
}

// A poll that came with an update holds its answer when it has a task, or none in time.
static void an_entry_of_a_lost_tenure_is_lost_for_who_holds_later(void **state) {
    struct gates *gates = *state;
    struct gate early = {.group = 1, .index = 4, .tenure = gates_tenure(gates, 1)};
    struct gate late = {.group = 1, .index = 5, .tenure = gates_tenure(gates, 1)};
    gates_committed(gates, 1, 4);
    gates_lost(gates, 1);
    gates_committed(gates, 1, 9); // the entries of another leader
    hold(gates, 1, &early, 1);
    assert_int_equal(ready(gates), 1);
    hold(gates, 2, &late, 1);
    assert_int_equal(ready(gates), 0);
    assert_int_equal(lost(gates), 2);
    gates_lost(gates, 1);
    hold(gates, 3, &early, 1); // too long ago to tell
    assert_int_equal(lost(gates), 3);
}

static void a_late_wish_for_an_older_entry_still_leaves(void **state) {
    struct gates *gates = *state;
    hold(gates, 1, &(struct gate){.group = 1, .index = 9}, 1);
    hold(gates, 2, &(struct gate){.group = 1, .index = 4}, 1);
    gates_committed(gates, 1, 9);
    assert_int_equal(ready(gates), 1);
    assert_int_equal(ready(gates), 2);
}

// --- parts
// ------------------------------------------------------------------------------------------------

static void assert_merged(const char *left, const char *right, const char *wanted) {
    struct arena *arena = arena_create(1024);
    bytes merged = BYTES_EMPTY;
    assert_ok(gather_merge(bytes_from_text(left), bytes_from_text(right), arena, &merged));
    assert_true(bytes_equal_text(merged, wanted));
    arena_destroy(&arena);
}

static void parts_are_put_together_by_kind(void **state) {
    (void)state;
    assert_merged("3", "4", "7");
    assert_merged("[1,2]", "[3]", "[1,2,3]");
    assert_merged("[]", "[]", "[]");
    assert_merged("{\"a\":1,\"b\":2}", "{\"b\":5,\"c\":7}", "{\"a\":1,\"b\":7,\"c\":7}");
    assert_merged(
        "{\"q\":{\"a\":{\"size\":1}}}",
        "{\"q\":{\"a\":{\"size\":2}}}",
        "{\"q\":{\"a\":{\"size\":3}}}"
    );
    assert_merged("{\"c\":[{\"x\":1}]}", "{\"c\":[{\"x\":2}]}", "{\"c\":[{\"x\":1},{\"x\":2}]}");
    assert_merged("\"text\"", "\"other\"", "\"text\"");
    assert_merged("", "[1]", "[1]");
    assert_merged("[1]", "", "[1]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_effect_waits_for_every_group_it_depends_on, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_group_that_cannot_commit_holds_back_its_own_answers_only, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(a_read_waits_for_its_round_of_proof, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_when_leadership_ends_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_entry_of_a_lost_tenure_is_lost_for_who_holds_later, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_late_wish_for_an_older_entry_still_leaves, setup, teardown
        ),
        cmocka_unit_test(parts_are_put_together_by_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
