// A skip list of 4-way levels: a third of a pointer a row above the lowest level, one comparison of
// numbers a step, and removal of a whole generation in one walk over the lowest level.
//
// Rejected: a B-tree (a checkpoint removes rows all over it), a hash table beside a sorted one (two
// structures to keep alike; walks need the order anyway).
#include "storage/view/ordered.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

void ordered_init(struct ordered *ordered, uint64_t seed) {
    *ordered = (struct ordered){.drawn = seed};
}

void ordered_clear(struct ordered *ordered) {
    struct ordered_node *node = ordered->first[0];
    while (node != NULL) {
        struct ordered_node *next = node->next[0];
        free(node);
        node = next;
    }
    ordered_init(ordered, ordered->drawn);
}

static uint64_t head_of(bytes key) {
    if (key.size >= 8) {
        return bytes_get_u64(key.data);
    }
    uint8_t padded[8] = {0};
    if (key.size > 0) {
        memcpy(padded, key.data, key.size);
    }
    return bytes_get_u64(padded);
}

// Keys with equal heads still differ in length or behind them; the whole comparison decides.
static int compare(const struct ordered_node *node, uint64_t head, bytes key) {
    if (node->head != head) {
        return node->head < head ? -1 : 1;
    }
    return bytes_compare(node->key, key);
}

// Fills `links` with the pointers that lead to the first row ≥ key, from the highest level down.
static struct ordered_node *descend(
    struct ordered *ordered,
    uint64_t head,
    bytes key,
    struct ordered_node **links[ORDERED_HEIGHT_MAX],
    bool *out_equal
) {
    struct ordered_node *before = NULL;
    struct ordered_node *known_greater = NULL;
    int order = 1;
    for (int level = ORDERED_HEIGHT_MAX - 1; level >= 0; level--) {
        struct ordered_node **link = before == NULL ? &ordered->first[level] : &before->next[level];
        while (*link != NULL && *link != known_greater) {
            order = compare(*link, head, key);
            if (order >= 0) {
                known_greater = *link;
                *out_equal = order == 0;
                break;
            }
            before = *link;
            link = &before->next[level];
        }
        links[level] = link;
    }
    return *links[0];
}

struct ordered_node *ordered_seek(const struct ordered *ordered, bytes from, bool after) {
    uint64_t head = head_of(from);
    const struct ordered_node *before = NULL;
    struct ordered_node *found = NULL;
    for (int level = ORDERED_HEIGHT_MAX - 1; level >= 0; level--) {
        struct ordered_node *node = before == NULL ? ordered->first[level] : before->next[level];
        while (node != NULL && node != found) {
            int order = compare(node, head, from);
            if (order > 0 || (order == 0 && !after)) {
                found = node;
                break;
            }
            before = node;
            node = node->next[level];
        }
    }
    return found;
}

// As ordered_seek, but done as soon as the row is met, which is on a higher level one time in
// three, and without comparing its key again.
struct ordered_node *ordered_find(const struct ordered *ordered, bytes key) {
    uint64_t head = head_of(key);
    const struct ordered_node *before = NULL;
    const struct ordered_node *known_greater = NULL;
    for (int level = ORDERED_HEIGHT_MAX - 1; level >= 0; level--) {
        struct ordered_node *node = before == NULL ? ordered->first[level] : before->next[level];
        while (node != NULL && node != known_greater) {
            int order = compare(node, head, key);
            if (order == 0) {
                return node;
            }
            if (order > 0) {
                known_greater = node;
                break;
            }
            before = node;
            node = node->next[level];
        }
    }
    return NULL;
}

// One more level for each two zero bits of a mixed counter.
static uint8_t draw_height(struct ordered *ordered) {
    uint64_t z = ordered->drawn += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z ^= z >> 27;
    uint8_t height = 1;
    while (height < ORDERED_HEIGHT_MAX && (z & 3) == 0) {
        z >>= 2;
        height++;
    }
    return height;
}

static size_t node_bytes(const struct ordered_node *node) {
    return sizeof(*node) + node->height * sizeof(node->next[0]);
}

static void link_node(
    struct ordered *ordered,
    struct ordered_node *node,
    struct ordered_node **links[ORDERED_HEIGHT_MAX]
) {
    for (int level = 0; level < node->height; level++) {
        node->next[level] = *links[level];
        *links[level] = node;
    }
    ordered->count++;
    ordered->bytes += node_bytes(node);
}

struct ordered_node *ordered_put(struct ordered *ordered, bytes key, bool *out_fresh) {
    struct ordered_node **links[ORDERED_HEIGHT_MAX];
    uint64_t head = head_of(key);
    bool equal = false;
    struct ordered_node *found = descend(ordered, head, key, links, &equal);
    *out_fresh = !equal;
    if (equal) {
        return found;
    }
    uint8_t height = draw_height(ordered);
    struct ordered_node *node = malloc(sizeof(*node) + height * sizeof(node->next[0]));
    check(node != NULL);
    *node = (struct ordered_node){.head = head, .key = key, .height = height};
    link_node(ordered, node, links);
    return node;
}

struct ordered_node *ordered_move_first(struct ordered *from, struct ordered *into) {
    struct ordered_node *node = from->first[0];
    check(node != NULL);
    for (int level = 0; level < node->height; level++) {
        from->first[level] = node->next[level];
    }
    from->count--;
    from->bytes -= node_bytes(node);
    struct ordered_node **links[ORDERED_HEIGHT_MAX];
    bool equal = false;
    struct ordered_node *found = descend(into, node->head, node->key, links, &equal);
    if (!equal) {
        link_node(into, node, links);
        return node;
    }
    found->key = node->key;
    found->value = node->value;
    found->index = node->index;
    free(node);
    return found;
}

void ordered_drop(struct ordered *ordered, uint64_t index) {
    struct ordered_node **links[ORDERED_HEIGHT_MAX];
    for (int level = 0; level < ORDERED_HEIGHT_MAX; level++) {
        links[level] = &ordered->first[level];
    }
    struct ordered_node *node = ordered->first[0];
    while (node != NULL) {
        struct ordered_node *next = node->next[0];
        bool gone = node->index <= index;
        for (int level = 0; level < node->height; level++) {
            if (gone) {
                *links[level] = node->next[level];
            } else {
                links[level] = &node->next[level];
            }
        }
        if (gone) {
            ordered->count--;
            ordered->bytes -= node_bytes(node);
            free(node);
        }
        node = next;
    }
}
