#include "node/peer/link/frame.h"

#include "proto/limits.h"

enum {
    MAGIC = 'O',
    PIECE_CLASS = 0x0f,
    PIECE_PART = 0x10,
    PIECE_LAST = 0x20,
};

void link_frame_put_prefix(uint8_t out[LINK_FRAME_PREFIX_BYTES], enum link_frame_kind kind) {
    out[0] = MAGIC;
    out[1] = LINK_FRAME_VERSION;
    out[2] = (uint8_t)kind;
    out[3] = 0;
}

err link_frame_kind_of(bytes frame, enum link_frame_kind *out_kind) {
    if (frame.size < LINK_FRAME_PREFIX_BYTES || frame.data[0] != MAGIC || frame.data[3] != 0) {
        return err_make(ERR_CORRUPT, "not a frame of ours");
    }
    if (frame.data[1] != LINK_FRAME_VERSION) {
        return err_make(ERR_CORRUPT, "a frame of another version");
    }
    if (frame.data[2] < LINK_FRAME_HELLO || frame.data[2] >= LINK_FRAME_KIND_END) {
        return err_make(ERR_CORRUPT, "a frame of no known kind");
    }
    *out_kind = (enum link_frame_kind)frame.data[2];
    return ERR_NONE;
}

void link_frame_put_head(uint8_t out[LINK_FRAME_HEAD_BYTES], const struct link_frame_head *head) {
    link_frame_put_prefix(out, head->kind);
    bytes_put_u32(out + 4, head->session);
    bytes_put_u64(out + 8, head->from_incarnation);
    bytes_put_u64(out + 16, head->to_incarnation);
    bytes_put_u64(out + 24, head->number);
}

err link_frame_take_head(bytes frame, struct link_frame_head *out_head) {
    enum link_frame_kind kind;
    TRY(link_frame_kind_of(frame, &kind));
    if (frame.size < LINK_FRAME_HEAD_BYTES) {
        return err_make(ERR_CORRUPT, "a frame without its head");
    }
    *out_head = (struct link_frame_head){
        .kind = kind,
        .session = bytes_get_u32(frame.data + 4),
        .from_incarnation = bytes_get_u64(frame.data + 8),
        .to_incarnation = bytes_get_u64(frame.data + 16),
        .number = bytes_get_u64(frame.data + 24),
    };
    return ERR_NONE;
}

size_t link_piece_bytes(bool part, size_t content_bytes) {
    return (part ? LINK_PIECE_PART_BYTES : LINK_PIECE_WHOLE_BYTES) + content_bytes;
}

void link_piece_put(struct buffer *out, const struct link_piece *piece) {
    uint8_t head[LINK_PIECE_PART_BYTES];
    head[0] = (uint8_t)piece->peer_class;
    if (piece->part) {
        head[0] = (uint8_t)(head[0] | PIECE_PART | (piece->last ? PIECE_LAST : 0));
        bytes_put_u32(head + 1, piece->stream);
        bytes_put_u32(head + 5, piece->offset);
        bytes_put_u32(head + 9, (uint32_t)piece->content.size);
    } else {
        bytes_put_u32(head + 1, (uint32_t)piece->content.size);
    }
    buffer_append(out, bytes_of(head, link_piece_bytes(piece->part, 0)));
    buffer_append(out, piece->content);
}

err link_piece_take(bytes *rest, struct link_piece *out_piece) {
    uint8_t tag = rest->size > 0 ? rest->data[0] : 0;
    bool part = (tag & PIECE_PART) != 0;
    size_t head = link_piece_bytes(part, 0);
    if ((tag & PIECE_CLASS) >= PEER_CLASS_COUNT ||
        (tag & ~(PIECE_CLASS | PIECE_PART | PIECE_LAST)) != 0 ||
        ((tag & PIECE_LAST) != 0 && !part) || rest->size < head) {
        return err_make(ERR_CORRUPT, "a piece without its head");
    }
    uint32_t size = bytes_get_u32(rest->data + head - 4);
    uint32_t offset = part ? bytes_get_u32(rest->data + 5) : 0;
    if (size == 0 || size > rest->size - head || offset > LIMIT_PEER_MESSAGE_BYTES ||
        size > LIMIT_PEER_MESSAGE_BYTES - offset) {
        return err_make(ERR_CORRUPT, "a piece of an impossible size");
    }
    *out_piece = (struct link_piece){
        .peer_class = (enum peer_class)(tag & PIECE_CLASS),
        .part = part,
        .last = (tag & PIECE_LAST) != 0,
        .stream = part ? bytes_get_u32(rest->data + 1) : 0,
        .offset = offset,
        .content = bytes_of(rest->data + head, size),
    };
    *rest = bytes_slice(*rest, head + size, rest->size);
    return ERR_NONE;
}
