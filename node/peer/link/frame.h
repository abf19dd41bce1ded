// The bytes between two nodes: frames, and the pieces of messages in them. All numbers big-endian.
//
//   every frame     'O' | u8 FRAME_VERSION | u8 kind | 0
//   HELLO           … | cluster id:16 | record of hello.h
//   PROOF           … | first 8 bytes of the nonce it answers | proof:32
//   REFUSAL         … | u8 fault
//   SEALED, PLAIN   … | u32 session | u64 sender's incarnation | u64 receiver's | u64 number
//                     | pieces, or their seal
//
//   a whole message   u8 class | u32 size | bytes
//   a part of one     u8 class + 16 (+ 32: the last) | u32 message | u32 offset | u32 size | bytes
//
// A data frame without pieces is a heartbeat. Thread: any.
#pragma once

#include "node/peer/link/peer.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/err.h"

enum link_frame_kind {
    LINK_FRAME_NONE,
    LINK_FRAME_HELLO,
    LINK_FRAME_PROOF,
    LINK_FRAME_REFUSAL,
    LINK_FRAME_SEALED,
    LINK_FRAME_PLAIN,
    LINK_FRAME_KIND_END,
};

enum {
    LINK_FRAME_VERSION = 1,
    LINK_FRAME_PREFIX_BYTES = 4,
    LINK_FRAME_HEAD_BYTES = 32,
    LINK_PIECE_WHOLE_BYTES = 5, // heads of pieces
    LINK_PIECE_PART_BYTES = 13,
};

void link_frame_put_prefix(uint8_t out[LINK_FRAME_PREFIX_BYTES], enum link_frame_kind kind);

// The kind of a frame. Errors: ERR_CORRUPT: not a frame of this version.
MUST_USE err link_frame_kind_of(bytes frame, enum link_frame_kind *out_kind);

struct link_frame_head {
    enum link_frame_kind kind; // SEALED or PLAIN
    uint32_t session;
    uint64_t from_incarnation;
    uint64_t to_incarnation;
    uint64_t number; // from 1, rising
};

void link_frame_put_head(uint8_t out[LINK_FRAME_HEAD_BYTES], const struct link_frame_head *head);

// Errors: ERR_CORRUPT: too short; the kind was looked at before.
MUST_USE err link_frame_take_head(bytes frame, struct link_frame_head *out_head);

struct link_piece {
    enum peer_class peer_class;
    bool part;       // not the whole message
    bool last;       // the last part of it
    uint32_t stream; // which message of its class
    uint32_t offset; // where in it
    bytes content;   // borrowed
};

void link_piece_put(struct buffer *out, const struct link_piece *piece);

// The first piece of `*rest`, which moves on. Errors: ERR_CORRUPT.
MUST_USE err link_piece_take(bytes *rest, struct link_piece *out_piece);

// How many bytes a piece of that much content takes.
size_t link_piece_bytes(bool part, size_t content_bytes);
