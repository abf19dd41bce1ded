// node/status/explain: the answer as lines.
#include "node/status/explain.h"
#include "tests/unit/test.h"

static void members_are_lines_and_elements_are_lines_below(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct buffer lines;
    buffer_init(&lines, 4096);
    assert_ok(explain_draw(
        BYTES_LITERAL("{\"partition\":3,\"status\":\"RUNNING\",\"copies\":[1,2],\"timer\":null,"
                      "\"tasks\":[{\"ref\":\"a\",\"queue\":{\"name\":\"q\"}},{\"ref\":\"b\"}],"
                      "\"messages\":[]}"),
        arena,
        &lines
    ));
    assert_bytes_text(
        buffer_bytes(&lines),
        "partition        3\n"
        "status           RUNNING\n"
        "copies           1 2 \n"
        "timer            null\n"
        "tasks            \n"
        "  ref=a queue=[name=q]\n"
        "  ref=b\n"
        "messages         \n"
    );
    buffer_deinit(&lines);
    arena_destroy(&arena);
}

static void what_is_not_json_is_refused(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct buffer lines;
    buffer_init(&lines, 4096);
    assert_err(explain_draw(BYTES_LITERAL("<html>"), arena, &lines), ERR_INVALID);
    buffer_deinit(&lines);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_lines_and_elements_are_lines_below),
        cmocka_unit_test(what_is_not_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
