// Kept open beside the group's row (struct permits) from the first look to the end of the command.
// What is given is counted here before it is said: a permit is never in two places.
#include "scheduler/permit_home.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "scheduler/message.h"
#include "scheduler/renewal.h"
#include "storage/keys.h"

struct holder {
    group_id group;
    uint32_t held[PERMIT_KINDS];
    bool told[PERMIT_KINDS];
    uint32_t giving[PERMIT_KINDS]; // in this round, and not said yet
    uint32_t limits[PERMIT_KINDS]; // under which
};

struct waiter {
    group_id group;
    enum permit_kind kind;
    uint32_t wanted;
    uint32_t limit;
};

struct permit_home {
    struct holder *holders;
    uint32_t holder_count;
    uint32_t holder_room;
    struct waiter *waiters; // first come first
    uint32_t waiter_count;
    uint32_t waiter_room;
};

static err look(struct permits *permits);
static struct holder *holder_of(struct permits *permits, group_id group);
static struct waiter *waiter_of(struct permits *permits, group_id group, enum permit_kind kind);
static err serve(struct permits *permits, enum permit_kind kind);

err permit_home_asked(
    struct permits *permits, group_id group, enum permit_kind kind, uint32_t count, uint32_t limit
) {
    TRY(look(permits));
    struct waiter *waiter = waiter_of(permits, group, kind);
    waiter->wanted += count;
    waiter->limit = limit;
    return serve(permits, kind);
}

err permit_home_returned(
    struct permits *permits, group_id group, enum permit_kind kind, uint32_t count
) {
    TRY(look(permits));
    struct holder *holder = holder_of(permits, group);
    check(holder->held[kind] >= count);
    holder->held[kind] -= count;
    return serve(permits, kind);
}

err permit_home_stated(
    struct permits *permits, group_id group, enum permit_kind kind, uint32_t count
) {
    TRY(look(permits));
    holder_of(permits, group)->held[kind] = count;
    waiter_of(permits, group, kind)->wanted = 0;
    return ERR_NONE;
}

err permit_home_serve(struct permits *permits) {
    TRY(look(permits));
    TRY(serve(permits, PERMIT_CONCURRENT));
    return serve(permits, PERMIT_RATE);
}

// --- serving
// -------------------------------------------------------------------------------------

static uint64_t out_count(const struct permit_home *home, enum permit_kind kind) {
    uint64_t out = 0;
    for (uint32_t i = 0; i < home->holder_count; i++) {
        out += home->holders[i].held[kind];
    }
    return out;
}

// The first in line that may be given one more: its place, or the count.
static uint32_t next_waiter(const struct permit_home *home, enum permit_kind kind) {
    uint64_t out = out_count(home, kind);
    for (uint32_t i = 0; i < home->waiter_count; i++) {
        const struct waiter *waiter = &home->waiters[i];
        if (waiter->kind == kind && waiter->wanted > 0 && out < waiter->limit) {
            return i;
        }
    }
    return home->waiter_count;
}

// Gives one; who wants more goes to the end of the line.
static void give_one(struct permits *permits, uint32_t place) {
    struct permit_home *home = permits->home;
    struct waiter waiter = home->waiters[place];
    struct holder *holder = holder_of(permits, waiter.group);
    holder->held[waiter.kind]++;
    holder->giving[waiter.kind]++;
    holder->limits[waiter.kind] = waiter.limit;
    waiter.wanted--;
    for (uint32_t i = place; i + 1 < home->waiter_count; i++) {
        home->waiters[i] = home->waiters[i + 1];
    }
    if (waiter.wanted > 0) {
        home->waiters[home->waiter_count - 1] = waiter;
    } else {
        home->waiter_count--;
    }
}

static bool others_wait(const struct permit_home *home, group_id group, enum permit_kind kind) {
    for (uint32_t i = 0; i < home->waiter_count; i++) {
        const struct waiter *waiter = &home->waiters[i];
        if (waiter->kind == kind && waiter->wanted > 0 && waiter->group != group) {
            return true;
        }
    }
    return false;
}

static err
say(struct permits *permits, group_id group, enum permit_kind kind, uint32_t count, uint32_t limit
) {
    bool wait = others_wait(permits->home, group, kind);
    if (group == permits->group) {
        return permits_given(permits, kind, count, limit, wait);
    }
    const struct message_row message = {
        .kind = MESSAGE_PERMITS_GIVEN,
        .flags = wait ? MESSAGE_OTHERS_WAIT : 0u,
        .name = permits->name,
        .permit_kind = (uint8_t)kind,
        .permits = count,
        .permits_limit = limit,
    };
    if (count > 0 && mutant_is("permit_granted_twice")) {
        TRY(message_send(permits->decision, group, &message));
    }
    return message_send(permits->decision, group, &message);
}

static err serve(struct permits *permits, enum permit_kind kind) {
    struct permit_home *home = permits->home;
    bool waits = false;
    TRY(renewal_waits_for_statements(permits->decision, &waits));
    if (waits) {
        return ERR_NONE;
    }
    for (;;) {
        uint32_t place = next_waiter(home, kind);
        if (place == home->waiter_count) {
            break;
        }
        give_one(permits, place);
    }
    for (uint32_t i = 0; i < home->holder_count; i++) {
        struct holder *holder = &home->holders[i];
        bool wait = others_wait(home, holder->group, kind);
        uint32_t count = holder->giving[kind];
        if (count > 0 || (holder->held[kind] > 0 && wait && !holder->told[kind])) {
            holder->giving[kind] = 0;
            holder->told[kind] = wait;
            TRY(say(permits, holder->group, kind, count, holder->limits[kind]));
        }
    }
    return ERR_NONE;
}

// --- the row
// -------------------------------------------------------------------------------------

static uint32_t item(struct wire_u32_list list, uint32_t index) {
    return index < list.count ? list.items[index] : 0;
}

static void take_holders(struct permit_home *home, const struct permit_home_row *row) {
    for (uint32_t i = 0; i < row->groups.count; i++) {
        uint32_t told = item(row->told, i);
        home->holders[home->holder_count++] = (struct holder){
            .group = (group_id)row->groups.items[i],
            .held = {item(row->permits, i), item(row->tokens, i)},
            .told = {(told & 1u) != 0, (told & 2u) != 0},
        };
    }
}

static void take_waiters(struct permit_home *home, const struct permit_home_row *row) {
    for (uint32_t i = 0; i < row->waiting.count; i++) {
        home->waiters[home->waiter_count++] = (struct waiter){
            .group = (group_id)row->waiting.items[i],
            .kind = item(row->waiting_kinds, i) == PERMIT_RATE ? PERMIT_RATE : PERMIT_CONCURRENT,
            .wanted = item(row->waiting_counts, i),
            .limit = item(row->waiting_limits, i),
        };
    }
}

// There are at most as many holders as groups, and as many waiters for each kind.
static err look(struct permits *permits) {
    if (permits->home != NULL) {
        return ERR_NONE;
    }
    struct decision *decision = permits->decision;
    check(permits->group == permits->home_group);
    struct key key = key_limit_home(hash_sip64(permits->name));
    struct permit_home_row row = {0};
    err read = row_get(decision->txn, &key, &permit_home_row_record, decision->arena, &row);
    if (read.code != ERR_NOT_FOUND) {
        TRY(read);
    }
    struct permit_home *home = ARENA_NEW(decision->arena, struct permit_home);
    home->holder_room = row.groups.count + 2;
    home->waiter_room = row.waiting.count + 2 * PERMIT_KINDS;
    home->holders = ARENA_ARRAY(decision->arena, struct holder, home->holder_room);
    home->waiters = ARENA_ARRAY(decision->arena, struct waiter, home->waiter_room);
    take_holders(home, &row);
    take_waiters(home, &row);
    permits->home = home;
    return ERR_NONE;
}

// Found, or made. Borrows until the next one is made.
static struct holder *holder_of(struct permits *permits, group_id group) {
    struct permit_home *home = permits->home;
    for (uint32_t i = 0; i < home->holder_count; i++) {
        if (home->holders[i].group == group) {
            return &home->holders[i];
        }
    }
    if (home->holder_count == home->holder_room) {
        struct holder *grown =
            ARENA_ARRAY(permits->decision->arena, struct holder, home->holder_room * 2);
        for (uint32_t i = 0; i < home->holder_count; i++) {
            grown[i] = home->holders[i];
        }
        home->holders = grown;
        home->holder_room *= 2;
    }
    struct holder *holder = &home->holders[home->holder_count++];
    *holder = (struct holder){.group = group};
    return holder;
}

static struct waiter *waiter_of(struct permits *permits, group_id group, enum permit_kind kind) {
    struct permit_home *home = permits->home;
    for (uint32_t i = 0; i < home->waiter_count; i++) {
        if (home->waiters[i].group == group && home->waiters[i].kind == kind) {
            return &home->waiters[i];
        }
    }
    // One command is about one group's wish and home's own: there is room for both kinds of each.
    check(home->waiter_count < home->waiter_room);
    struct waiter *waiter = &home->waiters[home->waiter_count++];
    *waiter = (struct waiter){.group = group, .kind = kind};
    return waiter;
}

void permit_home_save(struct permits *permits) {
    const struct permit_home *home = permits->home;
    if (home == NULL) {
        return;
    }
    struct arena *arena = permits->decision->arena;
    struct permit_home_row row = {.name = permits->name};
    struct wire_u32_list *lists[] = {
        &row.groups,
        &row.permits,
        &row.tokens,
        &row.told,
        &row.waiting,
        &row.waiting_kinds,
        &row.waiting_counts,
        &row.waiting_limits,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        lists[i]->items = ARENA_ARRAY(arena, uint32_t, home->holder_count + home->waiter_count + 1);
    }
    for (uint32_t i = 0; i < home->holder_count; i++) {
        const struct holder *holder = &home->holders[i];
        if (holder->held[PERMIT_CONCURRENT] == 0 && holder->held[PERMIT_RATE] == 0) {
            continue;
        }
        row.groups.items[row.groups.count++] = holder->group;
        row.permits.items[row.permits.count++] = holder->held[PERMIT_CONCURRENT];
        row.tokens.items[row.tokens.count++] = holder->held[PERMIT_RATE];
        row.told.items[row.told.count++] =
            (holder->told[PERMIT_CONCURRENT] ? 1u : 0u) | (holder->told[PERMIT_RATE] ? 2u : 0u);
    }
    for (uint32_t i = 0; i < home->waiter_count; i++) {
        const struct waiter *waiter = &home->waiters[i];
        if (waiter->wanted == 0) {
            continue; // asked under another limit for what was given meanwhile
        }
        row.waiting.items[row.waiting.count++] = waiter->group;
        row.waiting_kinds.items[row.waiting_kinds.count++] = waiter->kind;
        row.waiting_counts.items[row.waiting_counts.count++] = waiter->wanted;
        row.waiting_limits.items[row.waiting_limits.count++] = waiter->limit;
    }
    struct key key = key_limit_home(hash_sip64(permits->name));
    row_put(permits->decision->txn, &key, &permit_home_row_record, &row);
}
