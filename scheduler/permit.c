// The group's row is read once a command and written at its end, home's row too if this is home:
// giving and returning between the two is then a call, and both change in one entry.
#include "scheduler/permit.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"
#include "scheduler/message.h"
#include "scheduler/permit_home.h"
#include "scheduler/timer.h"
#include "scheduler/window.h"
#include "storage/keys.h"

static err ask(struct permits *permits, enum permit_kind kind, uint32_t count);
static err give_back(struct permits *permits, enum permit_kind kind, uint32_t count);
static err give_back_old(struct permits *permits, enum permit_kind kind);
static err settle(struct permits *permits);
static uint32_t spare(struct permits *permits, enum permit_kind kind);
static int64_t due_ms(struct permits *permits);
static void arm(struct permits *permits);
static uint32_t least(uint32_t left, uint32_t right);

group_id permit_home_group(const struct scheduler_settings *settings, bytes name) {
    return (group_id)(1 + hash_sip64(name) % (settings->group_count - 1));
}

err permits_open(struct decision *decision, bytes name, struct permits *out_permits) {
    *out_permits = (struct permits){
        .decision = decision,
        .name = name,
        .group = store_txn_group(decision->txn),
        .home_group = permit_home_group(decision->settings, name),
    };
    struct limit_row *row = &out_permits->row;
    struct key key = key_limit(hash_sip64(name));
    err error = row_get(decision->txn, &key, &limit_row_record, decision->arena, row);
    if (error.code == ERR_NOT_FOUND) {
        *row = (struct limit_row){0};
    } else {
        TRY(error);
    }
    row->name = name;
    row->freed = 0;
    out_permits->purses[PERMIT_CONCURRENT] = (struct purse){
        .given = row->permits,
        .asked = row->permits_asked,
        .fresh = row->permits_fresh,
        .limit = row->permits_limit,
        .old = row->permits_old,
        .awaited = row->permits_awaited != 0,
    };
    out_permits->purses[PERMIT_RATE] = (struct purse){
        .given = row->tokens,
        .asked = row->tokens_asked,
        .fresh = row->tokens_fresh,
        .limit = row->tokens_limit,
        .old = row->tokens_old,
        .awaited = row->tokens_awaited != 0,
    };
    return ERR_NONE;
}

err permits_save(struct permits *permits) {
    TRY(settle(permits));
    permit_home_save(permits);
    arm(permits);
    bool idle = permits_idle(permits, PERMIT_CONCURRENT) + permits_idle(permits, PERMIT_RATE) > 0;
    permits->row.freed = (permits->came_back && idle) || permits->row.freed != 0;
    const struct purse *concurrent = &permits->purses[PERMIT_CONCURRENT];
    const struct purse *rate = &permits->purses[PERMIT_RATE];
    struct limit_row *row = &permits->row;
    row->permits = concurrent->given;
    row->permits_asked = concurrent->asked;
    row->permits_fresh = concurrent->fresh;
    row->permits_limit = concurrent->limit;
    row->permits_old = concurrent->old;
    row->permits_awaited = concurrent->awaited;
    row->tokens = rate->given;
    row->tokens_asked = rate->asked;
    row->tokens_fresh = rate->fresh;
    row->tokens_limit = rate->limit;
    row->tokens_old = rate->old;
    row->tokens_awaited = rate->awaited;
    struct key key = key_limit(hash_sip64(permits->name));
    row_put(permits->decision->txn, &key, &limit_row_record, row);
    return ERR_NONE;
}

// --- using
// ---------------------------------------------------------------------------------------

err permits_admit(
    struct permits *permits,
    enum permit_kind kind,
    uint32_t limit,
    uint32_t wanted,
    bool *out_admits
) {
    struct purse *purse = &permits->purses[kind];
    if (purse->limit != limit) {
        // What is idle was given under another limit, which may allow more.
        purse->limit = limit;
        purse->fresh = 0;
        permits->changed = true;
        if (purse->asked > 0) {
            TRY(ask(permits, kind, 0));
        }
        TRY(give_back(permits, kind, permits_idle(permits, kind)));
        purse->old = purse->given;
    }
    TRY(give_back_old(permits, kind));
    // More than there are cannot be had; one must be asked for, to be in line.
    uint32_t room = limit > purse->given ? limit - purse->given : 0;
    wanted = room == 0 ? 1 : least(wanted, room);
    if (permits_idle(permits, kind) == 0 && purse->asked < wanted) {
        uint32_t more = wanted - purse->asked;
        purse->asked = wanted;
        TRY(ask(permits, kind, more));
    }
    *out_admits = permits_idle(permits, kind) > 0;
    if (*out_admits && purse->fresh == 0) {
        // It is for this task: what else is written before it is used does not return it.
        purse->fresh = 1;
        permits->row.given_ms = permits->decision->now.ms;
    }
    return ERR_NONE;
}

uint32_t permits_idle(struct permits *permits, enum permit_kind kind) {
    int64_t oldest_ms = INT64_MAX;
    uint32_t used =
        kind == PERMIT_CONCURRENT
            ? permits->row.held
            : window_prune(
                  &permits->row, permits->decision->now.ms, permits->row.window_ms, &oldest_ms
              );
    return permits->purses[kind].given > used ? permits->purses[kind].given - used : 0;
}

int64_t permits_next_token_ms(struct permits *permits) {
    int64_t oldest_ms = INT64_MAX;
    (void
    )window_prune(&permits->row, permits->decision->now.ms, permits->row.window_ms, &oldest_ms);
    return oldest_ms == INT64_MAX ? oldest_ms : oldest_ms + permits->row.window_ms;
}

void permits_used(struct permits *permits, enum permit_kind kind) {
    struct purse *purse = &permits->purses[kind];
    purse->fresh = purse->fresh > 0 ? purse->fresh - 1 : 0;
    permits->row.used_ms = permits->decision->now.ms;
}

// What a task needs besides a token, one that it waits for or that has just come, is not spare: it
// would come back without the token, and the two could miss each other for ever.
static uint32_t spare(struct permits *permits, enum permit_kind kind) {
    uint32_t idle = permits_idle(permits, kind);
    if (kind == PERMIT_RATE) {
        return idle;
    }
    const struct purse *rate = &permits->purses[PERMIT_RATE];
    uint32_t come = least(rate->fresh, permits_idle(permits, PERMIT_RATE));
    return idle - least(idle, rate->asked + come);
}

// --- between the group and home
// ------------------------------------------------------------------

static err send(struct permits *permits, const struct message_row *message) {
    return message_send(permits->decision, permits->home_group, message);
}

static err ask(struct permits *permits, enum permit_kind kind, uint32_t count) {
    uint32_t limit = permits->purses[kind].limit;
    permits->changed = true;
    if (permits->group == permits->home_group) {
        return permit_home_asked(permits, permits->group, kind, count, limit);
    }
    const struct message_row message = {
        .kind = MESSAGE_PERMITS_ASKED,
        .name = permits->name,
        .permit_kind = (uint8_t)kind,
        .permits = count,
        .permits_limit = limit,
    };
    return send(permits, &message);
}

static err give_back(struct permits *permits, enum permit_kind kind, uint32_t count) {
    struct purse *purse = &permits->purses[kind];
    if (count == 0) {
        return ERR_NONE;
    }
    check(purse->given >= count);
    purse->given -= count;
    permits->changed = true;
    if (permits->group == permits->home_group) {
        return permit_home_returned(permits, permits->group, kind, count);
    }
    const struct message_row message = {
        .kind = MESSAGE_PERMITS_RETURNED,
        .name = permits->name,
        .permit_kind = (uint8_t)kind,
        .permits = count,
    };
    return send(permits, &message);
}

static err give_back_old(struct permits *permits, enum permit_kind kind) {
    struct purse *purse = &permits->purses[kind];
    uint32_t idle = permits_idle(permits, kind);
    uint32_t count = least(purse->old, idle - least(idle, purse->fresh));
    purse->old -= count;
    return give_back(permits, kind, count);
}

err permits_given(
    struct permits *permits, enum permit_kind kind, uint32_t count, uint32_t limit, bool awaited
) {
    struct purse *purse = &permits->purses[kind];
    purse->awaited = awaited;
    purse->given += count;
    purse->asked -= least(purse->asked, count);
    if (count == 0) {
        return ERR_NONE;
    }
    permits->row.freed = 1;
    permits->changed = true;
    if (limit != purse->limit) {
        return give_back(permits, kind, count); // who is refused now asks again
    }
    purse->fresh += count;
    permits->row.given_ms = permits->decision->now.ms;
    return ERR_NONE;
}

err permits_message(struct decision *decision, group_id source, const struct message_row *message) {
    if (message->permit_kind >= PERMIT_KINDS) {
        return err_make(ERR_CORRUPT, "a message about permits of no known kind");
    }
    enum permit_kind kind = (enum permit_kind)message->permit_kind;
    struct permits permits;
    TRY(permits_open(decision, message->name, &permits));
    if (message->kind == MESSAGE_PERMITS_ASKED) {
        TRY(permit_home_asked(&permits, source, kind, message->permits, message->permits_limit));
    } else if (message->kind == MESSAGE_PERMITS_RETURNED) {
        TRY(permit_home_returned(&permits, source, kind, message->permits));
    } else {
        bool awaited = (message->flags & MESSAGE_OTHERS_WAIT) != 0;
        TRY(permits_given(&permits, kind, message->permits, message->permits_limit, awaited));
    }
    return permits_save(&permits);
}

// --- returning what is idle
// ----------------------------------------------------------------------

// Returns what is wanted elsewhere; at home there is no reason to keep anything.
static err settle(struct permits *permits) {
    for (int kind = 0; kind < PERMIT_KINDS; kind++) {
        struct purse *purse = &permits->purses[kind];
        purse->fresh = least(purse->fresh, purse->given);
        TRY(give_back_old(permits, (enum permit_kind)kind));
        uint32_t idle = spare(permits, (enum permit_kind)kind);
        if (purse->awaited || permits->group == permits->home_group) {
            TRY(give_back(permits, (enum permit_kind)kind, idle - least(idle, purse->fresh)));
        }
    }
    return ERR_NONE;
}

err permits_fire(struct decision *decision, id128 timer_id) {
    struct key key = key_limit(bytes_get_u64(timer_id.bytes));
    struct limit_row row = {0};
    err found = row_get(decision->txn, &key, &limit_row_record, decision->arena, &row);
    if (found.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(found);
    struct permits permits;
    TRY(permits_open(decision, row.name, &permits));
    permits.row.timer_ms = 0;
    permits.came_back = true;
    int64_t now_ms = decision->now.ms;
    for (int kind = 0; kind < PERMIT_KINDS; kind++) {
        struct purse *purse = &permits.purses[kind];
        TRY(give_back_old(&permits, (enum permit_kind)kind));
        uint32_t idle = spare(&permits, (enum permit_kind)kind);
        if (purse->awaited && permits.row.given_ms + LIMIT_PERMIT_FRESH_MS <= now_ms) {
            // Whoever it was for is gone, perhaps, and the token that came for him is his no more.
            purse->fresh = 0;
            permits.purses[PERMIT_RATE].fresh = 0;
        }
        if (!purse->awaited && permits.row.used_ms + LIMIT_PERMIT_IDLE_MS <= now_ms) {
            TRY(give_back(&permits, (enum permit_kind)kind, idle - least(idle, purse->fresh)));
        }
    }
    return permits_save(&permits);
}

id128 permit_timer_id(uint64_t limit_hash) {
    id128 id = {{0}};
    bytes_put_u64(id.bytes, limit_hash);
    return id;
}

// When something here is to be returned that nobody returns in a command of his own.
static int64_t due_ms(struct permits *permits) {
    int64_t first_ms = TIMER_NEVER;
    for (int kind = 0; kind < PERMIT_KINDS; kind++) {
        const struct purse *purse = &permits->purses[kind];
        uint32_t idle = spare(permits, (enum permit_kind)kind);
        int64_t at_ms = TIMER_NEVER;
        bool paired = kind == PERMIT_CONCURRENT && permits->purses[PERMIT_RATE].asked == 0 &&
                      permits_idle(permits, PERMIT_CONCURRENT) > 0;
        if (purse->awaited && (idle > 0 || paired)) {
            at_ms = permits->row.given_ms + LIMIT_PERMIT_FRESH_MS;
        } else if (idle > purse->fresh) {
            at_ms = permits->row.used_ms + LIMIT_PERMIT_IDLE_MS;
        }
        first_ms = at_ms < first_ms ? at_ms : first_ms;
    }
    int64_t token_ms = permits_next_token_ms(permits);
    if (token_ms != INT64_MAX && !permits->purses[PERMIT_RATE].awaited) {
        token_ms += LIMIT_PERMIT_IDLE_MS;
    }
    return token_ms < first_ms ? token_ms : first_ms;
}

// As timer_arm: a row may be early, never late.
static void arm(struct permits *permits) {
    struct limit_row *row = &permits->row;
    int64_t at_ms = due_ms(permits);
    if (at_ms == TIMER_NEVER || (row->timer_ms != 0 && row->timer_ms <= at_ms)) {
        return;
    }
    id128 id = permit_timer_id(hash_sip64(permits->name));
    struct store_txn *txn = permits->decision->txn;
    if (row->timer_ms != 0) {
        struct key old = key_timer(row->timer_ms, TIMER_LIMIT, id, 0, 0);
        store_txn_del(txn, key_bytes(&old));
    }
    row->timer_ms = at_ms > permits->decision->now.ms ? at_ms : permits->decision->now.ms + 1;
    struct key key = key_timer(row->timer_ms, TIMER_LIMIT, id, 0, 0);
    store_txn_put(txn, key_bytes(&key), BYTES_LITERAL(""));
}

static uint32_t least(uint32_t left, uint32_t right) {
    return left < right ? left : right;
}
