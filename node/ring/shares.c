// Shares are weights, bent as little as needed to be possible: a member can hold each partition
// once (share at most 1/R), a zone as many replicas of it as the other zones leave. Both are the
// same problem, weights scaled by one factor and clamped between bounds, solved for zones and then
// for the members of each. So three nodes of weights 10, 1, 1 with three replicas hold a third
// each, and a zone of one node holds a third of everything when there are three zones.
#include "node/ring/place_internal.h"
#include "proto/base/check.h"

static const double CAP_SLACK = 1.05;   // distributed.md §2
static const double LEAST_SLACK = 0.90; // below it a member is filled up

static uint32_t round_up(double value) {
    uint32_t whole = (uint32_t)value;
    // A hair above a whole number is that number: sums of shares are not exact.
    return (double)whole + 1e-6 < value ? whole + 1 : whole;
}

static double clamped(double value, double least, double most) {
    return value < least ? least : value > most ? most : value;
}

// Shares of `total` in proportion to weights, each within its bounds.
static void divide(
    double total,
    uint32_t count,
    const double *weights,
    double least,
    const double *most,
    double *out_shares
) {
    double low = 0;
    double high = total;
    for (uint32_t at = 0; at < count; at++) {
        high += total / weights[at];
    }
    for (int round = 0; round < 100; round++) {
        double factor = (low + high) / 2;
        double sum = 0;
        for (uint32_t at = 0; at < count; at++) {
            sum += clamped(factor * weights[at], least, most[at]);
        }
        if (sum < total) {
            low = factor;
        } else {
            high = factor;
        }
    }
    for (uint32_t at = 0; at < count; at++) {
        out_shares[at] = clamped(high * weights[at], least, most[at]);
    }
}

static void divide_zone(struct placing *placing, uint32_t zone, double zone_share) {
    double weights[PLACE_MEMBERS_MAX] = {0};
    double most[PLACE_MEMBERS_MAX] = {0};
    double shares[PLACE_MEMBERS_MAX] = {0};
    uint8_t members[PLACE_MEMBERS_MAX];
    uint32_t count = 0;
    for (uint32_t at = 0; at < placing->member_count; at++) {
        if (placing->zone[at] == zone) {
            weights[count] = placing->members[at].weight;
            most[count] = 1.0 / placing->replica_count;
            members[count++] = (uint8_t)at;
        }
    }
    divide(zone_share, count, weights, 0, most, shares);
    for (uint32_t at = 0; at < count; at++) {
        placing->fair[members[at]] =
            shares[at] * (double)placing->partition_count * placing->replica_count;
    }
}

void place_shares(struct placing *placing) {
    double weights[PLACE_MEMBERS_MAX] = {0};
    double most[PLACE_MEMBERS_MAX] = {0};
    double shares[PLACE_MEMBERS_MAX] = {0};
    uint32_t sizes[PLACE_MEMBERS_MAX] = {0};
    check(placing->zone_count > 0);
    for (uint32_t at = 0; at < placing->member_count; at++) {
        weights[placing->zone[at]] += placing->members[at].weight;
        sizes[placing->zone[at]]++;
    }
    uint32_t beside = placing->replica_count - (placing->zones_wanted - 1);
    for (uint32_t zone = 0; zone < placing->zone_count; zone++) {
        uint32_t in_one = sizes[zone] < beside ? sizes[zone] : beside;
        most[zone] = (double)in_one / placing->replica_count;
    }
    double least = placing->zone_count <= placing->replica_count ? 1.0 / placing->replica_count : 0;
    divide(1, placing->zone_count, weights, least, most, shares);
    for (uint32_t zone = 0; zone < placing->zone_count; zone++) {
        divide_zone(placing, zone, shares[zone]);
    }
    for (uint32_t at = 0; at < placing->member_count; at++) {
        double fair = placing->fair[at];
        uint32_t cap = round_up(CAP_SLACK * fair);
        placing->least[at] = (uint32_t)(LEAST_SLACK * fair);
        placing->full[at] = (uint32_t)(fair + 1e-6);
        placing->even[at] = round_up(fair);
        placing->cap[at] = cap < placing->partition_count ? cap : placing->partition_count;
    }
}
