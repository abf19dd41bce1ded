// node/recover: which copy a group goes on with, and what that may cost, by numbers alone.
#include "node/recover/recover_internal.h"
#include "tests/unit/test.h"

#include <string.h>

enum {
    STORES = 3
};

struct scene {
    struct recover_store stores[STORES];
    struct recover_copy copies[STORES];
};

// Nodes 1, 2 and 3 of a group of `voters` voters 1, 2, 3 …
static struct scene scene_of(uint32_t voters) {
    struct scene scene = {0};
    struct raft_config founders = {.voter_count = voters};
    for (uint32_t i = 0; i < voters; i++) {
        founders.voters[i] = (node_id)(i + 1);
    }
    for (uint32_t i = 0; i < STORES; i++) {
        scene.stores[i].node = (node_id)(i + 1);
        scene.copies[i] = (struct recover_copy){
            .there = true,
            .whole = true,
            .replica = i + 1,
            .log = {.term = 7, .last_term = 7, .last_index = 100},
            .config = config_initial(&founders),
        };
    }
    return scene;
}

static void the_highest_term_wins_and_then_the_longest_log(void **state) {
    (void)state;
    struct scene scene = scene_of(7);
    scene.copies[1].log.last_index = 101;
    assert_int_equal(recover_choose(scene.stores, scene.copies, STORES).best, 1);
    scene.copies[2].log.last_term = 8;
    scene.copies[2].log.last_index = 50;
    assert_int_equal(recover_choose(scene.stores, scene.copies, STORES).best, 2);
}

static void a_copy_that_is_not_whole_is_none(void **state) {
    (void)state;
    struct scene scene = scene_of(3);
    scene.copies[0].whole = scene.copies[2].whole = false;
    scene.copies[2].log.last_index = 1000;
    struct recover_group group = recover_choose(scene.stores, scene.copies, STORES);
    assert_int_equal(group.best, 1);
    assert_int_equal(group.fate, RECOVER_LOST);
    scene.copies[1].whole = false;
    group = recover_choose(scene.stores, scene.copies, STORES);
    assert_int_equal(group.fate, RECOVER_NOTHING);
}

static void a_majority_lives(void **state) {
    (void)state;
    struct scene scene = scene_of(3);
    assert_int_equal(recover_choose(scene.stores, scene.copies, 2).fate, RECOVER_LIVES);
    assert_int_equal(recover_choose(scene.stores, scene.copies, 1).fate, RECOVER_LOST);
    scene = scene_of(5);
    assert_int_equal(recover_choose(scene.stores, scene.copies, 3).fate, RECOVER_LIVES);
    assert_int_equal(recover_choose(scene.stores, scene.copies, 2).fate, RECOVER_LOST);
}

// Two of four voters are left: nothing was committed without one of them.
static void nothing_is_missing_when_the_lost_ones_could_not_commit_alone(void **state) {
    (void)state;
    struct scene scene = scene_of(4);
    struct recover_group group = recover_choose(scene.stores, scene.copies, 2);
    assert_int_equal(group.fate, RECOVER_LOST);
    assert_false(group.may_lack);
    scene = scene_of(3);
    group = recover_choose(scene.stores, scene.copies, 1);
    assert_true(group.may_lack);
}

static void while_joint_each_majority_counts(void **state) {
    (void)state;
    struct scene scene = scene_of(3);
    struct config *config = &scene.copies[0].config;
    // 1, 2, 3 become 3, 4, 5
    config->members[0].votes = config->members[1].votes = CONFIG_NOW;
    config->members[3] = (struct config_member){.node = 4, .replica = 4, .votes = CONFIG_NEXT};
    config->members[4] = (struct config_member){.node = 5, .replica = 5, .votes = CONFIG_NEXT};
    config->count = 5;
    config->next_replica = 6;
    scene.copies[0].log.last_index = 101;
    struct recover_group group = recover_choose(scene.stores, scene.copies, STORES);
    assert_int_equal(group.best, 0);
    assert_int_equal(group.fate, RECOVER_LOST);
    assert_false(group.may_lack); // 4 and 5 are none of the old majority
}

static void a_replica_of_another_number_is_no_voter(void **state) {
    (void)state;
    struct scene scene = scene_of(3);
    scene.copies[1].replica = 9;
    assert_int_equal(recover_choose(scene.stores, scene.copies, 2).fate, RECOVER_LOST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_term_wins_and_then_the_longest_log),
        cmocka_unit_test(a_copy_that_is_not_whole_is_none),
        cmocka_unit_test(a_majority_lives),
        cmocka_unit_test(nothing_is_missing_when_the_lost_ones_could_not_commit_alone),
        cmocka_unit_test(while_joint_each_majority_counts),
        cmocka_unit_test(a_replica_of_another_number_is_no_voter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
