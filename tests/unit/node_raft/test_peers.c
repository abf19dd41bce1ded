// Nodes that come to be known and go, while a raft runs (raft_peer_add, raft_peer_remove).
#include "node/raft/raft.h"
#include "proto/limits.h"
#include "storage/memory/memory.h"
#include "tests/unit/test.h"

struct fixture {
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct arena *arena;
    struct store *store;
    struct raft *raft;
    mono_time now;
};

static void set_up(struct fixture *fixture) {
    *fixture = (struct fixture){.now = {1000000000}};
    memory_faults_init(&fixture->faults, 1);
    fixture->disk = memory_disk_create(&fixture->faults);
    fixture->map = memory_map_create(&fixture->faults);
    fixture->arena = arena_create(4096);
    struct store_options store = {
        .disk = fixture->disk,
        .map = fixture->map,
        .group_count = 2,
        .lane_count = 1,
        .segment_bytes = (size_t)64 * 1024,
        .overlay_bytes_max = (size_t)1024 * 1024,
        .checkpoint_bytes = (size_t)1024 * 1024,
        .checkpoint_ms = 250,
        .random_seed = 1,
    };
    assert_ok(store_open(&store, fixture->arena, &fixture->store));
    struct raft_options raft = {
        .store = fixture->store,
        .self = 1,
        .group_count = 2,
        .random_seed = 1,
        .incarnation = 1,
        .now = fixture->now,
    };
    fixture->raft = raft_create(&raft);
}

static void tear_down(struct fixture *fixture) {
    raft_destroy(&fixture->raft);
    store_close(&fixture->store);
    arena_destroy(&fixture->arena);
    memory_map_destroy(&fixture->map);
    memory_disk_destroy(&fixture->disk);
}

// The nodes that frames go to within a second, a bit each.
static uint32_t spoken_to(struct fixture *fixture) {
    uint32_t nodes = 0;
    struct buffer frame;
    buffer_init(&frame, LIMIT_RAFT_FRAME_BYTES);
    for (int i = 0; i < 10; i++) {
        fixture->now.ns += 100 * 1000000;
        raft_tick(fixture->raft, fixture->now);
        node_id to = 0;
        bool urgent = false;
        while (raft_take_frame(fixture->raft, &to, &urgent, &frame)) {
            nodes |= 1U << to;
        }
    }
    buffer_deinit(&frame);
    return nodes;
}

static void who_is_known_is_spoken_to(void **state) {
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(spoken_to(&fixture), 0);
    raft_peer_add(fixture.raft, 1); // itself is none
    raft_peer_add(fixture.raft, 2);
    raft_peer_add(fixture.raft, 3);
    assert_int_equal(spoken_to(&fixture), 1U << 2 | 1U << 3);
    raft_peer_remove(fixture.raft, 2);
    raft_peer_remove(fixture.raft, 9); // was never there
    assert_int_equal(spoken_to(&fixture), 1U << 3);
    assert_err(raft_receive(fixture.raft, 2, BYTES_LITERAL("frame")), ERR_INVALID);
    raft_peer_add(fixture.raft, 2);
    assert_int_equal(spoken_to(&fixture), 1U << 2 | 1U << 3);
    tear_down(&fixture);
}

// A member that is removed as a peer stays a member: the groups say who goes.
static void who_is_a_member_is_kept_and_not_spoken_to(void **state) {
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct raft_config config = {.voter_count = 2, .voters = {1, 2}};
    raft_configure(fixture.raft, 0, &config);
    assert_int_equal(spoken_to(&fixture), 1U << 2);
    raft_peer_remove(fixture.raft, 2);
    assert_int_equal(spoken_to(&fixture), 0);
    assert_int_equal(raft_status(fixture.raft, 0).voter_count, 2);
    raft_peer_add(fixture.raft, 2);
    assert_int_equal(spoken_to(&fixture), 1U << 2);
    tear_down(&fixture);
}

static void nodes_may_come_and_go_for_ever(void **state) {
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    for (node_id node = 2; node < 1000; node++) {
        raft_peer_add(fixture.raft, node);
        raft_peer_remove(fixture.raft, node);
    }
    raft_peer_add(fixture.raft, 7);
    assert_int_equal(spoken_to(&fixture), 1U << 7);
    tear_down(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_known_is_spoken_to),
        cmocka_unit_test(who_is_a_member_is_kept_and_not_spoken_to),
        cmocka_unit_test(nodes_may_come_and_go_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
