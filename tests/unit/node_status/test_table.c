// What a person sees of GET /api/cluster.
#include "node/status/table.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

static struct arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_destroy(&arena);
    return 0;
}

#define ASSERT_DRAWN(answer, wanted, wanted_whole)                               \
    do {                                                                         \
        struct buffer out_;                                                      \
        bool whole_ = !(wanted_whole);                                           \
        buffer_init(&out_, 65536);                                               \
        assert_ok(status_table(bytes_from_text(answer), arena, &out_, &whole_)); \
        assert_bytes_text(buffer_bytes(&out_), wanted);                          \
        assert_int_equal(whole_, wanted_whole);                                  \
        buffer_deinit(&out_);                                                    \
    } while (0)

static void test_a_whole_cluster_with_the_lag_that_the_asked_node_knows(void **state) {
    (void)state;
    ASSERT_DRAWN(
        "{\"self\":2,\"nodes\":[{\"id\":1,\"self\":false,\"up\":true,\"leads\":1},"
        "{\"id\":2,\"self\":true,\"up\":true,\"leads\":2}],\"partitions\":["
        "{\"id\":0,\"leader\":1,\"role\":\"follower\"},"
        "{\"id\":1,\"leader\":2,\"followers\":[{\"node\":1,\"lag\":7,\"answers\":true}]},"
        "{\"id\":2,\"leader\":2,\"followers\":[{\"node\":1,\"lag\":0,\"answers\":true}]}]}",
        " node  state  leads\n"
        "    1  up         1\n"
        "    2  up         2  asked\n"
        "partitions 3, without a leader 0\n"
        "node 1 follows 2 that node 2 leads: 1 behind, by 7 entries at most\n",
        true
    );
}

static void test_a_clock_that_is_wrong_is_named(void **state) {
    (void)state;
    ASSERT_DRAWN(
        "{\"self\":1,\"nodes\":[{\"id\":1,\"self\":true,\"up\":true,\"leads\":0,\"clock\":\"ok\","
        "\"clockOffMs\":3},{\"id\":2,\"up\":true,\"leads\":0,\"clock\":\"sick\","
        "\"clockOffMs\":3600004}],\"partitions\":[]}",
        " node  state  leads\n"
        "    1  up         0  asked\n"
        "    2  up         0  clock sick, 3600004 ms off\n"
        "partitions 0, without a leader 0\n",
        true
    );
}

static void test_what_is_missing_is_named(void **state) {
    (void)state;
    ASSERT_DRAWN(
        "{\"self\":1,\"nodes\":[{\"id\":1,\"self\":true,\"up\":true,\"leads\":1},"
        "{\"id\":3,\"up\":false,\"leads\":0}],\"partitions\":[{\"id\":0,\"leader\":0},"
        "{\"id\":1,\"leader\":1,\"followers\":[{\"node\":3,\"lag\":2,\"answers\":false}]},"
        "{\"id\":2,\"leader\":0}]}",
        " node  state  leads\n"
        "    1  up         1  asked\n"
        "    3  down       0\n"
        "partitions 3, without a leader 2: 0, 2\n"
        "node 3 follows 1 that node 1 leads: 1 behind, by 2 entries at most; no answer in 1\n",
        false
    );
}

static void test_members_and_moves_are_shown(void **state) {
    (void)state;
    ASSERT_DRAWN(
        "{\"self\":1,\"nodes\":[{\"id\":1,\"self\":true,\"up\":true,\"leads\":1},"
        "{\"id\":2,\"up\":true,\"leads\":0},{\"id\":7,\"up\":false,\"leads\":0},"
        "{\"id\":9,\"up\":true,\"leads\":0}],"
        "\"members\":[{\"nodeId\":1,\"state\":\"active\",\"zone\":\"a\"},"
        "{\"nodeId\":2,\"state\":\"draining\"},{\"nodeId\":7,\"state\":\"left\"}],"
        "\"progress\":{\"movesDone\":3,\"movesLeft\":2,\"moving\":1,\"bytesPerSecond\":1500000,"
        "\"secondsLeft\":4},\"partitions\":["
        "{\"id\":0,\"leader\":1,\"voters\":[1],\"target\":[1,2]},"
        "{\"id\":1,\"leader\":1,\"voters\":[1],\"learners\":[2],\"target\":[1,2]}]}",
        " node  state  leads  copies  member\n"
        "    1  up         1       1  active    zone a  asked\n"
        "    2  up         0       1  draining\n"
        "    9  up         0                  \n"
        "partitions 2, without a leader 0\n"
        "1 partitions lack a copy\n"
        "3 of 5 moves done, 1 under way, 1.5 MB/s, 4 s left\n",
        false
    );
}

static void test_what_is_no_cluster_is_refused(void **state) {
    (void)state;
    static const char *const ANSWERS[] = {
        "", "<html>", "[]", "{}", "{\"nodes\":1,\"partitions\":[]}"};
    for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        struct buffer out;
        bool whole = false;
        buffer_init(&out, 65536);
        assert_err(status_table(bytes_from_text(ANSWERS[i]), arena, &out, &whole), ERR_INVALID);
        buffer_deinit(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_cluster_with_the_lag_that_the_asked_node_knows),
        cmocka_unit_test(test_a_clock_that_is_wrong_is_named),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_members_and_moves_are_shown),
        cmocka_unit_test(test_what_is_no_cluster_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
