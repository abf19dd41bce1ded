// The file that says who the node of a store is.
#include "node/shell/identity.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const id128 CLUSTER = {{0xc1, 2, 3}};
static const id128 STORE = {{0x51, 2, 3}};

static struct identity some_identity(void) {
    struct identity identity = {
        .state = IDENTITY_MEMBER,
        .joined = true,
        .store_id = STORE,
        .cluster_id = CLUSTER,
        .node = 4,
        .partitions = 64,
        .replicas = 3,
    };
    assert_true(identity_list_put(&identity.first, 9, BYTES_LITERAL("[::1]:7109")));
    assert_true(identity_list_put(&identity.first, 1, BYTES_LITERAL("host-1.example:7101")));
    identity.known = identity.first;
    assert_true(identity_list_put(&identity.known, 4, BYTES_LITERAL("127.0.0.1:7104")));
    return identity;
}

static void assert_same(const struct identity *left, const struct identity *right) {
    struct buffer texts[2];
    for (int at = 0; at < 2; at++) {
        buffer_init(&texts[at], 64 * 1024);
        identity_print(at == 0 ? left : right, &texts[at]);
    }
    assert_true(bytes_equal(buffer_bytes(&texts[0]), buffer_bytes(&texts[1])));
    buffer_deinit(&texts[0]);
    buffer_deinit(&texts[1]);
}

static void a_list_is_kept_in_order(void **state) {
    (void)state;
    struct identity_list list = {0};
    assert_true(identity_list_put(&list, 2, BYTES_LITERAL("b:1")));
    assert_true(identity_list_put(&list, 3, BYTES_LITERAL("c:1")));
    assert_true(identity_list_put(&list, 1, BYTES_LITERAL("a:1")));
    assert_false(identity_list_put(&list, 2, BYTES_LITERAL("b:1"))); // nothing new
    assert_true(identity_list_put(&list, 2, BYTES_LITERAL("b:2")));
    assert_int_equal(list.count, 3);
    for (uint16_t at = 0; at < 3; at++) {
        assert_int_equal(list.items[at].node, at + 1);
    }
    assert_string_equal(list.items[1].address, "b:2");
    assert_true(identity_list_drop(&list, 1));
    assert_false(identity_list_drop(&list, 1));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].node, 2);
    for (uint16_t node = 10; list.count < LIMIT_NODES; node++) {
        assert_true(identity_list_put(&list, node, BYTES_LITERAL("x:1")));
    }
    assert_false(identity_list_put(&list, 9, BYTES_LITERAL("x:1")));
}

static void what_is_saved_is_loaded(void **state) {
    (void)state;
    char folder[] = "/tmp/orpheus-identity-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_create(1024);
    struct identity loaded;
    assert_ok(identity_load(folder, arena, &loaded));
    assert_int_equal(loaded.state, IDENTITY_NONE);
    struct identity saved = some_identity();
    assert_ok(identity_save(folder, &saved, arena));
    assert_ok(identity_load(folder, arena, &loaded));
    assert_same(&saved, &loaded);
    struct identity asks = {.state = IDENTITY_ASKS, .store_id = STORE};
    assert_ok(identity_save(folder, &asks, arena));
    assert_ok(identity_load(folder, arena, &loaded));
    assert_same(&asks, &loaded);
    assert_err(identity_save("/proc/nowhere", &asks, arena), ERR_IO);
    (void)snprintf(path, sizeof(path), "%s/identity", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_destroy(&arena);
}

static void what_is_damaged_is_quoted(void **state) {
    (void)state;
    static const char *const DAMAGED[][2] = {
        {"", "not whole"},
        {"state = member\n", "not whole"},
        {"state = asks\n", "not whole"},
        {"state = perhaps\n", "state = perhaps"},
        {"node 4\n", "node 4"},
        {"node = 70000\n", "node = 70000"},
        {"node = x\n", "node = x"},
        {"known = 0 a:1\n", "known = 0 a:1"},
        {"known = 5\n", "known = 5"},
        {"cluster = 12\n", "cluster = 12"},
        {"colour = red\n", "colour = red"},
    };
    struct arena *arena = arena_create(1024);
    struct identity read;
    for (size_t at = 0; at < sizeof(DAMAGED) / sizeof(DAMAGED[0]); at++) {
        err error = identity_parse(bytes_from_text(DAMAGED[at][0]), arena, &read);
        assert_err(error, ERR_CORRUPT);
        if (strstr(error.text, DAMAGED[at][1]) == NULL) {
            fail_msg("'%s' does not name '%s'", error.text, DAMAGED[at][1]);
        }
    }
    // Any text cut anywhere is read or refused, and never read as something else's end.
    struct identity whole = some_identity();
    struct buffer text;
    buffer_init(&text, 64 * 1024);
    identity_print(&whole, &text);
    for (size_t size = 0; size < text.size; size++) {
        (void)err_is(identity_parse(bytes_of(text.data, size), arena, &read));
    }
    buffer_deinit(&text);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_kept_in_order),
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(what_is_damaged_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
