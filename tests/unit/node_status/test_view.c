// What is waited for in GET /api/cluster.
#include "node/status/view.h"
#include "tests/unit/test.h"

static const char ANSWER[] =
    "{\"members\":[{\"nodeId\":4,\"state\":\"joining\",\"address\":\"d:1\",\"zone\":\"z\\u0061\"},"
    "{\"nodeId\":1,\"state\":\"active\"}],\"progress\":{\"movesDone\":12,\"movesLeft\":28,"
    "\"moving\":2,"
    "\"bytesPerSecond\":14200000,\"secondsLeft\":35,\"paused\":true},\"partitions\":["
    "{\"id\":0,\"voters\":[1,4]},{\"id\":1,\"voters\":[1],\"learners\":[4],\"target\":[1,4]},"
    "{\"id\":2,\"voters\":[1,4],\"target\":[4,1]},{\"id\":3,\"voters\":[1],\"target\":[]}]}";

static struct view read_view(const char *answer, struct arena *arena) {
    struct view view;
    assert_ok(view_read(bytes_from_text(answer), arena, &view));
    return view;
}

static void members_have_their_copies(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    struct view view = read_view(ANSWER, arena);
    const struct view_member *member = view_member_of(&view, 4);
    assert_non_null(member);
    assert_bytes_text(member->state, "joining");
    assert_bytes_text(member->zone, "za");
    assert_int_equal(member->copies, 2);
    assert_int_equal(view_member_of(&view, 1)->copies, 3);
    assert_null(view_member_of(&view, 2));
    assert_int_equal(view.short_of_copies, 1);
    arena_destroy(&arena);
}

static void assert_progress(const char *answer, const char *wanted) {
    struct arena *arena = arena_create(1024);
    struct buffer out;
    struct view view = read_view(answer, arena);
    buffer_init(&out, 1024);
    view_progress_draw(&view.progress, &out);
    if (!bytes_equal_text(buffer_bytes(&out), wanted)) {
        fail_msg("'%.*s' is not '%s'", BYTES_ARG(buffer_bytes(&out)), wanted);
    }
    buffer_deinit(&out);
    arena_destroy(&arena);
}

static void progress_is_a_line(void **state) {
    (void)state;
    assert_progress(
        ANSWER,
        "12 of 40 moves done, 2 under way, 14.2 MB/s, 35 s left, paused: the nodes have enough to "
        "do"
    );
    assert_progress("{\"partitions\":[],\"progress\":{\"movesDone\":3}}", "3 of 3 moves done");
    assert_progress(
        "{\"partitions\":[],\"progress\":{\"movesLeft\":1,\"secondsLeft\":-1}}",
        "0 of 1 moves done, 0 under way, 0.0 MB/s"
    );
}

static void an_answer_of_an_earlier_release_has_neither(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    struct view view = read_view("{\"nodes\":[],\"partitions\":[{\"id\":1,\"leader\":1}]}", arena);
    assert_int_equal(view.member_count, 0);
    assert_false(view.progress.known);
    assert_int_equal(view.short_of_copies, 0);
    assert_err(view_read(BYTES_LITERAL("{}"), arena, &view), ERR_INVALID);
    assert_err(view_read(BYTES_LITERAL("<html>"), arena, &view), ERR_INVALID);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_have_their_copies),
        cmocka_unit_test(progress_is_a_line),
        cmocka_unit_test(an_answer_of_an_earlier_release_has_neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
