// What a cluster agreed on, kept outside of it: every committed entry of every group with its term,
// its chain and the rows it wrote, as whichever node first knew it to be committed had it.
//
// A replica that says otherwise is wrong (invariants 3, 4, 5, 11 of the design): one that commits
// another entry at an index, and one whose rows are not those that the entries up to its commit
// wrote, after a crash or at the end.
#pragma once

#include "storage/store.h"
#include "tests/simulation/roster.h"
#include "tests/simulation/world.h"

struct chronicle;

struct chronicle *chronicle_create(struct world *world, uint32_t group_count);
void chronicle_destroy(struct chronicle **chronicle);

// A node holds entries of the group up to its store's commit index for committed, after `from`,
// which it did before: new ones are written down, known ones compared. `node` is for the failure.
void chronicle_follow(
    struct chronicle *chronicle,
    const struct store *store,
    group_id group,
    log_index from,
    uint16_t node
);

// Members, plan and configs as the committed entries say.
const struct roster *chronicle_roster(const struct chronicle *chronicle);

// The chronicle of a cluster that goes on with this store begins with what that holds for
// committed; what was before it is not known. Before anything else.
void chronicle_adopt(struct chronicle *chronicle, struct store *store);

// The newest committed entry of a group, 0: none yet.
log_index chronicle_last(const struct chronicle *chronicle, group_id group);

// Term and chain of a committed entry, from 1 to chronicle_last.
uint64_t chronicle_term(const struct chronicle *chronicle, group_id group, log_index index);
hash128 chronicle_chain(const struct chronicle *chronicle, group_id group, log_index index);

// Compares all rows of a store that shows what it holds for committed and nothing else, but for
// groups whose rows are being replaced. Returns how many there were.
size_t chronicle_compare(const struct chronicle *chronicle, struct store *store, uint16_t node);

// A copy's checkpoint ended: what it attests of its state is what others do (invariant 5).
void chronicle_attested(struct chronicle *chronicle, const struct store *store, group_id group);

// The newest partition time of all committed entries.
int64_t chronicle_time_ms(const struct chronicle *chronicle);
