// What a person tells a cluster of its members (POST /api/cluster/…): one order at a time, asked of
// any node until it is answered; some are given twice at once, through two nodes.
#pragma once

#include "tests/simulation/scene.h"

enum order_kind {
    ORDER_NONE,
    ORDER_JOIN,
    ORDER_DRAIN,
    ORDER_CANCEL, // a drain
    ORDER_REMOVE,
    ORDER_REPLACE,
    ORDER_MOVE,
    ORDERS
};

struct order {
    enum order_kind kind;
    uint16_t node;  // it is about; REPLACE: who takes the place, MOVE: whose replica goes
    uint16_t other; // REPLACE: whose place, MOVE: where to
    uint32_t group; // MOVE
    bool forced;
    struct machine *newcomer; // JOIN: borrowed
    uint32_t address;         // JOIN: a number that no other one has
};

struct order_answer {
    uint16_t status; // 200; 409 or 404: refused
    bytes body;      // JSON of one that was done; borrowed
};

struct orders;

// Everything lives in `arena`. `answered` is told of each order, once.
struct orders *orders_create(
    struct scene *scene,
    struct arena *arena,
    void (*answered)(void *argument, const struct order *order, const struct order_answer *answer),
    void *argument
);

void orders_give(struct orders *orders, const struct order *order);

// Whether none is under way.
bool orders_are_done(const struct orders *orders);
