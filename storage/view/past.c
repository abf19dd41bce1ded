// What a past holds is a write-set backwards: of each row that changed, what it was before the
// first change. A transaction over it looks there first, exactly as another looks at its own
// writes, so that reading code cannot tell the two apart.
//
// Where an entry's rows become readable (txn.c, overlay.c) pasts are told before. Rows that become
// unreadable again – a leader's guesses – are those of entries behind the past's position, or the
// past is over: what was read from it was never so.
#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>

enum {
    ARENA_BYTES = 4 * 1024
};

struct store_past *store_past_begin(
    struct store *store, group_id group, const struct store_scope *scopes, size_t scope_count
) {
    struct store_past *past = calloc(1, sizeof(*past));
    check(past != NULL);
    past->store = store;
    past->group = group;
    past->index = store_group_of(store, group)->overlaid_index;
    past->arena = arena_create(ARENA_BYTES);
    past->scopes = ARENA_ARRAY(past->arena, struct store_scope, scope_count + 1);
    past->scope_count = scope_count;
    for (size_t i = 0; i < scope_count; i++) {
        past->scopes[i].prefix = arena_copy(past->arena, scopes[i].prefix);
        past->scopes[i].only_gone = scopes[i].only_gone;
    }
    ordered_init(&past->rows, past->index);
    past->next = store->pasts;
    store->pasts = past;
    return past;
}

void store_past_end(struct store_past **past_variable) {
    struct store_past *past = *past_variable;
    if (past == NULL) {
        return;
    }
    check(past->store->txn.past != past);
    struct store_past **at = &past->store->pasts;
    while (*at != past) {
        at = &(*at)->next;
    }
    *at = past->next;
    ordered_clear(&past->rows);
    arena_destroy(&past->arena);
    free(past);
    *past_variable = NULL;
}

bool store_past_is_over(const struct store_past *past) {
    return past->over;
}

size_t store_past_bytes(const struct store_past *past) {
    return past->bytes;
}

err store_past_read(struct store_past *past, struct store_txn **out_txn) {
    struct store *store = past->store;
    check(!store->txn.open);
    if (past->over) {
        return err_make(ERR_UNAVAILABLE, "what was being read changed too much meanwhile");
    }
    store->txn.open = true;
    store->txn.group = past->group;
    store->txn.live_bytes = 0;
    store->txn.write_count = 0;
    store->txn.past = past;
    *out_txn = &store->txn;
    return ERR_NONE;
}

static bool concerns(const struct store_past *past, bytes key, bool gone) {
    for (size_t i = 0; i < past->scope_count; i++) {
        const struct store_scope *scope = &past->scopes[i];
        if (bytes_starts_with(key, scope->prefix) && (gone || !scope->only_gone)) {
            return !mutant_is("past_not_kept");
        }
    }
    return false;
}

static void note(struct store_past *past, bytes key) {
    bytes before = BYTES_EMPTY;
    err read = store_get(past->store, past->group, key, &before);
    if (err_is(read) && read.code != ERR_NOT_FOUND) {
        past->over = true; // a rotten row may be replaced, but nobody can say what it was
        return;
    }
    bool fresh = false;
    struct ordered_node *node = ordered_put(&past->rows, key, &fresh);
    if (!fresh) {
        return; // what it was at first counts
    }
    node->key = arena_copy(past->arena, key);
    node->value = BYTES_EMPTY;
    if (!err_is(read)) {
        node->value = before.size > 0 ? arena_copy(past->arena, before) : bytes_of("", 0);
    }
    past->bytes += key.size + before.size;
    if (past->bytes > LIMIT_STORE_PAST_BYTES) {
        past->over = true;
    }
}

void pasts_note(struct store *store, group_id group, bytes key, bool gone) {
    for (struct store_past *past = store->pasts; past != NULL; past = past->next) {
        if (past->group == group && !past->over && concerns(past, key, gone)) {
            note(past, key);
        }
    }
}

void pasts_end_behind(struct store *store, group_id group, log_index index) {
    for (struct store_past *past = store->pasts; past != NULL; past = past->next) {
        if (past->group == group && past->index > index) {
            past->over = true;
        }
    }
}
