// Every bound of the program, with its reason. Too much is an error at the door, never a stall
// inside.
//
// One section a room; a room's own README names the ones that shape it.
#pragma once

enum {
    // --- base ---------------------------------------------------------------------------------
    // First block of a step's arena: an ordinary request fits without another allocation.
    LIMIT_ARENA_BLOCK_BYTES = 256 * 1024,

    // --- json ---------------------------------------------------------------------------------
    // Nesting of any document we accept. Deeper text is an attack or a mistake; recursion stays
    // small.
    LIMIT_JSON_DEPTH = 500,

    // --- http ---------------------------------------------------------------------------------
    // rest-api.md §1: 413 above 16 MiB of body (distributed.md §3.3).
    LIMIT_HTTP_BODY_BYTES = 16 * 1024 * 1024,
    // 431 above it; the largest header set a proxy adds in practice is about 8 KiB.
    LIMIT_HTTP_HEAD_BYTES = 16 * 1024,

    // --- payloads (engine.md §8.4) --------------------------------------------------------------
    LIMIT_TASK_PAYLOAD_BYTES = 10240 * 1024,
    LIMIT_WORKFLOW_PAYLOAD_BYTES = 10240 * 1024,
    LIMIT_VARIABLES_BYTES = 256 * 1024,
};
