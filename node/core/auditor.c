// One group after the other, LIMIT_AUDIT_ROWS rows every LIMIT_AUDIT_MS, then a rest: what it costs
// is bounded by these two numbers whatever there is to walk through (node/core/README.md has the
// figure). A walk sees the newest state, proposed or committed: the invariants hold behind every
// entry. It ends without result when leadership of its group does.
//
// Of a stream the sender's end is looked at. The receiver's is another group's, whose leader may be
// elsewhere, or be one that does not know yet that it is none: only a node that is alone can
// compare the two.
#include "node/core/auditor.h"

#include "node/core/lead.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"
#include "scheduler/audit.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

struct auditor {
    struct audit *audit; // the walk under way, or NULL
    group_id group;      // the next one to begin with
    mono_time at;        // of the next slice
    int64_t rest_ms;
    uint32_t findings; // of this walk
    struct auditor_stats stats;
};

struct auditor *auditor_create(int64_t rest_ms) {
    struct auditor *auditor = calloc(1, sizeof(*auditor));
    check(auditor != NULL);
    auditor->rest_ms = rest_ms == 0 ? LIMIT_AUDIT_REST_MS : rest_ms;
    return auditor;
}

void auditor_destroy(struct auditor **auditor) {
    if (*auditor != NULL) {
        audit_destroy(&(*auditor)->audit);
        free(*auditor);
        *auditor = NULL;
    }
}

struct auditor_stats auditor_stats(const struct auditor *auditor) {
    return auditor->stats;
}

// --- reporting
// --------------------------------------------------------------------------------------------

static unsigned kind_of(uint32_t invariant) {
    static const uint32_t invariants[] = {
#define AUDITED_NUMBER(number, meaning) number,
        AUDITED(AUDITED_NUMBER)
#undef AUDITED_NUMBER
    };
    unsigned kind = 0;
    while (kind < AUDITED_0 && invariants[kind] != invariant) {
        kind++;
    }
    return kind;
}

// All are counted, the first few of a walk are told.
static void found(void *argument, uint32_t invariant, const char *text) {
    struct node *node = argument;
    struct auditor *auditor = node->auditor;
    auditor->stats.faults[kind_of(invariant)]++;
    if (auditor->findings++ >= LIMIT_AUDIT_FINDINGS) {
        return;
    }
    struct buffer told;
    buffer_init(&told, LIMIT_REPLY_BYTES);
    buffer_format(&told, "invariant %u, partition %u: %s", invariant, auditor->group, text);
    struct node_effect effect = {
        .kind = EFFECT_FINDING, .body = node_effect_keep(buffer_bytes(&told))};
    node_effects_add(node->effects, &effect);
    buffer_deinit(&told);
}

static struct store *store_of(void *argument, group_id group) {
    const struct node *node = argument;
    return node->alone && node->groups[group].leading ? node->store : NULL;
}

// --- walking
// ----------------------------------------------------------------------------------------------

static void end(struct auditor *auditor) {
    audit_destroy(&auditor->audit);
    auditor->group++;
    auditor->findings = 0;
}

// Begins with the next group led here. False: all were seen.
static bool begin(struct node *node) {
    struct auditor *auditor = node->auditor;
    uint32_t group_count = node->settings.group_count;
    while (auditor->group < group_count && !lead_may_decide(node, auditor->group)) {
        auditor->group++;
    }
    if (auditor->group >= group_count) {
        auditor->group = 0;
        return false;
    }
    auditor->audit = audit_create(node->store, auditor->group, group_count);
    return true;
}

static void slice(struct node *node) {
    struct auditor *auditor = node->auditor;
    struct audit_report report = {.fault = found, .store_of = store_of, .argument = node};
    bool done = false;
    err error = audit_slice(
        auditor->audit, LIMIT_AUDIT_ROWS, node->definitions, node->arena, &report, &done
    );
    arena_reset(node->arena);
    if (error.code == ERR_UNAVAILABLE) {
        return; // the overlay is full: later
    }
    if (err_is(error)) {
        found(node, 0, error.text);
    }
    if (err_is(error) || done) {
        auditor->stats.groups++;
        auditor->stats.uncounted += audit_compared_counters(auditor->audit) ? 0 : 1;
        end(auditor);
    }
}

void auditor_pump(struct node *node) {
    struct auditor *auditor = node->auditor;
    if (node->mono.ns < auditor->at.ns || node->groups_led == 0) {
        return;
    }
    bool first = auditor->at.ns == 0;
    bool rests = first || (auditor->audit == NULL && !begin(node));
    if (!rests) {
        slice(node);
    }
    int64_t wait_ms = rests ? auditor->rest_ms : LIMIT_AUDIT_MS;
    auditor->at.ns = node->mono.ns + wait_ms * NS_PER_MS;
}

bool auditor_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->auditor->at;
    return node->groups_led > 0;
}

void auditor_touched(struct auditor *auditor, group_id group, id128 workflow) {
    if (auditor->audit != NULL && audit_group(auditor->audit) == group) {
        audit_touched(auditor->audit, workflow);
    }
}

void auditor_lost(struct auditor *auditor, group_id group) {
    if (auditor->audit != NULL && audit_group(auditor->audit) == group) {
        end(auditor);
    }
}
