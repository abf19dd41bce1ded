// node/core and state hashes: a copy whose rows are wrong is found, stays away, and is given them
// anew; what most copies have is what counts.
#include "node/raft/raft.h"
#include "proto/limits.h"
#include "storage/keys.h"
#include "storage/sorted_map.h"
#include "storage/view/row.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

static const char *const TASK = "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":50}]";
static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";

struct victim {
    group_id group;
    int leader;
    char workflow[ID_TEXT_BYTES + 1];
};

static int leader_of(struct cluster *cluster, group_id group) {
    for (int at = 0; at < CLUSTER_NODES; at++) {
        if (raft_is_leader(node_raft(cluster->nodes[at].node), group)) {
            return at;
        }
    }
    fail_msg("group %u has no leader", group);
    return -1;
}

// An execution that waits for a worker, and the group it is in.
static struct victim begin(struct cluster *cluster) {
    struct victim victim = {0};
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    memcpy(victim.workflow, cluster->body, ID_TEXT_BYTES + 1);
    cluster_run(cluster, 1000);
    for (uint32_t group = 1; group < CLUSTER_GROUPS && victim.group == 0; group++) {
        struct key prefix = key_kind_prefix(KEY_WORKFLOW);
        struct store_cursor *cursor =
            store_cursor_open(cluster->nodes[0].store, NULL, (group_id)group, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        bool found = store_cursor_next(cursor, &key, &value) && key.data[0] == KEY_WORKFLOW;
        victim.group = found ? (group_id)group : 0;
        store_cursor_close(&cursor);
    }
    assert_int_not_equal(victim.group, 0);
    victim.leader = leader_of(cluster, victim.group);
    return victim;
}

// Changes the header of the only execution of the group in the map of a node that is down: what no
// checksum shows.
static void flip(struct cluster_node *node, group_id group) {
    struct map_snapshot *snapshot = NULL;
    struct map_cursor *cursor = NULL;
    struct key prefix = key_kind_prefix(KEY_WORKFLOW);
    struct row_key from = row_key(group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes stored = BYTES_EMPTY;
    assert_ok(map_snapshot_begin(node->map, &snapshot));
    assert_ok(map_cursor_open(node->map, snapshot, MAP_STATE, &cursor));
    assert_ok(map_cursor_seek(node->map, cursor, row_key_bytes(&from), &key, &stored));
    assert_int_equal(bytes_get_u16(key.data), group);
    assert_int_equal(key.data[2], KEY_WORKFLOW);
    struct row_key map_key = {.size = key.size};
    memcpy(map_key.bytes, key.data, key.size);
    uint8_t value[4096];
    size_t size = stored.size - ROW_CRC_BYTES;
    memcpy(value, stored.data, size);
    value[size - 1] ^= 1;
    map_cursor_close(node->map, cursor);
    map_snapshot_end(node->map, snapshot);
    struct map_txn *txn = NULL;
    struct row_room room = {0};
    assert_ok(map_txn_begin(node->map, &txn));
    bytes sealed = row_seal(&room, row_key_bytes(&map_key), bytes_of(value, size));
    assert_ok(map_txn_put(node->map, txn, MAP_STATE, row_key_bytes(&map_key), sealed));
    assert_ok(map_txn_commit(node->map, txn));
    row_room_deinit(&room);
}

static void flip_at(struct cluster *cluster, int at, group_id group) {
    cluster_kill(cluster, at);
    flip(&cluster->nodes[at], group);
    cluster_start(cluster, at);
    cluster_run(cluster, 3000);
}

// The row is written again, and entries are made until all copies have compared.
static void go_on(struct cluster *cluster, const struct victim *victim) {
    char target[96];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", victim->workflow);
    assert_int_equal(cluster_ask(cluster, 0, "DELETE", target, ""), 200);
    int leader = leader_of(cluster, victim->group);
    for (int i = 0; i < 120; i++) {
        const char *body = "{\"name\":\"w\"}";
        assert_int_equal(cluster_ask(cluster, leader, "POST", "/api/workflow", body), 200);
        cluster_run(cluster, 50);
    }
    cluster_run(cluster, 3000);
}

static hash128 hash_at(struct cluster *cluster, int at, group_id group) {
    hash128 hash = {0, 0};
    assert_int_equal(
        store_group(cluster->nodes[at].store, group).applied_index,
        store_group(cluster->nodes[0].store, group).applied_index
    );
    assert_int_equal(store_installing(cluster->nodes[at].store, group), STORE_INSTALL_NONE);
    assert_ok(store_state_hash(cluster->nodes[at].store, group, &hash));
    return hash;
}

static void expect_equal(struct cluster *cluster, group_id group) {
    for (int at = 1; at < CLUSTER_NODES; at++) {
        assert_true(hash128_equal(hash_at(cluster, at, group), hash_at(cluster, 0, group)));
    }
}

static void copies_that_are_right_are_left_alone(void **state) {
    struct cluster *cluster = *state;
    struct victim victim = begin(cluster);
    go_on(cluster, &victim);
    uint64_t compared = 0;
    for (int at = 0; at < CLUSTER_NODES; at++) {
        struct node_stats stats = node_stats(cluster->nodes[at].node);
        compared += stats.states_compared;
        assert_int_equal(stats.states_differed, 0);
        assert_int_equal(store_log_epoch(cluster->nodes[at].store, victim.group), 0);
    }
    assert_true(compared > 4);
    expect_equal(cluster, victim.group);
}

static void a_follower_whose_row_was_changed_is_given_its_rows_anew(void **state) {
    struct cluster *cluster = *state;
    struct victim victim = begin(cluster);
    int odd = (victim.leader + 1) % CLUSTER_NODES;
    flip_at(cluster, odd, victim.group);
    victim.leader = leader_of(cluster, victim.group);
    go_on(cluster, &victim);
    struct attest_difference found = node_difference(cluster->nodes[victim.leader].node);
    assert_int_equal(found.group, victim.group);
    assert_int_equal(found.node, odd + 1);
    assert_int_equal(found.index % CLUSTER_ATTEST_ENTRIES, 0);
    assert_int_equal(node_stats(cluster->nodes[odd].node).states_condemned, 1);
    assert_int_equal(store_log_epoch(cluster->nodes[odd].store, victim.group), 1);
    expect_equal(cluster, victim.group);
}

static void a_leader_whose_row_was_changed_gives_the_group_up(void **state) {
    struct cluster *cluster = *state;
    struct victim victim = begin(cluster);
    int odd = victim.leader;
    flip_at(cluster, odd, victim.group);
    for (int i = 0; i < 20 && leader_of(cluster, victim.group) != odd; i++) {
        cluster_run(cluster, 1000); // leadership goes home
    }
    assert_int_equal(leader_of(cluster, victim.group), odd);
    go_on(cluster, &victim);
    assert_int_equal(store_log_epoch(cluster->nodes[odd].store, victim.group), 1);
    expect_equal(cluster, victim.group);
}

static void start_scrubbing(struct cluster *cluster, int at) {
    cluster->scrubs = true;
    cluster_kill(cluster, at);
    cluster_start(cluster, at);
    cluster_run(cluster, 3000);
}

// Nobody writes the row, and copies have compared nothing yet: reading it all is what finds it.
static void expect_scrubbed(struct cluster *cluster, int odd, group_id group) {
    flip(&cluster->nodes[odd], group);
    for (int i = 0; i < 40 && store_log_epoch(cluster->nodes[odd].store, group) == 0; i++) {
        const char *body = "{\"name\":\"w\"}"; // rows are given anew once there are newer ones
        assert_int_equal(
            cluster_ask(cluster, (odd + 1) % CLUSTER_NODES, "POST", "/api/workflow", body), 200
        );
        cluster_run(cluster, 500);
    }
    cluster_run(cluster, 3000);
    assert_int_equal(store_log_epoch(cluster->nodes[odd].store, group), 1);
    assert_int_not_equal(leader_of(cluster, group), -1);
    expect_equal(cluster, group);
    cluster_run(cluster, 5000);
    assert_false(store_rotten(cluster->nodes[odd].store, group));
}

static void a_follower_that_finds_rot_in_itself_is_given_its_rows_anew(void **state) {
    struct cluster *cluster = *state;
    struct victim victim = begin(cluster);
    int odd = (victim.leader + 1) % CLUSTER_NODES;
    start_scrubbing(cluster, odd);
    int leader = leader_of(cluster, victim.group);
    assert_int_not_equal(leader, odd);
    expect_scrubbed(cluster, odd, victim.group);
    struct attest_difference found = node_difference(cluster->nodes[leader].node);
    assert_int_equal(found.group, victim.group);
    assert_int_equal(found.node, odd + 1);
}

static void a_leader_that_finds_rot_in_itself_gives_the_group_up(void **state) {
    struct cluster *cluster = *state;
    struct victim victim = begin(cluster);
    start_scrubbing(cluster, victim.leader);
    for (int i = 0; i < 20 && leader_of(cluster, victim.group) != victim.leader; i++) {
        cluster_run(cluster, 1000); // leadership goes home
    }
    assert_int_equal(leader_of(cluster, victim.group), victim.leader);
    expect_scrubbed(cluster, victim.leader, victim.group);
}

// Its leader was another one when it was condemned, and it restarted since.
static void a_copy_that_was_condemned_asks_its_leader_for_rows(void **state) {
    struct cluster *cluster = *state;
    struct victim victim = begin(cluster);
    int odd = (victim.leader + 1) % CLUSTER_NODES;
    store_distrust(cluster->nodes[odd].store, victim.group);
    cluster_run(cluster, 1000);
    cluster_kill(cluster, odd);
    cluster_start(cluster, odd);
    assert_true(raft_is_quarantined(node_raft(cluster->nodes[odd].node), victim.group));
    cluster_run(cluster, 5000);
    assert_int_equal(store_log_epoch(cluster->nodes[odd].store, victim.group), 1);
    assert_false(raft_is_installing(node_raft(cluster->nodes[odd].node), victim.group));
    expect_equal(cluster, victim.group);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            copies_that_are_right_are_left_alone, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_follower_whose_row_was_changed_is_given_its_rows_anew, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_leader_whose_row_was_changed_gives_the_group_up, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_follower_that_finds_rot_in_itself_is_given_its_rows_anew,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_leader_that_finds_rot_in_itself_gives_the_group_up, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_copy_that_was_condemned_asks_its_leader_for_rows, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
