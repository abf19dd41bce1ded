// Rows are kept as (group, key) -> hash of the value in an open table, for the state that is
// durable for certain; entries after it wait in a list, one slice of writes each, until their batch
// is on the disk. A crash keeps a prefix of each group's list, decided by where recovery ended, and
// drops the rest.

#include "tests/simulation/shadow.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUP_COUNT_MAX = 32
};

struct row {
    uint8_t *key; // NULL: free; group in front
    size_t key_size;
    hash128 value;
    bool deleted;
};

struct write {
    uint8_t *key;
    size_t key_size;
    hash128 value;
    bool deletion;
};

struct entry {
    group_id group;
    log_index index;
    struct write *writes;
    size_t write_count;
    size_t write_capacity;
};

struct shadow {
    struct world *world;
    uint32_t group_count;
    struct row *rows;
    size_t row_capacity; // power of two
    size_t row_used;     // deleted ones too
    size_t row_live;
    struct entry *entries; // not yet in the rows, in order of appending
    size_t entry_count;
    size_t entry_capacity;
    log_index followed[GROUP_COUNT_MAX]; // newest entry read
    log_index taken[GROUP_COUNT_MAX];    // in the batch that is out
    log_index durable[GROUP_COUNT_MAX];  // on the disk for certain
    log_index ended[GROUP_COUNT_MAX];    // the store has it back
    log_index told[GROUP_COUNT_MAX];     // the core knows
    log_index before[GROUP_COUNT_MAX];   // on the disk before the newest batch
    uint64_t term[GROUP_COUNT_MAX];
    int64_t time_ms[GROUP_COUNT_MAX];
    uint64_t compared;
    uint64_t entries_total;
};

// --- rows ----------------------------------------------------------------------------------------

static struct row *find_row(struct shadow *shadow, const uint8_t *key, size_t key_size) {
    size_t mask = shadow->row_capacity - 1;
    size_t at = (size_t)hash_sip64(bytes_of(key, key_size)) & mask;
    while (shadow->rows[at].key != NULL) {
        struct row *row = &shadow->rows[at];
        if (row->key_size == key_size && memcmp(row->key, key, key_size) == 0) {
            return row;
        }
        at = (at + 1) & mask;
    }
    return &shadow->rows[at];
}

static void grow_rows(struct shadow *shadow) {
    struct row *old = shadow->rows;
    size_t old_capacity = shadow->row_capacity;
    shadow->row_capacity = 1024;
    while (shadow->row_capacity < shadow->row_live * 4) {
        shadow->row_capacity *= 2;
    }
    shadow->rows = calloc(shadow->row_capacity, sizeof(shadow->rows[0]));
    check(shadow->rows != NULL);
    shadow->row_used = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key == NULL) {
            continue;
        }
        if (old[i].deleted) {
            free(old[i].key);
            continue;
        }
        *find_row(shadow, old[i].key, old[i].key_size) = old[i];
        shadow->row_used++;
    }
    free(old);
}

static void apply(struct shadow *shadow, struct write *write) {
    if (shadow->row_used * 2 >= shadow->row_capacity) {
        grow_rows(shadow);
    }
    struct row *row = find_row(shadow, write->key, write->key_size);
    bool live = row->key != NULL && !row->deleted;
    if (row->key == NULL) {
        if (write->deletion) {
            return;
        }
        row->key = write->key; // moves
        row->key_size = write->key_size;
        write->key = NULL;
        shadow->row_used++;
    }
    row->deleted = write->deletion;
    row->value = write->value;
    if (live && write->deletion) {
        shadow->row_live--;
    } else if (!live && !write->deletion) {
        shadow->row_live++;
    }
}

// --- entries -------------------------------------------------------------------------------------

static void free_entry(struct entry *entry) {
    for (size_t i = 0; i < entry->write_count; i++) {
        free(entry->writes[i].key);
    }
    free(entry->writes);
}

static void note_write(void *argument, bytes key, bytes value) {
    struct entry *entry = argument;
    if (entry->write_count == entry->write_capacity) {
        entry->write_capacity = entry->write_capacity == 0 ? 8 : entry->write_capacity * 2;
        entry->writes = realloc(entry->writes, entry->write_capacity * sizeof(entry->writes[0]));
        check(entry->writes != NULL);
    }
    struct write *write = &entry->writes[entry->write_count++];
    write->key_size = key.size + 2;
    write->key = malloc(write->key_size);
    check(write->key != NULL);
    bytes_put_u16(write->key, entry->group);
    memcpy(write->key + 2, key.data, key.size);
    write->deletion = value.data == NULL;
    write->value = write->deletion ? (hash128){0, 0} : hash_sip128(value);
}

static void
follow_entry(struct shadow *shadow, const struct store *store, group_id group, log_index index) {
    if (shadow->entry_count == shadow->entry_capacity) {
        shadow->entry_capacity = shadow->entry_capacity == 0 ? 64 : shadow->entry_capacity * 2;
        shadow->entries =
            realloc(shadow->entries, shadow->entry_capacity * sizeof(shadow->entries[0]));
        check(shadow->entries != NULL);
    }
    struct entry *entry = &shadow->entries[shadow->entry_count++];
    *entry = (struct entry){.group = group, .index = index};
    store_entry_visit(store, group, index, note_write, entry);
    shadow->entries_total++;
}

// Moves entries up to `upto` into the rows; drops others when `drop`.
static void fold(struct shadow *shadow, const log_index *upto, bool drop) {
    size_t kept = 0;
    for (size_t i = 0; i < shadow->entry_count; i++) {
        struct entry *entry = &shadow->entries[i];
        if (entry->index <= upto[entry->group]) {
            for (size_t j = 0; j < entry->write_count; j++) {
                apply(shadow, &entry->writes[j]);
            }
            free_entry(entry);
        } else if (drop) {
            free_entry(entry);
        } else {
            shadow->entries[kept++] = *entry;
        }
    }
    shadow->entry_count = kept;
}

// --- the shadow ----------------------------------------------------------------------------------

struct shadow *shadow_create(struct world *world, uint32_t group_count) {
    check(group_count <= GROUP_COUNT_MAX);
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    check(shadow != NULL);
    shadow->world = world;
    shadow->group_count = group_count;
    grow_rows(shadow);
    return shadow;
}

void shadow_destroy(struct shadow **shadow_at) {
    struct shadow *shadow = *shadow_at;
    if (shadow == NULL) {
        return;
    }
    for (size_t i = 0; i < shadow->entry_count; i++) {
        free_entry(&shadow->entries[i]);
    }
    for (size_t i = 0; i < shadow->row_capacity; i++) {
        free(shadow->rows[i].key);
    }
    free(shadow->entries);
    free(shadow->rows);
    free(shadow);
    *shadow_at = NULL;
}

void shadow_follow(struct shadow *shadow, const struct store *store) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        group_id group = (group_id)i;
        struct store_group state = store_group(store, group);
        while (shadow->followed[i] < state.last_index) {
            follow_entry(shadow, store, group, ++shadow->followed[i]);
        }
        if (state.last_index < shadow->followed[i] || state.term < shadow->term[i] ||
            state.time_ms < shadow->time_ms[i]) {
            world_fail(
                shadow->world,
                "shadow",
                "group %u went back: index %llu term %llu time %lld",
                i,
                (unsigned long long)state.last_index,
                (unsigned long long)state.term,
                (long long)state.time_ms
            );
        }
        if (state.commit_index > shadow->told[i]) {
            world_fail(
                shadow->world,
                "durability",
                "group %u committed entry %llu, durable as far as the core knows: %llu",
                i,
                (unsigned long long)state.commit_index,
                (unsigned long long)shadow->told[i]
            );
        }
        shadow->term[i] = state.term;
        shadow->time_ms[i] = state.time_ms;
    }
}

void shadow_batch_taken(struct shadow *shadow) {
    memcpy(shadow->taken, shadow->followed, sizeof(shadow->taken));
}

void shadow_batch_durable(struct shadow *shadow) {
    memcpy(shadow->before, shadow->durable, sizeof(shadow->before));
    memcpy(shadow->durable, shadow->taken, sizeof(shadow->durable));
    fold(shadow, shadow->durable, false);
}

void shadow_batch_ended(struct shadow *shadow) {
    memcpy(shadow->ended, shadow->durable, sizeof(shadow->ended));
}

void shadow_batch_told(struct shadow *shadow) {
    memcpy(shadow->told, shadow->ended, sizeof(shadow->told));
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

// Compares one group; gives the number of its rows and the sum of what they hash to.
static size_t compare_group(struct shadow *shadow, struct store *store, group_id group) {
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    size_t count = 0;
    uint8_t full[2 + 512];
    while (store_cursor_next(cursor, &key, &value)) {
        count++;
        check(key.size + 2 <= sizeof(full));
        bytes_put_u16(full, group);
        memcpy(full + 2, key.data, key.size);
        struct row *row = find_row(shadow, full, key.size + 2);
        bool live = row->key != NULL && !row->deleted;
        if (!live || !hash128_equal(row->value, hash_sip128(value))) {
            char text[160];
            describe_key(key, text, sizeof(text));
            world_fail(
                shadow->world,
                "replay",
                "group %u has row %s that %s",
                group,
                text,
                live ? "differs from what was written" : "was never written or is deleted"
            );
            break;
        }
    }
    store_cursor_close(&cursor);
    return count;
}

static void compare(struct shadow *shadow, struct store *store) {
    size_t count = 0;
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        count += compare_group(shadow, store, (group_id)i);
    }
    shadow->compared += count;
    if (!world_failed(shadow->world) && count != shadow->row_live) {
        world_fail(
            shadow->world,
            "replay",
            "%zu rows of %zu are left in the store",
            count,
            shadow->row_live
        );
    }
}

// What the node will do first, being the only voter of its groups: what is durable is committed.
static void commit_found(struct shadow *shadow, struct store *store) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        store_commit(store, (group_id)i, store_group(store, (group_id)i).last_index);
    }
}

void shadow_recover(struct shadow *shadow, struct store *store) {
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        struct store_group state = store_group(store, (group_id)i);
        if (state.last_index < shadow->durable[i]) {
            world_fail(
                shadow->world,
                "durability",
                "group %u came back with entry %llu, but %llu was durable",
                i,
                (unsigned long long)state.last_index,
                (unsigned long long)shadow->durable[i]
            );
            return;
        }
        if (state.last_index > shadow->followed[i]) {
            world_fail(
                shadow->world,
                "replay",
                "group %u came back with entry %llu that was never made",
                i,
                (unsigned long long)state.last_index
            );
            return;
        }
        shadow->durable[i] = state.last_index;
        shadow->term[i] = state.term < shadow->term[i] ? state.term : shadow->term[i];
        shadow->time_ms[i] = state.time_ms;
    }
    fold(shadow, shadow->durable, true);
    memcpy(shadow->followed, shadow->durable, sizeof(shadow->followed));
    memcpy(shadow->taken, shadow->durable, sizeof(shadow->taken));
    memcpy(shadow->ended, shadow->durable, sizeof(shadow->ended));
    memcpy(shadow->told, shadow->durable, sizeof(shadow->told));
    commit_found(shadow, store);
    compare(shadow, store);
}

void shadow_compare_settled(struct shadow *shadow, struct store *store) {
    compare(shadow, store);
}

void shadow_compare_rotten(struct shadow *shadow, struct store *store) {
    bool whole = true;
    for (uint32_t i = 0; i < shadow->group_count; i++) {
        log_index last = store_group(store, (group_id)i).last_index;
        whole &= last == shadow->durable[i];
        if (last < shadow->before[i]) {
            world_fail(
                shadow->world,
                "rot",
                "a damaged log opened with entry %llu of group %u, %llu was before its last batch",
                (unsigned long long)last,
                i,
                (unsigned long long)shadow->before[i]
            );
            return;
        }
    }
    if (whole) {
        commit_found(shadow, store);
        compare(shadow, store);
    }
}

uint64_t shadow_rows_compared(const struct shadow *shadow) {
    return shadow->compared;
}

uint64_t shadow_entries(const struct shadow *shadow) {
    return shadow->entries_total;
}
