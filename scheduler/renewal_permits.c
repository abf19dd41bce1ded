// What a recovered partition says of the limits it holds permits of, and hears as their home. It
// gives up what is idle without a word: home forgets it as well, and goes by what is stated from
// now on.
#include "proto/base/mutant.h"
#include "scheduler/message.h"
#include "scheduler/permit.h"
#include "scheduler/permit_home.h"
#include "scheduler/renewal_internal.h"
#include "storage/keys.h"

struct limits {
    bytes *names; // of what the group holds
    uint32_t name_count;
    bytes *homes; // keys of what it is home of
    uint32_t home_count;
};

static err names_grow(struct arena *arena, bytes **items, uint32_t count, bytes item) {
    // Room is made for twice as many at 1, 2, 4, 8 …
    if ((count & (count - 1)) == 0) {
        bytes *grown = ARENA_ARRAY(arena, bytes, count == 0 ? 1 : (size_t)count * 2);
        for (uint32_t i = 0; i < count; i++) {
            grown[i] = (*items)[i];
        }
        *items = grown;
    }
    (*items)[count] = item;
    return ERR_NONE;
}

static err find_limits(struct decision *decision, struct limits *limits) {
    struct key from = key_kind_prefix(KEY_LIMIT);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&from)
    );
    struct arena *arena = decision->arena;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint64_t hash = 0;
    err found = ERR_NONE;
    while (!err_is(found) && store_cursor_next(cursor, &key, &value) && key.size > 0 &&
           key.data[0] == KEY_LIMIT) {
        if (!key_limit_parse(key, &hash)) {
            found = names_grow(arena, &limits->homes, limits->home_count++, arena_copy(arena, key));
            continue;
        }
        struct limit_row row = {0};
        found = wire_decode(&limit_row_record, arena_copy(arena, value), arena, &row);
        found = err_is(found) ? found
                              : names_grow(arena, &limits->names, limits->name_count++, row.name);
    }
    store_cursor_close(&cursor);
    return found;
}

// What is in use stays; what is idle is given up without a word, for home forgets it, too.
static err state_kind(struct permits *permits, enum permit_kind kind) {
    struct purse *purse = &permits->purses[kind];
    uint32_t idle = permits_idle(permits, kind);
    purse->given -= idle < purse->given ? idle : purse->given;
    purse->asked = 0;
    purse->fresh = 0;
    purse->old = purse->old < purse->given ? purse->old : purse->given;
    purse->awaited = false;
    if (permits->group == permits->home_group) {
        return permit_home_stated(permits, permits->group, kind, purse->given);
    }
    if (purse->given == 0) {
        return ERR_NONE;
    }
    const struct message_row message = {
        .kind = MESSAGE_PERMITS_STATED,
        .name = permits->name,
        .permit_kind = (uint8_t)kind,
        .permits = purse->given,
    };
    return message_send(permits->decision, permits->home_group, &message);
}

err renewal_state_permits(struct decision *decision) {
    if (!decision->settings->permits_travel || mutant_is("permits_not_stated")) {
        return ERR_NONE;
    }
    struct limits limits = {0};
    TRY(find_limits(decision, &limits));
    for (uint32_t i = 0; i < limits.home_count; i++) {
        store_txn_del(decision->txn, limits.homes[i]);
    }
    for (uint32_t i = 0; i < limits.name_count; i++) {
        struct permits permits;
        TRY(permits_open(decision, limits.names[i], &permits));
        TRY(state_kind(&permits, PERMIT_CONCURRENT));
        TRY(state_kind(&permits, PERMIT_RATE));
        TRY(permits_save(&permits));
    }
    const struct message_row all = {.kind = MESSAGE_PERMITS_STATED};
    for (uint32_t group = 1; group < decision->settings->group_count; group++) {
        if (group != store_txn_group(decision->txn)) {
            TRY(message_send(decision, (group_id)group, &all));
        }
    }
    return ERR_NONE;
}

err renewal_waits_for_statements(struct decision *decision, bool *out_waits) {
    struct renewal_row row;
    TRY(renewal_row_load(decision, &row));
    *out_waits = row.unstated.count > 0;
    return ERR_NONE;
}

// The last group spoke: who waited is served.
static err serve_all(struct decision *decision) {
    struct limits limits = {0};
    TRY(find_limits(decision, &limits));
    for (uint32_t i = 0; i < limits.home_count; i++) {
        bytes value = BYTES_EMPTY;
        struct permit_home_row row = {0};
        TRY(store_txn_get(decision->txn, limits.homes[i], &value));
        value = arena_copy(decision->arena, value);
        TRY(wire_decode(&permit_home_row_record, value, decision->arena, &row));
        struct permits permits;
        TRY(permits_open(decision, row.name, &permits));
        TRY(permit_home_serve(&permits));
        TRY(permits_save(&permits));
    }
    return ERR_NONE;
}

static bool drop(struct wire_u32_list *list, uint32_t item) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] != item) {
            list->items[kept++] = list->items[i];
        }
    }
    bool had = kept < list->count;
    list->count = kept;
    return had;
}

err renewal_stated(struct decision *decision, group_id source, const struct message_row *message) {
    if (message->name.size > 0) {
        if (message->permit_kind >= PERMIT_KINDS) {
            return err_make(ERR_CORRUPT, "a message about permits of no known kind");
        }
        struct permits permits;
        TRY(permits_open(decision, message->name, &permits));
        enum permit_kind kind = (enum permit_kind)message->permit_kind;
        TRY(permit_home_stated(&permits, source, kind, message->permits));
        return permits_save(&permits);
    }
    struct renewal_row row;
    TRY(renewal_row_load(decision, &row));
    if (!drop(&row.unstated, source)) {
        return ERR_NONE;
    }
    renewal_row_save(decision, &row);
    return row.unstated.count == 0 ? serve_all(decision) : ERR_NONE;
}
