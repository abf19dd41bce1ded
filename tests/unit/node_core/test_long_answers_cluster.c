// node/core: large answers across nodes go in parts, each asked for; what cannot be told to its end
// is told to be broken, and nobody keeps anything for who is gone.
#include "node/core/peer_message.h"
#include "proto/limits.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TARGET_BYTES = 256,
    LARGE = 700 * 1000 // more than three parts
};

static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\","
    "\"forkTasks\":[[{\"name\":\"a\",\"taskReferenceName\":\"b1\"}],"
    "[{\"name\":\"a\",\"taskReferenceName\":\"b2\"}],[{\"name\":\"a\",\"taskReferenceName\":\"b3\"}"
    "]]},"
    "{\"name\":\"j\",\"taskReferenceName\":\"j\",\"type\":\"JOIN\",\"joinOn\":[\"b1\",\"b2\","
    "\"b3\"]}]}";

static void define(struct cluster *cluster) {
    const char *task = "[{\"name\":\"a\",\"retryCount\":0}]";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", task), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
}

// An execution led by node 0, with an output of `size`.
static void start(struct cluster *cluster, size_t size, char *out_id) {
    char target[TARGET_BYTES];
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/workflow/w", "{}"), 200);
    memcpy(out_id, cluster->body, ID_TEXT_BYTES);
    out_id[ID_TEXT_BYTES] = 0;
    char *output = calloc(1, size + 32);
    assert_non_null(output);
    int front = snprintf(output, 32, "{\"x\":\"");
    memset(output + front, 'x', size);
    memcpy(output + front + size, "\"}", 2);
    (void)snprintf(target, sizeof(target), "/api/tasks/%s/b2/COMPLETED", out_id);
    assert_int_equal(cluster_ask(cluster, 0, "POST", target, output), 200);
    free(output);
}

static void begin(struct cluster *cluster, size_t size, char *out_id) {
    define(cluster);
    start(cluster, size, out_id);
}

static uint64_t ask(struct cluster *cluster, int at, const char *id) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
    return cluster_send(cluster, at, "GET", target, "");
}

static uint64_t held(const struct cluster *cluster, int at) {
    return node_stats(cluster->nodes[at].node).long_answers;
}

static char *text_of(const struct cluster *cluster) {
    char *text = strdup(cluster->body);
    assert_non_null(text);
    return text;
}

static void it_is_the_same_from_every_node(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    assert_int_equal(cluster_wait(cluster, ask(cluster, 0, id), 5000), 200);
    char *own = text_of(cluster);
    assert_true(strlen(own) > LARGE);
    for (int at = 1; at < CLUSTER_NODES; at++) {
        assert_int_equal(cluster_wait(cluster, ask(cluster, at, id), 5000), 200);
        assert_false(cluster->broken);
        assert_string_equal(cluster->body, own);
    }
    free(own);
    cluster_run(cluster, 100);
    assert_int_equal(held(cluster, 0), 0);
}

static void a_lost_part_is_asked_for_again(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    assert_int_equal(cluster_wait(cluster, ask(cluster, 1, id), 5000), 200);
    char *whole = text_of(cluster);
    static const uint8_t kinds[] = {PEER_PART, PEER_WANT};
    for (size_t i = 0; i < sizeof(kinds); i++) {
        uint64_t request = ask(cluster, 1, id);
        cluster->loses = kinds[i];
        assert_int_equal(cluster_wait(cluster, request, 5000), 200);
        assert_int_equal(cluster->loses, 0);
        assert_string_equal(cluster->body, whole);
    }
    free(whole);
}

// Runs until some of the answer is with a client that reads no further.
static uint64_t begin_slowly(struct cluster *cluster, int at, const char *id) {
    cluster->slow = true;
    uint64_t request = ask(cluster, at, id);
    cluster->wanted = request;
    cluster->answered = false;
    cluster->more = false;
    for (int round = 0; round < 1000 && !cluster->more; round++) {
        cluster_run(cluster, 5);
    }
    assert_true(cluster->more);
    return request;
}

static void a_slow_reader_gets_all_of_it(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    assert_int_equal(cluster_wait(cluster, ask(cluster, 1, id), 5000), 200);
    char *whole = text_of(cluster);
    (void)begin_slowly(cluster, 1, id);
    size_t before = cluster->body_size;
    cluster_run(cluster, 2 * LIMIT_PART_SILENCE_MS);
    assert_int_equal(cluster->body_size, before);
    assert_int_equal(held(cluster, 0), 1);
    while (cluster->more) {
        cluster_taken(cluster, 1);
        cluster_run(cluster, 20);
    }
    assert_false(cluster->broken);
    assert_string_equal(cluster->body, whole);
    free(whole);
}

static void who_leaves_frees_it(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    uint64_t request = begin_slowly(cluster, 1, id);
    assert_int_equal(held(cluster, 0), 1);
    cluster_gone(cluster, 1, request);
    cluster_run(cluster, 100);
    assert_int_equal(held(cluster, 0), 0);
    request = begin_slowly(cluster, 1, id);
    cluster->loses = PEER_DELIVERY; // that the client left is never heard
    cluster_gone(cluster, 1, request);
    cluster_run(cluster, LIMIT_PART_SILENCE_MS + 2 * LIMIT_PART_LATER_MS);
    assert_int_equal(held(cluster, 0), 0);
}

static void a_gateway_that_dies_frees_it(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    (void)begin_slowly(cluster, 1, id);
    cluster_kill(cluster, 1);
    cluster_run(cluster, 1000);
    assert_int_equal(held(cluster, 0), 0);
}

static void it_breaks_off_with_the_node_that_tells_it(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    (void)begin_slowly(cluster, 1, id);
    cluster_kill(cluster, 0);
    cluster_run(cluster, 1000);
    assert_true(cluster->broken);
    assert_false(cluster->more);
    cluster->slow = false;
    assert_int_equal(cluster_wait(cluster, ask(cluster, 1, id), 10000), 200); // whole, elsewhere
    assert_true(strlen(cluster->body) > LARGE);
}

// Leadership moves away from a node that goes on living: what it began it ends, of that moment.
static void it_outlives_leadership(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    char target[TARGET_BYTES];
    begin(cluster, 1000, id);
    assert_int_equal(cluster_wait(cluster, ask(cluster, 0, id), 5000), 200);
    char *whole = text_of(cluster);
    (void)begin_slowly(cluster, 0, id);
    cluster_leave(cluster, 0);
    cluster_run(cluster, 3000);
    assert_int_equal(node_stats(cluster->nodes[0].node).groups_led, 0);
    size_t size = cluster->body_size;
    uint64_t wanted = cluster->wanted;
    char *begun = text_of(cluster);
    cluster->slow = false;
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
    assert_int_equal(cluster_ask(cluster, 1, "DELETE", target, ""), 200);
    memcpy(cluster->body, begun, size + 1);
    cluster->body_size = size;
    cluster->wanted = wanted;
    cluster->more = true;
    cluster->answered = false;
    cluster_taken(cluster, 0);
    cluster_run(cluster, 200);
    assert_false(cluster->more);
    assert_false(cluster->broken);
    assert_string_equal(cluster->body, whole);
    free(begun);
    free(whole);
}

// A gateway of a release that knows no parts gets all of it at once, or is told that it cannot.
static void an_older_gateway_gets_the_whole(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(cluster, LARGE, id);
    assert_int_equal(cluster_wait(cluster, ask(cluster, 0, id), 5000), 200);
    char *own = text_of(cluster);
    cluster->knows_no_parts = true;
    assert_int_equal(cluster_wait(cluster, ask(cluster, 1, id), 5000), 200);
    assert_string_equal(cluster->body, own);
    assert_int_equal(cluster->total, 0);
    free(own);
    char target[TARGET_BYTES];
    size_t size = 9 * 1000 * 1000;
    start(cluster, size, id);
    char *output = calloc(1, size + 32);
    assert_non_null(output);
    int front = snprintf(output, 32, "{\"x\":\"");
    memset(output + front, 'x', size);
    memcpy(output + (size_t)front + size, "\"}", 2);
    for (int branch = 1; branch <= 3; branch += 2) {
        (void)snprintf(target, sizeof(target), "/api/tasks/%s/b%d/COMPLETED", id, branch);
        assert_int_equal(cluster_ask(cluster, 0, "POST", target, output), 200);
    }
    free(output);
    assert_int_equal(cluster_wait(cluster, ask(cluster, 1, id), 20000), 500);
    assert_non_null(strstr(cluster->body, "more than one node passes on to another"));
    cluster_run(cluster, 100);
    assert_int_equal(held(cluster, 0), 0);
}

// A signal is handed on from the node that leads the execution to the one that leads its child:
// parts go through both.
static void a_large_answer_goes_through_a_node_between(void **state) {
    struct cluster *cluster = *state;
    static const char child[] =
        "{\"name\":\"c\",\"tasks\":[{\"name\":\"h\",\"taskReferenceName\":\"h\","
        "\"type\":\"WAIT\",\"inputParameters\":{\"duration\":\"1 days\"}}]}";
    static const char parent[] = "{\"name\":\"p\",\"tasks\":[{\"name\":\"s\",\"taskReferenceName\":"
                                 "\"s\",\"type\":\"SUB_WORKFLOW\","
                                 "\"subWorkflowParam\":{\"name\":\"c\",\"version\":1}}]}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", child), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", parent), 200);
    size_t size = 1500 * 1000;
    char *input = calloc(1, size + 32);
    assert_non_null(input);
    int front = snprintf(input, 32, "{\"x\":\"");
    memset(input + front, 'x', size);
    memcpy(input + (size_t)front + size, "\"}", 2);
    for (int round = 0; round < 9; round++) { // children are led anywhere
        char id[ID_TEXT_BYTES + 1] = "";
        char target[TARGET_BYTES];
        assert_int_equal(cluster_ask(cluster, round % 3, "POST", "/api/workflow/p", input), 200);
        memcpy(id, cluster->body, ID_TEXT_BYTES);
        cluster_run(cluster, 500);
        (void)snprintf(
            target,
            sizeof(target),
            "/api/tasks/%s/COMPLETED/signal/sync?returnStrategy=TARGET_WORKFLOW",
            id
        );
        assert_int_equal(cluster_ask(cluster, round / 3, "POST", target, "{}"), 200);
        assert_true(cluster->body_size > size);
        assert_int_equal(cluster->body[cluster->body_size - 1], '}');
    }
    free(input);
}

// Not told but large: a list of definitions.
static void any_large_answer_crosses_nodes(void **state) {
    struct cluster *cluster = *state;
    size_t size = 900 * 1000;
    char *definition = calloc(1, size + 256);
    assert_non_null(definition);
    for (int i = 0; i < 3; i++) {
        int front = snprintf(definition, 256, "[{\"name\":\"t%d\",\"description\":\"", i);
        memset(definition + front, 'd', size);
        memcpy(definition + (size_t)front + size, "\"}]", 4);
        assert_int_equal(
            cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", definition), 200
        );
    }
    free(definition);
    cluster_run(cluster, 1000);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        assert_int_equal(cluster_ask(cluster, at, "GET", "/api/metadata/taskdefs", ""), 200);
        assert_true(cluster->body_size > 3 * size);
        assert_true(cluster->total == 0 || cluster->total == cluster->body_size);
        assert_int_equal(cluster->body[cluster->body_size - 1], ']');
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cluster_setup_told, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_is_the_same_from_every_node),
        TEST(a_lost_part_is_asked_for_again),
        TEST(a_slow_reader_gets_all_of_it),
        TEST(who_leaves_frees_it),
        TEST(a_gateway_that_dies_frees_it),
        TEST(it_breaks_off_with_the_node_that_tells_it),
        TEST(it_outlives_leadership),
        TEST(an_older_gateway_gets_the_whole),
        TEST(a_large_answer_goes_through_a_node_between),
        TEST(any_large_answer_crosses_nodes),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
