// The rows of a group that are newer than the map: those of its entries from applied_index + 1 to
// overlaid_index. A follower's entries come in when they are committed, a leader's at once.
//
// What was a leader's guess is taken back by making the overlay anew from the committed entries: a
// row knows its newest value only. That happens once an election lost, to a bounded overlay.
#include "proto/base/check.h"
#include "storage/view/store_internal.h"

// Pasts are told what an entry is about to change.
static void tell_pasts(struct store *store, const struct group *group, const struct entry *entry) {
    bytes rest = entry_payload(entry);
    while (store->pasts != NULL && rest.size > 0) {
        struct entry_write write;
        check(entry_take(&rest, &write));
        pasts_note(store, (group_id)(group - store->groups), write.key, write.value.data == NULL);
    }
}

static void overlay_entry(struct group *group, const struct entry *entry) {
    bytes rest = entry_payload(entry);
    while (rest.size > 0) {
        struct entry_write write;
        check(entry_take(&rest, &write));
        bool fresh = false;
        struct ordered_node *node = ordered_put(&group->overlay, write.key, &fresh);
        node->key = write.key;
        node->value = write.value;
        node->index = entry->index;
    }
}

void group_overlay(struct store *store, struct group *group, log_index index) {
    if (group->overlaid_index >= index) {
        return;
    }
    store->node_bytes -= group->overlay.bytes;
    for (log_index i = group->overlaid_index + 1; i <= index; i++) {
        tell_pasts(store, group, group_entry(group, i));
        overlay_entry(group, group_entry(group, i));
    }
    store->node_bytes += group->overlay.bytes;
    store->generation++;
    group->overlaid_index = index;
}

void group_overlay_back(struct store *store, struct group *group, log_index index) {
    check(index >= group->commit_index);
    if (group->overlaid_index <= index) {
        return;
    }
    pasts_end_behind(store, (group_id)(group - store->groups), index);
    store->node_bytes -= group->overlay.bytes;
    ordered_clear(&group->overlay);
    for (log_index i = group->row.applied_index + 1; i <= index; i++) {
        overlay_entry(group, group_entry(group, i)); // pasts were told when it first was readable
    }
    store->node_bytes += group->overlay.bytes;
    store->generation++;
    group->overlaid_index = index;
}
