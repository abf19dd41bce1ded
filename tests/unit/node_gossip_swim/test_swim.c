// Gossip of a crowd: who is found, who is believed dead, and who is not.
#include "tests/unit/node_gossip_swim/crowd.h"
#include "tests/unit/test.h"

#include <string.h>

static bool all_alive(const struct crowd *crowd) {
    for (int node = 0; node < crowd->count; node++) {
        if (!crowd_all_believe(crowd, node, SWIM_ALIVE)) {
            return false;
        }
    }
    return true;
}

static bool first_is_dead(const struct crowd *crowd) {
    return crowd_all_believe(crowd, 0, SWIM_DEAD);
}

static bool first_is_alive(const struct crowd *crowd) {
    return crowd_all_believe(crowd, 0, SWIM_ALIVE);
}

static bool first_has_left(const struct crowd *crowd) {
    return crowd_all_believe(crowd, 0, SWIM_LEFT);
}

static bool all_know_what_the_first_says(const struct crowd *crowd) {
    for (int observer = 1; observer < crowd->count; observer++) {
        if (crowd_view(crowd, observer, 0).load != 700) {
            return false;
        }
    }
    return true;
}

static bool halves_think_each_other_dead(const struct crowd *crowd) {
    return crowd_view(crowd, 0, crowd->count - 1).state == SWIM_DEAD &&
           crowd_view(crowd, crowd->count - 1, 0).state == SWIM_DEAD;
}

// A crowd in which all found each other.
static void gathered(struct crowd *crowd, int count, uint64_t seed) {
    crowd_init(crowd, count, seed);
    assert_true(crowd_until(crowd, 10000, all_alive));
    crowd_run(crowd, 10000);
}

static void a_list_is_enough_to_find_each_other(void **state) {
    (void)state;
    static const int COUNTS[] = {1, 2, 3, 5, 16};
    for (size_t at = 0; at < sizeof(COUNTS) / sizeof(COUNTS[0]); at++) {
        struct crowd crowd;
        crowd_init(&crowd, COUNTS[at], 1);
        assert_true(crowd_until(&crowd, 10000, all_alive));
        crowd_run(&crowd, 10000);
        struct swim_member member = crowd_view(&crowd, 0, crowd.count - 1);
        assert_bytes_text(member.release, "0.1.0");
        assert_int_equal(member.release_high, 2);
        assert_int_equal(member.incarnation, 1);
        assert_int_equal(crowd.changes_to[SWIM_SUSPECT] + crowd.changes_to[SWIM_DEAD], 0);
        crowd_deinit(&crowd);
    }
}

static void a_killed_node_is_found_dead_by_all(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct crowd crowd;
        gathered(&crowd, 5, seed);
        mono_time killed = crowd.now;
        crowd_kill(&crowd, 0);
        assert_true(crowd_until(&crowd, 20000, first_is_dead));
        // A round of probes, a failed probe, suspicion of 4·log10(6) s, and the way of the news.
        int64_t took_ms = (crowd.now.ns - killed.ns) / 1000000;
        assert_in_range(took_ms, 3000, 13000);
        crowd_run(&crowd, 5000);
        assert_true(crowd_all_believe(&crowd, 1, SWIM_ALIVE));
        crowd_deinit(&crowd);
    }
}

static void loss_alone_kills_nobody(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 5, 3);
    crowd.loss_percent = 20;
    crowd_run(&crowd, 10 * 60 * 1000);
    assert_int_equal(crowd.changes_to[SWIM_DEAD], 0);
    crowd.loss_percent = 0;
    assert_true(crowd_until(&crowd, 30000, all_alive));
    crowd_deinit(&crowd);
}

static void a_broken_way_between_two_is_gone_round(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 4, 4);
    crowd.cut[0][1] = true;
    crowd.cut[1][0] = true;
    crowd_run(&crowd, 5 * 60 * 1000);
    assert_int_equal(crowd.changes_to[SWIM_SUSPECT], 0);
    assert_true(all_alive(&crowd));
    crowd_deinit(&crowd);
}

static void a_one_way_break_is_gone_round(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 4, 5);
    crowd.cut[0][1] = true;
    crowd_run(&crowd, 5 * 60 * 1000);
    assert_int_equal(crowd.changes_to[SWIM_DEAD], 0);
    crowd_deinit(&crowd);
}

static void a_mended_partition_forgets_its_dead(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct crowd crowd;
        gathered(&crowd, 5, seed);
        crowd_part(&crowd, 2, true);
        assert_true(crowd_until(&crowd, 60000, halves_think_each_other_dead));
        crowd_run(&crowd, 60000);
        assert_true(crowd_view(&crowd, 0, 1).state == SWIM_ALIVE);
        assert_true(crowd_view(&crowd, 4, 3).state == SWIM_ALIVE);
        crowd_part(&crowd, 2, false);
        assert_true(crowd_until(&crowd, 120000, all_alive));
        crowd_deinit(&crowd);
    }
}

static void a_stopped_node_refutes_when_it_wakes(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 3, 6);
    crowd.stopped[0] = true;
    assert_true(crowd_until(&crowd, 30000, first_is_dead));
    crowd.stopped[0] = false;
    assert_true(crowd_until(&crowd, 70000, first_is_alive));
    assert_true(crowd_view(&crowd, 1, 0).refutation > 0);
    assert_true(swim_counters(crowd.nodes[0])->refutations > 0);
    crowd_deinit(&crowd);
}

static void a_restarted_node_is_alive_with_its_new_incarnation(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 3, 7);
    crowd_kill(&crowd, 0);
    assert_true(crowd_until(&crowd, 30000, first_is_dead));
    crowd_start(&crowd, 0);
    assert_true(crowd_until(&crowd, 5000, first_is_alive));
    crowd_run(&crowd, 3000);
    for (int observer = 1; observer < 3; observer++) {
        struct swim_member member = crowd_view(&crowd, observer, 0);
        assert_int_equal(member.incarnation, 2);
        assert_int_equal(member.refutation, 0);
        assert_bytes_text(member.release, "0.1.0");
    }
    crowd_deinit(&crowd);
}

static void what_a_node_says_reaches_all(void **state) {
    (void)state;
    struct crowd crowd;
    uint8_t hints[LIMIT_GOSSIP_HINTS_BYTES];
    memset(hints, 0xfe, sizeof(hints));
    gathered(&crowd, 16, 8);
    for (int node = 0; node < 16; node++) {
        swim_say(crowd.nodes[node], node == 0 ? 700 : 1, bytes_of(hints, sizeof(hints)));
    }
    assert_true(crowd_until(&crowd, 15000, all_know_what_the_first_says));
    assert_true(bytes_equal(crowd_view(&crowd, 9, 0).hints, bytes_of(hints, sizeof(hints))));
    crowd_deinit(&crowd);
}

static void who_leaves_is_not_mourned(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 5, 9);
    swim_leave(crowd.nodes[0]);
    crowd_run(&crowd, 3000);
    crowd_kill(&crowd, 0);
    assert_true(crowd_until(&crowd, 10000, first_has_left));
    crowd_run(&crowd, 60000);
    assert_true(first_has_left(&crowd));
    assert_int_equal(crowd.changes_to[SWIM_DEAD], 0);
    crowd_start(&crowd, 0);
    assert_true(crowd_until(&crowd, 5000, first_is_alive));
    crowd_deinit(&crowd);
}

static void an_earlier_process_is_not_heard(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 3, 10);
    crowd.incarnations[0] = 5;
    crowd_start(&crowd, 0);
    crowd_run(&crowd, 5000);
    assert_int_equal(crowd_view(&crowd, 1, 0).incarnation, 6);
    crowd.incarnations[0] = 1; // its predecessor wakes up
    crowd_start(&crowd, 0);
    crowd_run(&crowd, 5000);
    assert_true(swim_counters(crowd.nodes[1])->datagrams_old > 0);
    assert_true(swim_counters(crowd.nodes[0])->outdated > 0);
    assert_int_equal(crowd_view(&crowd, 1, 0).incarnation, 6);
    crowd_deinit(&crowd);
}

// A node whose own way is bad blames itself first: it becomes patient.
static void a_node_in_trouble_becomes_patient(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 5, 11);
    assert_int_equal(swim_patience(crowd.nodes[0]), 1);
    for (int node = 1; node < 5; node++) {
        crowd.cut[node][0] = true;
    }
    crowd_run(&crowd, 30000);
    assert_in_range(swim_patience(crowd.nodes[0]), 3, LIMIT_GOSSIP_HEALTH);
    for (int node = 1; node < 5; node++) {
        crowd.cut[node][0] = false;
    }
    crowd_run(&crowd, 120000);
    assert_true(all_alive(&crowd));
    assert_int_equal(swim_patience(crowd.nodes[0]), 1);
    crowd_deinit(&crowd);
}

static void another_way_to_hear_of_a_member_counts(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 3, 12);
    crowd_part(&crowd, 1, true); // datagrams do not pass, links do
    for (int step = 0; step < 6000; step++) {
        crowd_run(&crowd, 10);
        for (int node = 0; node < 3; node++) {
            for (uint32_t other = 1; other <= 3; other++) {
                swim_note_heard(crowd.nodes[node], other);
            }
        }
    }
    assert_true(all_alive(&crowd));
    crowd_deinit(&crowd);
}

static void quiet_gossip_is_cheap(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 3, 13);
    uint64_t before = crowd.delivered;
    crowd_run(&crowd, 100 * 1000);
    // A probe and its answer a second and node, an exchange every 30 s.
    assert_in_range(crowd.delivered - before, 550, 650);
    crowd_deinit(&crowd);
}

// Two know of each other; the third knows them, and they do not know it.
static void who_is_no_member_is_not_heard_until_it_is_one(void **state) {
    (void)state;
    struct crowd crowd;
    crowd_init(&crowd, 3, 14);
    for (int node = 0; node < 2; node++) {
        swim_remove(crowd.nodes[node], 3);
        swim_remove(crowd.nodes[node], 3);
        swim_remove(crowd.nodes[node], (uint32_t)node + 1); // never itself
    }
    crowd_run(&crowd, 30000);
    struct swim_member member;
    for (int node = 0; node < 2; node++) {
        assert_false(swim_member_at(crowd.nodes[node], 2, &member));
        assert_true(swim_counters(crowd.nodes[node])->datagrams_strange > 0);
        assert_int_equal(crowd_view(&crowd, node, 1 - node).state, SWIM_ALIVE);
        assert_true(swim_add(crowd.nodes[node], 3, BYTES_LITERAL("c:1")));
    }
    assert_true(crowd_until(&crowd, 60000, all_alive));
    crowd_run(&crowd, 10000);
    assert_true(swim_add(crowd.nodes[0], 3, BYTES_LITERAL("elsewhere:1"))); // its own word counts
    assert_bytes_text(crowd_view(&crowd, 0, 2).address, "c:1");
    crowd_deinit(&crowd);
}

static void a_removed_member_is_forgotten(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd, 5, 15);
    crowd.stopped[0] = true;
    for (int step = 0; step < 400; step++) {
        crowd_run(&crowd, 10);
        if (step == 137) { // while some probe it
            for (int node = 1; node < 5; node++) {
                swim_remove(crowd.nodes[node], 1);
            }
        }
    }
    struct swim_member member;
    for (int node = 1; node < 5; node++) {
        assert_false(swim_member_at(crowd.nodes[node], 4, &member));
        for (size_t at = 0; at < 4; at++) {
            assert_true(swim_member_at(crowd.nodes[node], at, &member));
            assert_int_equal(member.node, at + 2);
        }
    }
    crowd.stopped[0] = false; // and it is not heard when it wakes
    crowd_run(&crowd, 60000);
    for (int node = 1; node < 5; node++) {
        assert_false(swim_member_at(crowd.nodes[node], 4, &member));
        for (size_t at = 0; at < 4; at++) {
            assert_true(swim_member_at(crowd.nodes[node], at, &member));
            assert_int_equal(member.state, SWIM_ALIVE);
        }
    }
    crowd_deinit(&crowd);
}

static void members_have_a_bound(void **state) {
    (void)state;
    struct crowd crowd;
    crowd_init(&crowd, 1, 16);
    for (uint32_t node = 2; node <= LIMIT_NODES; node++) {
        assert_true(swim_add(crowd.nodes[0], node, BYTES_LITERAL("x:1")));
    }
    assert_false(swim_add(crowd.nodes[0], 1000, BYTES_LITERAL("x:1")));
    assert_true(swim_add(crowd.nodes[0], 2, BYTES_LITERAL("x:1")));
    swim_remove(crowd.nodes[0], 2);
    assert_true(swim_add(crowd.nodes[0], 1000, BYTES_LITERAL("x:1")));
    crowd_deinit(&crowd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_enough_to_find_each_other),
        cmocka_unit_test(a_killed_node_is_found_dead_by_all),
        cmocka_unit_test(loss_alone_kills_nobody),
        cmocka_unit_test(a_broken_way_between_two_is_gone_round),
        cmocka_unit_test(a_one_way_break_is_gone_round),
        cmocka_unit_test(a_mended_partition_forgets_its_dead),
        cmocka_unit_test(a_stopped_node_refutes_when_it_wakes),
        cmocka_unit_test(a_restarted_node_is_alive_with_its_new_incarnation),
        cmocka_unit_test(what_a_node_says_reaches_all),
        cmocka_unit_test(who_leaves_is_not_mourned),
        cmocka_unit_test(an_earlier_process_is_not_heard),
        cmocka_unit_test(a_node_in_trouble_becomes_patient),
        cmocka_unit_test(another_way_to_hear_of_a_member_counts),
        cmocka_unit_test(quiet_gossip_is_cheap),
        cmocka_unit_test(who_is_no_member_is_not_heard_until_it_is_one),
        cmocka_unit_test(a_removed_member_is_forgotten),
        cmocka_unit_test(members_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
