// Numbers between JSON text and doubles.
//
// An integer beyond 2^53 is a neighbouring double inside an engine. One that a script only hands
// through is printed with its own digits again: the texts of such integers in the input are kept,
// and a double in the result that stands for exactly one of them gets that text. A script that
// computes the very same double by other means gets it too; that is the price. One thread.
#pragma once

#include "proto/base/buffer.h"
#include "proto/base/bytes.h"

struct numbers;

struct numbers *numbers_create(void);

// Forgets what was kept and keeps what `json`, a valid value, has. Borrows `json`.
void numbers_keep(struct numbers *numbers, bytes json);

// Appends a result's number (engine.md §10.18): an integer when it is integral and fits 64 bits,
// else a double in Java's notation; not a number and infinities as the strings that the reference
// gives.
void numbers_put(const struct numbers *numbers, double value, struct buffer *out);
