// node/core: answers that are told piece by piece are of one moment, whatever happens meanwhile,
// and cost nothing when nobody reads on.
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BRANCHES = 5,
    TARGET_BYTES = 256
};

// A fork of five and a task behind the JOIN.
static const char *const WORKFLOW =
    "{\"name\":\"w\",\"version\":1,\"inputParameters\":[],\"outputParameters\":{\"r\":\"${b1."
    "output.x}\"},"
    "\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":["
    "[{\"name\":\"a\",\"taskReferenceName\":\"b1\"}],[{\"name\":\"a\",\"taskReferenceName\":\"b2\"}"
    "],"
    "[{\"name\":\"a\",\"taskReferenceName\":\"b3\"}],[{\"name\":\"a\",\"taskReferenceName\":\"b4\"}"
    "],"
    "[{\"name\":\"a\",\"taskReferenceName\":\"b5\"}]]},"
    "{\"name\":\"j\",\"taskReferenceName\":\"j\",\"type\":\"JOIN\","
    "\"joinOn\":[\"b1\",\"b2\",\"b3\",\"b4\",\"b5\"]},"
    "{\"name\":\"a\",\"taskReferenceName\":\"last\"}]}";
static const char *const TASK = "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]";

static void update(struct world *world, const char *id, const char *reference, const char *status) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof(target), "/api/tasks/%s/%s/%s", id, reference, status);
    assert_int_equal(world_ask(world, "POST", target, "{\"x\":{\"y\":[1,2,3]}}"), 200);
}

static void ask(struct world *world, const char *method, const char *id, const char *suffix) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s%s", id, suffix);
    uint16_t status = world_ask(world, method, target, "");
    assert_true(status == 200 || status == 204);
}

// --- what happens to the execution between two pieces --------------------------------------------

static void nothing(struct world *world, const char *id) {
    (void)world;
    (void)id;
}

static void one_more_is_done(struct world *world, const char *id) {
    update(world, id, "b4", "COMPLETED");
}

static void one_fails_and_is_retried(struct world *world, const char *id) {
    update(world, id, "b5", "FAILED");
}

static void it_ends(struct world *world, const char *id) {
    ask(world, "DELETE", id, "");
}

static void it_is_removed(struct world *world, const char *id) {
    ask(world, "DELETE", id, "");
    ask(world, "DELETE", id, "/remove?archiveWorkflow=false");
    world_tick(world, 5000);
}

static void it_is_restarted(struct world *world, const char *id) {
    ask(world, "DELETE", id, "");
    ask(world, "POST", id, "/restart");
    world_tick(world, 5000);
    update(world, id, "b1", "COMPLETED");
}

static void it_is_retried(struct world *world, const char *id) {
    ask(world, "DELETE", id, "");
    ask(world, "POST", id, "/retry");
}

static void it_goes_on_to_its_end(struct world *world, const char *id) {
    for (int branch = 2; branch <= BRANCHES; branch++) {
        char reference[16];
        (void)snprintf(reference, sizeof(reference), "b%d", branch);
        update(world, id, reference, "COMPLETED");
    }
    update(world, id, "last", "COMPLETED");
}

typedef void (*happening)(struct world *world, const char *id);

static const happening HAPPENINGS[] = {
    nothing,
    one_more_is_done,
    one_fails_and_is_retried,
    it_ends,
    it_is_removed,
    it_is_restarted,
    it_is_retried,
    it_goes_on_to_its_end,
};

// --- reading -------------------------------------------------------------------------------------

static void begin(struct world *world, char *out_id) {
    assert_int_equal(world_ask(world, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", WORKFLOW), 200);
    assert_int_equal(
        world_ask(world, "POST", "/api/workflow/w", "{\"in\":[1,{\"a\":\"tasks\"}]}"), 200
    );
    memcpy(out_id, world->body, ID_TEXT_BYTES);
    out_id[ID_TEXT_BYTES] = 0;
    update(world, out_id, "b1", "COMPLETED");
    update(world, out_id, "b3", "FAILED");
}

// The next piece comes only when it is wanted and time goes on.
static void next_piece(struct world *world) {
    size_t before = strlen(world->body);
    world_tick(world, 1);
    assert_false(world_receive(world)); // nobody has taken the one before
    world_tell(world, NODE_TAKEN, world->answered);
    for (int round = 0; round < 10 && strlen(world->body) == before; round++) {
        world_tick(world, 1);
        (void)world_receive(world);
    }
    assert_true(strlen(world->body) > before);
}

static void first_piece(struct world *world, uint64_t request) {
    for (int round = 0; round < 20 && world->answered != request; round++) {
        world_tick(world, 1);
        world_sync(world);
        (void)world_receive(world);
    }
    assert_int_equal(world->answered, request);
    assert_int_equal(world->status, 200);
    assert_true(world->more);
}

static uint64_t begin_reading(struct world *world, const char *id, const char *suffix) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s%s", id, suffix);
    return world_send(world, "GET", target, "");
}

// In a world of its own `what` happens to the execution before piece `when` is asked for. The text
// must be the one that is answered in one step.
static void read_while(happening what, int when, const char *suffix) {
    void *state[2] = {NULL, NULL};
    assert_int_equal(world_setup(&state[0]), 0);
    assert_int_equal(world_setup_told(&state[1]), 0);
    struct world *whole = state[0];
    struct world *told = state[1];
    char id[ID_TEXT_BYTES + 1];
    begin(whole, id);
    begin(told, id);
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s%s", id, suffix);
    assert_int_equal(world_ask(whole, "GET", target, ""), 200);
    assert_false(whole->more);
    uint64_t request = begin_reading(told, id, suffix);
    first_piece(told, request);
    char text[64 * 1024];
    int pieces = 1;
    while (told->more) {
        if (pieces == when) {
            (void)snprintf(text, sizeof(text), "%s", told->body);
            what(told, id);
            (void)snprintf(told->body, sizeof(told->body), "%s", text);
            told->answered = request;
            told->more = true;
        }
        next_piece(told);
        pieces++;
    }
    assert_false(told->broken);
    assert_string_equal(told->body, whole->body);
    assert_int_equal(node_stats(told->node).long_answers, 0);
    assert_int_equal(world_teardown(&state[0]), 0);
    assert_int_equal(world_teardown(&state[1]), 0);
}

static void an_answer_is_of_one_moment(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(HAPPENINGS) / sizeof(HAPPENINGS[0]); i++) {
        for (int when = 1; when < 6; when++) {
            read_while(HAPPENINGS[i], when, "");
        }
    }
}

static void pages_are_told_too(void **state) {
    (void)state;
    static const char *const suffixes[] = {
        "/tasks?start=0&count=100",
        "/tasks?start=2&count=3",
        "/tasks?start=6&count=100",
        "/tasks?start=100&count=1",
        "/tasks?start=0&count=100&status=SCHEDULED&status=FAILED",
        "/tasks?start=1&count=2&status=scheduled",
        "/tasks?start=0&count=5&status=NONSENSE",
        "/tasks?start=0&count=0",
    };
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        read_while(it_ends, 1, suffixes[i]);
    }
}

static void who_leaves_frees_it(void **state) {
    struct world *world = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(world, id);
    uint64_t early = begin_reading(world, id, "");
    world_tell(world, NODE_GONE, early);
    assert_int_equal(node_stats(world->node).long_answers, 0);
    uint64_t late = begin_reading(world, id, "");
    first_piece(world, late);
    next_piece(world);
    assert_int_equal(node_stats(world->node).long_answers, 1);
    world_tell(world, NODE_GONE, late);
    assert_int_equal(node_stats(world->node).long_answers, 0);
    world_tell(world, NODE_TAKEN, late);
    world_tick(world, 1);
    assert_false(world_receive(world));
}

static void who_is_unknown_is_told_so_at_once(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "GET", "/api/workflow/nonsense", ""), 404);
    assert_false(world->more);
}

// Others are served between the pieces, and many readers get theirs in turn.
static void many_read_at_a_time(void **state) {
    struct world *world = *state;
    char id[ID_TEXT_BYTES + 1];
    begin(world, id);
    uint64_t readers[8];
    for (size_t i = 0; i < 8; i++) {
        readers[i] = begin_reading(world, id, "");
    }
    int begun = 0;
    uint64_t last = 0;
    for (int round = 0; round < 200 && begun < 8; round++) {
        world_tick(world, 1);
        while (world_receive(world)) {
            assert_true(world->answered != last); // one each
            last = world->answered;
            begun++;
        }
    }
    assert_int_equal(begun, 8);
    for (size_t i = 0; i < 8; i++) {
        world_tell(world, NODE_GONE, readers[i]);
    }
    assert_int_equal(node_stats(world->node).long_answers, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_of_one_moment),
        cmocka_unit_test(pages_are_told_too),
        cmocka_unit_test_setup_teardown(who_leaves_frees_it, world_setup_told, world_teardown),
        cmocka_unit_test_setup_teardown(
            who_is_unknown_is_told_so_at_once, world_setup_told, world_teardown
        ),
        cmocka_unit_test_setup_teardown(many_read_at_a_time, world_setup_told, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
