// Rows keep all their versions, (index, hash of the value), so that a replica can be judged at any
// index it stands at: a node that was away shows old rows, and must show exactly those.

#include "tests/simulation/chronicle.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUP_COUNT_MAX = 32,
    ATTESTED_KEPT = 16,
    ROW_KEY_BYTES_MAX = 512
};

struct version {
    log_index index;
    hash128 value;
    bool deleted;
};

struct row {
    uint8_t *key; // NULL: free; group in front
    size_t key_size;
    struct version *versions; // oldest first
    uint32_t count;
    uint32_t capacity;
};

struct entry {
    uint64_t term;
    hash128 chain;
    size_t live_rows; // of the group, after it
};

struct history {
    struct entry *entries; // [0]: before the first
    size_t count;
    size_t capacity;
    log_index attested_index[ATTESTED_KEPT]; // newest hashes that copies attested
    hash128 attested_hash[ATTESTED_KEPT];
};

struct chronicle {
    struct world *world;
    uint32_t group_count;
    struct history groups[GROUP_COUNT_MAX];
    struct roster *roster;
    struct row *rows;
    size_t row_capacity; // power of two
    size_t row_count;
    int64_t time_ms;
};

// --- rows ----------------------------------------------------------------------------------------

static struct row *find_row(const struct chronicle *chronicle, const uint8_t *key, size_t size) {
    size_t mask = chronicle->row_capacity - 1;
    size_t at = (size_t)hash_sip64(bytes_of(key, size)) & mask;
    while (chronicle->rows[at].key != NULL) {
        struct row *row = &chronicle->rows[at];
        if (row->key_size == size && memcmp(row->key, key, size) == 0) {
            return row;
        }
        at = (at + 1) & mask;
    }
    return &chronicle->rows[at];
}

static void grow_rows(struct chronicle *chronicle) {
    struct row *old = chronicle->rows;
    size_t old_capacity = chronicle->row_capacity;
    chronicle->row_capacity = old_capacity == 0 ? 4096 : old_capacity * 2;
    chronicle->rows = calloc(chronicle->row_capacity, sizeof(chronicle->rows[0]));
    check(chronicle->rows != NULL);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != NULL) {
            *find_row(chronicle, old[i].key, old[i].key_size) = old[i];
        }
    }
    free(old);
}

static struct row *row_of(struct chronicle *chronicle, group_id group, bytes key) {
    uint8_t full[2 + ROW_KEY_BYTES_MAX];
    check(key.size <= ROW_KEY_BYTES_MAX);
    bytes_put_u16(full, group);
    memcpy(full + 2, key.data, key.size);
    if (chronicle->row_count * 2 >= chronicle->row_capacity) {
        grow_rows(chronicle);
    }
    struct row *row = find_row(chronicle, full, key.size + 2);
    if (row->key == NULL) {
        row->key_size = key.size + 2;
        row->key = malloc(row->key_size);
        check(row->key != NULL);
        memcpy(row->key, full, row->key_size);
        chronicle->row_count++;
    }
    return row;
}

// What the row was at an index. NULL: it was not there.
static const struct version *version_at(const struct row *row, log_index index) {
    uint32_t at = row->count;
    while (at > 0 && row->versions[at - 1].index > index) {
        at--;
    }
    return at == 0 || row->versions[at - 1].deleted ? NULL : &row->versions[at - 1];
}

struct writing {
    struct chronicle *chronicle;
    group_id group;
    log_index index;
    size_t live_rows;
};

static void note_write(void *argument, bytes key, bytes value) {
    struct writing *writing = argument;
    roster_write(writing->chronicle->roster, writing->group, key, value);
    struct row *row = row_of(writing->chronicle, writing->group, key);
    bool was = version_at(row, writing->index) != NULL;
    bool deleted = value.data == NULL;
    bool again = row->count > 0 && row->versions[row->count - 1].index == writing->index;
    if (!again && row->count == row->capacity) {
        row->capacity = row->capacity == 0 ? 2 : row->capacity * 2;
        row->versions = realloc(row->versions, row->capacity * sizeof(row->versions[0]));
        check(row->versions != NULL);
    }
    row->count += again ? 0 : 1;
    row->versions[row->count - 1] = (struct version){
        .index = writing->index,
        .value = deleted ? (hash128){0, 0} : hash_sip128(value),
        .deleted = deleted,
    };
    if (was && deleted) {
        writing->live_rows--;
    } else if (!was && !deleted) {
        writing->live_rows++;
    }
}

// --- life ----------------------------------------------------------------------------------------

static struct entry *history_add(struct history *history) {
    if (history->count == history->capacity) {
        history->capacity = history->capacity == 0 ? 256 : history->capacity * 2;
        history->entries =
            realloc(history->entries, history->capacity * sizeof(history->entries[0]));
        check(history->entries != NULL);
    }
    return &history->entries[history->count++];
}

struct chronicle *chronicle_create(struct world *world, uint32_t group_count) {
    check(group_count <= GROUP_COUNT_MAX);
    struct chronicle *chronicle = calloc(1, sizeof(*chronicle));
    check(chronicle != NULL);
    chronicle->world = world;
    chronicle->group_count = group_count;
    chronicle->roster = roster_create(world, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        *history_add(&chronicle->groups[i]) = (struct entry){0};
    }
    grow_rows(chronicle);
    return chronicle;
}

void chronicle_destroy(struct chronicle **chronicle_at) {
    struct chronicle *chronicle = *chronicle_at;
    if (chronicle == NULL) {
        return;
    }
    for (uint32_t i = 0; i < chronicle->group_count; i++) {
        free(chronicle->groups[i].entries);
    }
    for (size_t i = 0; i < chronicle->row_capacity; i++) {
        free(chronicle->rows[i].key);
        free(chronicle->rows[i].versions);
    }
    free(chronicle->rows);
    roster_destroy(&chronicle->roster);
    free(chronicle);
    *chronicle_at = NULL;
}

// --- entries -------------------------------------------------------------------------------------

log_index chronicle_last(const struct chronicle *chronicle, group_id group) {
    return chronicle->groups[group].count - 1;
}

uint64_t chronicle_term(const struct chronicle *chronicle, group_id group, log_index index) {
    check(index <= chronicle_last(chronicle, group));
    return chronicle->groups[group].entries[index].term;
}

hash128 chronicle_chain(const struct chronicle *chronicle, group_id group, log_index index) {
    check(index <= chronicle_last(chronicle, group));
    return chronicle->groups[group].entries[index].chain;
}

void chronicle_attested(struct chronicle *chronicle, const struct store *store, group_id group) {
    hash128 hash = {0, 0};
    log_index index = store_attested(store, group, &hash);
    struct history *history = &chronicle->groups[group];
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < ATTESTED_KEPT && index != 0; i++) {
        if (history->attested_index[i] == index) {
            if (!hash128_equal(history->attested_hash[i], hash)) {
                world_fail(
                    chronicle->world,
                    "agreement",
                    "group %u: copies attest different states at entry %llu",
                    group,
                    (unsigned long long)index
                );
            }
            return;
        }
        oldest = history->attested_index[i] < history->attested_index[oldest] ? i : oldest;
    }
    if (index > history->attested_index[oldest]) {
        history->attested_index[oldest] = index;
        history->attested_hash[oldest] = hash;
    }
}

int64_t chronicle_time_ms(const struct chronicle *chronicle) {
    return chronicle->time_ms;
}

const struct roster *chronicle_roster(const struct chronicle *chronicle) {
    return chronicle->roster;
}

static void write_down(
    struct chronicle *chronicle,
    const struct store *store,
    group_id group,
    log_index index,
    const struct store_entry *entry
) {
    struct history *history = &chronicle->groups[group];
    struct writing writing = {chronicle, group, index, history->entries[index - 1].live_rows};
    store_entry_visit(store, group, index, note_write, &writing);
    roster_entry_ends(chronicle->roster);
    *history_add(history) = (struct entry){entry->term, entry->chain, writing.live_rows};
    chronicle->time_ms = entry->time_ms > chronicle->time_ms ? entry->time_ms : chronicle->time_ms;
}

static void
fail_unread(const struct chronicle *chronicle, group_id group, log_index index, uint16_t node) {
    world_fail(
        chronicle->world,
        "agreement",
        "n%u commits entry %llu of group %u, which it cannot read and nobody committed",
        node,
        (unsigned long long)index,
        group
    );
}

void chronicle_follow(
    struct chronicle *chronicle,
    const struct store *store,
    group_id group,
    log_index from,
    uint16_t node
) {
    log_index upto = store_group(store, group).commit_index;
    for (log_index index = from + 1; index <= upto; index++) {
        struct store_entry entry;
        if (err_is(store_entry_read(store, group, index, &entry))) {
            if (index > chronicle_last(chronicle, group)) {
                fail_unread(chronicle, group, index, node);
                return;
            }
            continue; // not kept: it came as rows
        }
        if (index == chronicle_last(chronicle, group) + 1) {
            write_down(chronicle, store, group, index, &entry);
        } else if (index > chronicle_last(chronicle, group) || !hash128_equal(entry.chain, chronicle_chain(chronicle, group, index))) {
            world_fail(
                chronicle->world,
                "agreement",
                "n%u commits an entry %llu of group %u, term %llu, that is not the one that was "
                "committed before, term %llu",
                node,
                (unsigned long long)index,
                group,
                (unsigned long long)entry.term,
                (unsigned long long)chronicle_term(chronicle, group, index)
            );
            return;
        }
    }
}

void chronicle_adopt(struct chronicle *chronicle, struct store *store) {
    for (uint32_t group = 0; group < chronicle->group_count; group++) {
        struct history *history = &chronicle->groups[group];
        struct store_group state = store_group(store, (group_id)group);
        struct writing writing = {chronicle, (group_id)group, state.commit_index, 0};
        struct store_cursor *cursor = store_cursor_open(store, NULL, (group_id)group, BYTES_EMPTY);
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        while (store_cursor_next(cursor, &key, &value)) {
            note_write(&writing, key, value);
        }
        store_cursor_close(&cursor);
        while (history->count <= state.commit_index) {
            *history_add(history) = (struct entry){0};
        }
        struct entry *newest = &history->entries[history->count - 1];
        newest->live_rows = writing.live_rows;
        if (!store_entry_term(
                store, (group_id)group, state.commit_index, &newest->term, &newest->chain
            )) {
            world_fail(chronicle->world, "replay", "group %u: nothing is known of its end", group);
        }
    }
    roster_adopted(chronicle->roster);
}

// --- comparing -----------------------------------------------------------------------------------

static void describe_key(bytes key, char *out, size_t size) {
    size_t at = 0;
    for (size_t i = 0; i < key.size && at + 3 < size; i++) {
        static const char digits[] = "0123456789abcdef";
        if (i == 0) {
            out[at++] = (char)key.data[i];
            continue;
        }
        out[at++] = digits[key.data[i] >> 4];
        out[at++] = digits[key.data[i] & 15];
    }
    out[at] = 0;
}

static void
fail_row(const struct chronicle *chronicle, group_id group, bytes key, bool known, uint16_t node) {
    char text[160];
    describe_key(key, text, sizeof(text));
    world_fail(
        chronicle->world,
        "replay",
        "n%u: group %u has row %s that %s",
        node,
        group,
        text,
        known ? "differs from what was written" : "was never written or is deleted"
    );
}

static size_t compare_group(
    const struct chronicle *chronicle, struct store *store, group_id group, uint16_t node
) {
    log_index index = store_group(store, group).commit_index;
    if (index > chronicle_last(chronicle, group)) {
        world_fail(
            chronicle->world,
            "replay",
            "n%u: group %u came back with entry %llu committed, which nobody committed",
            node,
            group,
            (unsigned long long)index
        );
        return 0;
    }
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    size_t count = 0;
    uint8_t full[2 + ROW_KEY_BYTES_MAX];
    while (store_cursor_next(cursor, &key, &value) && !world_failed(chronicle->world)) {
        count++;
        check(key.size <= ROW_KEY_BYTES_MAX);
        bytes_put_u16(full, group);
        memcpy(full + 2, key.data, key.size);
        const struct row *row = find_row(chronicle, full, key.size + 2);
        const struct version *version = row->key == NULL ? NULL : version_at(row, index);
        if (version == NULL || !hash128_equal(version->value, hash_sip128(value))) {
            fail_row(chronicle, group, key, version != NULL, node);
        }
    }
    store_cursor_close(&cursor);
    size_t wanted = chronicle->groups[group].entries[index].live_rows;
    if (count != wanted) {
        world_fail(
            chronicle->world,
            "replay",
            "n%u: group %u has %zu rows of %zu at entry %llu",
            node,
            group,
            count,
            wanted,
            (unsigned long long)index
        );
    }
    return count;
}

size_t chronicle_compare(const struct chronicle *chronicle, struct store *store, uint16_t node) {
    size_t count = 0;
    for (uint32_t i = 0; i < chronicle->group_count && !world_failed(chronicle->world); i++) {
        if (store_installing(store, (group_id)i) == STORE_INSTALL_NONE) {
            count += compare_group(chronicle, store, (group_id)i, node);
        }
    }
    return count;
}
