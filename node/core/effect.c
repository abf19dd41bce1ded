// A heap by (lsn, order of wanting): replies leave in the order of the log, and an effect that
// waits for nothing leaves at once. Bodies are on the C heap because they outlive the step's arena.
#include "node/core/effect.h"

#include "proto/base/check.h"
#include "proto/base/heap.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

struct held {
    uint64_t order;
    struct node_effect effect;
};

struct node_effects {
    struct heap held;
    log_lsn open_lsn;
    uint64_t next_order;
};

static int held_order(const void *left_item, const void *right_item) {
    const struct held *left = left_item;
    const struct held *right = right_item;
    if (left->effect.lsn != right->effect.lsn) {
        return left->effect.lsn < right->effect.lsn ? -1 : 1;
    }
    return left->order < right->order ? -1 : left->order > right->order;
}

struct node_effects *node_effects_create(log_lsn durable) {
    struct node_effects *effects = calloc(1, sizeof(*effects));
    check(effects != NULL);
    effects->open_lsn = durable;
    heap_init(&effects->held, sizeof(struct held), held_order);
    return effects;
}

void node_effects_destroy(struct node_effects **effects) {
    if (*effects == NULL) {
        return;
    }
    struct held held;
    while (heap_pop(&(*effects)->held, &held)) {
        node_effect_release(&held.effect);
    }
    heap_deinit(&(*effects)->held);
    free(*effects);
    *effects = NULL;
}

void node_effects_add(struct node_effects *effects, const struct node_effect *effect) {
    struct held held = {effects->next_order++, *effect};
    heap_push(&effects->held, &held);
}

void node_effects_open(struct node_effects *effects, log_lsn lsn) {
    if (lsn > effects->open_lsn) {
        effects->open_lsn = lsn;
    }
}

bool node_effects_take(struct node_effects *effects, struct node_effect *out_effect) {
    const struct held *first = heap_top(&effects->held);
    if (first == NULL) {
        return false;
    }
    if (first->effect.lsn > effects->open_lsn && !mutant_is("reply_before_durable")) {
        return false;
    }
    struct held held;
    (void)heap_pop(&effects->held, &held);
    *out_effect = held.effect;
    return true;
}

void node_effect_release(struct node_effect *effect) {
    union {
        const uint8_t *borrowed;
        void *owned;
    } body = {.borrowed = effect->body.data};
    free(body.owned);
    effect->body = BYTES_EMPTY;
}

size_t node_effects_held(const struct node_effects *effects) {
    return effects->held.count;
}
