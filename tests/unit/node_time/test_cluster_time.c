// Clocks of several nodes that hear of each other every 230 ms, over a way that takes 2 ms.
#include "node/time/cluster_time.h"
#include "proto/base/random.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum {
    NODES_MAX = 5,
    TICK_MS = 10,
    BEAT_MS = 230,
    WAY_US = 2000
};

static const int64_t BEGIN_MS = 1795000000000;
static const int64_t HOUR_MS = 3600 * 1000;
static const int64_t MINUTE_MS = 60 * 1000;

struct clock_of {
    int64_t step_ms;  // of its wall clock
    int64_t rate_ppm; // of both its clocks, faster than the true time
    bool silent;      // sends and hears nothing
    int64_t shown_ms; // the newest cluster time
    struct cluster_time *time;
};

struct cluster {
    uint32_t count;
    int64_t passed_us; // true time since the beginning
    struct clock_of nodes[NODES_MAX];
};

static int64_t gained_us(const struct cluster *cluster, const struct clock_of *node) {
    return cluster->passed_us / 1000000 * node->rate_ppm;
}

static mono_time mono_of(const struct cluster *cluster, uint32_t at) {
    const struct clock_of *node = &cluster->nodes[at];
    int64_t boot_us = 1000000 + (int64_t)at * 7777777;
    return (mono_time){(boot_us + cluster->passed_us + gained_us(cluster, node)) * 1000};
}

static wall_time wall_of(const struct cluster *cluster, uint32_t at) {
    const struct clock_of *node = &cluster->nodes[at];
    int64_t passed_ms = (cluster->passed_us + gained_us(cluster, node)) / 1000;
    return (wall_time){BEGIN_MS + passed_ms + node->step_ms};
}

static int64_t true_ms(const struct cluster *cluster) {
    return BEGIN_MS + cluster->passed_us / 1000;
}

static int64_t now_ms(const struct cluster *cluster, uint32_t at) {
    return cluster_time_now(cluster->nodes[at].time).ms;
}

static void start(struct cluster *cluster, uint32_t at, bool trusted, int64_t newest_ms) {
    struct cluster_time_options options = {
        .node_count = cluster->count,
        .self = at,
        .trusted = trusted,
        .newest = {newest_ms},
        .mono = mono_of(cluster, at),
        .wall = wall_of(cluster, at),
    };
    cluster_time_destroy(&cluster->nodes[at].time);
    cluster->nodes[at].time = cluster_time_create(&options);
    cluster->nodes[at].shown_ms = 0;
}

static void start_all(struct cluster *cluster) {
    for (uint32_t at = 0; at < cluster->count; at++) {
        start(cluster, at, false, 0);
    }
}

static void end(struct cluster *cluster) {
    for (uint32_t at = 0; at < cluster->count; at++) {
        cluster_time_destroy(&cluster->nodes[at].time);
    }
}

static void tick(struct cluster *cluster, uint32_t at) {
    struct clock_of *node = &cluster->nodes[at];
    cluster_time_tick(node->time, mono_of(cluster, at), wall_of(cluster, at));
    if (cluster_time_may_fire(node->time)) {
        assert_true(now_ms(cluster, at) >= node->shown_ms);
        node->shown_ms = now_ms(cluster, at);
    }
}

static void beat(struct cluster *cluster, uint32_t from, uint32_t to) {
    struct stamp stamp;
    if (cluster->nodes[from].silent || cluster->nodes[to].silent) {
        return;
    }
    tick(cluster, from);
    if (cluster_time_stamp(cluster->nodes[from].time, to, &stamp)) {
        cluster->passed_us += WAY_US;
        tick(cluster, to);
        cluster_time_heard(cluster->nodes[to].time, from, &stamp);
    }
}

static void pass(struct cluster *cluster, int64_t ms) {
    int64_t until_us = cluster->passed_us + ms * 1000;
    int64_t beat_us = cluster->passed_us;
    while (cluster->passed_us < until_us) {
        cluster->passed_us += TICK_MS * 1000;
        for (uint32_t at = 0; at < cluster->count; at++) {
            tick(cluster, at);
        }
        for (uint32_t pair = 0; pair < cluster->count * cluster->count; pair++) {
            if (cluster->passed_us >= beat_us && pair / cluster->count != pair % cluster->count) {
                beat(cluster, pair / cluster->count, pair % cluster->count);
            }
        }
        beat_us += cluster->passed_us >= beat_us ? BEAT_MS * 1000 : 0;
    }
}

static bool is_right(const struct cluster *cluster, uint32_t at) {
    return llabs(now_ms(cluster, at) - true_ms(cluster)) <= LIMIT_TIME_ERROR_MS;
}

// --- a node alone --------------------------------------------------------------------------------

static void a_node_alone_goes_by_its_clock(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    start_all(&cluster);
    assert_true(cluster_time_may_fire(cluster.nodes[0].time));
    pass(&cluster, MINUTE_MS);
    assert_int_equal(now_ms(&cluster, 0), true_ms(&cluster));
    end(&cluster);
}

static void alone_it_takes_a_step_forward_after_ten_seconds(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    start_all(&cluster);
    cluster.nodes[0].step_ms = HOUR_MS;
    pass(&cluster, LIMIT_TIME_STEP_MS - 500);
    assert_in_range(now_ms(&cluster, 0) - true_ms(&cluster), 0, 600); // a twentieth faster
    pass(&cluster, 1000);
    assert_int_equal(now_ms(&cluster, 0), true_ms(&cluster) + HOUR_MS);
    assert_int_equal(cluster_time_status(cluster.nodes[0].time).steps, 1);
    end(&cluster);
}

static void a_step_forward_that_is_undone_is_not_taken(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    start_all(&cluster);
    cluster.nodes[0].step_ms = HOUR_MS;
    pass(&cluster, LIMIT_TIME_STEP_MS / 2);
    cluster.nodes[0].step_ms = 0;
    pass(&cluster, MINUTE_MS);
    assert_true(is_right(&cluster, 0));
    end(&cluster);
}

// tick() asserts that it never goes back.
static void a_step_back_only_slows_it(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    start_all(&cluster);
    cluster.nodes[0].step_ms = -1000;
    int64_t before_ms = now_ms(&cluster, 0);
    pass(&cluster, 10 * 1000);
    assert_in_range(now_ms(&cluster, 0) - before_ms, 9490, 9510);
    pass(&cluster, 20 * 1000);
    assert_in_range(now_ms(&cluster, 0) - wall_of(&cluster, 0).ms, 0, 2);
    end(&cluster);
}

// --- three nodes ---------------------------------------------------------------------------------

static void the_time_of_three_is_known_after_an_exchange(void **state) {
    (void)state;
    struct cluster cluster = {.count = 3};
    start_all(&cluster);
    assert_false(cluster_time_is_known(cluster.nodes[0].time));
    pass(&cluster, 2 * BEAT_MS);
    for (uint32_t at = 0; at < 3; at++) {
        assert_true(cluster_time_may_fire(cluster.nodes[at].time));
        assert_true(is_right(&cluster, at));
    }
    end(&cluster);
}

static void one_an_hour_off_from_the_start(void **state, int64_t off_ms) {
    (void)state;
    struct cluster cluster = {.count = 3};
    cluster.nodes[1].step_ms = off_ms;
    start_all(&cluster);
    for (int second = 0; second < 30; second++) {
        pass(&cluster, 1000);
        for (uint32_t at = 0; at < 3; at++) {
            assert_true(is_right(&cluster, at));
            assert_int_equal(cluster_time_status(cluster.nodes[at].time).sick, at == 1);
            assert_int_equal(cluster_time_may_fire(cluster.nodes[at].time), at != 1);
        }
    }
    assert_in_range(llabs(cluster_time_peer(cluster.nodes[0].time, 1).off_ms - off_ms), 0, 250);
    assert_in_range(llabs(cluster_time_status(cluster.nodes[1].time).off_ms - off_ms), 0, 250);
    end(&cluster);
}

static void one_clock_an_hour_fast_is_sick_and_outvoted(void **state) {
    one_an_hour_off_from_the_start(state, HOUR_MS);
}

static void one_clock_an_hour_slow_is_sick_and_outvoted(void **state) {
    one_an_hour_off_from_the_start(state, -HOUR_MS);
}

static void a_clock_that_steps_while_running_falls_sick_and_gets_well(void **state) {
    (void)state;
    struct cluster cluster = {.count = 3};
    start_all(&cluster);
    pass(&cluster, 5000);
    cluster.nodes[2].step_ms = HOUR_MS;
    pass(&cluster, 1000);
    assert_true(cluster_time_status(cluster.nodes[2].time).sick);
    pass(&cluster, MINUTE_MS);
    assert_true(is_right(&cluster, 2));
    cluster.nodes[2].step_ms = 0;
    pass(&cluster, LIMIT_TIME_WELL_MS / 2);
    assert_true(cluster_time_status(cluster.nodes[2].time).sick);
    pass(&cluster, LIMIT_TIME_WELL_MS);
    assert_false(cluster_time_status(cluster.nodes[2].time).sick);
    end(&cluster);
}

static void a_sick_clock_stays_sick_when_no_majority_is_heard(void **state) {
    (void)state;
    struct cluster cluster = {.count = 3};
    cluster.nodes[2].step_ms = HOUR_MS;
    start_all(&cluster);
    pass(&cluster, 5000);
    cluster.nodes[0].silent = true;
    pass(&cluster, 5 * MINUTE_MS);
    assert_true(cluster_time_status(cluster.nodes[2].time).sick);
    assert_false(cluster_time_status(cluster.nodes[1].time).sick);
    assert_false(cluster_time_status(cluster.nodes[1].time).agreed);
    assert_true(is_right(&cluster, 1));
    end(&cluster);
}

static void what_most_agree_on_is_stepped_to(void **state) {
    (void)state;
    struct cluster cluster = {.count = 3};
    start_all(&cluster);
    pass(&cluster, 5000);
    cluster.nodes[0].step_ms = HOUR_MS;
    cluster.nodes[1].step_ms = HOUR_MS;
    pass(&cluster, LIMIT_TIME_STEP_MS / 2);
    assert_true(now_ms(&cluster, 2) < true_ms(&cluster) + 1000);
    pass(&cluster, LIMIT_TIME_STEP_MS);
    for (uint32_t at = 0; at < 3; at++) {
        assert_in_range(now_ms(&cluster, at) - true_ms(&cluster), HOUR_MS - 300, HOUR_MS + 300);
    }
    assert_true(cluster_time_status(cluster.nodes[2].time).sick);
    end(&cluster);
}

static void two_that_quarrel_go_on_as_they_did(void **state) {
    (void)state;
    struct cluster cluster = {.count = 2};
    start_all(&cluster);
    pass(&cluster, 5000);
    cluster.nodes[0].step_ms = HOUR_MS;
    pass(&cluster, 5 * MINUTE_MS);
    assert_true(is_right(&cluster, 0));
    assert_true(is_right(&cluster, 1));
    assert_true(cluster_time_may_fire(cluster.nodes[0].time)); // nobody knows who is wrong
    end(&cluster);
}

static void two_that_start_quarrelling_take_the_earlier(void **state) {
    (void)state;
    struct cluster cluster = {.count = 2};
    cluster.nodes[0].step_ms = HOUR_MS;
    start_all(&cluster);
    pass(&cluster, LIMIT_TIME_QUARREL_MS / 2);
    assert_false(cluster_time_is_known(cluster.nodes[0].time));
    pass(&cluster, LIMIT_TIME_QUARREL_MS);
    assert_true(is_right(&cluster, 0));
    assert_true(is_right(&cluster, 1));
    end(&cluster);
}

static void whatever_a_minority_does_the_rest_is_right(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 7);
    struct cluster cluster = {.count = 5};
    for (uint32_t at = 0; at < 5; at++) {
        cluster.nodes[at].rate_ppm = (int64_t)random_below(&random, 200) - 100;
    }
    start_all(&cluster);
    pass(&cluster, 2000);
    for (int round = 0; round < 200; round++) {
        uint32_t at = (uint32_t)random_below(&random, 2);
        cluster.nodes[at].step_ms = (int64_t)random_below(&random, 2 * HOUR_MS) - HOUR_MS;
        cluster.nodes[at].silent = random_below(&random, 4) == 0;
        pass(&cluster, (int64_t)random_below(&random, 12000));
        for (uint32_t one = 0; one < 5; one++) {
            assert_true(is_right(&cluster, one) || cluster.nodes[one].silent);
        }
    }
    end(&cluster);
}

// --- the start rule ------------------------------------------------------------------------------

static void a_start_long_after_the_last_entry_fires_after_ten_minutes(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    start(&cluster, 0, false, BEGIN_MS - 2 * HOUR_MS);
    struct cluster_time_status status = cluster_time_status(cluster.nodes[0].time);
    assert_false(status.trusted);
    assert_int_equal(status.leap_ms, 2 * HOUR_MS);
    pass(&cluster, LIMIT_TIME_STEADY_MS - 1000);
    assert_false(cluster_time_may_fire(cluster.nodes[0].time));
    pass(&cluster, 1500);
    assert_true(cluster_time_may_fire(cluster.nodes[0].time));
    end(&cluster);
}

static void a_start_within_the_hour_or_vouched_for_fires_at_once(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    start(&cluster, 0, false, BEGIN_MS - HOUR_MS / 2);
    assert_true(cluster_time_may_fire(cluster.nodes[0].time));
    start(&cluster, 0, true, BEGIN_MS - 1000 * HOUR_MS);
    assert_true(cluster_time_may_fire(cluster.nodes[0].time));
    end(&cluster);
}

static void a_wrong_start_that_is_put_right_is_taken_back(void **state) {
    (void)state;
    struct cluster cluster = {.count = 1};
    cluster.nodes[0].step_ms = 5 * 365 * 24 * HOUR_MS;
    start(&cluster, 0, false, BEGIN_MS - MINUTE_MS);
    pass(&cluster, MINUTE_MS);
    assert_false(cluster_time_may_fire(cluster.nodes[0].time));
    cluster.nodes[0].step_ms = 0;
    pass(&cluster, 1000);
    assert_true(is_right(&cluster, 0));
    assert_true(cluster_time_may_fire(cluster.nodes[0].time));
    end(&cluster);
}

static void nodes_that_fire_vouch_for_one_that_was_away(void **state) {
    (void)state;
    struct cluster cluster = {.count = 3};
    start_all(&cluster);
    pass(&cluster, 3000);
    start(&cluster, 1, false, BEGIN_MS - 5 * HOUR_MS);
    pass(&cluster, 3 * BEAT_MS);
    assert_true(cluster_time_may_fire(cluster.nodes[1].time));
    end(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_alone_goes_by_its_clock),
        cmocka_unit_test(alone_it_takes_a_step_forward_after_ten_seconds),
        cmocka_unit_test(a_step_forward_that_is_undone_is_not_taken),
        cmocka_unit_test(a_step_back_only_slows_it),
        cmocka_unit_test(the_time_of_three_is_known_after_an_exchange),
        cmocka_unit_test(one_clock_an_hour_fast_is_sick_and_outvoted),
        cmocka_unit_test(one_clock_an_hour_slow_is_sick_and_outvoted),
        cmocka_unit_test(a_clock_that_steps_while_running_falls_sick_and_gets_well),
        cmocka_unit_test(a_sick_clock_stays_sick_when_no_majority_is_heard),
        cmocka_unit_test(what_most_agree_on_is_stepped_to),
        cmocka_unit_test(two_that_quarrel_go_on_as_they_did),
        cmocka_unit_test(two_that_start_quarrelling_take_the_earlier),
        cmocka_unit_test(whatever_a_minority_does_the_rest_is_right),
        cmocka_unit_test(a_start_long_after_the_last_entry_fires_after_ten_minutes),
        cmocka_unit_test(a_start_within_the_hour_or_vouched_for_fires_at_once),
        cmocka_unit_test(a_wrong_start_that_is_put_right_is_taken_back),
        cmocka_unit_test(nodes_that_fire_vouch_for_one_that_was_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
