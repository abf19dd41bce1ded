// Ids: 16 bytes by value, a UUID when shown as text, and the slot each belongs to.
//
// Ids we make look like UUID version 4 (distributed.md §2):
//
//   slot:12 | time_ms:36 | version 4:4 | time_ms:12 | variant 2:2 | random:62
//
// Thread: any.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"

// 16 bytes by value: an id or a hash.
typedef struct id128 {
    uint8_t bytes[16];
} id128;

enum {
    ID_TEXT_BYTES = 36,
    ID_SLOT_COUNT = 4096
};

// Makes an id of `slot` at `time_ms` (its lowest 48 bits count).
id128 id_mint(uint16_t slot, int64_t time_ms, struct random *random);

// The slot of an id in its 16 bytes: the first 12 bits.
uint16_t id_slot(id128 id);

// The slot of any id as text: of a canonical UUID its first 12 bits, else siphash & 4095.
uint16_t id_slot_of_text(bytes text);

// The milliseconds in an id that id_mint made.
int64_t id_time_ms(id128 id);

// The canonical text: lower-case hex in 8-4-4-4-12, ID_TEXT_BYTES characters, no terminating zero.
void id_format(id128 id, char out[ID_TEXT_BYTES]);

// Reads the canonical text and nothing else (upper case is another id). False: not canonical;
// `*out_id` is then untouched.
MUST_USE bool id_parse(bytes text, id128 *out_id);

// 16 bytes at `at`.
id128 id_load(const uint8_t at[16]);

bool id_equal(id128 left, id128 right);

// Order of the bytes: <0, 0, >0.
int id_compare(id128 left, id128 right);

// All bytes zero: the id of nothing.
bool id_is_zero(id128 id);
