// Limits of task definitions (engine.md §7.7) where groups are led by several nodes: permits travel
// between groups by messages (scheduler/permit.h).
#include "proto/base/hash.h"
#include "scheduler/permit_home.h"
#include "storage/keys.h"
#include "tests/unit/scheduler/world.h"

static void define(struct world *world, const char *limit) {
    world->settings.permits_travel = true;
    world_tasks(
        world,
        arena_format(
            world->arena,
            "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0,"
            "\"responseTimeoutSeconds\":60,%s}]",
            limit
        )
    );
    world_workflow(world, WORKFLOW(S("a")));
}

// A start in the partition `home` + `away`, where home is that of the limit.
static bytes start(struct world *world, uint32_t away) {
    uint32_t partitions = world->settings.group_count - 1;
    group_id home = permit_home_group(&world->settings, BYTES_LITERAL("a"));
    world->slot = (uint16_t)(partitions + (home - 1u + away) % partitions);
    bytes id = world_start(world, "w", "{}");
    assert_int_equal(decision_group_of(&world->settings, id), 1 + (home - 1u + away) % partitions);
    return id;
}

// Polls until permits have found their way, as a worker would.
static bytes poll(struct world *world) {
    bytes task = world_poll(world, "a");
    world_settle(world);
    return task.data != NULL ? task : world_poll(world, "a");
}

static struct limit_row held_by(struct world *world, uint32_t away) {
    uint32_t partitions = world->settings.group_count - 1;
    group_id home = permit_home_group(&world->settings, BYTES_LITERAL("a"));
    struct key key = key_limit(hash_sip64(BYTES_LITERAL("a")));
    bytes value = BYTES_EMPTY;
    struct limit_row row = {0};
    group_id group = (group_id)(1 + (home - 1u + away) % partitions);
    if (!err_is(store_get(world->store, group, key_bytes(&key), &value))) {
        assert_ok(wire_decode(&limit_row_record, value, world->arena, &row));
    }
    return row;
}

static void at_home_no_message_is_needed(void **state) {
    struct world *world = *state;
    define(world, "\"concurrentExecLimit\":1");
    bytes first = start(world, 0);
    bytes second = start(world, 0);
    assert_non_null(world_poll(world, "a").data);
    assert_null(world_poll(world, "a").data);
    assert_int_equal(world_outbox(world), 0);
    world_complete(world, first, "a", "{}");
    assert_non_null(world_poll(world, "a").data);
    world_complete(world, second, "a", "{}");
    assert_int_equal(world_outbox(world), 0);
    assert_int_equal(held_by(world, 0).permits, 0);
}

static void away_from_home_a_permit_is_asked_for_and_kept(void **state) {
    struct world *world = *state;
    define(world, "\"concurrentExecLimit\":1");
    bytes first = start(world, 1);
    (void)start(world, 1);
    assert_null(world_poll(world, "a").data);
    assert_int_equal(world->last.code, ERR_UNAVAILABLE);
    assert_int_equal(world_outbox(world), 1);
    world_settle(world);
    assert_int_equal(held_by(world, 1).permits, 1);
    assert_non_null(world_poll(world, "a").data);
    assert_null(world_poll(world, "a").data);
    world_settle(world);
    world_complete(world, first, "a", "{}");
    assert_int_equal(world_outbox(world), 0);
    assert_non_null(world_poll(world, "a").data);
}

static void what_is_idle_goes_home_after_a_second(void **state) {
    struct world *world = *state;
    define(world, "\"concurrentExecLimit\":1");
    bytes id = start(world, 1);
    assert_non_null(poll(world).data);
    world_advance(world, 5000);
    world_complete(world, id, "a", "{}");
    assert_int_equal(held_by(world, 1).permits, 1);
    world_advance(world, 1001);
    assert_int_equal(held_by(world, 1).permits, 0);
}

static void what_others_wait_for_goes_at_once(void **state) {
    struct world *world = *state;
    define(world, "\"concurrentExecLimit\":1");
    bytes first = start(world, 1);
    assert_non_null(poll(world).data);
    (void)start(world, 2);
    assert_null(poll(world).data);
    world_complete(world, first, "a", "{}");
    assert_int_equal(held_by(world, 1).permits, 0);
    world_settle(world);
    assert_int_equal(held_by(world, 2).permits, 1);
    assert_non_null(world_poll(world, "a").data);
}

static void every_end_gives_a_permit_back_once(void **state) {
    struct world *world = *state;
    define(world, "\"concurrentExecLimit\":1");
    bytes ids[5];
    for (uint32_t i = 0; i < 5; i++) {
        ids[i] = start(world, i % 2);
        assert_non_null(poll(world).data);
        if (i == 0) {
            world_terminate(world, ids[i], "no");
        } else if (i == 1) {
            world_remove(world, ids[i], false);
        } else if (i == 2) {
            world_fail(world, ids[i], "a", "x"); // and is retried
            world_settle(world);
            assert_non_null(poll(world).data);
            world_complete(world, ids[i], "a", "{}");
        } else if (i == 3) {
            world_advance(world, 60 * 1000); // its lease ends, and it is retried
            assert_non_null(poll(world).data);
            world_complete(world, ids[i], "a", "{}");
        } else {
            world_return(world, &world->claim);
            assert_non_null(poll(world).data);
            world_complete(world, ids[i], "a", "{}");
        }
        world_settle(world);
    }
    world_advance(world, 3000);
    assert_int_equal(held_by(world, 0).held + held_by(world, 1).held, 0);
    assert_int_equal(held_by(world, 0).permits + held_by(world, 1).permits, 0);
}

static void a_token_comes_back_one_window_after_its_use(void **state) {
    struct world *world = *state;
    define(world, "\"rateLimitPerFrequency\":1,\"rateLimitFrequencyInSeconds\":10");
    (void)start(world, 1);
    (void)start(world, 2);
    assert_non_null(poll(world).data);
    assert_null(poll(world).data);
    world_advance(world, 9999);
    assert_null(poll(world).data);
    world_advance(world, 1);
    world_settle(world);
    assert_non_null(poll(world).data);
    assert_null(poll(world).data);
}

static void a_token_of_a_lost_hand_out_comes_back_at_once(void **state) {
    struct world *world = *state;
    define(world, "\"rateLimitPerFrequency\":1,\"rateLimitFrequencyInSeconds\":10");
    (void)start(world, 1);
    assert_non_null(poll(world).data);
    world_return(world, &world->claim);
    assert_non_null(poll(world).data);
}

// Found by simulation: a permit that was asked for at home returned the idle token beside it, and
// the task used a token that was gone.
static void a_token_stays_with_the_task_that_is_admitted(void **state) {
    struct world *world = *state;
    define(
        world,
        "\"concurrentExecLimit\":1,\"rateLimitPerFrequency\":1,\"rateLimitFrequencyInSeconds\":10"
    );
    bytes first = start(world, 0);
    (void)start(world, 0);
    assert_non_null(world_poll(world, "a").data);
    world_complete(world, first, "a", "{}");
    world_advance(world, 10 * 1000);
    assert_non_null(world_poll(world, "a").data);
    assert_int_equal(held_by(world, 0).held, 1);
    assert_int_equal(held_by(world, 0).permits, 1);
    assert_int_equal(held_by(world, 0).tokens, 1);
}

// engine.md §1.5: executions keep the limit they began with.
static void a_lower_limit_holds_for_what_begins_under_it(void **state) {
    struct world *world = *state;
    define(world, "\"concurrentExecLimit\":2");
    bytes old[2] = {start(world, 1), start(world, 1)};
    for (uint32_t i = 0; i < 2; i++) {
        assert_non_null(poll(world).data);
    }
    define(world, "\"concurrentExecLimit\":1");
    bytes young = start(world, 1);
    assert_null(poll(world).data);
    world_complete(world, old[0], "a", "{}");
    assert_null(poll(world).data);
    world_complete(world, old[1], "a", "{}");
    world_settle(world);
    assert_non_null(poll(world).data);
    world_complete(world, young, "a", "{}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(at_home_no_message_is_needed),
        world_test(away_from_home_a_permit_is_asked_for_and_kept),
        world_test(what_is_idle_goes_home_after_a_second),
        world_test(what_others_wait_for_goes_at_once),
        world_test(every_end_gives_a_permit_back_once),
        world_test(a_token_comes_back_one_window_after_its_use),
        world_test(a_token_of_a_lost_hand_out_comes_back_at_once),
        world_test(a_token_stays_with_the_task_that_is_admitted),
        world_test(a_lower_limit_holds_for_what_begins_under_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
