// node/recover and what the nodes do after it: a cluster of three loses two disks for good and goes
// on with what the third had, wherever that stopped.
#include "node/recover/recover.h"
#include "scheduler/audit.h"
#include "storage/keys.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

enum {
    STARTS = 12,
    SAY_BYTES = 256 * 1024,
    FORCED_TERM = 1 << 20
};

static const char *const TASKS =
    "[{\"name\":\"a\",\"retryCount\":3,\"retryDelaySeconds\":0,\"responseTimeoutSeconds\":5},"
    "{\"name\":\"l\",\"retryCount\":3,\"retryDelaySeconds\":0,\"responseTimeoutSeconds\":5,"
    "\"concurrentExecLimit\":2}]";
static const char *const WORKFLOWS =
    "[{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]},"
    "{\"name\":\"p\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"before\"},"
    "{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":\"SUB_WORKFLOW\","
    "\"subWorkflowParam\":{\"name\":\"w\",\"version\":1}}]},"
    "{\"name\":\"v\",\"tasks\":[{\"name\":\"l\",\"taskReferenceName\":\"l\"}]}]";

struct starts {
    char ids[STARTS * 2][ID_TEXT_BYTES + 1];
    int count;
};

static void define(struct cluster *cluster) {
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", TASKS), 200);
    assert_int_equal(cluster_ask(cluster, 1, "PUT", "/api/metadata/workflow", WORKFLOWS), 200);
}

static void start(struct cluster *cluster, int at, const char *name, struct starts *starts) {
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/workflow", body), 200);
    memcpy(starts->ids[starts->count++], cluster->body, ID_TEXT_BYTES + 1);
}

// Whether there was a task to complete.
static bool work(struct cluster *cluster, int at, const char *type) {
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/tasks/poll/%s?workerid=x", type);
    uint16_t status = cluster_ask(cluster, at, "GET", target, "");
    if (status == 204) {
        return false;
    }
    assert_int_equal(status, 200);
    bytes task = BYTES_EMPTY;
    bytes workflow = BYTES_EMPTY;
    assert_true(json_get_text(bytes_from_text(cluster->body), "taskId", &task));
    assert_true(json_get_text(bytes_from_text(cluster->body), "workflowInstanceId", &workflow));
    char body[256];
    (void)snprintf(
        body,
        sizeof(body),
        "{\"taskId\":%.*s,\"workflowInstanceId\":%.*s,\"status\":\"COMPLETED\"}",
        BYTES_ARG(task),
        BYTES_ARG(workflow)
    );
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/tasks", body), 200);
    return true;
}

static bool is_completed(struct cluster *cluster, int at, const char *id) {
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
    assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
    bytes status = BYTES_EMPTY;
    assert_true(json_get_text(bytes_from_text(cluster->body), "status", &status));
    return bytes_equal_text(status, "\"COMPLETED\"");
}

static void fault(void *argument, uint32_t invariant, const char *text) {
    (void)argument;
    fail_msg("%u: %s", invariant, text);
}

// What always holds of rows (distributed.md §15.2) holds of all that node `at` leads, which is all.
static void audit(struct cluster *cluster, int at) {
    struct definition_cache *definitions = definition_cache_create(16);
    const struct audit_report report = {.fault = fault};
    for (uint32_t group = 1; group < CLUSTER_GROUPS; group++) {
        assert_ok(scheduler_check_invariants(
            cluster->nodes[at].store, (group_id)group, CLUSTER_GROUPS, definitions, &report
        ));
    }
    definition_cache_destroy(&definitions);
}

// Everything that is known ends.
static void finish(struct cluster *cluster, int at, const struct starts *starts) {
    for (int round = 0; round < 40; round++) {
        while (work(cluster, at, "a") || work(cluster, at, "l")) {
        }
        cluster_run(cluster, 500);
    }
    for (int i = 0; i < starts->count; i++) {
        assert_true(is_completed(cluster, at, starts->ids[i]));
    }
    static const char *const lists[] = {
        "/api/workflow/running/w", "/api/workflow/running/p", "/api/workflow/running/v"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cluster_ask(cluster, at, "GET", lists[i], ""), 200);
        assert_string_equal(cluster->body, "[]");
    }
    audit(cluster, at);
}

static struct recover_store store_of(struct cluster *cluster, int at) {
    cluster_open_store(cluster, at);
    return (struct recover_store){
        .name = "folder",
        .node = cluster->nodes[at].id,
        .store = cluster->nodes[at].store,
        .group_count = CLUSTER_GROUPS,
        .founders = {.ids = {1, 2, 3}, .count = 3},
    };
}

// The power goes at the `operations`th operation of the disk that forces; 0: it does not.
static err
recover_until(struct cluster *cluster, int at, uint64_t operations, struct recover_look *out_look) {
    struct arena *arena = arena_create(64 * 1024);
    struct recover_store store = store_of(cluster, at);
    assert_ok(recover_look(&store, 1, arena, out_look));
    struct buffer text;
    buffer_init(&text, SAY_BYTES);
    recover_say(out_look, true, &text);
    recover_say_bound(out_look, cluster->wall, &text);
    assert_ok(buffer_status(&text));
    buffer_append(&text, bytes_of((const uint8_t *)"", 1));
    assert_null(strstr((const char *)buffer_bytes(&text).data, "1970")
    ); // partitions at their beginning
    buffer_deinit(&text);
    struct cluster_node *node = &cluster->nodes[at];
    node->faults.stop_at = operations == 0 ? 0 : node->faults.operations + operations;
    err done = recover_force(out_look, cluster->wall, arena);
    store_close(&node->store);
    node->faults.stop_at = 0;
    memory_disk_crash(node->disk);
    memory_map_crash(node->map);
    arena_destroy(&arena);
    return done;
}

static err recover(struct cluster *cluster, int at, struct recover_look *out_look) {
    return recover_until(cluster, at, 0, out_look);
}

static void lose_the_others(struct cluster *cluster) {
    for (int at = 0; at < CLUSTER_NODES; at++) {
        cluster_kill(cluster, at);
    }
}

static void one_node_of_three_goes_on_with_all_it_had(void **state) {
    struct cluster *cluster = *state;
    struct starts starts = {0};
    define(cluster);
    for (int i = 0; i < STARTS; i++) {
        start(cluster, i % CLUSTER_NODES, i % 2 == 0 ? "p" : "w", &starts);
    }
    for (int i = 0; i < STARTS / 2; i++) {
        (void)work(cluster, i % CLUSTER_NODES, "a");
    }
    cluster_run(cluster, 200);
    lose_the_others(cluster);
    struct recover_look look;
    assert_ok(recover(cluster, 0, &look));
    assert_int_equal(look.lost_count, CLUSTER_GROUPS);
    cluster_start(cluster, 0);
    cluster_run(cluster, 3000);
    finish(cluster, 0, &starts);
}

static void the_copy_that_goes_on_is_the_only_member(void **state) {
    struct cluster *cluster = *state;
    struct arena *arena = arena_create(64 * 1024);
    struct recover_look look;
    define(cluster);
    lose_the_others(cluster);
    assert_ok(recover(cluster, 0, &look));
    struct recover_store store = store_of(cluster, 0);
    assert_ok(recover_look(&store, 1, arena, &look));
    for (uint32_t group = 0; group < CLUSTER_GROUPS; group++) {
        const struct config *config = &recover_copy_of(&look, group, 0)->config;
        assert_int_equal(config->count, 1);
        assert_int_equal(config->members[0].node, 1);
        assert_int_equal(config->members[0].votes, CONFIG_VOTER);
        assert_true(config->members[0].replica > UINT32_MAX); // of a generation of its own
    }
    store_close(&cluster->nodes[0].store);
    arena_destroy(&arena);
}

// Node 0 hears nothing for a while in which parents begin children and children end.
static void what_the_others_did_meanwhile_is_done_again(void **state) {
    struct cluster *cluster = *state;
    struct starts starts = {0};
    struct starts lost = {0};
    define(cluster);
    for (int i = 0; i < STARTS; i++) {
        start(cluster, i % CLUSTER_NODES, i % 3 == 0 ? "v" : "p", &starts);
    }
    for (int i = 0; i < STARTS / 2; i++) {
        (void)work(cluster, 1, "a");
        (void)work(cluster, 2, "l");
    }
    cluster_run(cluster, 200);
    cluster_cut(cluster, 0, true);
    cluster_run(cluster, 3000);
    for (int i = 0; i < STARTS / 2; i++) {
        start(cluster, 1, "p", &lost);
        (void)work(cluster, 1, "a");
        (void)work(cluster, 2, "a");
        (void)work(cluster, 2, "l");
    }
    cluster_run(cluster, 1000);
    lose_the_others(cluster);
    cluster_cut(cluster, 0, false);
    struct recover_look look;
    assert_ok(recover(cluster, 0, &look));
    cluster_start(cluster, 0);
    cluster_run(cluster, 3000);
    finish(cluster, 0, &starts);
}

// --- one partition that lost more than the others ------------------------------------------------

static group_id group_of(const char *id) {
    return (group_id)(1 + id_slot_of_text(bytes_from_text(id)) % (CLUSTER_GROUPS - 1));
}

// As if the copy that was left had been at its beginning: nothing of it but who its members are,
// and that it was recovered.
static void lose_rows(struct cluster *cluster, int at, group_id group) {
    struct arena *arena = arena_create(64 * 1024);
    cluster_open_store(cluster, at);
    struct store *store = cluster->nodes[at].store;
    struct store_txn *txn = NULL;
    bytes keys[4096];
    size_t count = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    assert_ok(store_txn_begin(store, group, &txn));
    struct store_cursor *cursor = store_cursor_open(store, txn, group, BYTES_EMPTY);
    while (store_cursor_next(cursor, &key, &value)) {
        if (key.data[0] != KEY_CONFIG && key.data[0] != KEY_RENEWAL) {
            assert_true(count < sizeof(keys) / sizeof(keys[0]));
            keys[count++] = arena_copy(arena, key);
        }
    }
    store_cursor_close(&cursor);
    for (size_t i = 0; i < count; i++) {
        store_txn_del(txn, keys[i]);
    }
    struct store_group log = store_group(store, group);
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, log.term, log.time_ms, &index, &lsn);
    store_commit(store, group, index == 0 ? log.last_index : index);
    struct store_batch *batch = store_batch_begin(store);
    if (batch != NULL) {
        assert_ok(store_batch_write(batch));
        (void)store_batch_end(store, &batch);
    }
    store_close(&cluster->nodes[at].store);
    arena_destroy(&arena);
}

// The running children whose parents are in `lost`, and which are not themselves.
static void find_orphans(struct cluster *cluster, group_id lost, struct starts *orphans) {
    char list[8192];
    assert_int_equal(cluster_ask(cluster, 1, "GET", "/api/workflow/running/w", ""), 200);
    assert_true(strlen(cluster->body) < sizeof(list));
    memcpy(list, cluster->body, sizeof(list));
    for (const char *at = strchr(list, '"'); at != NULL; at = strchr(at, '"')) {
        char id[ID_TEXT_BYTES + 1] = {0};
        char target[128];
        memcpy(id, at + 1, ID_TEXT_BYTES);
        at += ID_TEXT_BYTES + 2;
        (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
        assert_int_equal(cluster_ask(cluster, 1, "GET", target, ""), 200);
        bytes parent = BYTES_EMPTY;
        if (!json_get_text(bytes_from_text(cluster->body), "parentWorkflowId", &parent)) {
            continue;
        }
        char text[ID_TEXT_BYTES + 1] = {0};
        memcpy(text, parent.data + 1, ID_TEXT_BYTES);
        if (group_of(text) == lost && group_of(id) != lost) {
            memcpy(orphans->ids[orphans->count++], id, sizeof(id));
        }
    }
}

static void expect_terminated(struct cluster *cluster, const char *id) {
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
    assert_int_equal(cluster_ask(cluster, 0, "GET", target, ""), 200);
    assert_non_null(strstr(cluster->body, "\"status\":\"TERMINATED\""));
    assert_non_null(strstr(cluster->body, "was lost with its copies"));
}

static void lose_one(struct cluster *cluster, group_id lost) {
    struct starts starts = {0};
    struct starts orphans = {0};
    struct starts kept = {0};
    define(cluster);
    for (int i = 0; i < STARTS * 2; i++) {
        start(cluster, i % CLUSTER_NODES, i % 4 == 0 ? "v" : "p", &starts);
    }
    for (int i = 0; i < STARTS; i++) {
        (void)work(cluster, 1, "a");
    }
    // Two are in workers' hands: all permits are out.
    (void)cluster_ask(cluster, 1, "GET", "/api/tasks/poll/batch/l?count=2&workerid=x", "");
    cluster_run(cluster, 500);
    find_orphans(cluster, lost, &orphans);
    lose_the_others(cluster);
    struct recover_look look;
    assert_ok(recover(cluster, 0, &look));
    lose_rows(cluster, 0, lost);
    cluster_start(cluster, 0);
    cluster_run(cluster, 4000);
    for (int i = 0; i < orphans.count; i++) {
        expect_terminated(cluster, orphans.ids[i]);
    }
    for (int i = 0; i < starts.count; i++) {
        if (group_of(starts.ids[i]) != lost) {
            memcpy(kept.ids[kept.count++], starts.ids[i], ID_TEXT_BYTES + 1);
        }
    }
    finish(cluster, 0, &kept);
}

static void any_partition_may_have_lost_more_than_the_others(void **state) {
    for (group_id lost = 1; lost < CLUSTER_GROUPS; lost++) {
        lose_one(*state, lost);
        assert_int_equal(cluster_teardown(state), 0);
        assert_int_equal(cluster_setup(state), 0);
    }
}

// --- two of five ---------------------------------------------------------------------------------

// The stores of two nodes, of which the second joined; closed by the caller.
static err look_at_two(
    struct cluster *cluster, int left, int joined, struct arena *arena, struct recover_look *look
) {
    struct recover_store *stores = ARENA_ARRAY(arena, struct recover_store, 2);
    stores[0] = store_of(cluster, left);
    stores[1] = store_of(cluster, joined);
    stores[1].founders.count = 0;
    return recover_look(stores, 2, arena, look);
}

// False: some partition has no copy on the two.
static bool recover_two(struct cluster *cluster, int left, int joined) {
    struct arena *arena = arena_create(64 * 1024);
    struct recover_look look;
    assert_ok(look_at_two(cluster, left, joined, arena, &look));
    bool whole = look.nothing_count == 0;
    if (whole) {
        assert_true(look.lost_count > 0 && look.lost_count < CLUSTER_GROUPS); // some live
        assert_int_equal(look.groups[0].fate, RECOVER_LOST);
        assert_ok(recover_force(&look, cluster->wall, arena));
    }
    store_close(&cluster->nodes[left].store);
    store_close(&cluster->nodes[joined].store);
    if (whole) {
        assert_ok(look_at_two(cluster, left, joined, arena, &look));
        assert_int_equal(look.lost_count, 0);
        store_close(&cluster->nodes[left].store);
        store_close(&cluster->nodes[joined].store);
    }
    arena_destroy(&arena);
    return whole;
}

static void two_of_five_go_on_where_each_partition_has_a_copy_left(void **state) {
    struct cluster *cluster = *state;
    struct starts starts = {0};
    define(cluster);
    cluster_join(cluster, 3, 0);
    cluster_join(cluster, 4, 0);
    cluster_run(cluster, 30000);
    for (int i = 0; i < STARTS; i++) {
        start(cluster, i % 5, i % 3 == 0 ? "v" : "p", &starts);
    }
    for (int i = 0; i < STARTS / 2; i++) {
        (void)work(cluster, 1, "a");
    }
    cluster_run(cluster, 500);
    for (int at = 0; at < 5; at++) {
        cluster_kill(cluster, at);
    }
    int left = 0;
    int joined = 3;
    while (!recover_two(cluster, left, joined)) {
        left = left == 2 ? 0 : left + 1;
        joined += left == 0;
        assert_true(joined < 5);
    }
    cluster_start(cluster, left);
    cluster_start(cluster, joined);
    cluster_run(cluster, 5000);
    for (int round = 0; round < 40; round++) {
        while (work(cluster, left, "a") || work(cluster, joined, "l")) {
        }
        cluster_run(cluster, 500);
    }
    for (int i = 0; i < starts.count; i++) {
        assert_true(is_completed(cluster, left, starts.ids[i]));
    }
}

static void a_copy_whose_rows_are_wrong_is_none(void **state) {
    struct cluster *cluster = *state;
    struct arena *arena = arena_create(64 * 1024);
    struct recover_look look;
    lose_the_others(cluster);
    struct recover_store store = store_of(cluster, 0);
    store_distrust(store.store, 3);
    assert_ok(recover_look(&store, 1, arena, &look));
    assert_int_equal(look.groups[3].fate, RECOVER_NOTHING);
    assert_int_equal(look.groups[4].fate, RECOVER_LOST);
    assert_int_equal(look.nothing_count, 1);
    store_close(&cluster->nodes[0].store);
    arena_destroy(&arena);
}

// Who is a member stands nowhere then: a node would wait for all that were to form the cluster.
static void a_system_group_from_before_the_cluster_was_formed_is_none(void **state) {
    struct cluster *cluster = *state;
    struct recover_look look;
    lose_the_others(cluster);
    lose_rows(cluster, 0, 0);
    assert_err(recover(cluster, 0, &look), ERR_CONFLICT);
    assert_int_equal(look.lost_count, CLUSTER_GROUPS);
    assert_int_equal(look.nothing_count, 1);
}

static void it_may_be_run_again_and_finds_nothing_to_do(void **state) {
    struct cluster *cluster = *state;
    struct recover_look look;
    define(cluster);
    lose_the_others(cluster);
    assert_ok(recover(cluster, 0, &look));
    assert_int_equal(look.epoch, 1);
    assert_err(recover(cluster, 0, &look), ERR_CONFLICT);
    assert_int_equal(look.lost_count, 0);
}

static void it_may_be_killed_at_any_moment_and_run_again(void **state) {
    bool whole = false;
    for (uint64_t operations = 1; !whole; operations++) {
        struct cluster *cluster = *state;
        struct starts starts = {0};
        struct recover_look look;
        define(cluster);
        for (int i = 0; i < STARTS; i++) {
            start(cluster, i % CLUSTER_NODES, i % 2 == 0 ? "p" : "w", &starts);
        }
        cluster_run(cluster, 100);
        lose_the_others(cluster);
        err done = recover_until(cluster, 0, operations, &look);
        whole = !err_is(done);
        assert_true(whole || done.code == ERR_IO);
        done = recover(cluster, 0, &look);
        assert_int_equal(look.lost_count, err_is(done) ? 0 : CLUSTER_GROUPS);
        cluster_start(cluster, 0);
        cluster_run(cluster, 3000);
        finish(cluster, 0, &starts);
        assert_int_equal(cluster_teardown(state), 0);
        assert_int_equal(cluster_setup(state), 0);
    }
}

// It is no member any more: nobody counts what it says, and alone it cannot do anything.
static void an_old_store_that_comes_back_changes_nothing(void **state) {
    struct cluster *cluster = *state;
    struct starts starts = {0};
    struct recover_look look;
    define(cluster);
    for (int i = 0; i < STARTS; i++) {
        start(cluster, i % CLUSTER_NODES, i % 2 == 0 ? "p" : "w", &starts);
    }
    lose_the_others(cluster);
    assert_ok(recover(cluster, 0, &look));
    cluster_start(cluster, 1); // links with node 1 at once, before it knows that it left
    cluster_start(cluster, 0);
    for (int second = 0; second < 10; second++) {
        (void)cluster_send(cluster, 1, "POST", "/api/workflow", "{\"name\":\"w\"}");
        cluster_run(cluster, 1000);
    }
    // The system group alone speaks to it, as to a replica it never was: so it hears that it left.
    for (uint32_t group = 1; group < CLUSTER_GROUPS; group++) {
        struct store_group kept = store_group(cluster->nodes[0].store, (group_id)group);
        struct store_group old = store_group(cluster->nodes[1].store, (group_id)group);
        assert_true(old.last_index < kept.last_index);
        assert_true(old.last_term < FORCED_TERM); // it was given nothing
    }
    finish(cluster, 0, &starts);
}

static void new_nodes_get_copies(void **state) {
    struct cluster *cluster = *state;
    struct starts starts = {0};
    struct recover_look look;
    define(cluster);
    for (int i = 0; i < STARTS; i++) {
        start(cluster, i % CLUSTER_NODES, i % 2 == 0 ? "p" : "w", &starts);
    }
    lose_the_others(cluster);
    assert_ok(recover(cluster, 0, &look));
    cluster_start(cluster, 0);
    cluster_run(cluster, 3000);
    cluster_join(cluster, 3, 0);
    cluster_join(cluster, 4, 0);
    cluster_run(cluster, 20000);
    // Two of three copies are enough again: the first may go.
    cluster_kill(cluster, 0);
    cluster_run(cluster, 5000);
    finish(cluster, 3, &starts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            one_node_of_three_goes_on_with_all_it_had, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            the_copy_that_goes_on_is_the_only_member, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_the_others_did_meanwhile_is_done_again, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            any_partition_may_have_lost_more_than_the_others, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            it_may_be_killed_at_any_moment_and_run_again, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_old_store_that_comes_back_changes_nothing, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            two_of_five_go_on_where_each_partition_has_a_copy_left, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_copy_whose_rows_are_wrong_is_none, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_system_group_from_before_the_cluster_was_formed_is_none,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(new_nodes_get_copies, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(
            it_may_be_run_again_and_finds_nothing_to_do, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
