// proto/api: the body of every error answer (rest-api.md §2.1, §2.3).
#include "proto/api/error.h"
#include "tests/unit/test.h"

static struct arena *arena;
static struct buffer buffer;

static int setup(void **state) {
    (void)state;
    arena = arena_create(64 * 1024);
    buffer_init(&buffer, 64 * 1024);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    buffer_deinit(&buffer);
    arena_destroy(&arena);
    return 0;
}

static bytes written(struct api_error error) {
    buffer_clear(&buffer);
    struct json_writer writer = json_writer(&buffer);
    api_write_error(&error, &writer);
    assert_ok(buffer_status(&buffer));
    return buffer_bytes(&buffer);
}

static void an_error_is_status_message_instance_and_retryable(void **state) {
    (void)state;
    bytes host = BYTES_LITERAL("node-1");
    err missing = err_make(ERR_NOT_FOUND, "No such workflow found by id: x");
    assert_bytes_text(
        written(api_error_of(missing, host)),
        "{\"status\":404,\"message\":\"No such workflow found by id: x\","
        "\"instance\":\"node-1\",\"retryable\":false}"
    );
    assert_bytes_text(
        written(api_error_of(err_make(ERR_ILLEGAL_STATE, NULL), host)),
        "{\"status\":500,\"instance\":\"node-1\",\"retryable\":false}"
    );
}

static void only_what_may_pass_is_retryable(void **state) {
    (void)state;
    assert_true(api_error_of(err_make(ERR_UNAVAILABLE, "busy"), BYTES_EMPTY).retryable);
    assert_true(api_error_of(err_make(ERR_UNKNOWN, "lost"), BYTES_EMPTY).retryable);
    assert_false(api_error_of(err_make(ERR_CONFLICT, "exists"), BYTES_EMPTY).retryable);
    assert_false(api_error_of(err_make(ERR_UNSUPPORTED, "later"), BYTES_EMPTY).retryable);
    assert_int_equal(api_error_of(err_make(ERR_UNSUPPORTED, "later"), BYTES_EMPTY).status, 501);
}

static void a_validation_error_lists_its_violations_without_an_instance(void **state) {
    (void)state;
    struct api_violations violations;
    api_violations_init(&violations, arena);
    assert_ok(api_violations_status(&violations));
    api_violations_add(
        &violations, BYTES_LITERAL("a.b[0].name"), BYTES_LITERAL("no name"), BYTES_EMPTY
    );
    api_violations_add(
        &violations, BYTES_LITERAL("a.b[0].n"), BYTES_LITERAL("too low"), BYTES_LITERAL("-1")
    );
    assert_err(api_violations_status(&violations), ERR_INVALID);
    assert_bytes_text(
        written(api_error_of_violations(&violations)),
        "{\"status\":400,\"message\":\"Validation failed, check below errors for detail.\","
        "\"retryable\":false,\"validationErrors\":[{\"path\":\"a.b[0].name\","
        "\"message\":\"no name\"},{\"path\":\"a.b[0].n\",\"message\":\"too low\","
        "\"invalidValue\":\"-1\"}]}"
    );
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_status_message_instance_and_retryable),
        cmocka_unit_test(only_what_may_pass_is_retryable),
        cmocka_unit_test(a_validation_error_lists_its_violations_without_an_instance),
    };
    return cmocka_run_group_tests_name("proto/api errors", tests, setup, teardown);
}
