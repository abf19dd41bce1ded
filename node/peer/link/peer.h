// Words that the links and their users share: classes of messages, what is counted.
#pragma once

#include <stdint.h>

// Which queue a message waits in; a class never waits for a later one.
enum peer_class {
    PEER_URGENT, // votes, heartbeats, acknowledgements, hints
    PEER_BULK,   // appends, forwarded requests
    PEER_STREAM, // snapshots
    PEER_CLASS_COUNT,
};

// What a link did since the start. All counters only rise.
#define PEER_COUNTERS(X)                                                              \
    X(frames_sent, "frames handed to the network, heartbeats among them")             \
    X(frames_received, "frames that were whole, fresh and ours")                      \
    X(bytes_sent, "bytes of those frames")                                            \
    X(bytes_received, "bytes of those frames")                                        \
    X(messages_sent, "messages that left in frames")                                  \
    X(messages_received, "messages handed up")                                        \
    X(dropped_full, "messages refused because their queue was full")                  \
    X(dropped_large, "messages refused because none may be as large")                 \
    X(dropped_down, "messages refused, or thrown away in a queue: the link was down") \
    X(frames_lost, "gaps in the numbers of received frames")                          \
    X(partial_lost, "messages begun and never finished")                              \
    X(refused_old, "frames repeated, or overtaken by later ones")                     \
    X(refused_foreign, "frames of another session, incarnation or peer")              \
    X(refused_broken, "frames that do not open, or are not made as ours are")         \
    X(refused_hello, "connections refused: cluster, key, release, incarnation")       \
    X(ups, "times the link came up")                                                  \
    X(downs, "times it went down")                                                    \
    X(silences, "of those, times nothing was heard")

struct peer_counters {
#define PEER_COUNTER_FIELD(name, meaning) uint64_t name;
    PEER_COUNTERS(PEER_COUNTER_FIELD)
#undef PEER_COUNTER_FIELD
};
