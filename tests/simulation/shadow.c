// A log is a list of (term, chain), index by index, and marks in it: followed, taken, durable,
// ended, told. A cut moves every mark back to where the log was cut; that the cut itself is not yet
// durable means that the old entries may come back once, which is legal.

#include "tests/simulation/shadow.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUP_COUNT_MAX = 32
};

struct entry {
    uint64_t term;
    hash128 chain;
};

struct hard {
    uint64_t term;
    uint64_t epoch; // of the log
    uint16_t vote;
};

struct log {
    struct entry *entries; // [0]: before the first
    size_t capacity;
    log_index followed; // newest entry
    log_index taken;    // in the batch that is out
    log_index durable;  // on the disk for certain
    log_index before;   // on the disk before the newest batch
    log_index ended;    // the store has it back
    log_index told;     // the core knows
    log_index commit;
    bool cut; // since the last batch that is durable: old entries may come back
    bool cut_taken;
    struct hard hard; // of now; in the batch that is out; durable
    struct hard hard_taken;
    struct hard hard_durable;
    int64_t time_ms;
    uint64_t cuts;
    bool installing;
};

struct shadow {
    struct world *world;
    const struct chronicle *chronicle;
    uint16_t node;
    uint32_t group_count;
    bool only_voter;
    struct log logs[GROUP_COUNT_MAX];
    uint64_t entries_total;
};

struct shadow *shadow_create(
    struct world *world,
    const struct chronicle *chronicle,
    uint16_t node,
    uint32_t group_count,
    bool only_voter
) {
    check(group_count <= GROUP_COUNT_MAX);
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    check(shadow != NULL);
    shadow->world = world;
    shadow->chronicle = chronicle;
    shadow->node = node;
    shadow->group_count = group_count;
    shadow->only_voter = only_voter;
    for (uint32_t i = 0; i < group_count; i++) {
        shadow->logs[i].capacity = 64;
        shadow->logs[i].entries = calloc(64, sizeof(struct entry));
        check(shadow->logs[i].entries != NULL);
    }
    return shadow;
}

void shadow_name(struct shadow *shadow, uint16_t node) {
    shadow->node = node;
}

void shadow_destroy(struct shadow **shadow) {
    if (*shadow != NULL) {
        for (uint32_t i = 0; i < (*shadow)->group_count; i++) {
            free((*shadow)->logs[i].entries);
        }
        free(*shadow);
        *shadow = NULL;
    }
}

static void fail(struct shadow *shadow, const char *checker, uint32_t group, const char *what) {
    const struct log *log = &shadow->logs[group];
    world_fail(
        shadow->world,
        checker,
        "n%u: group %u %s (last %llu, durable %llu, told %llu, commit %llu, term %llu, vote %u)",
        shadow->node,
        group,
        what,
        (unsigned long long)log->followed,
        (unsigned long long)log->durable,
        (unsigned long long)log->told,
        (unsigned long long)log->commit,
        (unsigned long long)log->hard.term,
        log->hard.vote
    );
}

// --- following -----------------------------------------------------------------------------------

static log_index lesser(log_index left, log_index right) {
    return left < right ? left : right;
}

static bool is_entry(const struct store *store, group_id group, log_index index, hash128 chain) {
    uint64_t term = 0;
    hash128 now = {0, 0};
    return !store_entry_term(store, group, index, &term, &now) || hash128_equal(now, chain);
}

// Where the store's log and the one that was followed part.
static log_index common_end(const struct log *log, const struct store *store, group_id group) {
    log_index at = lesser(log->followed, store_group(store, group).last_index);
    while (at > 0 && !is_entry(store, group, at, log->entries[at].chain)) {
        at--;
    }
    return at;
}

static void cut(struct shadow *shadow, uint32_t group, log_index at) {
    struct log *log = &shadow->logs[group];
    if (at < log->commit) {
        fail(shadow, "agreement", group, "dropped an entry that it held for committed");
    }
    world_trace(
        shadow->world,
        "n%u: group %u drops entries %llu to %llu",
        shadow->node,
        group,
        (unsigned long long)at + 1,
        (unsigned long long)log->followed
    );
    log->followed = at;
    log->taken = lesser(log->taken, at);
    log->durable = lesser(log->durable, at);
    log->before = lesser(log->before, at);
    log->ended = lesser(log->ended, at);
    log->told = lesser(log->told, at);
    log->cut = true;
    log->cuts++;
    log->time_ms = 0;
}

static void make_room(struct log *log, log_index index) {
    if (index >= log->capacity) {
        log->capacity = index * 2;
        log->entries = realloc(log->entries, log->capacity * sizeof(log->entries[0]));
        check(log->entries != NULL);
    }
}

// The log was dropped: what it stands for now is what the group committed up to its new beginning.
static void begin_anew(struct shadow *shadow, uint32_t group, const struct store_group *state) {
    struct log *log = &shadow->logs[group];
    log_index at = state->commit_index;
    if (at > chronicle_last(shadow->chronicle, (group_id)group)) {
        fail(shadow, "agreement", group, "is given what was not committed");
        return;
    }
    world_trace(
        shadow->world,
        "n%u: group %u begins anew behind entry %llu",
        shadow->node,
        group,
        (unsigned long long)at
    );
    make_room(log, at);
    for (log_index i = 1; i <= at; i++) {
        log->entries[i].term = chronicle_term(shadow->chronicle, (group_id)group, i);
        log->entries[i].chain = chronicle_chain(shadow->chronicle, (group_id)group, i);
    }
    log->followed = log->commit = at;
    log->taken = log->durable = log->before = log->ended = log->told = 0;
    log->cut = true;
    log->time_ms = 0;
}

static void add_entry(struct shadow *shadow, uint32_t group, const struct store *store) {
    struct log *log = &shadow->logs[group];
    make_room(log, log->followed + 1);
    struct entry *entry = &log->entries[++log->followed];
    bool known =
        store_entry_term(store, (group_id)group, log->followed, &entry->term, &entry->chain);
    if (!known) {
        fail(shadow, "shadow", group, "does not know an entry that it holds");
    }
    shadow->entries_total++;
}

static void check_hard(struct shadow *shadow, uint32_t group, const struct store_group *state) {
    struct log *log = &shadow->logs[group];
    if (state->term < log->hard.term) {
        fail(shadow, "vote", group, "went back to an older term");
    } else if (state->term == log->hard.term && log->hard.vote != 0 && state->vote != log->hard.vote) {
        fail(shadow, "vote", group, "votes twice in one term");
    }
    log->hard.term = state->term;
    log->hard.vote = state->vote;
}

static bool follow_group(struct shadow *shadow, const struct store *store, uint32_t group) {
    struct log *log = &shadow->logs[group];
    struct store_group state = store_group(store, (group_id)group);
    uint64_t epoch = store_log_epoch(store, (group_id)group);
    log->installing = store_installing(store, (group_id)group) != STORE_INSTALL_NONE;
    bool changed = epoch != log->hard.epoch || state.commit_index != log->commit;
    if (epoch != log->hard.epoch) {
        log->hard.epoch = epoch;
        begin_anew(shadow, group, &state);
    }
    bool same = state.last_index == log->followed &&
                hash128_equal(state.last_chain, log->entries[log->followed].chain);
    log_index common = same ? log->followed : common_end(log, store, (group_id)group);
    if (common < log->followed) {
        cut(shadow, group, common);
    }
    while (log->followed < state.last_index && !world_failed(shadow->world)) {
        add_entry(shadow, group, store);
    }
    check_hard(shadow, group, &state);
    if (state.commit_index < log->commit || state.time_ms < log->time_ms) {
        fail(shadow, "shadow", group, "went back in commit or partition time");
    }
    log->commit = state.commit_index;
    log->time_ms = state.time_ms;
    if (shadow->only_voter && log->commit > log->told) {
        fail(shadow, "durability", group, "committed what is not durable as far as the core knows");
    }
    return changed || !same;
}

bool shadow_follow(struct shadow *shadow, const struct store *store) {
    bool changed = false;
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        changed = follow_group(shadow, store, i) || changed;
    }
    return changed;
}

void shadow_batch_taken(struct shadow *shadow) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        struct log *log = &shadow->logs[i];
        log->taken = log->followed;
        log->hard_taken = log->hard;
        log->cut_taken = log->cut;
        log->cut = false;
    }
}

void shadow_batch_durable(struct shadow *shadow) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        struct log *log = &shadow->logs[i];
        log->before = log->durable;
        log->durable = log->taken;
        log->hard_durable = log->hard_taken;
        log->cut_taken = false;
    }
}

void shadow_batch_ended(struct shadow *shadow) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        shadow->logs[i].ended = shadow->logs[i].durable;
    }
}

void shadow_batch_told(struct shadow *shadow) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        shadow->logs[i].told = shadow->logs[i].ended;
    }
}

// --- coming back ---------------------------------------------------------------------------------

static void check_recovered(struct shadow *shadow, uint32_t group, const struct store *store) {
    const struct log *log = &shadow->logs[group];
    struct store_group state = store_group(store, (group_id)group);
    bool old_log = log->cut || log->cut_taken; // entries that were cut may be there again
    if (state.last_index < log->durable ||
        !is_entry(store, (group_id)group, log->durable, log->entries[log->durable].chain)) {
        fail(shadow, "durability", group, "came back without an entry that was durable");
    } else if (!old_log && (state.last_index > log->followed ||
                            !hash128_equal(
                                state.last_chain, log->entries[state.last_index].chain
                            ))) {
        fail(shadow, "replay", group, "came back with an entry that was never made");
    }
    if (store_log_epoch(store, (group_id)group) < log->hard_durable.epoch) {
        fail(shadow, "durability", group, "came back with a log that was dropped");
    }
    if (state.term < log->hard_durable.term ||
        (state.term == log->hard_durable.term && log->hard_durable.vote != 0 &&
         state.vote != log->hard_durable.vote)) {
        fail(shadow, "vote", group, "came back without its term or vote");
    }
}

void shadow_recover(struct shadow *shadow, const struct store *store) {
    for (uint32_t i = 0; i < shadow->group_count && !world_failed(shadow->world); i++) {
        struct log *log = &shadow->logs[i];
        struct store_group state = store_group(store, (group_id)i);
        uint64_t epoch = store_log_epoch(store, (group_id)i);
        log->installing = store_installing(store, (group_id)i) != STORE_INSTALL_NONE;
        if (epoch != log->hard.epoch) { // an older one: that it was dropped was not durable
            begin_anew(shadow, i, &state);
        }
        check_recovered(shadow, i, store);
        if (world_failed(shadow->world)) {
            return;
        }
        log->followed = common_end(log, store, (group_id)i);
        while (log->followed < state.last_index && !world_failed(shadow->world)) {
            add_entry(shadow, i, store);
        }
        log->before = lesser(log->before, log->followed);
        log->taken = log->durable = log->ended = log->told = log->followed;
        log->cut = log->cut_taken = false;
        log->hard = (struct hard){.term = state.term, .epoch = epoch, .vote = state.vote};
        log->hard_taken = log->hard_durable = log->hard;
        log->commit = state.commit_index;
        log->time_ms = state.time_ms;
    }
}

void shadow_adopt(struct shadow *shadow, const struct store *store) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        struct log *log = &shadow->logs[i];
        struct store_group state = store_group(store, (group_id)i);
        uint64_t epoch = store_log_epoch(store, (group_id)i);
        make_room(log, state.last_index);
        for (log_index at = 0; at <= state.last_index; at++) {
            struct entry *entry = &log->entries[at];
            if (!store_entry_term(store, (group_id)i, at, &entry->term, &entry->chain)) {
                *entry = (struct entry){0};
            }
        }
        log->followed = log->taken = log->durable = state.last_index;
        log->before = log->ended = log->told = state.last_index;
        log->hard = (struct hard){.term = state.term, .epoch = epoch, .vote = state.vote};
        log->hard_taken = log->hard_durable = log->hard;
        log->commit = state.commit_index;
        log->time_ms = state.time_ms;
    }
}

void shadow_check_rotten(const struct shadow *shadow, const struct store *store) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        log_index last = store_group(store, (group_id)i).last_index;
        if (last < shadow->logs[i].before) {
            world_fail(
                shadow->world,
                "rot",
                "a damaged log of n%u opened with entry %llu of group %u, %llu was before its last "
                "batch",
                shadow->node,
                (unsigned long long)last,
                i,
                (unsigned long long)shadow->logs[i].before
            );
            return;
        }
    }
}

// --- looking -------------------------------------------------------------------------------------

log_index shadow_last(const struct shadow *shadow, group_id group) {
    return shadow->logs[group].followed;
}

log_index shadow_durable(const struct shadow *shadow, group_id group) {
    return shadow->logs[group].durable;
}

bool shadow_is_installing(const struct shadow *shadow, group_id group) {
    return shadow->logs[group].installing;
}

uint64_t shadow_epoch(const struct shadow *shadow, group_id group) {
    return shadow->logs[group].hard.epoch;
}

uint64_t shadow_term(const struct shadow *shadow, group_id group, log_index index) {
    check(index <= shadow->logs[group].followed);
    return shadow->logs[group].entries[index].term;
}

hash128 shadow_chain(const struct shadow *shadow, group_id group, log_index index) {
    check(index <= shadow->logs[group].followed);
    return shadow->logs[group].entries[index].chain;
}

uint64_t shadow_newest_term(const struct shadow *shadow, group_id group) {
    return shadow->logs[group].hard.term;
}

uint64_t shadow_cuts(const struct shadow *shadow, group_id group) {
    return shadow->logs[group].cuts;
}

uint64_t shadow_entries(const struct shadow *shadow) {
    return shadow->entries_total;
}
