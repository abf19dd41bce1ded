// node/core: nodes come and go while a cluster runs.
#include "node/raft/raft.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

// Whether node `at` was told that `id` is a member, and is linked with it.
static void expect_linked(const struct cluster *cluster, int at, int other) {
    assert_true(cluster->nodes[at].knows[cluster->nodes[other].id]);
    assert_true(cluster->nodes[at].linked[other]);
}

static void join_again(struct cluster *cluster, int at, int via, uint16_t status) {
    id128 store_id;
    char text[ID_TEXT_BYTES + 1] = {0};
    char body[256];
    store_identity(cluster->nodes[at].store, store_id.bytes);
    id_format(store_id, text);
    (void
    )snprintf(body, sizeof(body), "{\"address\":\"host:%d\",\"storeId\":\"%s\"}", at + 1, text);
    assert_int_equal(cluster_ask(cluster, via, "POST", "/api/cluster/nodes", body), status);
}

static void a_node_that_asks_is_let_in_once(void **state) {
    struct cluster *cluster = *state;
    cluster_join(cluster, 3, 1);
    assert_int_equal(cluster->nodes[3].id, 4);
    cluster_run(cluster, 1000);
    for (int at = 0; at < 3; at++) {
        expect_linked(cluster, at, 3);
    }
    join_again(cluster, 3, 2, 200);
    assert_non_null(strstr(cluster->body, "\"nodeId\":4"));
    assert_non_null(strstr(cluster->body, "\"address\":\"host:1\""));
    assert_non_null(strstr(cluster->body, "\"partitions\":8,\"replicas\":3"));
    cluster_join(cluster, 4, 0);
    assert_int_equal(cluster->nodes[4].id, 5);
}

static void a_wish_that_makes_no_sense_is_refused(void **state) {
    struct cluster *cluster = *state;
    static const char *const wrong[] = {
        "{}",
        "{\"address\":7,\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}",
        "{\"address\":\"host:9\",\"storeId\":\"no\"}",
        "{\"address\":\"h:9\",\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"weight\":17}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/cluster/nodes", wrong[i]), 400);
    }
    const char *taken =
        "{\"address\":\"host:2\",\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes", taken), 409);
    assert_non_null(strstr(cluster->body, "node 2 has the address host:2 already"));
}

// Who was let in and never came has no clock that a majority could need: the only node goes on.
static void a_newcomer_that_never_comes_stops_nobody(void **state) {
    struct cluster *cluster = *state;
    const char *wish =
        "{\"address\":\"host:9\",\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes", wish), 200);
    cluster_kill(cluster, 0);
    cluster_start(cluster, 0);
    cluster_run(cluster, 5000);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes", wish), 200);
    const char *task = "[{\"name\":\"x\",\"ownerEmail\":\"o@example.com\"}]";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", task), 200);
}

static void restart(struct cluster *cluster, int at, uint16_t release) {
    cluster_kill(cluster, at);
    cluster->nodes[at].release = release;
    cluster_start(cluster, at);
    cluster_run(cluster, 3000);
}

// distributed.md §12: what a release brought is not written before all members know it.
static void the_version_rises_when_all_members_speak_it(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, 2000);
    assert_int_equal(cluster->nodes[0].version, 1);
    restart(cluster, 0, 2);
    restart(cluster, 1, 3);
    assert_int_equal(cluster->nodes[0].version, 1);
    restart(cluster, 0, 1); // back: nothing new was written yet
    restart(cluster, 0, 2);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 5000);
    assert_int_equal(cluster->nodes[1].version, 1); // it may come back as it was
    cluster->nodes[2].release = 2;
    cluster_start(cluster, 2);
    cluster_run(cluster, 3000);
    for (int at = 0; at < 3; at++) {
        assert_int_equal(cluster->nodes[at].version, 2);
    }
    const char *old = "{\"address\":\"host:9\",\"releaseLow\":1,\"releaseHigh\":1,"
                      "\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes", old), 409);
    assert_non_null(strstr(cluster->body, "start a newer release"));
    restart(cluster, 2, 3);
    restart(cluster, 0, 3);
    assert_int_equal(cluster->nodes[1].version, 3);
}

// Its own rows tell the process that it is of an older release, before it says a word.
static void a_restart_hears_of_the_version_at_once(void **state) {
    struct cluster *cluster = *state;
    for (int at = 0; at < 3; at++) {
        restart(cluster, at, 2);
    }
    cluster_run(cluster, 3000);
    cluster_kill(cluster, 1);
    cluster->nodes[1].release = 1;
    cluster->nodes[1].version = 0;
    cluster_start(cluster, 1);
    cluster_run(cluster, 1);
    assert_int_equal(cluster->nodes[1].version, 2);
}

// --- growing and shrinking
// -------------------------------------------------------------------------------

enum {
    FLOWS_MAX = 96
};

static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";

// Executions that wait for a worker, begun before nodes come and go.
struct flows {
    char ids[FLOWS_MAX][ID_TEXT_BYTES + 1];
    int count;
};

static void start(struct cluster *cluster, int at, struct flows *flows) {
    assert_true(flows->count < FLOWS_MAX);
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    assert_int_equal(strlen(cluster->body), ID_TEXT_BYTES);
    memcpy(flows->ids[flows->count++], cluster->body, ID_TEXT_BYTES + 1);
}

static void start_some(struct cluster *cluster, int at, struct flows *flows) {
    for (int i = 0; i < 10; i++) {
        start(cluster, at, flows);
    }
}

static void expect_state(struct cluster *cluster, int at, const char *id, const char *status) {
    char target[128];
    char wanted[64];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s?includeTasks=false", id);
    (void)snprintf(wanted, sizeof(wanted), "\"status\":\"%s\"", status);
    assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
    assert_non_null(strstr(cluster->body, wanted));
}

static void expect_running(struct cluster *cluster, int at, const struct flows *flows) {
    for (int i = 0; i < flows->count; i++) {
        expect_state(cluster, at, flows->ids[i], "RUNNING");
    }
}

static void text_member(const char *from, const char *name, char *out, size_t size) {
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", name);
    const char *at = strstr(from, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    size_t length = strcspn(at, "\"");
    assert_true(length < size);
    memcpy(out, at, length);
    out[length] = 0;
}

// A worker at a node takes every task there is and completes it.
static void complete_all(struct cluster *cluster, int at, const struct flows *flows) {
    for (int done = 0; done < flows->count; done++) {
        const char *poll = "/api/tasks/poll/a?timeout=5000&workerid=x";
        char task[64];
        char workflow[64];
        char body[256];
        assert_int_equal(cluster_ask(cluster, at, "GET", poll, ""), 200);
        text_member(cluster->body, "taskId", task, sizeof(task));
        text_member(cluster->body, "workflowInstanceId", workflow, sizeof(workflow));
        (void)snprintf(
            body,
            sizeof(body),
            "{\"taskId\":\"%s\",\"workflowInstanceId\":\"%s\",\"status\":\"COMPLETED\"}",
            task,
            workflow
        );
        assert_int_equal(cluster_ask(cluster, at, "POST", "/api/tasks", body), 200);
    }
    for (int i = 0; i < flows->count; i++) {
        expect_state(cluster, at, flows->ids[i], "COMPLETED");
    }
}

// The member `name` of the answer, up to the end of its list or object.
static bool shows(struct cluster *cluster, int at, const char *text) {
    assert_int_equal(cluster_ask(cluster, at, "GET", "/api/cluster", ""), 200);
    return strstr(cluster->body, text) != NULL;
}

static bool member_is(struct cluster *cluster, int at, uint16_t id, const char *state) {
    char wanted[32];
    (void)snprintf(wanted, sizeof(wanted), "\"nodeId\":%u,", id);
    assert_int_equal(cluster_ask(cluster, at, "GET", "/api/cluster", ""), 200);
    const char *member = strstr(cluster->body, wanted);
    char shown[32];
    if (member == NULL) {
        return false;
    }
    text_member(member, "state", shown, sizeof(shown));
    return strcmp(shown, state) == 0;
}

// Runs until the member is in that state and nothing is left to move.
static void settle(struct cluster *cluster, int at, uint16_t id, const char *state) {
    for (int second = 0; second < 120; second++) {
        if (member_is(cluster, at, id, state) && shows(cluster, at, "\"movesLeft\":0,")) {
            cluster_run(cluster, 2000);
            return;
        }
        cluster_run(cluster, 1000);
    }
    for (size_t at_text = 0; at_text < strlen(cluster->body); at_text += 500) {
        print_error("%.500s", cluster->body + at_text);
    }
    fail_msg("node %u never came to be %s with everything in its place", id, state);
}

// How many groups have a replica on node `at`, and how many copies there are of each on average.
static uint32_t replicas_at(const struct cluster *cluster, int at) {
    uint32_t count = 0;
    for (group_id group = 1; group < CLUSTER_GROUPS; group++) {
        count += raft_status(node_raft(cluster->nodes[at].node), group).configured;
    }
    return count;
}

static void expect_copies(const struct cluster *cluster, uint32_t copies) {
    for (group_id group = 1; group < CLUSTER_GROUPS; group++) {
        uint32_t count = 0;
        for (int at = 0; at < CLUSTER_NODES_MAX; at++) {
            const struct cluster_node *node = &cluster->nodes[at];
            if (node->node != NULL) {
                count += raft_status(node_raft(node->node), group).configured;
            }
        }
        assert_int_equal(count, copies);
    }
}

static uint16_t order(struct cluster *cluster, int at, uint16_t id, const char *what) {
    char target[64];
    (void)snprintf(target, sizeof(target), "/api/cluster/nodes/%u/%s", id, what);
    return cluster_ask(cluster, at, "POST", target, "");
}

static void one_node_becomes_three_then_five_then_three(void **state) {
    struct cluster *cluster = *state;
    struct flows flows = {.count = 0};
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
    start_some(cluster, 0, &flows);
    for (int at = 1; at < 5; at++) {
        cluster_join(cluster, at, at - 1);
        settle(cluster, at, (uint16_t)(at + 1), "active");
        start_some(cluster, at, &flows);
        expect_copies(cluster, at < 3 ? (uint32_t)at + 1 : 3);
    }
    expect_running(cluster, 3, &flows);
    for (int at = 0; at < 2; at++) {
        assert_int_equal(order(cluster, 4, (uint16_t)(at + 1), "remove"), 200);
        settle(cluster, 4, (uint16_t)(at + 1), "left");
        assert_int_equal(replicas_at(cluster, at), 0);
        cluster_kill(cluster, at);
        start_some(cluster, 2 + at, &flows);
    }
    expect_copies(cluster, 3);
    expect_running(cluster, 2, &flows);
    complete_all(cluster, 4, &flows);
}

static void begin(struct cluster *cluster, struct flows *flows) {
    *flows = (struct flows){.count = 0};
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
    start_some(cluster, 0, flows);
}

static void no_request_fails_while_a_node_gives_everything_away(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    assert_int_equal(order(cluster, 3, 1, "drain"), 200);
    for (int i = 0; i < 2000 && replicas_at(cluster, 0) > 0; i++) {
        assert_int_equal(
            cluster_ask(cluster, 1 + i % 3, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200
        );
        char target[128];
        (void)snprintf(target, sizeof(target), "/api/workflow/%s", flows.ids[i % flows.count]);
        assert_int_equal(cluster_ask(cluster, 1 + (i + 1) % 3, "GET", target, ""), 200);
    }
    settle(cluster, 3, 1, "draining");
    assert_int_equal(cluster_ask(cluster, 0, "GET", "/api/metadata/workflow/w", ""), 200);
    assert_int_equal(order(cluster, 3, 1, "remove"), 200);
    settle(cluster, 3, 1, "left");
    // The node that left was told so, by its own row.
    assert_false(cluster->nodes[0].knows[1]);
    assert_false(cluster->nodes[1].knows[1]);
    expect_running(cluster, 1, &flows);
}

static void a_node_that_is_silent_for_long_is_replaced_and_may_come_back(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_kill(cluster, 1);
    cluster_run(cluster, 20000);
    assert_true(member_is(cluster, 0, 2, "active")); // there is nobody to take its place
    cluster_start(cluster, 1);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    cluster_kill(cluster, 1);
    settle(cluster, 0, 2, "dead");
    expect_copies(cluster, 3);
    expect_running(cluster, 3, &flows);
    cluster_start(cluster, 1);
    settle(cluster, 0, 2, "active");
    expect_copies(cluster, 3);
    assert_true(replicas_at(cluster, 1) > 0);
    expect_running(cluster, 1, &flows);
    complete_all(cluster, 1, &flows);
}

static void who_is_needed_may_not_leave(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    assert_int_equal(order(cluster, 0, 3, "drain"), 409);
    assert_non_null(strstr(cluster->body, "2 nodes would be left for 3 copies"));
    assert_int_equal(order(cluster, 0, 9, "drain"), 404);
    assert_int_equal(order(cluster, 0, 0, "drain"), 400);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 3000);
    assert_int_equal(order(cluster, 0, 3, "drain"), 409);
    assert_non_null(strstr(cluster->body, "out of reach"));
    assert_int_equal(order(cluster, 0, 3, "remove"), 409);
    assert_int_equal(order(cluster, 0, 3, "remove?force=true"), 200);
    settle(cluster, 0, 3, "left");
    // Asked again, as by who did not hear the answer: it is so.
    assert_int_equal(order(cluster, 0, 3, "remove"), 200);
    assert_non_null(strstr(cluster->body, "\"left\""));
    assert_int_equal(order(cluster, 0, 3, "drain"), 404);
    expect_copies(cluster, 2);
    expect_running(cluster, 1, &flows);
}

static void who_was_to_leave_may_stay(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    assert_int_equal(order(cluster, 0, 2, "drain"), 200);
    assert_true(member_is(cluster, 0, 2, "draining"));
    assert_int_equal(order(cluster, 0, 2, "cancel-drain"), 200);
    settle(cluster, 0, 2, "active");
    expect_copies(cluster, 3);
    assert_true(replicas_at(cluster, 1) > 0);
    expect_running(cluster, 1, &flows);
}

// Its machine burned down; a new one takes its place, replica by replica.
static void a_new_node_takes_the_place_of_a_lost_one(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_kill(cluster, 2);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    const char *lost = "{\"deadNodeId\":3}";
    const char *there = "{\"deadNodeId\":2}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes/4/replace", there), 409);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes/4/replace", "{}"), 400);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes/4/replace", lost), 200);
    settle(cluster, 0, 3, "left");
    expect_copies(cluster, 3);
    assert_int_equal(replicas_at(cluster, 3), CLUSTER_GROUPS - 1);
    expect_running(cluster, 3, &flows);
}

// Who asks for a node that is away: it is told that it has left by whoever knows that for certain.
static void all_know_that_a_node_has_left_that_was_removed_while_it_was_down(void **state) {
    struct cluster *cluster = *state;
    cluster_kill(cluster, 2);
    cluster_run(cluster, 3000);
    assert_false(node_has_left(cluster->nodes[0].node, 3));
    assert_int_equal(order(cluster, 0, 3, "remove?force=true"), 200);
    settle(cluster, 0, 3, "left");
    cluster_run(cluster, 5000);
    cluster_kill(cluster, 1);
    cluster_start(cluster, 1); // it does not remember, it reads it
    cluster_run(cluster, 2000);
    for (int at = 0; at < 2; at++) {
        assert_true(node_has_left(cluster->nodes[at].node, 3));
        assert_false(node_has_left(cluster->nodes[at].node, 1));
        assert_false(node_has_left(cluster->nodes[at].node, 2));
        assert_false(node_has_left(cluster->nodes[at].node, 4)); // nobody, or not heard of yet
    }
    cluster_start(cluster, 2);
    cluster_run(cluster, 3000);
    assert_false(node_has_left(cluster->nodes[2].node, 1));
    assert_int_equal(node_stats(cluster->nodes[2].node).groups_led, 0);
}

static group_id group_without(const struct cluster *cluster, int at) {
    group_id group = 1;
    while (raft_status(node_raft(cluster->nodes[at].node), group).configured) {
        group++;
    }
    return group;
}

static void one_replica_is_moved_by_hand(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    group_id group = group_without(cluster, 3);
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"partition\":%u,\"from\":2,\"to\":4}", group);
    cluster->confirmed = 0;
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/move", body), 200);
    settle(cluster, 0, 4, "active");
    assert_true(raft_status(node_raft(cluster->nodes[3].node), group).configured);
    assert_false(raft_status(node_raft(cluster->nodes[1].node), group).configured);
    assert_in_range(cluster->confirmed, 2, 100); // what was there was not dropped on one's word
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/move", body), 409);
    expect_copies(cluster, 3);
}

// It was given its first rows when its process ended, and is no member when it comes back: it does
// not know which replica it is, and goes all the same.
static void a_copy_that_has_no_number_yet_is_forgotten_too(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    group_id group = group_without(cluster, 3);
    struct store_position position = {.index = 1, .term = 1};
    (void)store_install_begin(cluster->nodes[3].store, group, &position);
    cluster_run(cluster, 10);
    cluster_kill(cluster, 3);
    cluster_start(cluster, 3);
    cluster_run(cluster, 1);
    struct raft_group_status begun = raft_status(node_raft(cluster->nodes[3].node), group);
    assert_true(begun.configured);
    assert_int_equal(begun.replica, 0);
    cluster_run(cluster, 10000);
    assert_false(raft_status(node_raft(cluster->nodes[3].node), group).configured);
    expect_copies(cluster, 3);
    expect_running(cluster, 3, &flows);
}

// A machine got a new disk and was started as before: raft knows its replicas for others than the
// ones that made promises, and makes them anew.
static void a_member_with_an_empty_disk_gets_its_copies_again(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_kill(cluster, 2);
    cluster_wipe(cluster, 2);
    cluster_start(cluster, 2);
    id128 store_id;
    char shown[ID_TEXT_BYTES + 1] = {0};
    store_identity(cluster->nodes[2].store, store_id.bytes);
    id_format(store_id, shown);
    cluster_run(cluster, 10000);
    assert_true(shows(cluster, 0, shown));
    expect_copies(cluster, 3);
    cluster_kill(cluster, 1);
    expect_running(cluster, 0, &flows);
    expect_running(cluster, 2, &flows);
    complete_all(cluster, 2, &flows);
}

// Its configuration was changed: what it says of itself comes into its row, and copies move.
static void zones_and_weights_count_from_the_next_start(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    assert_in_range(replicas_at(cluster, 3), 1, CLUSTER_GROUPS - 2);
    cluster_kill(cluster, 3);
    cluster->nodes[3].zone = "cellar";
    cluster_start(cluster, 3);
    cluster_run(cluster, 3000);
    settle(cluster, 0, 4, "active");
    assert_true(shows(cluster, 1, "\"zone\":\"cellar\""));
    assert_int_equal(replicas_at(cluster, 3), CLUSTER_GROUPS - 1); // one copy of all is there
    assert_int_equal(order(cluster, 0, 4, "drain"), 409);
    assert_non_null(strstr(cluster->body, "in 2 zones now and would be in 1"));
    cluster_kill(cluster, 3);
    cluster->nodes[3].zone = NULL;
    cluster->nodes[3].weight = 16;
    cluster_start(cluster, 3);
    cluster_run(cluster, 3000);
    settle(cluster, 0, 4, "active");
    assert_true(shows(cluster, 1, "\"weight\":16"));
    expect_copies(cluster, 3);
    expect_running(cluster, 3, &flows);
}

// Another disk is what helps.
static void a_cluster_whose_disks_are_full_can_grow(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    for (int at = 0; at < 3; at++) {
        cluster_disk(cluster, at, 970);
    }
    cluster_run(cluster, 2000);
    cluster_join(cluster, 3, 0);
    settle(cluster, 0, 4, "active");
    assert_true(replicas_at(cluster, 3) > 0);
    expect_copies(cluster, 3);
    complete_all(cluster, 3, &flows);
}

// A node above its soft limit gets nothing more; once there is room it does.
static void a_full_newcomer_waits_for_room(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    cluster_disk(cluster, 3, 900);
    cluster_run(cluster, 10000);
    assert_true(member_is(cluster, 0, 4, "active"));
    assert_int_equal(replicas_at(cluster, 3), 0);
    assert_false(shows(cluster, 0, "\"movesLeft\":0,"));
    cluster_disk(cluster, 3, 100);
    settle(cluster, 0, 4, "active");
    assert_true(replicas_at(cluster, 3) > 0);
    expect_running(cluster, 3, &flows);
}

// Who was out of reach for the last word on the moves is told it afterwards.
static void what_is_left_to_move_is_known_everywhere(void **state) {
    struct cluster *cluster = *state;
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 0);
    cluster_disk(cluster, 3, 900);
    cluster_run(cluster, 10000);
    assert_false(shows(cluster, 2, "\"movesLeft\":0,"));
    cluster_cut(cluster, 2, true);
    cluster_disk(cluster, 3, 100);
    settle(cluster, 0, 4, "active");
    assert_false(shows(cluster, 2, "\"movesLeft\":0,"));
    cluster_cut(cluster, 2, false);
    cluster_run(cluster, 5000);
    assert_true(shows(cluster, 2, "\"movesLeft\":0,"));
}

// --- and who dies meanwhile
// ------------------------------------------------------------------------------

enum {
    MOMENTS = 24,
    MOMENT_MS = 60
};

static int system_leader(const struct cluster *cluster) {
    for (int at = 0; at < CLUSTER_NODES_MAX; at++) {
        const struct node *node = cluster->nodes[at].node;
        if (node != NULL && raft_is_leader(node_raft(node), 0)) {
            return at;
        }
    }
    return 0;
}

enum victim {
    VICTIM_SYSTEM_LEADER,
    VICTIM_NEWCOMER,
    VICTIM_LEAVER,
    VICTIM_COUNT
};

// A fourth node comes, the first gives everything away, and at some moment a process dies and
// starts again.
static void change_with_a_death(struct cluster *cluster, enum victim victim, int moment) {
    struct flows flows;
    begin(cluster, &flows);
    cluster_join(cluster, 3, 1);
    if (victim == VICTIM_LEAVER) {
        settle(cluster, 1, 4, "active");
        assert_int_equal(order(cluster, 1, 1, "remove"), 200);
    }
    cluster_run(cluster, moment * MOMENT_MS);
    int dead = victim == VICTIM_SYSTEM_LEADER ? system_leader(cluster)
               : victim == VICTIM_NEWCOMER    ? 3
                                              : 0;
    if (cluster->nodes[dead].node != NULL) {
        cluster_kill(cluster, dead);
        cluster_run(cluster, 2000);
        cluster_start(cluster, dead);
    }
    settle(cluster, 1, 4, "active");
    if (victim == VICTIM_LEAVER) {
        settle(cluster, 1, 1, "left");
        cluster_kill(cluster, 0); // what it forgot while it was down does not come back
    }
    expect_copies(cluster, 3);
    expect_running(cluster, 3, &flows);
    complete_all(cluster, 2, &flows);
}

static void a_death_at_any_moment_of_a_change_loses_nothing(void **state) {
    (void)state;
    for (int moment = 0; moment < MOMENTS; moment++) {
        for (int victim = 0; victim < VICTIM_COUNT; victim++) {
            void *cluster = NULL;
            (void)cluster_setup(&cluster);
            change_with_a_death(cluster, (enum victim)victim, moment);
            (void)cluster_teardown(&cluster);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_version_rises_when_all_members_speak_it, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_restart_hears_of_the_version_at_once, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_asks_is_let_in_once, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_newcomer_that_never_comes_stops_nobody, cluster_setup_one, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_wish_that_makes_no_sense_is_refused, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            one_node_becomes_three_then_five_then_three, cluster_setup_one, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            no_request_fails_while_a_node_gives_everything_away, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_is_silent_for_long_is_replaced_and_may_come_back,
            cluster_setup_impatient,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            who_is_needed_may_not_leave, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(who_was_to_leave_may_stay, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(
            a_copy_that_has_no_number_yet_is_forgotten_too, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_new_node_takes_the_place_of_a_lost_one, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            all_know_that_a_node_has_left_that_was_removed_while_it_was_down,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_member_with_an_empty_disk_gets_its_copies_again, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            zones_and_weights_count_from_the_next_start, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_cluster_whose_disks_are_full_can_grow, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_full_newcomer_waits_for_room, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_is_left_to_move_is_known_everywhere, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test(a_death_at_any_moment_of_a_change_loses_nothing),
        cmocka_unit_test_setup_teardown(
            one_replica_is_moved_by_hand, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
