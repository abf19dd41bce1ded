// All that the system group says of members and of where replicas belong, read in one go inside a
// decision, and written row by row. Thread: core.
#pragma once

#include "node/core/system_rows.h"
#include "node/raft/raft.h"
#include "scheduler/decision.h"

struct system_member {
    node_id id;
    struct member_row row;
};

// Lives in the decision's arena; texts, too.
struct system_table {
    bool founded; // false: nothing was written yet
    struct cluster_row cluster;
    struct system_member *members; // in the order of ids, those that left among them
    uint32_t member_count;
    struct partition_row *partitions; // by group; [0] is empty
    uint32_t group_count;
};

// Through the decision's transaction, or, for a look, without one.
void system_table_read(const struct decision *decision, struct system_table *out_table);

// NULL: there never was one of that id.
struct system_member *system_table_member(const struct system_table *table, node_id id);

// Members in that state.
uint32_t system_table_count(const struct system_table *table, enum member_state state);

void system_put_member(struct decision *decision, node_id id, const struct member_row *row);
void system_put_cluster(struct decision *decision, const struct cluster_row *row);

// Raises the row's revision.
void system_put_partition(struct decision *decision, group_id group, struct partition_row *row);
