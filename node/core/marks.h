// Backups and restores inside the groups (distributed.md §11): the row M of each.
//
// A mark is an entry at which a backup cuts a group. Cuts of all groups fit together because marks
// travel like the clock of a letter: whatever crosses groups carries the newest mark its sender's
// node has heard of, and no group applies a message, or forgets one that was applied elsewhere,
// before it has that mark itself. So nothing in a cut was sent behind another one's cut, and
// what was sent and not applied is in an outbox of the cut.
//
// A group that is being restored is led, but inert: this node does not count it among those it
// decides in (group->leading), so no timer fires, no message moves and no task is handed out before
// all rows of all groups are there. Thread: core.
#pragma once

#include "proto/base/err.h"
#include "proto/base/time.h"
#include "proto/wire/wire.h"
#include "storage/store.h"

#include <stdbool.h>

struct node;
struct gate;

// `index` is the entry that wrote `mark`. `source` names what the rows are restored from while they
// are. `numbered` is, in the system group, the newest number a backup was given.
#define MARK_ROW_FIELDS(FIELD) \
    FIELD(1, U64, mark)        \
    FIELD(2, U64, index)       \
    FIELD(3, BOOL, restoring)  \
    FIELD(4, TEXT, source)     \
    FIELD(5, U64, numbered)
WIRE_STRUCT(mark_row, MARK_ROW_FIELDS);

// Whose turn it is: two backups at a time cut into each other. Known to the leader of the system
// group only, and only while its client says that it goes on; nothing but a refusal depends on it.
struct backup_turn {
    uint64_t number; // 0: nobody's
    mono_time begun;
    mono_time until;
    int64_t scanned; // partitions, the system group among them
};

// The group's row; zero when there is none. Texts live in the step's arena.
MUST_USE err mark_read(struct node *node, group_id group, struct mark_row *out_row);

// Writes it.
void mark_write(struct store_txn *txn, const struct mark_row *row);

// This node leads the group from now on: its mark is known, and whether it is restored.
void marks_lead(struct node *node, group_id group);

// A message, an acknowledgement or a request told of a mark.
void marks_heard(struct node *node, uint64_t mark);

// Makes the group's entry of the newest mark heard of, unless it has it. False: it cannot now, and
// nothing of other groups may be taken in.
MUST_USE bool marks_reach(struct node *node, group_id group);

// The same for a mark that a backup asks for, the system group's too. Errors: ERR_UNAVAILABLE.
MUST_USE err marks_make(struct node *node, group_id group, uint64_t mark, struct gate *out_gate);

// All partitions led here reach the newest mark. Sets more_to_do when one cannot now.
void marks_pump(struct node *node);

// A backup reads the group here: its log is kept from `from` on (0: from where it was) for
// LIMIT_BACKUP_HOLD_MS more.
void marks_hold(struct node *node, group_id id, log_index from);

// When holds are looked at next. False: there are none.
bool marks_next_wakeup(const struct node *node, mono_time *out_at);

// Whether the group's rows are being restored, as its row M says now.
MUST_USE bool marks_restoring(struct node *node, group_id group);
