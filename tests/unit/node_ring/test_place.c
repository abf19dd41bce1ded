// What must hold of every placement, over random clusters: distributed.md §2, invariant 15.
#include "node/ring/place_internal.h"
#include "proto/base/random.h"
#include "tests/unit/test.h"

#include <string.h>

enum {
    NODES_MAX = 30,
    ROUNDS = 400,
};

struct cluster {
    struct place_member members[NODES_MAX + 1];
    struct place_input input;
};

static const uint32_t PARTITIONS[] = {1, 8, 16, 64, 128};

// Up to `count_max` nodes with ids in no order; alike and in one zone if `plain`.
static void random_cluster(struct cluster *cluster, struct random *random, bool plain) {
    memset(cluster, 0, sizeof(*cluster));
    uint32_t count = 1 + (uint32_t)random_below(random, NODES_MAX);
    uint32_t zones = plain ? 1 : 1 + (uint32_t)random_below(random, 5);
    for (uint32_t at = 0; at < count; at++) {
        cluster->members[at] = (struct place_member){
            .node_id = 1 + (at * 7 + 3) % 31,
            .weight = plain ? 1 : 1 + (uint32_t)random_below(random, 4),
            .zone = plain ? 0 : (uint32_t)random_below(random, zones),
        };
    }
    for (size_t at = 0; at < sizeof(id128); at++) {
        cluster->input.cluster_id.bytes[at] = (uint8_t)random_u64(random);
    }
    cluster->input.members = cluster->members;
    cluster->input.member_count = count;
    cluster->input.partition_count = PARTITIONS[random_below(random, 5)];
    cluster->input.replica_count = 3;
}

static void make_shares(const struct cluster *cluster, struct arena *arena, struct placing *out) {
    memset(out, 0, sizeof(*out));
    out->arena = arena;
    out->member_count = (uint32_t)cluster->input.member_count;
    out->partition_count = cluster->input.partition_count;
    out->replica_count = out->member_count < 3 ? out->member_count : 3;
    memcpy(out->members, cluster->members, sizeof(cluster->members));
    for (uint32_t at = 0; at < out->member_count; at++) {
        out->zone[at] = (uint8_t)out->zone_count;
        for (uint32_t before = 0; before < at; before++) {
            if (out->members[before].zone == out->members[at].zone) {
                out->zone[at] = out->zone[before];
            }
        }
        out->zone_count += out->zone[at] == out->zone_count;
    }
    out->zones_wanted = out->zone_count < out->replica_count ? out->zone_count : out->replica_count;
    place_shares(out);
}

static uint32_t replicas_on(const struct place_target *target, uint32_t node) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < target->partition_count * target->replica_count; at++) {
        count += target->nodes[at] == node;
    }
    return count;
}

static uint32_t leaders_on(const struct place_target *target, uint32_t node) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < target->partition_count; at++) {
        count += target->nodes[at * target->replica_count] == node;
    }
    return count;
}

static uint32_t zone_of(const struct cluster *cluster, uint32_t node) {
    for (size_t at = 0; at < cluster->input.member_count; at++) {
        if (cluster->members[at].node_id == node) {
            return cluster->members[at].zone;
        }
    }
    fail_msg("node %u is no member", (unsigned)node);
    return 0;
}

// Replicas on distinct members and zones, caps, and leaders within their share and a slack.
static void assert_sound_within(
    const struct cluster *cluster, const struct place_target *target, uint32_t slack_percent
) {
    struct arena *arena = arena_create(64 * 1024);
    struct placing *shares = ARENA_NEW(arena, struct placing);
    make_shares(cluster, arena, shares);
    assert_int_equal(target->replica_count, shares->replica_count);
    for (uint32_t partition = 0; partition < target->partition_count; partition++) {
        const uint32_t *nodes = target->nodes + partition * target->replica_count;
        uint32_t zones = 0;
        for (uint32_t at = 0; at < target->replica_count; at++) {
            bool new_zone = true;
            for (uint32_t before = 0; before < at; before++) {
                assert_int_not_equal(nodes[at], nodes[before]);
                new_zone =
                    new_zone && zone_of(cluster, nodes[at]) != zone_of(cluster, nodes[before]);
            }
            zones += new_zone;
        }
        assert_int_equal(zones, shares->zones_wanted);
    }
    uint32_t leaders_max =
        (slack_percent * target->partition_count + 100 * shares->member_count - 1) /
        (100 * shares->member_count);
    for (uint32_t at = 0; at < shares->member_count; at++) {
        uint32_t node = cluster->members[at].node_id;
        assert_in_range(replicas_on(target, node), 0, shares->cap[at]);
        assert_in_range(leaders_on(target, node), 0, leaders_max);
    }
    arena_destroy(&arena);
}

static void assert_sound(const struct cluster *cluster, const struct place_target *target) {
    assert_sound_within(cluster, target, 110);
}

static void every_placement_is_sound(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    struct random random;
    random_init(&random, 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct cluster cluster;
        random_cluster(&cluster, &random, round % 4 == 0);
        struct place_target target = place(&cluster.input, arena);
        assert_sound(&cluster, &target);
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

static void the_order_of_members_does_not_matter(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    struct random random;
    random_init(&random, 2);
    for (int round = 0; round < ROUNDS; round++) {
        struct cluster cluster;
        random_cluster(&cluster, &random, false);
        struct place_target first = place(&cluster.input, arena);
        for (size_t at = cluster.input.member_count; at > 1; at--) {
            size_t other = (size_t)random_below(&random, at);
            struct place_member swapped = cluster.members[at - 1];
            cluster.members[at - 1] = cluster.members[other];
            cluster.members[other] = swapped;
        }
        struct place_target second = place(&cluster.input, arena);
        assert_memory_equal(
            first.nodes,
            second.nodes,
            sizeof(uint32_t) * first.partition_count * first.replica_count
        );
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

static void what_is_in_place_stays(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    struct random random;
    random_init(&random, 3);
    for (int round = 0; round < ROUNDS; round++) {
        struct cluster cluster;
        random_cluster(&cluster, &random, false);
        struct place_target first = place(&cluster.input, arena);
        cluster.input.now = &first;
        struct place_target second = place(&cluster.input, arena);
        assert_memory_equal(
            first.nodes,
            second.nodes,
            sizeof(uint32_t) * first.partition_count * first.replica_count
        );
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

// Adds a node with the next free id; nodes alike move at most 1.25·P·R/(N+1), others 1.25 times the
// new one's share and what rounding to whole replicas takes.
static void a_new_node_takes_its_share_and_no_more(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    struct random random;
    random_init(&random, 4);
    for (int round = 0; round < ROUNDS; round++) {
        struct cluster cluster;
        bool plain = round % 2 == 0;
        random_cluster(&cluster, &random, plain);
        if (cluster.input.member_count < 3) {
            continue; // more replicas than before
        }
        struct place_target before = place(&cluster.input, arena);
        size_t count = cluster.input.member_count++;
        cluster.members[count] = (struct place_member
        ){.node_id = 40, .weight = 1, .zone = cluster.members[random_below(&random, count)].zone};
        cluster.input.now = &before;
        struct place_target after = place(&cluster.input, arena);
        assert_sound(&cluster, &after);
        struct placing *shares = ARENA_NEW(arena, struct placing);
        make_shares(&cluster, arena, shares);
        uint32_t moves = place_moves(&before, &after);
        double most = 1.25 * shares->fair[count] + (plain ? 0 : 1);
        if ((double)moves > most) {
            fail_msg(
                "round %d: %u moves, %g allowed, %zu nodes, %u partitions, share %g",
                round,
                (unsigned)moves,
                most,
                count + 1,
                (unsigned)after.partition_count,
                shares->fair[count]
            );
        }
        assert_true(replicas_on(&after, 40) >= shares->least[count]);
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

static void a_node_that_leaves_moves_only_what_it_had(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    struct random random;
    random_init(&random, 5);
    for (int round = 0; round < ROUNDS; round++) {
        struct cluster cluster;
        random_cluster(&cluster, &random, round % 2 == 0);
        if (cluster.input.member_count < 2) {
            continue;
        }
        struct place_target before = place(&cluster.input, arena);
        size_t gone = (size_t)random_below(&random, cluster.input.member_count);
        uint32_t node = cluster.members[gone].node_id;
        cluster.members[gone] = cluster.members[--cluster.input.member_count];
        cluster.input.now = &before;
        struct place_target after = place(&cluster.input, arena);
        assert_sound(&cluster, &after);
        uint32_t moves = place_moves(&before, &after);
        if (moves > replicas_on(&before, node)) {
            fail_msg(
                "round %d: %u moves for %u replicas, %zu nodes left, %u partitions",
                round,
                (unsigned)moves,
                (unsigned)replicas_on(&before, node),
                cluster.input.member_count,
                (unsigned)after.partition_count
            );
        }
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

// A cluster that lives: nodes come and go. What stays in place may come to stand so that leaders
// cannot be spread evenly without moving replicas, which is not worth it.
static void a_long_life_stays_sound(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 6);
    struct arena *arenas[2] = {arena_create(1024 * 1024), arena_create(1024 * 1024)};
    struct cluster cluster;
    random_cluster(&cluster, &random, false);
    cluster.input.partition_count = 64;
    struct place_target target = place(&cluster.input, arenas[0]);
    for (uint32_t round = 1; round < ROUNDS; round++) {
        bool leaves = cluster.input.member_count == NODES_MAX ||
                      (cluster.input.member_count > 1 && random_one_in(&random, 2));
        if (leaves) {
            size_t gone = (size_t)random_below(&random, cluster.input.member_count);
            cluster.members[gone] = cluster.members[--cluster.input.member_count];
        } else {
            cluster.members[cluster.input.member_count++] = (struct place_member){
                .node_id = 100 + round,
                .weight = 1 + (uint32_t)random_below(&random, 4),
                .zone = (uint32_t)random_below(&random, 4),
            };
        }
        cluster.input.now = &target;
        struct arena *arena = arenas[round % 2];
        arena_reset(arena);
        target = place(&cluster.input, arena);
        assert_sound_within(&cluster, &target, 150);
    }
    arena_destroy(&arenas[0]);
    arena_destroy(&arenas[1]);
}

// The first target of a cluster of three is on disk of every node: it may never change.
static void three_nodes_are_placed_as_ever(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    const struct place_member members[] = {{1, 1, 0}, {2, 1, 0}, {3, 1, 0}};
    struct place_target target = place(
        &(struct place_input
        ){.members = members, .member_count = 3, .partition_count = 8, .replica_count = 3},
        arena
    );
    static const uint32_t EXPECTED[] = {1, 2, 3, 2, 1, 3, 1, 2, 3, 3, 1, 2,
                                        3, 1, 2, 2, 1, 3, 1, 2, 3, 3, 1, 2};
    assert_memory_equal(target.nodes, EXPECTED, sizeof(EXPECTED));
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_placement_is_sound),
        cmocka_unit_test(the_order_of_members_does_not_matter),
        cmocka_unit_test(what_is_in_place_stays),
        cmocka_unit_test(a_new_node_takes_its_share_and_no_more),
        cmocka_unit_test(a_node_that_leaves_moves_only_what_it_had),
        cmocka_unit_test(a_long_life_stays_sound),
        cmocka_unit_test(three_nodes_are_placed_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
