// Two lists in order of appearance, each with an open table from id to place. Ids carry 62 random
// bits, so their last bytes serve as the hash.

#include "tests/simulation/ledger.h"

#include "proto/base/check.h"
#include "tests/simulation/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct index {
    uint32_t *places; // place + 1; 0: free
    size_t capacity;  // power of two
};

struct ledger {
    struct world *world;
    struct ledger_task *tasks;
    size_t task_count;
    size_t task_capacity;
    struct index task_index;
    struct ledger_workflow *workflows;
    size_t workflow_count;
    size_t workflow_capacity;
    struct index workflow_index;
    bool any_revived;
    bool some_forget;
};

// The id is the first member of both kinds of entry.
static id128 id_at(const void *entries, size_t entry_size, size_t place) {
    id128 id;
    memcpy(&id, (const uint8_t *)entries + place * entry_size, sizeof(id));
    return id;
}

// The slot of the table that holds the id or would.
static uint32_t *
find_slot(const struct index *index, const void *entries, size_t entry_size, id128 id) {
    size_t mask = index->capacity - 1;
    size_t at = (size_t)bytes_get_u64(id.bytes + 8) & mask;
    while (index->places[at] != 0 &&
           !id_equal(id_at(entries, entry_size, index->places[at] - 1), id)) {
        at = (at + 1) & mask;
    }
    return &index->places[at];
}

static void grow_index(struct index *index, const void *entries, size_t entry_size, size_t count) {
    if (index->capacity > 2 * (count + 1)) {
        return;
    }
    free(index->places);
    index->capacity = index->capacity == 0 ? 256 : index->capacity * 2;
    index->places = calloc(index->capacity, sizeof(index->places[0]));
    check(index->places != NULL);
    for (size_t place = 0; place < count; place++) {
        id128 id = id_at(entries, entry_size, place);
        *find_slot(index, entries, entry_size, id) = (uint32_t)place + 1;
    }
}

struct ledger *ledger_create(struct world *world, bool some_forget) {
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    check(ledger != NULL);
    ledger->world = world;
    ledger->some_forget = some_forget;
    grow_index(&ledger->task_index, NULL, sizeof(struct ledger_task), 0);
    grow_index(&ledger->workflow_index, NULL, sizeof(struct ledger_workflow), 0);
    return ledger;
}

void ledger_destroy(struct ledger **ledger_at) {
    struct ledger *ledger = *ledger_at;
    if (ledger == NULL) {
        return;
    }
    for (size_t i = 0; i < ledger->workflow_count; i++) {
        execution_release(&ledger->workflows[i].shown);
    }
    free(ledger->tasks);
    free(ledger->task_index.places);
    free(ledger->workflows);
    free(ledger->workflow_index.places);
    free(ledger);
    *ledger_at = NULL;
}

struct ledger_task *ledger_task_find(struct ledger *ledger, id128 id) {
    uint32_t place = *find_slot(&ledger->task_index, ledger->tasks, sizeof(struct ledger_task), id);
    return place == 0 ? NULL : &ledger->tasks[place - 1];
}

struct ledger_workflow *ledger_workflow_find(struct ledger *ledger, id128 id) {
    uint32_t place =
        *find_slot(&ledger->workflow_index, ledger->workflows, sizeof(struct ledger_workflow), id);
    return place == 0 ? NULL : &ledger->workflows[place - 1];
}

// Room for one more entry.
static void *grow_entries(void *entries, size_t count, size_t *capacity, size_t entry_size) {
    if (count < *capacity) {
        return entries;
    }
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    entries = realloc(entries, *capacity * entry_size);
    check(entries != NULL);
    return entries;
}

struct ledger_task *ledger_task(struct ledger *ledger, id128 id) {
    struct ledger_task *found = ledger_task_find(ledger, id);
    if (found != NULL) {
        return found;
    }
    size_t size = sizeof(struct ledger_task);
    ledger->tasks = grow_entries(ledger->tasks, ledger->task_count, &ledger->task_capacity, size);
    grow_index(&ledger->task_index, ledger->tasks, size, ledger->task_count);
    struct ledger_task *task = &ledger->tasks[ledger->task_count++];
    *task = (struct ledger_task){.id = id};
    *find_slot(&ledger->task_index, ledger->tasks, size, id) = (uint32_t)ledger->task_count;
    return task;
}

struct ledger_workflow *ledger_workflow(struct ledger *ledger, id128 id) {
    struct ledger_workflow *found = ledger_workflow_find(ledger, id);
    if (found != NULL) {
        return found;
    }
    size_t size = sizeof(struct ledger_workflow);
    ledger->workflows =
        grow_entries(ledger->workflows, ledger->workflow_count, &ledger->workflow_capacity, size);
    grow_index(&ledger->workflow_index, ledger->workflows, size, ledger->workflow_count);
    struct ledger_workflow *workflow = &ledger->workflows[ledger->workflow_count++];
    *workflow = (struct ledger_workflow){.id = id};
    *find_slot(&ledger->workflow_index, ledger->workflows, size, id) =
        (uint32_t)ledger->workflow_count;
    return workflow;
}

size_t ledger_task_count(const struct ledger *ledger) {
    return ledger->task_count;
}

struct ledger_task *ledger_task_at(struct ledger *ledger, size_t index) {
    check(index < ledger->task_count);
    return &ledger->tasks[index];
}

size_t ledger_workflow_count(const struct ledger *ledger) {
    return ledger->workflow_count;
}

struct ledger_workflow *ledger_workflow_at(struct ledger *ledger, size_t index) {
    check(index < ledger->workflow_count);
    return &ledger->workflows[index];
}

static struct ledger_workflow *
parent_of(struct ledger *ledger, const struct ledger_workflow *workflow) {
    bool has = workflow != NULL && !id_is_zero(workflow->parent);
    return has ? ledger_workflow_find(ledger, workflow->parent) : NULL;
}

void ledger_revive(struct ledger *ledger, id128 workflow) {
    struct ledger_workflow *known = ledger_workflow_find(ledger, workflow);
    ledger->any_revived = true;
    for (; known != NULL; known = parent_of(ledger, known)) {
        known->revived = true;
    }
}

bool ledger_is_revived(struct ledger *ledger, id128 workflow) {
    const struct ledger_workflow *known = ledger_workflow_find(ledger, workflow);
    const struct ledger_workflow *eldest = NULL;
    for (; known != NULL; known = parent_of(ledger, known)) {
        eldest = known;
    }
    // Of one that nobody has read, nobody knows the parents.
    bool all_known = eldest != NULL && eldest->flow != NULL && id_is_zero(eldest->parent);
    return all_known ? eldest->revived : ledger->any_revived;
}

bool ledger_may_vanish(struct ledger *ledger, id128 workflow) {
    const struct ledger_workflow *known = ledger_workflow_find(ledger, workflow);
    bool is_read = known != NULL && known->flow != NULL;
    bool forgets = is_read ? known->flow->forgets : ledger->some_forget;
    return forgets || (known != NULL && known->remove_sent) || ledger_is_revived(ledger, workflow);
}

void ledger_sent(struct ledger *ledger, id128 task_id, const char *status, int64_t value) {
    struct ledger_task *task = ledger_task(ledger, task_id);
    struct ledger_sent *sent = &task->sent[task->sent_count++ % LEDGER_SENT_MAX];
    (void)snprintf(sent->status, sizeof(sent->status), "%s", status);
    sent->value = value;
}

void ledger_returning(struct ledger *ledger, id128 task) {
    ledger_task(ledger, task)->returning++;
}

void ledger_returned(struct ledger *ledger, id128 task_id, int64_t by_ms) {
    struct ledger_task *task = ledger_task(ledger, task_id);
    check(task->returning > 0);
    task->returning--;
    task->given_back = true;
    task->returned_ms = by_ms;
}

bool ledger_was_sent(const struct ledger_task *task, bytes status, int64_t value) {
    if (task->sent_count > LEDGER_SENT_MAX) {
        return true;
    }
    for (uint32_t i = 0; i < task->sent_count; i++) {
        if (bytes_equal_text(status, task->sent[i].status) && task->sent[i].value == value) {
            return true;
        }
    }
    return false;
}

void ledger_status(char out[LEDGER_STATUS_BYTES], bytes status) {
    (void)snprintf(out, LEDGER_STATUS_BYTES, "%.*s", BYTES_ARG(status));
}
