// Reading the past: rows as they were, whatever became of them.
#include "proto/limits.h"
#include "tests/unit/storage/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT_BYTES = 64 * 1024
};

#define KEY(text) BYTES_LITERAL(text)

static enum rig_kind kind_of(void **state) {
    return *(const enum rig_kind *)*state;
}

static struct store_past *begin(struct rig *rig) {
    const struct store_scope scopes[] = {{BYTES_LITERAL("a"), false}, {BYTES_LITERAL("b"), true}};
    return store_past_begin(rig->store, 1, scopes, 2);
}

static void expect(struct store_past *past, bytes key, bytes value) {
    struct store_txn *txn = NULL;
    assert_ok(store_past_read(past, &txn));
    bytes found = BYTES_EMPTY;
    err error = store_txn_get(txn, key, &found);
    if (value.data == NULL) {
        assert_int_equal(error.code, ERR_NOT_FOUND);
    } else {
        assert_ok(error);
        assert_true(bytes_equal(found, value));
    }
    store_txn_abort(&txn);
}

static void expect_walk(struct rig *rig, struct store_past *past, const char *wanted) {
    struct store_txn *txn = NULL;
    assert_ok(store_past_read(past, &txn));
    struct store_cursor *cursor = store_cursor_open(rig->store, txn, 1, BYTES_LITERAL("a"));
    char text[256] = "";
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value) && key.data[0] == 'a') {
        size_t at = strlen(text);
        (void
        )snprintf(text + at, sizeof(text) - at, "%.*s=%.*s ", BYTES_ARG(key), BYTES_ARG(value));
    }
    store_cursor_close(&cursor);
    store_txn_abort(&txn);
    assert_string_equal(text, wanted);
}

static void rows_are_read_as_they_were(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("old"));
    (void)rig_put(&rig, 1, KEY("a2"), KEY("old"));
    (void)rig_put(&rig, 1, KEY("a3"), KEY(""));
    (void)rig_put(&rig, 1, KEY("b1"), KEY("old"));
    rig_sync(&rig);
    rig_checkpoint(&rig);
    (void)rig_put(&rig, 1, KEY("a4"), KEY("guess")); // not committed yet
    struct store_past *past = begin(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("new"));
    (void)rig_put(&rig, 1, KEY("a1"), KEY("newer"));
    (void)rig_put(&rig, 1, KEY("a2"), BYTES_EMPTY);
    (void)rig_put(&rig, 1, KEY("a3"), KEY("new"));
    (void)rig_put(&rig, 1, KEY("a4"), KEY("new"));
    (void)rig_put(&rig, 1, KEY("a5"), KEY("new"));
    (void)rig_put(&rig, 1, KEY("b1"), BYTES_EMPTY);
    (void)rig_put(&rig, 1, KEY("c1"), KEY("new"));
    (void)rig_put(&rig, 2, KEY("a1"), KEY("elsewhere"));
    for (int round = 0; round < 2; round++) {
        expect(past, KEY("a1"), KEY("old"));
        expect(past, KEY("a2"), KEY("old"));
        expect(past, KEY("a3"), KEY(""));
        expect(past, KEY("a4"), KEY("guess"));
        expect(past, KEY("a5"), BYTES_EMPTY);
        expect(past, KEY("b1"), KEY("old"));
        expect(past, KEY("c1"), KEY("new"));
        expect_walk(&rig, past, "a1=old a2=old a3= a4=guess ");
        rig_expect(&rig, 1, KEY("a1"), KEY("newer"));
        rig_sync(&rig);
        rig_checkpoint(&rig); // nothing of it depends on where the rows are
    }
    store_past_end(&past);
    assert_null(past);
    rig_deinit(&rig);
}

static void it_ends_with_what_was_only_a_guess(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("old"));
    rig_sync(&rig);
    struct store_past *sound = begin(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("guess"));
    struct store_past *guessed = begin(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("another"));
    store_forget_speculation(rig.store, 1);
    struct store_txn *txn = NULL;
    assert_true(store_past_is_over(guessed));
    assert_int_equal(store_past_read(guessed, &txn).code, ERR_UNAVAILABLE);
    expect(sound, KEY("a1"), KEY("old"));
    store_past_end(&sound);
    store_past_end(&guessed);
    rig_deinit(&rig);
}

// Making the overlay anew changes nothing that was readable: rows in it are not taken for changes.
static void guesses_that_are_taken_back_leave_it_as_it_was(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("first"));
    rig_sync(&rig);
    rig_checkpoint(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("second"));
    rig_sync(&rig); // committed, and newer than the map's
    struct store_past *past = begin(&rig);
    (void)rig_put(&rig, 1, KEY("a2"), KEY("guess"));
    store_forget_speculation(rig.store, 1);
    expect(past, KEY("a1"), KEY("second"));
    expect(past, KEY("a2"), BYTES_EMPTY);
    expect_walk(&rig, past, "a1=second ");
    store_past_end(&past);
    rig_deinit(&rig);
}

static void a_follower_keeps_it_too(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("old"));
    rig_sync(&rig);
    (void)rig_put(&rig, 1, KEY("a1"), KEY("new"));
    store_forget_speculation(rig.store, 1); // it is a follower's entry now: in the log, not read
    struct store_past *past = begin(&rig);
    expect(past, KEY("a1"), KEY("old"));
    assert_ok(rig_try_sync(&rig));
    store_commit(rig.store, 1, 2);
    rig_expect(&rig, 1, KEY("a1"), KEY("new"));
    expect(past, KEY("a1"), KEY("old"));
    store_past_end(&past);
    rig_deinit(&rig);
}

static void it_has_a_bound(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), 1024 * 1024);
    rig_open(&rig);
    size_t size = 256 * 1024;
    char *large = calloc(1, size);
    assert_non_null(large);
    struct store_past *past = begin(&rig);
    struct store_past *other = store_past_begin(rig.store, 2, NULL, 0);
    for (int i = 0; i < LIMIT_STORE_PAST_BYTES / (int)size + 2; i++) {
        char key[16];
        int written = snprintf(key, sizeof(key), "a%d", i);
        (void)rig_put(&rig, 1, bytes_of(key, (size_t)written), bytes_of(large, size));
        (void)rig_put(&rig, 1, bytes_of(key, (size_t)written), KEY("small"));
        rig_sync(&rig);
        rig_checkpoint(&rig);
    }
    assert_false(store_past_is_over(past)); // rows that were not there cost little
    for (int i = 0; i < LIMIT_STORE_PAST_BYTES / (int)size + 2; i++) {
        char key[16];
        int written = snprintf(key, sizeof(key), "b%d", i);
        (void)rig_put(&rig, 1, bytes_of(key, (size_t)written), bytes_of(large, size));
        (void)rig_put(&rig, 1, bytes_of(key, (size_t)written), BYTES_EMPTY);
        rig_sync(&rig);
        rig_checkpoint(&rig);
    }
    assert_true(store_past_is_over(past));
    assert_false(store_past_is_over(other));
    store_past_end(&past);
    store_past_end(&other);
    free(large);
    rig_deinit(&rig);
}

int main(void) {
    static enum rig_kind memory = RIG_MEMORY;
    static enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(rows_are_read_as_they_were, &memory),
        cmocka_unit_test_prestate(rows_are_read_as_they_were, &real),
        cmocka_unit_test_prestate(it_ends_with_what_was_only_a_guess, &memory),
        cmocka_unit_test_prestate(guesses_that_are_taken_back_leave_it_as_it_was, &memory),
        cmocka_unit_test_prestate(a_follower_keeps_it_too, &memory),
        cmocka_unit_test_prestate(it_has_a_bound, &memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
