// node/raft/config: majorities, bytes, and the steps from one config to the next, as values.
#include "node/raft/config.h"
#include "tests/unit/test.h"

enum {
    STEPS_MAX = 20
};

static const struct raft_config three = {.voter_count = 3, .voters = {3, 1, 2}};

// Everything is as good as it can be: learners keep up, stores are known.
static struct config_facts all_well(const struct config *config) {
    struct config_facts facts = {0};
    for (uint32_t i = 0; i < RAFT_MEMBERS_MAX; i++) {
        facts.ready[i] = true;
        facts.has_all[i] = true;
    }
    for (node_id node = 1; node < 10; node++) {
        facts.stores[facts.store_count++] = (struct config_store){node, 100U + node};
    }
    (void)config;
    return facts;
}

// Takes steps until there is none; every config on the way is one that bytes can carry.
static uint32_t drive(struct config *config, const struct raft_target *target) {
    uint32_t steps = 0;
    for (; steps < STEPS_MAX; steps++) {
        struct config next;
        struct config_facts facts = all_well(config);
        if (config_is_joint(config)) {
            next = config_leave(config);
        } else if (!config_next(config, target, &facts, &next)) {
            break;
        }
        struct buffer room;
        buffer_init(&room, CONFIG_BYTES_MAX);
        config_put(&next, &room);
        assert_ok(config_take(buffer_bytes(&room), config));
        buffer_deinit(&room);
    }
    return steps;
}

static void founders_number_each_other_alike(void **state) {
    (void)state;
    struct raft_config other = {.voter_count = 3, .voters = {2, 3, 1}};
    struct config left = config_initial(&three);
    struct config right = config_initial(&other);
    for (node_id node = 1; node <= 3; node++) {
        assert_int_equal(config_find(&left, node)->replica, node);
        assert_int_equal(config_find(&right, node)->replica, node);
    }
    assert_int_equal(left.preferred, 3);
    assert_int_equal(left.next_replica, 4);
}

static void a_joint_config_needs_both_majorities(void **state) {
    (void)state;
    struct config config = config_initial(&three);
    config.members[0].votes = CONFIG_NOW;
    config.members[config.count++] =
        (struct config_member){.node = 4, .replica = 4, .votes = CONFIG_NEXT};
    config.members[config.count++] = (struct config_member){.node = 5, .replica = 5};
    int64_t values[RAFT_MEMBERS_MAX] = {9, 9, 1, 1, 9}; // the learner has everything
    assert_int_equal(config_quorum(&config, values), 1);
    values[2] = 5;
    assert_int_equal(config_quorum(&config, values), 5);
    values[1] = 2;
    assert_int_equal(config_quorum(&config, values), 2);
    assert_int_equal(config_voter_count(&config), 4);
    struct config nobody = {0};
    assert_int_equal(config_quorum(&nobody, values), INT64_MIN);
}

static void voters_change_by_a_joint_config_only(void **state) {
    (void)state;
    struct config now = config_initial(&three);
    struct raft_target target = {.voter_count = 3, .voters = {4, 1, 2}};
    struct config_facts facts = all_well(&now);
    struct config next;
    assert_true(config_next(&now, &target, &facts, &next));
    assert_int_equal(config_find(&next, 4)->votes, 0);
    assert_int_equal(config_find(&next, 4)->replica, 4);
    assert_int_equal(config_find(&next, 4)->store, 104);
    now = next;
    facts.ready[3] = false;
    assert_false(config_next(&now, &target, &facts, &next)); // it must keep up first
    facts.ready[3] = true;
    assert_true(config_next(&now, &target, &facts, &next));
    assert_true(config_is_joint(&next));
    assert_int_equal(config_find(&next, 3)->votes, CONFIG_NOW);
    assert_int_equal(config_find(&next, 4)->votes, CONFIG_NEXT);
    now = config_leave(&next);
    assert_int_equal(config_find(&now, 3)->votes, 0);
    assert_int_equal(config_find(&now, 4)->votes, CONFIG_VOTER);
    assert_true(config_next(&now, &target, &facts, &next));
    assert_null(config_find(&next, 3));
    assert_true(config_is_removed(&next, 3, 3));
    assert_true(config_is_reached(&next, &target));
    assert_false(config_next(&next, &target, &facts, &now));
}

static void a_majority_to_be_has_all_that_is_committed(void **state) {
    (void)state;
    struct config now = config_initial(&three);
    struct raft_target target = {.voter_count = 2, .voters = {1, 2}};
    struct config_facts facts = all_well(&now);
    struct config next;
    facts.has_all[1] = false; // node 2, a voter that lags
    bool waits = !config_next(&now, &target, &facts, &next) || !config_is_joint(&next);
    assert_true(waits);
    facts.has_all[1] = true;
    assert_true(config_next(&now, &target, &facts, &next));
    assert_true(config_is_joint(&next));
}

static void a_voter_without_its_store_goes_and_comes_as_another(void **state) {
    (void)state;
    struct config now = config_initial(&three);
    struct raft_target target = {.voter_count = 3, .voters = {3, 1, 2}};
    (void)drive(&now, &target);
    struct config_facts facts = all_well(&now);
    facts.lost[1] = true;
    facts.stores[1].store = 999;
    struct config next;
    assert_true(config_next(&now, &target, &facts, &next));
    assert_int_equal(config_find(&next, 2)->votes, CONFIG_NOW);
    assert_int_equal(config_find(&next, 1)->votes, CONFIG_VOTER);
    now = config_leave(&next);
    assert_true(config_next(&now, &target, &facts, &next));
    assert_int_equal(config_find(&next, 2)->votes, 0);
    assert_int_equal(config_find(&next, 2)->replica, 4);
    assert_int_equal(config_find(&next, 2)->store, 999);
    facts.lost[1] = false;
    now = next;
    assert_true(config_next(&now, &target, &facts, &next));
    assert_int_equal(config_find(&next, 2)->votes, CONFIG_NEXT);
}

static void every_target_is_reached_from_every_config(void **state) {
    (void)state;
    struct config config = config_initial(&three);
    for (uint32_t bits = 1; bits < 1U << 7; bits++) {
        struct raft_target target = {0};
        for (node_id node = 1; node <= 7; node++) {
            if ((bits * 37 >> (node - 1) & 1) != 0) {
                target.voters[target.voter_count++] = node;
            } else if (node % 2 == 0) {
                target.learners[target.learner_count++] = node;
            }
        }
        if (target.voter_count == 0) {
            continue;
        }
        uint64_t numbers = config.next_replica;
        assert_true(drive(&config, &target) < STEPS_MAX);
        assert_true(config_is_reached(&config, &target));
        assert_true(config.next_replica >= numbers);
    }
}

static void what_is_no_config_is_refused(void **state) {
    (void)state;
    struct config config = config_initial(&three);
    struct buffer room;
    buffer_init(&room, CONFIG_BYTES_MAX);
    config_put(&config, &room);
    struct config taken;
    for (size_t size = 0; size < room.size; size++) {
        assert_err(config_take(bytes_slice(buffer_bytes(&room), 0, size), &taken), ERR_INVALID);
    }
    size_t votes = CONFIG_HEAD_BYTES + CONFIG_MEMBER_BYTES - 1;
    room.data[votes] = CONFIG_VOTER + 1;
    assert_err(config_take(buffer_bytes(&room), &taken), ERR_INVALID);
    room.data[votes] = CONFIG_VOTER;
    room.data[CONFIG_HEAD_BYTES + CONFIG_MEMBER_BYTES + 1] = 1; // node 1 twice
    assert_err(config_take(buffer_bytes(&room), &taken), ERR_INVALID);
    buffer_deinit(&room);
    for (uint32_t i = 0; i < config.count; i++) {
        config.members[i].votes = 0; // nobody could ever agree
    }
    buffer_init(&room, CONFIG_BYTES_MAX);
    config_put(&config, &room);
    assert_err(config_take(buffer_bytes(&room), &taken), ERR_INVALID);
    buffer_deinit(&room);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founders_number_each_other_alike),
        cmocka_unit_test(a_joint_config_needs_both_majorities),
        cmocka_unit_test(voters_change_by_a_joint_config_only),
        cmocka_unit_test(a_majority_to_be_has_all_that_is_committed),
        cmocka_unit_test(a_voter_without_its_store_goes_and_comes_as_another),
        cmocka_unit_test(every_target_is_reached_from_every_config),
        cmocka_unit_test(what_is_no_config_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
