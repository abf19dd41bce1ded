// The copies of an order are asked one by one of their own. Each is done or refused; the order is
// done when one of them was. What joins twice is let in once.

#include "tests/simulation/orders.h"

#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdio.h>
#include <string.h>

static const char *const CHECKER = "orders";

enum {
    RETRY_MS = 400,
    TWICE_PER_MILLE = 150,
    BODY_KEPT_BYTES = 4096
};

struct orders {
    struct scene *scene;
    void (*answered)(void *argument, const struct order *order, const struct order_answer *answer);
    void *argument;
    struct order order;
    uint32_t open; // copies that are not answered
    struct order_answer answer;
    uint8_t body[BODY_KEPT_BYTES]; // of the answer
};

static void ask(void *argument, uint64_t token);

// --- what is asked -------------------------------------------------------------------------------

static void put_number(const struct order *order, struct json_writer *writer, const char *name) {
    int64_t number = strcmp(name, "partition") == 0 ? (int64_t)order->group
                     : strcmp(name, "from") == 0    ? order->node
                                                    : order->other;
    json_member_int(writer, name, number);
}

static void write_wish(const struct order *order, struct json_writer *writer) {
    const struct machine_plan *plan = machine_plan_of(order->newcomer);
    char address[32];
    (void)snprintf(address, sizeof(address), "newcomer%u:1", order->address);
    struct id_text store = id_text(machine_store_id(order->newcomer));
    json_member_text(writer, "address", bytes_from_text(address));
    json_member_text(writer, "storeId", bytes_from_text(store.text));
    json_member_text(writer, "zone", bytes_from_text(plan->zone));
    json_member_int(writer, "weight", plan->weight);
    json_member_int(writer, "releaseLow", plan->release - 1);
    json_member_int(writer, "releaseHigh", plan->release);
}

// What is done with a node, by path, and the numbers that stand in the body.
struct form {
    const char *verb; // NULL: the path has no node
    const char *numbers[3];
};

static const struct form FORMS[ORDERS] = {
    [ORDER_DRAIN] = {"drain", {NULL}},
    [ORDER_CANCEL] = {"cancel-drain", {NULL}},
    [ORDER_REMOVE] = {"remove", {NULL}},
    [ORDER_REPLACE] = {"replace", {"deadNodeId"}},
    [ORDER_MOVE] = {NULL, {"partition", "from", "to"}},
};

static void write_path(const struct order *order, char *out, size_t size) {
    const char *verb = FORMS[order->kind].verb;
    if (verb != NULL) {
        (void)snprintf(out, size, "/api/cluster/nodes/%u/%s", order->node, verb);
    } else {
        (void)snprintf(out, size, "/api/cluster/%s", order->kind == ORDER_JOIN ? "nodes" : "move");
    }
}

static bytes write_body(struct orders *orders) {
    const struct order *order = &orders->order;
    const struct form *form = &FORMS[order->kind];
    struct buffer *body = &orders->scene->body;
    buffer_clear(body);
    if (order->kind != ORDER_JOIN && form->numbers[0] == NULL) {
        return BYTES_EMPTY;
    }
    struct json_writer writer = json_writer(body);
    json_object_begin(&writer);
    if (order->kind == ORDER_JOIN) {
        write_wish(order, &writer);
    }
    for (size_t i = 0; i < 3 && form->numbers[i] != NULL; i++) {
        put_number(order, &writer, form->numbers[i]);
    }
    json_object_end(&writer);
    return buffer_bytes(body);
}

// --- answers -------------------------------------------------------------------------------------

static void keep(struct orders *orders, const struct answer *answer) {
    size_t size = answer->body.size < BODY_KEPT_BYTES ? answer->body.size : BODY_KEPT_BYTES;
    memcpy(orders->body, answer->body.data, size);
    orders->answer = (struct order_answer){answer->status, bytes_of(orders->body, size)};
}

static void judge(const struct orders *orders, const struct answer *answer) {
    bool done = answer->status == 200;
    bool refused = answer->status == 409 || answer->status == 404;
    if (!done && !refused) {
        world_fail(
            orders->scene->world,
            CHECKER,
            "order %d about n%u was answered %u %.*s",
            (int)orders->order.kind,
            orders->order.node,
            answer->status,
            BYTES_ARG(answer->body)
        );
    }
    bool again = done && orders->answer.status == 200 && orders->order.kind == ORDER_JOIN;
    if (again && read_int(answer->body, "nodeId") != read_int(orders->answer.body, "nodeId")) {
        world_fail(orders->scene->world, CHECKER, "one store was let in as two nodes");
    }
}

static void copy_answered(void *argument, const struct answer *answer) {
    struct orders *orders = argument;
    struct world *world = orders->scene->world;
    arena_reset(orders->scene->scratch);
    if (answer->outcome != OUTCOME_ANSWERED || answer->status == 503) {
        world_after(world, RETRY_MS * WORLD_MS, ask, orders, 0);
        return;
    }
    bytes shown = bytes_slice(answer->body, 0, answer->body.size < 200 ? answer->body.size : 200);
    world_trace(world, "the steward is answered %u %.*s", answer->status, BYTES_ARG(shown));
    judge(orders, answer);
    if (orders->answer.status != 200) {
        keep(orders, answer);
    }
    if (--orders->open == 0 && !world_failed(world)) {
        const struct order order = orders->order;
        orders->answered(orders->argument, &order, &orders->answer);
    }
}

static void ask(void *argument, uint64_t token) {
    (void)token;
    struct orders *orders = argument;
    char path[96];
    arena_reset(orders->scene->scratch);
    write_path(&orders->order, path, sizeof(path));
    const char *query = orders->order.forced ? "force=true" : "";
    world_trace(orders->scene->world, "the steward asks %s %s", path, query);
    struct question question = {"POST", path, query, write_body(orders)};
    (void)fleet_ask(orders->scene->fleet, &question, copy_answered, orders);
}

// --- life ----------------------------------------------------------------------------------------

struct orders *orders_create(
    struct scene *scene,
    struct arena *arena,
    void (*answered)(void *argument, const struct order *order, const struct order_answer *answer),
    void *argument
) {
    struct orders *orders = ARENA_NEW(arena, struct orders);
    orders->scene = scene;
    orders->answered = answered;
    orders->argument = argument;
    return orders;
}

void orders_give(struct orders *orders, const struct order *order) {
    orders->order = *order;
    orders->answer = (struct order_answer){0};
    orders->open = world_maybe(orders->scene->world, TWICE_PER_MILLE) ? 2 : 1;
    for (uint32_t i = orders->open; i > 0; i--) {
        ask(orders, 0);
    }
}

bool orders_are_done(const struct orders *orders) {
    return orders->open == 0;
}
