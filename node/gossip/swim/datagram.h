// The datagrams of gossip: what they ask, and the news that rides along. Thread: any.
#pragma once

#include "proto/wire/wire.h"

enum swim_kind {
    SWIM_PING = 1, // are you there?
    SWIM_ACK,      // answers the PING of that number
    SWIM_PING_FOR, // ask `target`, and pass its answer on
    SWIM_SYNC,     // all I know; tell me all you know
    SWIM_NEWS,     // all I know, or the rest of it
    SWIM_GONE,     // answers the PING of that number: `target`, who sent it, is no member any more
    SWIM_KIND_END,
};

// Tags are never reused; later releases add fields.
#define SWIM_DATAGRAM_FIELDS(FIELD) \
    FIELD(1, U8, kind)              \
    FIELD(2, U32, from)             \
    FIELD(3, U64, incarnation)      \
    FIELD(4, U32, number)           \
    FIELD(5, U32, target)           \
    FIELD(6, TEXT_LIST, news)
WIRE_STRUCT(swim_datagram, SWIM_DATAGRAM_FIELDS);

// One piece of news: about one member. Without a revision it is about its state only.
#define SWIM_NEWS_FIELDS(FIELD) \
    FIELD(1, U32, node)         \
    FIELD(2, U64, incarnation)  \
    FIELD(3, U32, refutation)   \
    FIELD(4, U8, state)         \
    FIELD(5, U64, revision)     \
    FIELD(6, TEXT, address)     \
    FIELD(7, U16, release_low)  \
    FIELD(8, U16, release_high) \
    FIELD(9, TEXT, release)     \
    FIELD(10, U32, load)        \
    FIELD(11, TEXT, hints)
WIRE_STRUCT(swim_news, SWIM_NEWS_FIELDS);

// Reads a datagram and checks what can be checked without knowing the members. Lists live in
// `arena`. Errors: ERR_CORRUPT.
MUST_USE err
swim_datagram_decode(bytes in, struct arena *arena, struct swim_datagram *out_datagram);

// Reads one piece of news. Errors: ERR_CORRUPT.
MUST_USE err swim_news_decode(bytes in, struct arena *arena, struct swim_news *out_news);
