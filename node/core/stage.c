// A list, oldest first: the oldest body gets the next piece, so that bodies are finished one after
// the other and not all of them at last.
#include "node/core/stage.h"

#include "node/core/lead.h"
#include "node/core/members.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/staging.h"

#include <stdlib.h>
#include <string.h>

struct stage {
    group_id group;
    struct staged_body body;
    uint8_t *text;
    size_t size;
    log_index waits; // its newest piece, not committed yet; 0: none
    uint64_t job_id;
    struct stage *next;
};

struct stages {
    struct stage *first;
    struct stage *last;
    size_t count;
    size_t held_bytes;
    size_t under_way; // pieces that are not committed, of all groups
};

// --- life
// --------------------------------------------------------------------------------------------------

struct stages *stages_create(void) {
    struct stages *stages = calloc(1, sizeof(*stages));
    check(stages != NULL);
    return stages;
}

static void stage_drop(struct stages *stages, struct stage *stage) {
    struct stage **at = &stages->first;
    struct stage *before = NULL;
    while (*at != stage) {
        before = *at;
        at = &(*at)->next;
    }
    *at = stage->next;
    if (stages->last == stage) {
        stages->last = before;
    }
    stages->count--;
    stages->held_bytes -= stage->size;
    stages->under_way -= stage->waits != 0 ? 1u : 0u;
    free(stage->text);
    free(stage);
}

void stages_destroy(struct stages **stages) {
    if (*stages != NULL) {
        while ((*stages)->first != NULL) {
            stage_drop(*stages, (*stages)->first);
        }
        free(*stages);
        *stages = NULL;
    }
}

size_t stages_count(const struct stages *stages) {
    return stages->count;
}

// --- beginning
// --------------------------------------------------------------------------------------------------

bool stages_are_known(const struct node *node) {
    return node->alone || members_version(node) >= STAGE_VERSION;
}

bool stages_have_room(const struct node *node, const struct decision *decision) {
    return decision->staging.wanted == NULL || node->stages->held_bytes < LIMIT_STAGE_HELD_BYTES;
}

err stages_look(const struct decision *decision, err done) {
    if (!err_is(done) && decision->staging.wanted != NULL) {
        return err_make(ERR_SUSPENDED, "the decision waits for large bodies to be staged");
    }
    return done;
}

static void
begin(struct node *node, group_id group, const struct staging_wish *wish, struct stage *stage) {
    stage->group = group;
    stage->body = (struct staged_body){.workflow = wish->workflow, .run = wish->run};
    stage->text = malloc(wish->text.size);
    check(stage->text != NULL);
    memcpy(stage->text, wish->text.data, wish->text.size);
    stage->size = wish->text.size;
    struct stages *stages = node->stages;
    if (stages->last != NULL) {
        stages->last->next = stage;
    } else {
        stages->first = stage;
    }
    stages->last = stage;
    stages->count++;
    stages->held_bytes += stage->size;
    node->stats.bodies_staged++;
}

size_t stages_begin(struct node *node, const struct decision *decision, uint64_t job_id) {
    size_t count = 0;
    group_id group = store_txn_group(decision->txn);
    for (const struct staging_wish *wish = decision->staging.wanted; wish != NULL;
         wish = wish->next) {
        struct stage *stage = calloc(1, sizeof(*stage));
        check(stage != NULL);
        stage->job_id = job_id;
        begin(node, group, wish, stage);
        count++;
    }
    return count;
}

// --- going on
// --------------------------------------------------------------------------------------------------

// The stage is whole, or will never be.
static void stage_end(struct node *node, struct stage *stage) {
    uint64_t job_id = stage->job_id;
    stage_drop(node->stages, stage);
    job_staged(node, job_id);
}

// False: the store has no room now.
static bool write_piece(struct node *node, struct stage *stage) {
    struct decision decision;
    if (err_is(node_decision_begin(node, stage->group, &decision))) {
        return false;
    }
    bytes text = bytes_of(stage->text, stage->size);
    err written = staging_write(&decision, &stage->body, text);
    if (err_is(written)) { // it was taken away: whoever wanted it wants it anew
        check(written.code == ERR_NOT_FOUND);
        (void)node_decision_abort(node, &decision);
        stage->body.written = (uint32_t)stage->size;
        return true;
    }
    (void)node_decision_commit(node, &decision);
    stage->waits = node->groups[stage->group].last_index;
    node->stages->under_way++;
    return true;
}

static bool is_whole(const struct stage *stage) {
    return stage->body.written == stage->size ||
           (mutant_is("stage_named_early") && stage->body.written > 0);
}

void stages_pump(struct node *node) {
    struct stage *next = NULL;
    for (struct stage *stage = node->stages->first;
         stage != NULL && node->stages->under_way < LIMIT_STAGE_ENTRIES;
         stage = next) {
        next = stage->next;
        if (stage->waits != 0) {
            continue;
        }
        if (!write_piece(node, stage)) {
            node->more_to_do = true;
            return;
        }
        arena_reset(node->arena);
        // Whoever names it does so in a later entry of the same log: the last piece need not be
        // committed for that.
        if (is_whole(stage)) {
            stage_end(node, stage);
        }
    }
}

void stages_committed(struct node *node, group_id group, log_index index) {
    for (struct stage *stage = node->stages->first; stage != NULL; stage = stage->next) {
        if (stage->group == group && stage->waits != 0 && stage->waits <= index) {
            stage->waits = 0;
            node->stages->under_way--;
        }
    }
}

void stages_lost(struct node *node, group_id group) {
    struct stage *next = NULL;
    for (struct stage *stage = node->stages->first; stage != NULL; stage = next) {
        next = stage->next;
        if (stage->group == group) {
            stage_end(node, stage);
        }
    }
}
