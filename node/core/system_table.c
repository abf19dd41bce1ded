#include "node/core/system_table.h"

#include "proto/base/check.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"
#include "storage/keys.h"

static void row_put(
    struct decision *decision,
    const struct key *key,
    const struct wire_record *record,
    const void *row
) {
    struct buffer out;
    buffer_init(&out, LIMIT_SYSTEM_ROW_BYTES);
    wire_encode(record, row, &out);
    check(!err_is(buffer_status(&out)));
    store_txn_put(decision->txn, key_bytes(key), buffer_bytes(&out));
    buffer_deinit(&out);
}

void system_put_member(struct decision *decision, node_id id, const struct member_row *row) {
    struct key key = key_node(id);
    row_put(decision, &key, &member_row_record, row);
}

void system_put_cluster(struct decision *decision, const struct cluster_row *row) {
    struct key key = key_version();
    row_put(decision, &key, &cluster_row_record, row);
}

void system_put_partition(struct decision *decision, group_id group, struct partition_row *row) {
    struct key key = key_partition(group);
    row->revision++;
    row_put(decision, &key, &partition_row_record, row);
}

// A row of ours that cannot be read stops the process: going on without it would be a guess about
// who is a member.
static void
row_get(const struct decision *decision, const struct wire_record *record, bytes row, void *out) {
    err read = wire_decode(record, arena_copy(decision->arena, row), decision->arena, out);
    check(!err_is(read));
}

static void members_read(const struct decision *decision, struct system_table *table) {
    struct key prefix = key_kind_prefix(KEY_NODE);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, CATALOG_GROUP, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint32_t capacity = 0;
    uint32_t id = 0;
    while (store_cursor_next(cursor, &key, &value) && key_node_parse(key, &id)) {
        if (table->member_count == capacity) {
            capacity = capacity == 0 ? LIMIT_CLUSTER_NODES : capacity * 2;
            struct system_member *grown =
                ARENA_ARRAY(decision->arena, struct system_member, capacity);
            for (uint32_t i = 0; i < table->member_count; i++) {
                grown[i] = table->members[i];
            }
            table->members = grown;
        }
        struct system_member *member = &table->members[table->member_count++];
        member->id = (node_id)id;
        row_get(decision, &member_row_record, value, &member->row);
    }
    store_cursor_close(&cursor);
}

static void partitions_read(const struct decision *decision, struct system_table *table) {
    table->group_count = decision->settings->group_count;
    table->partitions = ARENA_ARRAY(decision->arena, struct partition_row, table->group_count);
    struct key prefix = key_kind_prefix(KEY_PARTITION);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, CATALOG_GROUP, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint16_t group = 0;
    for (uint32_t i = 0; i < table->group_count; i++) {
        table->partitions[i] = (struct partition_row){0};
    }
    while (store_cursor_next(cursor, &key, &value) && key_partition_parse(key, &group)) {
        check(group < table->group_count);
        row_get(decision, &partition_row_record, value, &table->partitions[group]);
    }
    store_cursor_close(&cursor);
}

void system_table_read(const struct decision *decision, struct system_table *out_table) {
    *out_table = (struct system_table){0};
    struct key key = key_version();
    bytes value = BYTES_EMPTY;
    err found = decision->txn != NULL
                    ? store_txn_get(decision->txn, key_bytes(&key), &value)
                    : store_get(decision->store, CATALOG_GROUP, key_bytes(&key), &value);
    if (found.code == ERR_NOT_FOUND) {
        return;
    }
    check(!err_is(found));
    out_table->founded = true;
    row_get(decision, &cluster_row_record, value, &out_table->cluster);
    members_read(decision, out_table);
    partitions_read(decision, out_table);
}

struct system_member *system_table_member(const struct system_table *table, node_id id) {
    for (uint32_t i = 0; i < table->member_count; i++) {
        if (table->members[i].id == id) {
            return &table->members[i];
        }
    }
    return NULL;
}

uint32_t system_table_count(const struct system_table *table, enum member_state state) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->member_count; i++) {
        count += table->members[i].row.state == state;
    }
    return count;
}
