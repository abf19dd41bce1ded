// node/bucket/bucket: a bucket holds what a folder would, whatever was cut, synchronised or opened
// anew; a service that fails for a while is asked again, and one that refuses is quoted.
#include "node/bucket/bucket.h"
#include "proto/base/random.h"
#include "proto/limits.h"
#include "tests/unit/node_bucket/service.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static const char FILE_NAME[] = "partition-00001.rows";

struct tale {
    struct service *service;
    struct bucket_client client;
    struct backup_folder folder;
    struct arena *arena;
};

static int setup(void **state) {
    struct tale *tale = calloc(1, sizeof(*tale));
    assert_non_null(tale);
    tale->arena = arena_create(4096);
    tale->service = service_create();
    tale->client = service_client(tale->service);
    assert_ok(bucket_open(&tale->client, tale->arena, &tale->folder));
    *state = tale;
    return 0;
}

static int teardown(void **state) {
    struct tale *tale = *state;
    bucket_close(&tale->folder);
    service_destroy(&tale->service);
    arena_destroy(&tale->arena);
    free(tale);
    return 0;
}

static void open_anew(struct tale *tale) {
    bucket_close(&tale->folder);
    assert_ok(bucket_open(&tale->client, tale->arena, &tale->folder));
}

static uint64_t size_of(struct tale *tale) {
    uint64_t size = 0;
    assert_ok(tale->folder.size(tale->folder.argument, FILE_NAME, &size));
    return size;
}

static err append(struct tale *tale, bytes content) {
    return tale->folder.append(tale->folder.argument, FILE_NAME, content);
}

static err sync_it(struct tale *tale) {
    return tale->folder.sync(tale->folder.argument, FILE_NAME);
}

// The file is what the model is, read in pieces of any size.
static void
expect_content(struct tale *tale, const uint8_t *model, size_t size, struct random *random) {
    static uint8_t read[5 * 1024 * 1024];
    assert_int_equal(size_of(tale), size);
    for (size_t at = 0; at < size;) {
        size_t part = 1 + (size_t)random_below(random, sizeof(read));
        part = part < size - at ? part : size - at;
        assert_ok(tale->folder.read(tale->folder.argument, FILE_NAME, at, part, read));
        assert_memory_equal(read, model + at, part);
        at += part;
    }
}

// What is not synchronised may go with the process, from the end only.
static void a_bucket_is_what_a_folder_would_be(void **state) {
    enum {
        ROOM = 64 * 1024 * 1024
    };
    struct tale *tale = *state;
    struct random random;
    uint8_t *model = malloc(ROOM);
    size_t size = 0;
    assert_non_null(model);
    random_init(&random, 11);
    for (int step = 0; step < 60; step++) {
        uint64_t what = random_below(&random, 10);
        if (what < 6 && size + 3 * 1024 * 1024 < ROOM) {
            size_t part = 1 + (size_t)random_below(&random, 3 * 1024 * 1024);
            memset(model + size, (int)(step + 1), part);
            model[size] = 0xFF;
            assert_ok(append(tale, bytes_of(model + size, part)));
            size += part;
        } else if (what < 7) {
            size = (size_t)random_below(&random, size + 1);
            assert_ok(tale->folder.cut(tale->folder.argument, FILE_NAME, size));
        } else if (what < 8) {
            assert_ok(sync_it(tale));
            open_anew(tale);
        } else if (what < 9) {
            open_anew(tale);
            assert_true(size_of(tale) <= size);
            size = (size_t)size_of(tale);
        }
        expect_content(tale, model, size, &random);
    }
    assert_true(service_objects(tale->service) > 3);
    free(model);
}

static void a_manifest_is_there_whole_once_it_was_published(void **state) {
    struct tale *tale = *state;
    uint64_t size = 0;
    uint8_t read[5];
    assert_ok(tale->folder.publish(tale->folder.argument, "manifest.json", BYTES_LITERAL("hello")));
    open_anew(tale);
    assert_ok(tale->folder.size(tale->folder.argument, "manifest.json", &size));
    assert_int_equal(size, 5);
    assert_ok(tale->folder.read(tale->folder.argument, "manifest.json", 0, 5, read));
    assert_memory_equal(read, "hello", 5);
}

static void an_object_that_is_lost_is_missed(void **state) {
    struct tale *tale = *state;
    for (int i = 0; i < 3; i++) {
        assert_ok(append(tale, BYTES_LITERAL("chunk")));
        assert_ok(sync_it(tale));
    }
    assert_true(service_lose(tale->service, "partition-00001.rows.00000001"));
    bucket_close(&tale->folder);
    err opened = bucket_open(&tale->client, tale->arena, &tale->folder);
    assert_err(opened, ERR_CORRUPT);
    assert_non_null(strstr(opened.text, "partition-00001.rows.00000001"));
}

static void what_fails_for_a_while_is_asked_again_ever_later(void **state) {
    struct tale *tale = *state;
    assert_ok(append(tale, BYTES_LITERAL("chunk")));
    service_misbehave(tale->service, 3, 503, "<Error><Code>SlowDown</Code></Error>");
    assert_ok(sync_it(tale));
    assert_int_equal(service_now_ms(tale->service), 7 * LIMIT_BUCKET_RETRY_MS);
    service_misbehave(tale->service, 2, 0, "");
    open_anew(tale);
    assert_int_equal(size_of(tale), 5);
}

static void what_fails_for_long_is_given_up_in_words(void **state) {
    struct tale *tale = *state;
    assert_ok(append(tale, BYTES_LITERAL("chunk")));
    service_misbehave(
        tale->service, 1000, 500, "<Error><Code>InternalError</Code><Message>ouch</Message></Error>"
    );
    err given_up = sync_it(tale);
    assert_err(given_up, ERR_IO);
    assert_non_null(strstr(given_up.text, "500 InternalError: ouch"));
    assert_true(service_requests(tale->service) < 30);
    assert_true(service_now_ms(tale->service) >= LIMIT_BUCKET_PATIENCE_MS);
    // What was held is still held.
    service_misbehave(tale->service, 0, 0, "");
    assert_ok(sync_it(tale));
    open_anew(tale);
    assert_int_equal(size_of(tale), 5);
}

static void a_refusal_says_what_to_do_and_is_not_repeated(void **state) {
    static const struct {
        uint16_t status;
        const char *body;
        const char *texts[3];
    } cases[] = {
        {403,
         "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
         {"a PUT of p/partition-00001.rows.00000000 in bucket b", "may not do this", "403"}},
        {403,
         "<Error><Code>RequestTimeTooSkewed</Code><Message>too far</Message></Error>",
         {"clock of this machine", "Fri, 27 Nov 2026 12:00:00 GMT", "403"}},
        {404,
         "<Error><Code>NoSuchBucket</Code></Error>",
         {"there is no bucket b", "make it", "404"}},
        {403,
         "<Error><Code>SignatureDoesNotMatch</Code></Error>",
         {"AWS_SECRET_ACCESS_KEY does not belong", "bucket b", "403"}},
        {301,
         "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>",
         {"--region eu-west-1", "not in us-east-1", "301"}},
        {200 + 2, "", {"is this an endpoint of S3?", "", "202"}},
        {404, "<html>It works!</html>", {"is this an endpoint of S3?", "", "404"}},
    };
    struct tale *tale = *state;
    assert_ok(append(tale, BYTES_LITERAL("chunk")));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int before = service_requests(tale->service);
        service_misbehave(tale->service, 1, cases[i].status, cases[i].body);
        err refused = sync_it(tale);
        assert_err(refused, ERR_INVALID);
        assert_int_equal(service_requests(tale->service), before + 1);
        for (int text = 0; text < 3; text++) {
            assert_non_null(strstr(refused.text, cases[i].texts[text]));
        }
        assert_null(strstr(refused.text, "hush"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bucket_is_what_a_folder_would_be, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_manifest_is_there_whole_once_it_was_published, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(an_object_that_is_lost_is_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_fails_for_a_while_is_asked_again_ever_later, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(what_fails_for_long_is_given_up_in_words, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_refusal_says_what_to_do_and_is_not_repeated, setup, teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
