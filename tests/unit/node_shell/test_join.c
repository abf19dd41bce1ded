// The question of a node that joins, and what it takes for an answer.
#include "node/shell/join.h"
#include "tests/unit/test.h"

#include <string.h>

static const id128 STORE = {{0x51, 2, 3}};

static void the_question_says_who_asks(void **state) {
    (void)state;
    struct config config = {
        .http = "0.0.0.0:8080",
        .api_address = "",
        .cluster_address = "10.0.0.4:9080",
        .zone = "b",
        .weight = 2,
    };
    struct buffer out;
    buffer_init(&out, 4096);
    join_question(&config, STORE, &out);
    assert_bytes_text(
        buffer_bytes(&out),
        "{\"address\":\"10.0.0.4:9080\",\"apiAddress\":\"0.0.0.0:8080\",\"zone\":\"b\",\"weight\":"
        "2,"
        "\"storeId\":\"51020300-0000-0000-0000-000000000000\",\"releaseLow\":2,\"releaseHigh\":3}"
    );
    buffer_clear(&out);
    config.api_address = "api.example:80";
    join_question(&config, STORE, &out);
    assert_non_null(strstr((const char *)out.data, "\"apiAddress\":\"api.example:80\""));
    buffer_deinit(&out);
}

static const char ANSWER[] =
    "{\"clusterId\":\"c1000000-0000-0000-0000-000000000000\",\"nodeId\":4,\"partitions\":64,"
    "\"replicas\":3,\"members\":[{\"nodeId\":1,\"address\":\"a:1\"},{\"nodeId\":4,\"address\":\"d:"
    "1\","
    "\"zone\":\"b\"}],\"more\":true}";

static void the_answer_makes_a_member_of_it(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    struct identity identity = {.state = IDENTITY_ASKS, .store_id = STORE};
    assert_ok(join_answer(bytes_from_text(ANSWER), arena, &identity));
    assert_int_equal(identity.state, IDENTITY_ADMITTED);
    assert_true(identity.joined);
    assert_int_equal(identity.node, 4);
    assert_int_equal(identity.partitions, 64);
    assert_int_equal(identity.replicas, 3);
    assert_int_equal(identity.cluster_id.bytes[0], 0xc1);
    assert_true(id_equal(identity.store_id, STORE));
    assert_int_equal(identity.first.count, 2);
    assert_string_equal(identity.known.items[1].address, "d:1");
    arena_destroy(&arena);
}

static void half_an_answer_is_none(void **state) {
    (void)state;
    static const char *const PARTS[] = {
        "c1000000-0000-0000-0000-000000000000",
        "\"nodeId\":4,\"partitions",
        "\"partitions\":64",
        "\"replicas\":3",
        "\"address\":\"a:1\"",
        "\"members\"",
    };
    struct arena *arena = arena_create(1024);
    for (size_t at = 0; at < sizeof(PARTS) / sizeof(PARTS[0]); at++) {
        char text[sizeof(ANSWER)];
        memcpy(text, ANSWER, sizeof(text));
        char *part = strstr(text, PARTS[at]);
        assert_non_null(part);
        part[1] = 'x';
        struct identity identity = {.state = IDENTITY_ASKS, .store_id = STORE};
        assert_err(join_answer(bytes_from_text(text), arena, &identity), ERR_INVALID);
        assert_int_equal(identity.state, IDENTITY_ASKS);
    }
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_says_who_asks),
        cmocka_unit_test(the_answer_makes_a_member_of_it),
        cmocka_unit_test(half_an_answer_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
