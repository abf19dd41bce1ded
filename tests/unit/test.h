// What every cmocka file needs before <cmocka.h>, once.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/err.h"

// cmocka.h uses what these declare without including it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// The view holds exactly these characters.
#define assert_bytes_text(view, text)                                   \
    do {                                                                \
        bytes assert_view_ = (view);                                    \
        assert_int_equal(assert_view_.size, sizeof(text) - 1);          \
        assert_memory_equal(assert_view_.data, text, sizeof(text) - 1); \
    } while (0)

#define assert_ok(expression) assert_string_equal((expression).text, "")
#define assert_err(expression, err_code) assert_int_equal((expression).code, err_code)
