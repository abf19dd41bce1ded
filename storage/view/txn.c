// A transaction: a write-set growing in the entry it will be, and an index over it.
//
// At commit the index's nodes move into the group's overlay as they are, and the entry is what the
// log thread copies from: a row is copied once between store_txn_put and the disk's buffer. Writes
// that a later one of the same transaction replaced are squeezed out at commit.
#include "proto/base/check.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    ENTRY_BYTES_FIRST = 4096 - 256
};

err store_txn_begin(struct store *store, group_id group, struct store_txn **out_txn) {
    check(!store->txn.open);
    const struct group *state = store_group_of(store, group);
    // Behind entries that are not committed a follower may still look; it proposes nothing.
    check(state->row.install == STORE_INSTALL_NONE);
    if (store_overlay_bytes(store) > store->options.overlay_bytes_max) {
        return err_make(ERR_UNAVAILABLE, "the disk cannot keep up; retry later");
    }
    store->txn.open = true;
    store->txn.group = group;
    store->txn.live_bytes = 0;
    store->txn.write_count = 0;
    *out_txn = &store->txn;
    return ERR_NONE;
}

const struct ordered *txn_rows(const struct store_txn *txn) {
    return txn->past != NULL ? &txn->past->rows : &txn->writes;
}

// What the transaction wrote under a key; NULL: nothing. A deletion has a value without data.
static const struct ordered_node *written(const struct store_txn *txn, bytes key) {
    check(txn->open);
    const struct ordered *own = txn_rows(txn);
    return own->count > 0 ? ordered_find(own, key) : NULL;
}

static err give(const struct ordered_node *node, bytes *out_value) {
    if (node == NULL || node->value.data == NULL) {
        return err_make(ERR_NOT_FOUND, "no such row");
    }
    *out_value = node->value;
    return ERR_NONE;
}

err store_txn_get(struct store_txn *txn, bytes key, bytes *out_value) {
    const struct ordered_node *node = written(txn, key);
    return node != NULL ? give(node, out_value) : store_get(txn->store, txn->group, key, out_value);
}

err store_txn_get_own(struct store_txn *txn, bytes key, bytes *out_value) {
    return give(written(txn, key), out_value);
}

// Points the index at the writes where they are now, `from` being where the block was.
static void follow(struct store_txn *txn, uintptr_t from) {
    const uint8_t *block = txn->entry->block;
    for (struct ordered_node *node = txn->writes.first[0]; node != NULL; node = node->next[0]) {
        node->key.data = block + ((uintptr_t)node->key.data - from);
        if (node->value.data != NULL) {
            node->value.data = block + ((uintptr_t)node->value.data - from);
        }
    }
}

// Moves the writes to a larger entry. Returns the old one, in which the caller's own view may lie.
static struct entry *grow(struct store_txn *txn, size_t needed) {
    struct entry *old = txn->entry;
    size_t capacity = old == NULL ? (size_t)ENTRY_BYTES_FIRST : 2 * old->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    txn->entry = entry_create(capacity);
    if (old != NULL) {
        txn->entry->size = old->size;
        memcpy(txn->entry->block, old->block, ENTRY_FRONT_BYTES + old->size);
        follow(txn, (uintptr_t)old->block);
    }
    return old;
}

static void write_row(struct store_txn *txn, bytes key, bytes value) {
    check(txn->open);
    check(txn->past == NULL);
    check(key.size > 0);
    check(key.size <= ROW_KEY_BYTES_MAX);
    size_t size = txn->entry == NULL ? 0 : txn->entry->size;
    size_t needed = size + entry_write_bytes_max(key, value);
    struct entry *old = NULL;
    if (txn->entry == NULL || needed > txn->entry->capacity) {
        old = grow(txn, needed);
    }
    struct entry_write write = entry_append(txn->entry, key, value);
    entry_release(&old);
    bool fresh = false;
    struct ordered_node *node = ordered_put(&txn->writes, write.key, &fresh);
    if (!fresh) {
        txn->live_bytes -= node->key.size + node->value.size;
    }
    txn->write_count++;
    txn->live_bytes += key.size + value.size;
    node->key = write.key;
    node->value = write.value;
    node->index = size;
    txn->store->generation++;
}

void store_txn_put(struct store_txn *txn, bytes key, bytes value) {
    write_row(txn, key, value.data == NULL ? bytes_of("", 0) : value);
}

void store_txn_del(struct store_txn *txn, bytes key) {
    write_row(txn, key, BYTES_EMPTY);
}

size_t store_txn_bytes(const struct store_txn *txn) {
    return txn->live_bytes;
}

group_id store_txn_group(const struct store_txn *txn) {
    return txn->group;
}

struct store *store_txn_store(const struct store_txn *txn) {
    return txn->store;
}

static void end(struct store_txn *txn) {
    ordered_clear(&txn->writes);
    entry_release(&txn->entry);
    txn->open = false;
    txn->past = NULL;
    txn->store->generation++;
}

void store_txn_abort(struct store_txn **txn) {
    if (*txn != NULL) {
        check((*txn)->open);
        end(*txn);
        *txn = NULL;
    }
}

static int by_place(const void *left, const void *right) {
    const struct ordered_node *one = *(struct ordered_node *const *)left;
    const struct ordered_node *two = *(struct ordered_node *const *)right;
    return one->index < two->index ? -1 : one->index > two->index;
}

// Leaves only the newest write of each key, in the order of writing, in an entry of the right size.
static void squeeze(struct store_txn *txn) {
    size_t count = txn->writes.count;
    struct ordered_node **nodes = malloc(count * sizeof(struct ordered_node *));
    check(nodes != NULL);
    size_t at = 0;
    size_t needed = 0;
    for (struct ordered_node *node = txn->writes.first[0]; node != NULL; node = node->next[0]) {
        nodes[at++] = node;
        needed += entry_write_bytes_max(node->key, node->value);
    }
    qsort(nodes, count, sizeof(struct ordered_node *), by_place);
    struct entry *squeezed = entry_create(needed);
    for (size_t i = 0; i < count; i++) {
        struct entry_write write = entry_append(squeezed, nodes[i]->key, nodes[i]->value);
        nodes[i]->key = write.key;
        nodes[i]->value = write.value;
    }
    free(nodes);
    entry_release(&txn->entry);
    txn->entry = squeezed;
}

// Brings the entry into the form it keeps: without replaced writes, without unused room.
static void settle(struct store_txn *txn) {
    if (txn->write_count != txn->writes.count) {
        squeeze(txn);
    }
    uintptr_t from = (uintptr_t)txn->entry->block;
    txn->entry = entry_shrink(txn->entry);
    if ((uintptr_t)txn->entry->block != from) {
        follow(txn, from);
    }
}

void store_txn_commit(
    struct store_txn **txn_variable,
    uint64_t term,
    int64_t time_ms,
    log_index *out_index,
    log_lsn *out_lsn
) {
    struct store_txn *txn = *txn_variable;
    check(txn->open);
    *txn_variable = NULL;
    *out_index = 0;
    *out_lsn = 0;
    if (txn->writes.count == 0) {
        end(txn);
        return;
    }
    settle(txn);
    struct store *store = txn->store;
    struct group *group = store_group_of(store, txn->group);
    struct store_group before = store_group(store, txn->group);
    check(term >= before.last_term);
    check(time_ms >= 0);
    struct entry *entry = txn->entry;
    txn->entry = NULL;
    entry->index = before.last_index + 1;
    entry->term = term;
    entry->time_ms = time_ms;
    entry->chain = entry_chain(entry, before.last_chain);
    check(group->overlaid_index == before.last_index);
    if (store->pasts != NULL) {
        const struct ordered_node *node = txn->writes.first[0];
        for (; node != NULL; node = node->next[0]) {
            pasts_note(store, txn->group, node->key, node->value.data == NULL);
        }
    }
    group_push(store, group, entry);
    store->node_bytes -= group->overlay.bytes;
    while (txn->writes.count > 0) {
        ordered_move_first(&txn->writes, &group->overlay)->index = entry->index;
    }
    store->node_bytes += group->overlay.bytes;
    group->overlaid_index = entry->index;
    *out_index = entry->index;
    *out_lsn = batch_add_entry(store, txn->group, entry);
    end(txn);
}
