// Thompson's construction: write the tree of a pattern as a program, run all its threads at once.
//
// Only "does all of it match" is asked, so greed and captures make no difference and the simulation
// needs no backtracking: a user's pattern cannot take more than program size × text length.
#include "proto/limits.h"
#include "scheduler/expression/regex_internal.h"
#include "scheduler/expression/regex_tree_internal.h"

enum step_kind {
    STEP_SET,
    STEP_BEGIN,
    STEP_END,
    STEP_BORDER,
    STEP_SPLIT, // go on at `target` and at the next
    STEP_JUMP,
    STEP_MATCH,
};

struct step {
    enum step_kind kind;
    bool negated;
    uint32_t target;
    const struct set *set;
};

struct regex {
    struct step *steps;
    uint32_t count;
    bool lines; // ^ and $ match at line ends too
};

static bool emit(struct regex *regex, const struct node *node);

static bool emit_step(struct regex *regex, struct step step) {
    if (regex->count == LIMIT_REGEX_STEPS) {
        return false;
    }
    regex->steps[regex->count++] = step;
    return true;
}

const struct regex *regex_compile(bytes pattern, bytes flags, struct arena *arena) {
    struct regex *regex = ARENA_NEW(arena, struct regex);
    const struct node *root = regex_parse(pattern, flags, arena, &regex->lines);
    if (root == NULL) {
        return NULL;
    }
    regex->steps = ARENA_ARRAY(arena, struct step, LIMIT_REGEX_STEPS);
    bool written = emit(regex, root) && emit_step(regex, (struct step){.kind = STEP_MATCH});
    return written ? regex : NULL;
}

// --- writing the program
// -----------------------------------------------------------------------------

static bool emit_choice(struct regex *regex, const struct node *node) {
    uint32_t split = regex->count;
    if (!emit_step(regex, (struct step){.kind = STEP_SPLIT}) || !emit(regex, node->left)) {
        return false;
    }
    uint32_t jump = regex->count;
    if (!emit_step(regex, (struct step){.kind = STEP_JUMP})) {
        return false;
    }
    regex->steps[split].target = regex->count;
    if (!emit(regex, node->right)) {
        return false;
    }
    regex->steps[jump].target = regex->count;
    return true;
}

static bool emit_repeat(struct regex *regex, const struct node *node) {
    for (uint32_t i = 0; i < node->least; i++) {
        uint32_t before = regex->count;
        if (!emit(regex, node->left)) {
            return false;
        }
        if (regex->count == before) {
            return true; // however often, nothing stays nothing
        }
    }
    uint32_t split = regex->count;
    if (node->most == UINT32_MAX) {
        if (!emit_step(regex, (struct step){.kind = STEP_SPLIT}) || !emit(regex, node->left) ||
            !emit_step(regex, (struct step){.kind = STEP_JUMP, .target = split})) {
            return false;
        }
        regex->steps[split].target = regex->count;
        return true;
    }
    for (uint32_t i = node->least; i < node->most; i++) {
        split = regex->count; // an empty body costs a step each time, so the program bounds it
        if (!emit_step(regex, (struct step){.kind = STEP_SPLIT}) || !emit(regex, node->left)) {
            return false;
        }
        regex->steps[split].target = regex->count;
    }
    return true;
}

static bool emit(struct regex *regex, const struct node *node) {
    switch (node->kind) {
    case NODE_EMPTY:
        return true;
    case NODE_SET:
        return emit_step(regex, (struct step){.kind = STEP_SET, .set = node->set});
    case NODE_BEGIN:
        return emit_step(regex, (struct step){.kind = STEP_BEGIN});
    case NODE_END:
        return emit_step(regex, (struct step){.kind = STEP_END});
    case NODE_BORDER:
        return emit_step(regex, (struct step){.kind = STEP_BORDER, .negated = node->negated});
    case NODE_SEQUENCE:
        return emit(regex, node->left) && emit(regex, node->right);
    case NODE_CHOICE:
        return emit_choice(regex, node);
    case NODE_REPEAT:
        return emit_repeat(regex, node);
    }
    return false;
}

// --- running
// ---------------------------------------------------------------------------------------

struct threads {
    uint32_t *at; // steps that stand before the next character
    uint32_t count;
    uint64_t *seen; // by step: the position it was reached at, plus 1
    uint32_t *stack;
};

struct place {
    bytes text;
    size_t at;
    uint32_t before; // 0 at the ends
    uint32_t after;
};

static bool
assertion_holds(const struct regex *regex, const struct step *step, struct place place) {
    bool line = regex->lines;
    switch (step->kind) {
    case STEP_BEGIN:
        return place.at == 0 || (line && place.before == '\n');
    case STEP_END:
        return place.at == place.text.size ||
               (place.after == '\n' && (line || place.at + 1 == place.text.size));
    case STEP_BORDER:
        return (regex_is_word(place.before) != regex_is_word(place.after)) != step->negated;
    case STEP_SET:
    case STEP_SPLIT:
    case STEP_JUMP:
    case STEP_MATCH:
        break;
    }
    return true;
}

// Adds the thread at `from` and all it leads to without a character. True: a match is among them.
static bool
add_thread(const struct regex *regex, struct threads *threads, uint32_t from, struct place place) {
    uint32_t depth = 0;
    bool matched = false;
    threads->stack[depth++] = from;
    while (depth > 0) {
        uint32_t at = threads->stack[--depth];
        if (threads->seen[at] == place.at + 1) {
            continue;
        }
        threads->seen[at] = place.at + 1;
        const struct step *step = &regex->steps[at];
        switch (step->kind) {
        case STEP_SET:
            threads->at[threads->count++] = at;
            break;
        case STEP_MATCH:
            matched = true;
            break;
        case STEP_JUMP:
            threads->stack[depth++] = step->target;
            break;
        case STEP_SPLIT:
            threads->stack[depth++] = step->target;
            threads->stack[depth++] = at + 1;
            break;
        case STEP_BEGIN:
        case STEP_END:
        case STEP_BORDER:
            if (assertion_holds(regex, step, place)) {
                threads->stack[depth++] = at + 1;
            }
            break;
        }
    }
    return matched;
}

static uint32_t peek(bytes text, size_t at) {
    return at < text.size ? regex_next_point(text, &at) : 0;
}

bool regex_matches(const struct regex *regex, bytes text, struct arena *arena) {
    struct threads now = {
        .at = ARENA_ARRAY(arena, uint32_t, regex->count),
        .seen = ARENA_ARRAY(arena, uint64_t, regex->count),
        .stack = ARENA_ARRAY(arena, uint32_t, regex->count * 2 + 2),
    };
    struct threads then = now;
    then.at = ARENA_ARRAY(arena, uint32_t, regex->count);
    struct place place = {.text = text, .after = peek(text, 0)};
    bool matched = add_thread(regex, &now, 0, place);
    while (place.at < text.size && now.count > 0) {
        uint32_t point = regex_next_point(text, &place.at);
        place.before = point;
        place.after = peek(text, place.at);
        then.count = 0;
        matched = false;
        for (uint32_t i = 0; i < now.count; i++) {
            if (regex_set_has(regex->steps[now.at[i]].set, point)) {
                matched = add_thread(regex, &then, now.at[i] + 1, place) || matched;
            }
        }
        struct threads swapped = now;
        now = then;
        then = swapped;
    }
    return matched && place.at == text.size;
}
