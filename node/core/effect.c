// Effects in the order they were wanted. What has to wait for the log waits in gates.h before it
// comes here. Bodies are on the C heap because they outlive the step's arena.
#include "node/core/effect.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    EFFECTS_CAPACITY_FIRST = 64
};

struct node_effects {
    struct node_effect *ring;
    size_t capacity; // a power of two
    size_t first;
    size_t count;
};

struct node_effects *node_effects_create(void) {
    struct node_effects *effects = calloc(1, sizeof(*effects));
    check(effects != NULL);
    effects->capacity = EFFECTS_CAPACITY_FIRST;
    effects->ring = calloc(effects->capacity, sizeof(*effects->ring));
    check(effects->ring != NULL);
    return effects;
}

void node_effects_destroy(struct node_effects **effects) {
    if (*effects == NULL) {
        return;
    }
    struct node_effect effect;
    while (node_effects_take(*effects, &effect)) {
        node_effect_release(&effect);
    }
    free((*effects)->ring);
    free(*effects);
    *effects = NULL;
}

static void grow(struct node_effects *effects) {
    struct node_effect *grown = calloc(effects->capacity * 2, sizeof(*grown));
    check(grown != NULL);
    for (size_t i = 0; i < effects->count; i++) {
        grown[i] = effects->ring[(effects->first + i) & (effects->capacity - 1)];
    }
    free(effects->ring);
    effects->ring = grown;
    effects->capacity *= 2;
    effects->first = 0;
}

void node_effects_add(struct node_effects *effects, const struct node_effect *effect) {
    if (effects->count == effects->capacity) {
        grow(effects);
    }
    effects->ring[(effects->first + effects->count) & (effects->capacity - 1)] = *effect;
    effects->count++;
}

bool node_effects_take(struct node_effects *effects, struct node_effect *out_effect) {
    if (effects->count == 0) {
        return false;
    }
    *out_effect = effects->ring[effects->first];
    effects->first = (effects->first + 1) & (effects->capacity - 1);
    effects->count--;
    return true;
}

bytes node_effect_keep(bytes body) {
    if (body.size == 0) {
        return BYTES_EMPTY;
    }
    uint8_t *copy = malloc(body.size);
    check(copy != NULL);
    memcpy(copy, body.data, body.size);
    return bytes_of(copy, body.size);
}

void node_effect_release(struct node_effect *effect) {
    union {
        const uint8_t *borrowed;
        void *owned;
    } body = {.borrowed = effect->body.data};
    free(body.owned);
    effect->body = BYTES_EMPTY;
}
