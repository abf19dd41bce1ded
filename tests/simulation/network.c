// A pair of nodes has a link of two directions. A direction has a queue for each class, ordered by
// the time at which its messages are due; one action of the world empties them. A blocked direction
// keeps its messages: as with TCP they arrive late or, when the session ends before, never.
//
// A session begins when both processes run and neither direction is blocked. It ends when a process
// ends, when an end heard nothing for SILENCE, or by a cut; each end hears of it in its own time,
// and the next session begins only when both have. Actions carry the number of the session they
// belong to.

#include "tests/simulation/network.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    CLASS_COUNT = 3,
    SILENCE_MS = 600, // LIMIT_PEER_SILENCE_MS
    SILENCE_SLACK_MS = 400,
    CONNECT_MS_MAX = 300,
    TELL_MS_MAX = 30
};

struct packet {
    struct packet *next;
    int64_t due_ns;
    size_t size;
    uint8_t bytes[];
};

struct lane {
    struct packet *first;
    struct packet *last;
};

struct link;

struct direction {
    struct link *link;
    uint16_t from;
    uint16_t to;
    bool blocked;
    int64_t clogged_until_ns;
    int64_t delay_us_min;
    int64_t delay_us_max;
    struct lane lanes[CLASS_COUNT];
    int64_t pump_ns; // when the next pump is planned; 0: none is
    bool told_up;    // `to` holds the link for up, in session `told`
    uint64_t told;
    uint64_t blocks; // counts them, so that a check of silence knows its own
};

struct link {
    struct network *network;
    struct direction directions[2]; // from the lower node to the higher; back
    bool connected;
    bool connecting;  // an attempt is planned
    uint64_t session; // of now, or the last
};

struct network {
    struct world *world;
    int64_t delay_us_max;
    bool attached[NETWORK_NODES_MAX + 1];
    bool knows[NETWORK_NODES_MAX + 1][NETWORK_NODES_MAX + 1]; // [node][peer]
    struct network_end ends[NETWORK_NODES_MAX + 1];
    bool up[NETWORK_NODES_MAX + 1];
    struct link links[NETWORK_NODES_MAX + 1][NETWORK_NODES_MAX + 1]; // [lower][higher]
    struct network_stats stats;
};

static void connect_later(struct link *link);
static void pump(void *argument, uint64_t token);

// --- life ----------------------------------------------------------------------------------------

// Most directions are as quick as a good local network, some are slow.
static void draw_delay(struct world *world, struct direction *direction, int64_t us_max) {
    bool slow = world_maybe(world, 300);
    direction->delay_us_min = slow ? us_max / 4 : 30;
    direction->delay_us_max = slow ? us_max : 400;
    if (direction->delay_us_min > direction->delay_us_max) {
        direction->delay_us_min = direction->delay_us_max;
    }
}

struct network *network_create(struct world *world, int64_t delay_us_max) {
    struct network *network = calloc(1, sizeof(*network));
    check(network != NULL);
    network->world = world;
    network->delay_us_max = delay_us_max;
    return network;
}

static void lanes_clear(struct network *network, struct direction *direction) {
    for (int class = 0; class < CLASS_COUNT; class ++) {
        while (direction->lanes[class].first != NULL) {
            struct packet *packet = direction->lanes[class].first;
            direction->lanes[class].first = packet->next;
            network->stats.lost++;
            free(packet);
        }
        direction->lanes[class].last = NULL;
    }
}

// Calls `what` for every link of a node; of node 0, for all links.
static void
each_link(struct network *network, uint16_t node, void (*what)(struct link *link, uint16_t node)) {
    for (uint16_t low = 1; low <= NETWORK_NODES_MAX; low++) {
        for (uint16_t high = (uint16_t)(low + 1); high <= NETWORK_NODES_MAX; high++) {
            bool exists = network->attached[low] && network->attached[high];
            if (exists && (node == 0 || node == low || node == high)) {
                what(&network->links[low][high], node);
            }
        }
    }
}

static void link_clear(struct link *link, uint16_t node) {
    (void)node;
    lanes_clear(link->network, &link->directions[0]);
    lanes_clear(link->network, &link->directions[1]);
}

void network_destroy(struct network **network) {
    if (*network != NULL) {
        each_link(*network, 0, link_clear);
        free(*network);
        *network = NULL;
    }
}

static void add_link(struct network *network, uint16_t low, uint16_t high) {
    struct link *link = &network->links[low][high];
    link->network = network;
    link->directions[0] = (struct direction){.link = link, .from = low, .to = high};
    link->directions[1] = (struct direction){.link = link, .from = high, .to = low};
    draw_delay(network->world, &link->directions[0], network->delay_us_max);
    draw_delay(network->world, &link->directions[1], network->delay_us_max);
}

void network_attach(struct network *network, uint16_t node, const struct network_end *end) {
    check(node >= 1 && node <= NETWORK_NODES_MAX && !network->attached[node]);
    network->ends[node] = *end;
    for (uint16_t other = 1; other <= NETWORK_NODES_MAX; other++) {
        if (network->attached[other]) {
            add_link(network, other < node ? other : node, other < node ? node : other);
        }
    }
    network->attached[node] = true;
}

static struct link *link_of(struct network *network, uint16_t one, uint16_t other) {
    check(one != other && one >= 1 && other >= 1);
    return one < other ? &network->links[one][other] : &network->links[other][one];
}

static bool has_link(const struct network *network, uint16_t one, uint16_t other) {
    return network->attached[one] && network->attached[other];
}

static struct direction *direction_of(struct network *network, uint16_t from, uint16_t to) {
    return &link_of(network, from, to)->directions[from < to ? 0 : 1];
}

static struct direction *opposite(struct direction *direction) {
    struct link *link = direction->link;
    return &link->directions[direction == &link->directions[0] ? 1 : 0];
}

// --- what an end is told -------------------------------------------------------------------------

static void tell(struct direction *direction, bool up) {
    struct network *network = direction->link->network;
    direction->told_up = up;
    world_trace(
        network->world, "n%u: link to n%u is %s", direction->to, direction->from, up ? "up" : "down"
    );
    network->ends[direction->to].peer_changed(
        network->ends[direction->to].argument, direction->from, up
    );
}

// Whether the node at the end of the direction can take something now; if not, the action is put
// off.
static bool awake(
    struct direction *direction, void (*action)(void *, uint64_t), void *argument, uint64_t token
) {
    struct network *network = direction->link->network;
    const struct network_end *end = &network->ends[direction->to];
    int64_t wait_ns = end->awake_at(end->argument) - world_mono(network->world).ns;
    if (wait_ns > 0) {
        world_after(network->world, wait_ns, action, argument, token);
    }
    return wait_ns <= 0;
}

static void told_up(void *argument, uint64_t session) {
    struct direction *direction = argument;
    struct link *link = direction->link;
    if (!link->connected || link->session != session || direction->told_up ||
        !awake(direction, told_up, argument, session)) {
        return;
    }
    direction->told = session;
    tell(direction, true);
    pump(direction, 0);
}

static void told_down(void *argument, uint64_t session) {
    struct direction *direction = argument;
    struct link *link = direction->link;
    bool over = link->session > session || !link->connected;
    if (!over || !direction->told_up || direction->told != session ||
        !awake(direction, told_down, argument, session)) {
        return;
    }
    tell(direction, false);
    connect_later(link);
}

// --- sessions ------------------------------------------------------------------------------------

static void begin_session(void *argument, uint64_t token) {
    (void)token;
    struct link *link = argument;
    struct network *network = link->network;
    link->connecting = false;
    struct direction *there = &link->directions[0];
    struct direction *back = &link->directions[1];
    bool members = network->knows[there->from][there->to] && network->knows[there->to][there->from];
    if (link->connected || !members || !network->up[there->from] || !network->up[there->to] ||
        there->blocked || back->blocked || there->told_up || back->told_up) {
        return;
    }
    link->connected = true;
    link->session++;
    network->stats.sessions++;
    for (int i = 0; i < 2; i++) {
        int64_t us = world_draw(network->world, 0, TELL_MS_MAX * 1000);
        world_after(network->world, us * 1000, told_up, &link->directions[i], link->session);
    }
}

static void connect_later(struct link *link) {
    if (!link->connecting && !link->connected) {
        link->connecting = true;
        int64_t ms = world_draw(link->network->world, 1, CONNECT_MS_MAX);
        world_after(link->network->world, ms * WORLD_MS, begin_session, link, 0);
    }
}

// The end of a direction hears that the session is over.
static void tell_down_after(struct direction *direction, int64_t ms_max) {
    struct world *world = direction->link->network->world;
    int64_t us = world_draw(world, 0, ms_max * 1000);
    world_after(world, us * 1000, told_down, direction, direction->link->session);
}

static int64_t silence_ms(struct world *world) {
    return SILENCE_MS + world_draw(world, 0, SILENCE_SLACK_MS);
}

static void end_session(struct link *link) {
    link->connected = false;
    link_clear(link, 0);
}

void network_cut(struct network *network, uint16_t one, uint16_t other) {
    struct link *link = link_of(network, one, other);
    if (!has_link(network, one, other) || !link->connected) {
        return;
    }
    world_trace(network->world, "the connection of n%u and n%u breaks", one, other);
    end_session(link);
    tell_down_after(&link->directions[0], TELL_MS_MAX);
    tell_down_after(&link->directions[1], TELL_MS_MAX);
    connect_later(link);
}

void network_know(struct network *network, uint16_t node, uint16_t peer, bool known) {
    bool news = network->knows[node][peer] != known;
    network->knows[node][peer] = known; // it may come to be there later
    if (!news || !has_link(network, node, peer)) {
        return;
    }
    if (known) {
        connect_later(link_of(network, node, peer));
    } else {
        network_cut(network, node, peer);
    }
}

void network_know_nobody(struct network *network, uint16_t node) {
    for (uint16_t peer = 1; peer <= NETWORK_NODES_MAX; peer++) {
        network->knows[node][peer] = false;
    }
}

static void link_of_living(struct link *link, uint16_t node) {
    (void)node;
    connect_later(link);
}

void network_node_up(struct network *network, uint16_t node) {
    network->up[node] = true;
    each_link(network, node, link_of_living);
}

static void link_of_dead(struct link *link, uint16_t node) {
    struct direction *to_dead = &link->directions[link->directions[0].to == node ? 0 : 1];
    to_dead->told_up = false; // what it held for true died with it
    if (link->connected) {
        end_session(link);
    }
    tell_down_after(opposite(to_dead), TELL_MS_MAX);
}

static void link_of_silenced(struct link *link, uint16_t node) {
    struct direction *to_dead = &link->directions[link->directions[0].to == node ? 0 : 1];
    to_dead->told_up = false;
    if (link->connected) {
        end_session(link);
    }
    struct world *world = link->network->world;
    world_after(world, silence_ms(world) * WORLD_MS, told_down, opposite(to_dead), link->session);
}

void network_node_down(struct network *network, uint16_t node, bool silent) {
    network->up[node] = false;
    each_link(network, node, silent ? link_of_silenced : link_of_dead);
}

// --- messages ------------------------------------------------------------------------------------

static void pump_later(struct direction *direction, int64_t at_ns) {
    struct world *world = direction->link->network->world;
    int64_t now_ns = world_mono(world).ns;
    at_ns = at_ns < now_ns ? now_ns : at_ns;
    if (direction->pump_ns == 0 || direction->pump_ns > at_ns) {
        direction->pump_ns = at_ns;
        world_after(world, at_ns - now_ns, pump, direction, (uint64_t)at_ns);
    }
}

// The message that is due first; of those due together the more urgent one.
static struct lane *first_due(struct direction *direction) {
    struct lane *first = NULL;
    for (int class = 0; class < CLASS_COUNT; class ++) {
        struct lane *lane = &direction->lanes[class];
        if (lane->first != NULL && (first == NULL || lane->first->due_ns < first->first->due_ns)) {
            first = lane;
        }
    }
    return first;
}

// Carries over what is due. `token`: the time this was planned for; 0: not planned.
static void pump(void *argument, uint64_t token) {
    struct direction *direction = argument;
    struct network *network = direction->link->network;
    int64_t now_ns = world_mono(network->world).ns;
    if (token != 0 && direction->pump_ns != (int64_t)token) {
        return; // another one took its place
    }
    direction->pump_ns = token != 0 ? 0 : direction->pump_ns;
    const struct network_end *end = &network->ends[direction->to];
    struct lane *lane = NULL;
    while (direction->told_up && !direction->blocked && (lane = first_due(direction)) != NULL) {
        int64_t at_ns = lane->first->due_ns;
        int64_t awake_ns = end->awake_at(end->argument);
        at_ns = at_ns < direction->clogged_until_ns ? direction->clogged_until_ns : at_ns;
        at_ns = at_ns < awake_ns ? awake_ns : at_ns;
        if (at_ns > now_ns) {
            pump_later(direction, at_ns);
            return;
        }
        struct packet *packet = lane->first;
        lane->first = packet->next;
        lane->last = lane->first == NULL ? NULL : lane->last;
        network->stats.arrived++;
        end->message(end->argument, direction->from, bytes_of(packet->bytes, packet->size));
        free(packet);
    }
}

void network_send(
    struct network *network, uint16_t from, uint16_t to, enum link_class link, bytes message
) {
    struct direction *direction = direction_of(network, from, to);
    if (!has_link(network, from, to) || !direction->link->connected ||
        !opposite(direction)->told_up) {
        return;
    }
    struct packet *packet = malloc(sizeof(*packet) + message.size);
    check(packet != NULL);
    memcpy(packet->bytes, message.data, message.size);
    packet->size = message.size;
    packet->next = NULL;
    int64_t us = world_draw(network->world, direction->delay_us_min, direction->delay_us_max);
    packet->due_ns = world_mono(network->world).ns + us * 1000;
    struct lane *lane = &direction->lanes[link];
    if (lane->last != NULL) {
        packet->due_ns = packet->due_ns < lane->last->due_ns ? lane->last->due_ns : packet->due_ns;
        lane->last->next = packet;
    } else {
        lane->first = packet;
    }
    lane->last = packet;
    network->stats.sent++;
    pump_later(direction, packet->due_ns);
}

// --- faults --------------------------------------------------------------------------------------

static void heard_nothing(void *argument, uint64_t block) {
    struct direction *direction = argument;
    struct link *link = direction->link;
    if (!direction->blocked || direction->blocks != block || !link->connected) {
        return;
    }
    end_session(link);
    tell_down_after(direction, TELL_MS_MAX);
    // The other end learns by itself: its own news does not get through, or is answered by nobody.
    struct world *world = link->network->world;
    world_after(world, silence_ms(world) * WORLD_MS, told_down, opposite(direction), link->session);
}

void network_block(struct network *network, uint16_t from, uint16_t to) {
    struct direction *direction = direction_of(network, from, to);
    if (!has_link(network, from, to) || direction->blocked) {
        return;
    }
    world_trace(network->world, "nothing of n%u reaches n%u", from, to);
    direction->blocked = true;
    direction->blocks++;
    world_after(
        network->world,
        silence_ms(network->world) * WORLD_MS,
        heard_nothing,
        direction,
        direction->blocks
    );
}

void network_allow(struct network *network, uint16_t from, uint16_t to) {
    struct direction *direction = direction_of(network, from, to);
    if (!has_link(network, from, to) || !direction->blocked) {
        return;
    }
    world_trace(network->world, "n%u reaches n%u again", from, to);
    direction->blocked = false;
    pump_later(direction, 0);
    connect_later(direction->link);
}

void network_clog(struct network *network, uint16_t from, uint16_t to, int64_t ns) {
    struct direction *direction = direction_of(network, from, to);
    if (!has_link(network, from, to)) {
        return;
    }
    int64_t until_ns = world_mono(network->world).ns + ns;
    world_trace(
        network->world, "n%u to n%u is clogged for %lld ms", from, to, (long long)(ns / WORLD_MS)
    );
    if (until_ns > direction->clogged_until_ns) {
        direction->clogged_until_ns = until_ns;
    }
}

static void link_heal(struct link *link, uint16_t node) {
    (void)node;
    for (int i = 0; i < 2; i++) {
        struct direction *direction = &link->directions[i];
        network_allow(link->network, direction->from, direction->to);
        direction->clogged_until_ns = 0;
        direction->delay_us_min = 30;
        direction->delay_us_max = 400;
        pump_later(direction, 0);
    }
}

void network_heal(struct network *network) {
    each_link(network, 0, link_heal);
}

struct network_stats network_stats(const struct network *network) {
    return network->stats;
}
