// A part fits when it begins exactly where the message ends so far; anything else means that parts
// were lost, and the rest of their message is of no use. The buffer is born with the largest
// message as its maximum, and it grows with what arrives, not with what is promised.
#include "node/peer/link/assembly.h"

#include "proto/base/mutant.h"
#include "proto/limits.h"

enum {
    CAPACITY_KEPT = 1024 * 1024
};

void link_assembly_init(struct link_assembly *assembly) {
    *assembly = (struct link_assembly){0};
    buffer_init(&assembly->content, LIMIT_PEER_MESSAGE_BYTES);
}

void link_assembly_deinit(struct link_assembly *assembly) {
    buffer_deinit(&assembly->content);
    assembly->open = false;
}

bool link_assembly_drop(struct link_assembly *assembly) {
    bool lost = assembly->open;
    assembly->open = false;
    buffer_clear(&assembly->content);
    if (assembly->content.capacity > CAPACITY_KEPT) {
        link_assembly_deinit(assembly);
        link_assembly_init(assembly);
    }
    return lost;
}

enum link_assembly_result link_assembly_take(
    struct link_assembly *assembly, const struct link_piece *part, bytes *out_message
) {
    bool lost = false;
    if (!assembly->open || part->offset == 0) {
        lost = link_assembly_drop(assembly);
    }
    bool fits = part->offset == assembly->content.size &&
                (!assembly->open || part->stream == assembly->stream);
    if (!fits && !mutant_is("link_parts_out_of_place")) {
        (void)link_assembly_drop(assembly);
        return LINK_ASSEMBLY_LOST;
    }
    assembly->open = true;
    assembly->stream = part->stream;
    buffer_append(&assembly->content, part->content);
    if (err_is(buffer_status(&assembly->content))) {
        (void)link_assembly_drop(assembly);
        return LINK_ASSEMBLY_LOST;
    }
    if (part->last) {
        assembly->open = false;
        *out_message = buffer_bytes(&assembly->content);
        return LINK_ASSEMBLY_DONE;
    }
    return lost ? LINK_ASSEMBLY_LOST : LINK_ASSEMBLY_MORE;
}
