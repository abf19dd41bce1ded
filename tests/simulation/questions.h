// Questions on their way to a node and waiting there: what a front door would hold.
#pragma once

#include "node/core/event.h"
#include "tests/simulation/machine.h"

struct questions;

struct questions *questions_create(void);
void questions_destroy(struct questions **questions);

// Keeps a copy of the question; gives its number.
uint64_t questions_add(
    struct questions *questions,
    const struct question *question,
    machine_answered answered,
    void *argument
);

// The question as the core reads it. Borrows, valid until the next call. NULL: its asker left.
const struct node_request *questions_arrive(struct questions *questions, uint64_t number);

// Who waits for the answer; forgets the question. False: nobody any more.
struct asker {
    machine_answered answered;
    void *argument;
};
bool questions_take(struct questions *questions, uint64_t number, struct asker *out_asker);

// Keeps what came of an answer of which more is to come, and what its head said. False: nobody
// waits for it any more.
bool questions_keep(struct questions *questions, uint64_t number, const struct answer *part);

// All of it so far, with `more` behind it. The body borrows, valid until the next call. A question
// without kept parts: `more` alone, of status 0.
struct answer questions_kept(struct questions *questions, uint64_t number, bytes more);

// Takes one that has arrived and was not answered, the oldest. False: none.
bool questions_take_arrived(
    struct questions *questions, uint64_t *out_number, struct asker *out_asker
);

// A line for the trace. Borrows, valid until the next call.
const char *questions_line(struct questions *questions, uint64_t number);
