// The planted bugs of placement, each seen in a target (distributed.md §15.3). Without -DMUTANTS=ON
// the same scenarios must be clean.
#include "node/ring/place.h"
#include "proto/base/mutant.h"
#include "tests/unit/test.h"

#ifdef ORPHEUS_MUTANTS
#define assert_seen(condition) assert_true(condition)
#else
#define mutant_choose(name) (void)(name)
#define assert_seen(condition) assert_false(condition)
#endif

enum {
    PARTITIONS = 64
};

static uint32_t most_on_one(const struct place_target *target, uint32_t node_count) {
    uint32_t most = 0;
    for (uint32_t node = 1; node <= node_count; node++) {
        uint32_t count = 0;
        for (uint32_t at = 0; at < target->partition_count * target->replica_count; at++) {
            count += target->nodes[at] == node;
        }
        most = count > most ? count : most;
    }
    return most;
}

// A node that joins finds everything elsewhere: without balance it stays so.
static void a_node_over_its_cap_is_seen(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    const struct place_member members[] = {{1, 1, 0}, {2, 1, 0}, {3, 1, 0}, {4, 1, 0}};
    struct place_input input = {
        .members = members,
        .member_count = 3,
        .partition_count = PARTITIONS,
        .replica_count = 3,
    };
    struct place_target before = place(&input, arena);
    input.now = &before;
    input.member_count = 4;
    mutant_choose("ring_cap_ignored");
    struct place_target after = place(&input, arena);
    mutant_choose(NULL);
    assert_seen(most_on_one(&after, 4) > 51); // ceil(1.05 · 64 · 3 / 4)
    arena_destroy(&arena);
}

static void replicas_that_share_a_zone_are_seen(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    const struct place_member members[] = {
        {1, 1, 1}, {2, 1, 1}, {3, 1, 2}, {4, 1, 2}, {5, 1, 3}, {6, 1, 3}};
    mutant_choose("ring_zones_ignored");
    struct place_target target = place(
        &(struct place_input){
            .members = members,
            .member_count = 6,
            .partition_count = PARTITIONS,
            .replica_count = 3,
        },
        arena
    );
    mutant_choose(NULL);
    bool shared = false;
    for (uint32_t at = 0; at < PARTITIONS * 3; at += 3) {
        uint32_t first = (target.nodes[at] - 1) / 2;
        uint32_t second = (target.nodes[at + 1] - 1) / 2;
        uint32_t third = (target.nodes[at + 2] - 1) / 2;
        shared = shared || first == second || second == third || first == third;
    }
    assert_seen(shared);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_over_its_cap_is_seen),
        cmocka_unit_test(replicas_that_share_a_zone_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
