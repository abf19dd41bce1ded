// What strikes the nodes and the network of a world: crashes, sleep, wrong clocks, partitions.
#pragma once

#include "tests/simulation/fleet.h"

struct harm;

// Begins to strike, as often as the swarm says now.
struct harm *harm_begin(struct world *world, const struct swarm *swarm, struct fleet *fleet);

// Nothing strikes any more; the network is whole, clocks are right. Who sleeps wakes up by itself.
void harm_end(struct harm *harm);
void harm_destroy(struct harm **harm);

// A machine joins the world: its clock is as wrong as others are.
void harm_newcomer(struct harm *harm, struct machine *machine);
