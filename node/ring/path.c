// Dijkstra over at most 64 members, where every cost is 0 or 1: no queue needed.
#include "node/ring/place_internal.h"

#include <string.h>

enum {
    FAR = PLACE_NO_WAY
};

struct search {
    uint8_t distance[PLACE_MEMBERS_MAX];
    uint8_t before[PLACE_MEMBERS_MAX];
    bool done[PLACE_MEMBERS_MAX];
};

// The nearest member that is not done, of equals the one with the most too much.
static uint8_t
next_to_visit(const struct search *search, uint32_t member_count, const double *too_much) {
    uint8_t best = PLACE_NOBODY;
    for (uint32_t at = 0; at < member_count; at++) {
        if (search->done[at] || search->distance[at] == FAR) {
            continue;
        }
        if (best == PLACE_NOBODY || search->distance[at] < search->distance[best] ||
            (search->distance[at] == search->distance[best] && too_much[at] > too_much[best])) {
            best = (uint8_t)at;
        }
    }
    return best;
}

// The nearest member of `into`, of equals the one with the least.
static uint8_t nearest_of(
    const struct search *search, uint32_t member_count, const bool *into, const double *too_much
) {
    uint8_t best = PLACE_NOBODY;
    for (uint32_t at = 0; at < member_count; at++) {
        if (!into[at] || search->distance[at] == FAR) {
            continue;
        }
        if (best == PLACE_NOBODY || search->distance[at] < search->distance[best] ||
            (search->distance[at] == search->distance[best] && too_much[at] < too_much[best])) {
            best = (uint8_t)at;
        }
    }
    return best;
}

static struct place_path trace_back(const struct search *search, uint8_t last) {
    struct place_path path = {.cost = search->distance[last]};
    for (uint8_t at = last; at != PLACE_NOBODY; at = search->before[at]) {
        path.members[path.length++] = at;
    }
    for (uint32_t left = 0, right = path.length - 1; left < right; left++, right--) {
        uint8_t member = path.members[left];
        path.members[left] = path.members[right];
        path.members[right] = member;
    }
    return path;
}

struct place_path place_path_find(
    uint32_t member_count,
    const struct place_ways *ways,
    const bool *from,
    const bool *into,
    const double *too_much
) {
    struct search search;
    memset(&search, 0, sizeof(search));
    for (uint32_t at = 0; at < member_count; at++) {
        search.distance[at] = from[at] ? 0 : FAR;
        search.before[at] = PLACE_NOBODY;
    }
    for (;;) {
        uint8_t at = next_to_visit(&search, member_count, too_much);
        if (at == PLACE_NOBODY) {
            break;
        }
        search.done[at] = true;
        for (uint32_t next = 0; next < member_count; next++) {
            uint8_t cost = ways->cost[at][next];
            if (cost != PLACE_NO_WAY && search.distance[at] + cost < search.distance[next]) {
                search.distance[next] = (uint8_t)(search.distance[at] + cost);
                search.before[next] = at;
            }
        }
    }
    uint8_t last = nearest_of(&search, member_count, into, too_much);
    return last == PLACE_NOBODY ? (struct place_path){0} : trace_back(&search, last);
}
