// node/core and time: clocks that are wrong make nothing early, and no more late than they must.
#include "node/raft/raft.h"
#include "proto/limits.h"
#include "tests/unit/node_core/cluster.h"
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <string.h>

static const int64_t HOUR_MS = 3600 * 1000;
static const int64_t YEAR_MS = 365LL * 24 * 3600 * 1000;
static const char *const WAITS = "{\"name\":\"t\",\"tasks\":[{\"name\":\"wait\","
                                 "\"taskReferenceName\":\"wait\",\"type\":\"WAIT\","
                                 "\"inputParameters\":{\"duration\":\"5 seconds\"}}]}";

// --- a node alone --------------------------------------------------------------------------------

static void start_wait(struct world *world, char *out_id) {
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"t\"}"), 200);
    assert_int_equal(strlen(world->body), ID_TEXT_BYTES);
    memcpy(out_id, world->body, ID_TEXT_BYTES + 1);
}

static bool has_ended(struct world *world, const char *id) {
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s/status", id);
    world_sync(world);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    return strstr(world->body, "COMPLETED") != NULL;
}

static void pass(struct world *world, int64_t ms) {
    for (int64_t passed = 0; passed < ms; passed += 50) {
        world_tick(world, 50);
        world_sync(world);
    }
}

static void a_node_that_once_booted_in_2031_waits_a_twentieth_longer(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", WAITS), 200);
    world->wall.ms += 5 * YEAR_MS;
    pass(world, LIMIT_TIME_STEP_MS + 1000);
    char id[ID_TEXT_BYTES + 1];
    start_wait(world, id);
    world->wall.ms -= 5 * YEAR_MS;
    world_crash(world);
    start_wait(world, id);
    pass(world, 5000);
    assert_false(has_ended(world, id));
    pass(world, 5000 / 19 + 100);
    assert_true(has_ended(world, id));
}

static void a_start_two_hours_later_fires_once_the_clock_was_steady(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", WAITS), 200);
    char id[ID_TEXT_BYTES + 1];
    start_wait(world, id);
    world->wall.ms += 2 * HOUR_MS;
    world_crash(world);
    pass(world, LIMIT_TIME_STEADY_MS - 1000);
    assert_false(has_ended(world, id));
    pass(world, 2000);
    assert_true(has_ended(world, id));
}

static void a_start_within_the_hour_fires_at_once(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", WAITS), 200);
    char id[ID_TEXT_BYTES + 1];
    start_wait(world, id);
    world->wall.ms += HOUR_MS / 2;
    world_crash(world);
    pass(world, 50);
    assert_true(has_ended(world, id));
}

static void a_clock_set_forward_fires_nothing_for_ten_seconds(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", WAITS), 200);
    char id[ID_TEXT_BYTES + 1];
    start_wait(world, id);
    world->wall.ms += HOUR_MS;
    pass(world, 4000);
    assert_false(has_ended(world, id));
    pass(world, 1000);
    assert_true(has_ended(world, id)); // by its own time
}

// --- three nodes ---------------------------------------------------------------------------------

static void wait_for_ends(struct cluster *cluster, int at) {
    for (int i = 0; i < 6; i++) {
        assert_int_equal(
            cluster_ask(cluster, at, "POST", "/api/workflow", "{\"name\":\"t\"}"), 200
        );
        char target[128];
        (void)snprintf(
            target, sizeof(target), "/api/workflow/%.*s/status", ID_TEXT_BYTES, cluster->body
        );
        cluster_run(cluster, 4500);
        assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
        assert_non_null(strstr(cluster->body, "RUNNING"));
        cluster_run(cluster, 1200);
        assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
        assert_non_null(strstr(cluster->body, "COMPLETED"));
    }
}

static void expect_sick(struct cluster *cluster, int sick) {
    for (int at = 0; at < CLUSTER_NODES; at++) {
        struct cluster_time_status clock = node_clock(cluster->nodes[at].node);
        assert_int_equal(clock.sick, at == sick);
        if (at == sick) {
            assert_int_equal(node_stats(cluster->nodes[at].node).groups_led, 0);
        }
        assert_int_equal(cluster_ask(cluster, at, "GET", "/api/cluster", ""), 200);
        assert_non_null(strstr(cluster->body, "\"time\":\"agreed\""));
        assert_non_null(strstr(cluster->body, "\"clock\":\"sick\""));
    }
}

static void a_node_an_hour_off_from_the_start_leads_nothing(void **state, int64_t off_ms) {
    struct cluster *cluster = *state;
    cluster_kill(cluster, 1);
    cluster->nodes[1].wall_ms = off_ms;
    cluster_start(cluster, 1);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WAITS), 200);
    cluster_run(cluster, 5000);
    expect_sick(cluster, 1);
    uint64_t fired = node_stats(cluster->nodes[1].node).timers_fired;
    wait_for_ends(cluster, 1);
    assert_int_equal(node_stats(cluster->nodes[1].node).timers_fired, fired);
}

static void a_node_an_hour_fast_leads_nothing(void **state) {
    a_node_an_hour_off_from_the_start_leads_nothing(state, HOUR_MS);
}

static void a_node_an_hour_slow_leads_nothing(void **state) {
    a_node_an_hour_off_from_the_start_leads_nothing(state, -HOUR_MS);
}

static void a_leader_whose_clock_steps_hands_over_and_comes_back(void **state) {
    struct cluster *cluster = *state;
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WAITS), 200);
    cluster_run(cluster, 3000);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        cluster->nodes[at].wall_ms = at == 1 ? -HOUR_MS : HOUR_MS;
        cluster_run(cluster, 3000);
        expect_sick(cluster, at);
        cluster->nodes[at].wall_ms = 0;
        cluster_run(cluster, LIMIT_TIME_WELL_MS + 1000);
        assert_false(node_clock(cluster->nodes[at].node).sick);
    }
    wait_for_ends(cluster, 0);
}

// Found by simulation: the step in which the time became known went by what the clock had shown.
static void what_is_decided_first_has_the_time_that_was_agreed_on(void **state) {
    struct cluster *cluster = *state;
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WAITS), 200);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 2000);
    cluster_kill(cluster, 1);
    cluster->nodes[1].wall_ms = HOUR_MS / 2;
    cluster_start(cluster, 1);
    cluster->nodes[1].wall_ms = 0;
    const struct node *node = cluster->nodes[1].node;
    for (int ms = 0; ms < 1000 && node_stats(node).groups_led == 0; ms++) {
        cluster_run(cluster, 1);
    }
    cluster_run(cluster, 20);
    assert_true(node_clock(node).known); // it asked, and was answered at once
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/workflow", "{\"name\":\"t\"}"), 200);
    for (uint32_t group = 0; group < CLUSTER_GROUPS; group++) {
        struct store_group known = store_group(cluster->nodes[1].store, (group_id)group);
        assert_true(known.time_ms <= cluster->wall.ms + LIMIT_TIME_ERROR_MS);
    }
}

// Messages of all nodes so far that are not frames of Raft.
static uint64_t beside_frames(struct cluster *cluster) {
    uint64_t count = 0;
    for (int at = 0; at < CLUSTER_NODES; at++) {
        const struct node *node = cluster->nodes[at].node;
        count += node_stats(node).messages_sent - raft_stats(node_raft(node)).frames_sent;
    }
    return count;
}

static void stamps_ride_on_frames(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, 5000);
    uint64_t before = beside_frames(cluster);
    cluster_run(cluster, 10000);
    assert_true(beside_frames(cluster) - before <= 2 * 2 * 11); // leases of definitions
    assert_true(node_clock(cluster->nodes[0].node).agreed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_node_that_once_booted_in_2031_waits_a_twentieth_longer, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_start_two_hours_later_fires_once_the_clock_was_steady, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_start_within_the_hour_fires_at_once, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_clock_set_forward_fires_nothing_for_ten_seconds, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_an_hour_fast_leads_nothing, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_an_hour_slow_leads_nothing, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_leader_whose_clock_steps_hands_over_and_comes_back, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_is_decided_first_has_the_time_that_was_agreed_on, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(stamps_ride_on_frames, cluster_setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
