// The scrubber: every row of the sorted map is read again and proved, group after group, for ever
// (distributed.md §13: LMDB value or page corrupt).
//
// A slice is read by a checkpoint's job before it writes, through a snapshot of its own. Between
// two slices the map changes by checkpoints alone, and each of their writes in front of the walk
// changes the walk's sum as it changes the state hash. So at a group's end the sum must be the
// state hash: a row that was changed, lost or put elsewhere under the map shows, though its
// checksum is right; one whose checksum is wrong shows at once. Memory: one key and one sum.
//
// A group that is being installed, or was since the walk began, is walked from its beginning,
// later. Nothing is remembered over a restart: the walk begins anew.
//
// Rejected: reading in the core thread (a page that is not in memory stops all workflows), and a
// long snapshot (the map would keep every page that is freed meanwhile).
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/view/store_internal.h"

static bool is_whole(const struct group *group) {
    return group->install == NULL && group->row.install == STORE_INSTALL_NONE;
}

// False: that was the last one, and all is done for long.
static bool next_group(struct store *store) {
    struct scrub *scrub = &store->scrub;
    scrub->walking = false;
    scrub->group = (group_id)((scrub->group + 1U) % store->options.group_count);
    if (scrub->group == 0) {
        scrub->due.ns += store->options.scrub_rest_ms * 1000000;
    }
    return scrub->group != 0;
}

static void walk_from_the_front(struct scrub *scrub, const struct group *group) {
    scrub->walking = true;
    scrub->log_epoch = group->row.log_epoch;
    scrub->next = row_key(scrub->group, BYTES_EMPTY);
    scrub->sum = (hash128){0, 0};
}

bool scrub_is_due(const struct store *store, mono_time now) {
    return store->options.scrub_bytes > 0 && now.ns >= store->scrub.due.ns;
}

bool scrub_begin(struct store *store, mono_time now) {
    struct scrub *scrub = &store->scrub;
    scrub->due.ns = now.ns + store->options.scrub_ms * 1000000;
    while (!is_whole(&store->groups[scrub->group])) {
        if (!next_group(store)) {
            return false;
        }
    }
    const struct group *group = &store->groups[scrub->group];
    if (!scrub->walking || scrub->log_epoch != group->row.log_epoch) {
        walk_from_the_front(scrub, group);
    }
    scrub->expected = group->row.state_hash;
    scrub->bytes = 0;
    scrub->rotten = 0;
    scrub->ended = false;
    scrub->differs = false;
    return true;
}

hash128 *scrub_sum(struct scrub *scrub, group_id group, bytes map_key) {
    bool passed = scrub->walking && scrub->group == group &&
                  bytes_compare(map_key, row_key_bytes(&scrub->next)) < 0;
    return passed && !mutant_is("scrub_misses_writes") ? &scrub->sum : NULL;
}

static err walk(
    struct scrub *scrub,
    struct sorted_map *map,
    struct map_cursor *cursor,
    size_t most,
    struct row_room *room
) {
    bytes key = BYTES_EMPTY;
    bytes stored = BYTES_EMPTY;
    err found = map_cursor_seek(map, cursor, row_key_bytes(&scrub->next), &key, &stored);
    while (row_of_group(found, key, scrub->group)) {
        if (scrub->bytes > 0 && scrub->bytes + key.size + stored.size > most) {
            scrub->next = row_key(scrub->group, bytes_slice(key, ROW_GROUP_BYTES, key.size));
            return ERR_NONE;
        }
        bytes value = BYTES_EMPTY;
        bool opens = !err_is(row_open(key, stored, &value));
        scrub->rotten += !opens;
        scrub->sum = row_hash_add(scrub->sum, row_hash(room, key, opens ? value : stored));
        scrub->bytes += key.size + stored.size;
        found = map_cursor_next(map, cursor, &key, &stored);
    }
    scrub->ended = found.code == ERR_OK || found.code == ERR_NOT_FOUND;
    scrub->differs = scrub->ended && !hash128_equal(scrub->sum, scrub->expected);
    return scrub->ended ? ERR_NONE : found;
}

err scrub_slice(struct store *store) {
    struct sorted_map *map = store->options.map;
    struct map_snapshot *snapshot = NULL;
    struct map_cursor *cursor = NULL;
    struct row_room room = {0};
    TRY(map_snapshot_begin(map, &snapshot));
    err error = map_cursor_open(map, snapshot, MAP_STATE, &cursor);
    if (!err_is(error)) {
        error = walk(&store->scrub, map, cursor, store->options.scrub_bytes, &room);
    }
    map_cursor_close(map, cursor);
    map_snapshot_end(map, snapshot);
    row_room_deinit(&room);
    return error;
}

void scrub_end(struct store *store) {
    struct scrub *scrub = &store->scrub;
    struct group *group = &store->groups[scrub->group];
    store->stats.scrubbed_bytes += scrub->bytes;
    bool still = group->row.log_epoch == scrub->log_epoch;
    if (still && (scrub->rotten > 0 || scrub->differs) && !mutant_is("rot_unseen")) {
        store_note_rot(store, scrub->group);
    }
    if (scrub->ended) {
        store->stats.scrubbed_groups++;
        (void)next_group(store);
    }
}

void store_note_rot(struct store *store, group_id group) {
    store_group_of(store, group)->rotten = true;
    store->stats.rotten++;
}

bool store_rotten(const struct store *store, group_id group) {
    return store_group_of(store, group)->rotten;
}
