// Configurations of links that are refused before a socket is opened, and the ports of a pair.
#include "node/peer/address.h"
#include "node/peer/options.h"
#include "tests/unit/test.h"

#include <string.h>

static const struct peers_member MEMBERS[] = {
    {1, "127.0.0.1:7100"},
    {2, "127.0.0.1:7200"},
    {3, "[::1]:7300"},
};

static struct peers_options good_options(void) {
    return (struct peers_options){
        .self_id = 2,
        .members = MEMBERS,
        .member_count = 3,
        .incarnation = 1,
        .release_low = 1,
        .release_high = 1,
        .release = "0.1.0",
        .key = BYTES_LITERAL("a secret of sixteen bytes or more"),
    };
}

static void assert_refused(const struct peers_options *options, const char *part) {
    struct arena *arena = arena_create(1024);
    err error = options_check(options, arena);
    assert_err(error, ERR_INVALID);
    if (strstr(error.text, part) == NULL) {
        fail_msg("'%s' does not name '%s'", error.text, part);
    }
    arena_destroy(&arena);
}

static void a_good_configuration_is_taken(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    struct peers_options options = good_options();
    assert_ok(options_check(&options, arena));
    options.key = BYTES_EMPTY;
    options.plain = true;
    assert_ok(options_check(&options, arena));
    arena_destroy(&arena);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    struct peers_options options = good_options();
    options.self_id = 9;
    assert_refused(&options, "node 9");
    options = good_options();
    options.key = BYTES_LITERAL("short");
    assert_refused(&options, "not 5");
    options = good_options();
    options.plain = true;
    assert_refused(&options, "exclude each other");
    options = good_options();
    options.incarnation = 0;
    assert_refused(&options, "incarnation");
    options = good_options();
    options.release_low = 2;
    assert_refused(&options, "release");
    options = good_options();
    options.member_count = 0;
    assert_refused(&options, "0 members");
}

static void members_are_told_apart(void **state) {
    (void)state;
    struct peers_member twice[] = {{1, "127.0.0.1:7100"}, {1, "127.0.0.1:7200"}};
    struct peers_options options = good_options();
    options.self_id = 1;
    options.members = twice;
    options.member_count = 2;
    assert_refused(&options, "member id 1");
    twice[1] = (struct peers_member){2, "no-port"};
    assert_refused(&options, "'no-port'");
}

static void plain_links_stay_on_loopback(void **state) {
    (void)state;
    struct peers_member members[] = {{1, "127.0.0.1:7100"}, {2, "127.evil.example:7200"}};
    struct arena *arena = arena_create(1024);
    struct peers_options options = good_options();
    options.members = members;
    options.member_count = 2;
    options.key = BYTES_EMPTY;
    options.plain = true;
    assert_refused(&options, "127.evil.example");
    options.plain_anywhere = true;
    assert_ok(options_check(&options, arena));
    arena_destroy(&arena);
}

static void an_address_is_host_and_port(void **state) {
    (void)state;
    static const char *const WRONG[] = {"", ":1", "a", "a:", "a:0", "a:65536", "::1:80", "a/b:1"};
    struct arena *arena = arena_create(1024);
    struct address address;
    assert_true(address_parse("[::1]:7300", &address));
    assert_string_equal(address_url(arena, address), "tcp://[::1]:7300");
    assert_true(address_is_loopback(address));
    for (size_t at = 0; at < sizeof(WRONG) / sizeof(WRONG[0]); at++) {
        assert_false(address_parse(WRONG[at], &address));
    }
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_configuration_is_taken),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(members_are_told_apart),
        cmocka_unit_test(plain_links_stay_on_loopback),
        cmocka_unit_test(an_address_is_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
