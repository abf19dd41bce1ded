// How much room the device of the store has, and the ballast: a file of the store's folder that
// takes some of it and is given up when the disk is over its hard limit, so that what deletes can
// still be done. The core judges (node/core/fitness.h); here it is measured, and what the judgement
// says about the ballast is done.
//
// A device may take long to answer and the ballast long to make, so a thread of its own does both.
#pragma once

#include "node/config.h"
#include "node/core/fitness.h"
#include "node/log.h"
#include "proto/base/arena.h"

struct room;
struct shell;

// Before the store is opened, which writes: gives up the ballast when the disk is over the hard
// limit. Thread: main.
void room_make(const struct config *config, const struct log *log, struct arena *arena);

// Measures once, tells the core, and goes on by itself. Errors: ERR_IO for no thread.
MUST_USE err room_start(struct shell *shell, struct arena *arena);
void room_stop(struct room **room);

// The newest measure, for figures.
struct disk_measure room_measured(const struct room *room);
