// scheduler/expression: what `${…}` becomes. Numbers name the cases of engine-cases.md.
#include "proto/base/arena.h"
#include "proto/json/json.h"
#include "scheduler/expression/expression.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

// An execution of which every look is counted.
struct execution {
    bytes document;
    const char *task_id; // NULL: not known here
    int lookups;
    int roots;
    char looked[64]; // the newest, `root.field`
};

static bool
look_up(void *argument, bytes root, bytes field, struct arena *arena, bytes *out_value) {
    struct execution *execution = argument;
    (void)arena;
    execution->lookups++;
    (void)snprintf(
        execution->looked,
        sizeof execution->looked,
        "%.*s.%.*s",
        BYTES_ARG(root),
        (int)field.size,
        field.size == 0 ? "" : (const char *)field.data
    );
    bytes entry = BYTES_EMPTY;
    if (!json_get(execution->document, root, &entry)) {
        return false;
    }
    if (field.size == 0) {
        *out_value = entry;
        return true;
    }
    return json_get(entry, field, out_value);
}

static bool variable(void *argument, bytes name, struct arena *arena, bytes *out_text) {
    const struct execution *execution = argument;
    (void)arena;
    if (bytes_equal_text(name, "CPEWF_TASK_ID") && execution->task_id != NULL) {
        *out_text = bytes_from_text(execution->task_id);
        return true;
    }
    if (bytes_equal_text(name, "workflow.env.E")) {
        *out_text = BYTES_LITERAL("1");
        return true;
    }
    if (bytes_equal_text(name, "workflow.env.J")) {
        *out_text = BYTES_LITERAL("{\"user\": {\"name\": \"ada\"}}");
        return true;
    }
    return false;
}

static bool secret(void *argument, bytes name, struct arena *arena, bytes *out_text) {
    (void)argument;
    (void)arena;
    if (bytes_equal_text(name, "workflow.secrets.K")) {
        *out_text = BYTES_LITERAL("open sesame");
        return true;
    }
    *out_text = BYTES_LITERAL("{\"user\": {\"name\": \"ada\"}}");
    return bytes_equal_text(name, "workflow.secrets.J");
}

static void all_roots(void *argument, void (*visit)(void *visitor, bytes root), void *visitor) {
    struct execution *execution = argument;
    struct json_iter iter = json_iter(execution->document);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &value)) {
        execution->roots++;
        visit(visitor, bytes_slice(key, 1, key.size - 1));
    }
}

static const char context[] =
    "{\"workflow\":{\"input\":{\"n\":5,\"d\":1.0,\"key\":\"k1\",\"text\":\"${workflow.input.n}\","
    "\"esc\":\"$${x}\",\"big\":1.5e10,\"nil\":null,\"wanted\":11,\"yes\":true},"
    "\"status\":\"RUNNING\",\"workflowId\":\"w-1\",\"workflowType\":\"wf\",\"version\":3,"
    "\"correlationId\":\"c\"},"
    "\"a\":{\"input\":{\"x\":9},\"output\":{\"m\":{\"x\":1},\"l\":[1,\"b\"],\"map\":{\"k1\":7},"
    "\"items\":[{\"id\":\"1\",\"price\":5,\"name\":\"p\"},{\"id\":\"2\",\"price\":11,\"name\":"
    "\"q\"}],\"none\":[],\"with.dot\":3,\"deep\":{\"m\":{\"x\":[1.0,null,true]},\"t\":\"s\"}},"
    "\"status\":\"COMPLETED\",\"taskId\":\"t-1\",\"retryCount\":2}}";

struct fixture {
    struct arena *arena;
    struct execution execution;
    struct expression_source source;
};

static struct fixture fixture_of(const char *document) {
    struct fixture fixture = {.arena = arena_create(4096)};
    fixture.execution.document = bytes_from_text(document);
    fixture.source =
        (struct expression_source){.lookup = look_up, .variable = variable, .roots = all_roots};
    return fixture;
}

static void assert_becomes_in(
    const char *document, const char *task_id, const char *template, const char *expected
) {
    struct fixture fixture = fixture_of(document);
    fixture.execution.task_id = task_id;
    fixture.source.argument = &fixture.execution;
    bytes value = BYTES_EMPTY;
    bytes result = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(template), fixture.arena, &value));
    assert_ok(expression_evaluate(value, &fixture.source, fixture.arena, &result));
    assert_string_equal(arena_text(fixture.arena, result), expected);
    arena_destroy(&fixture.arena);
}

static void assert_becomes(const char *template, const char *expected) {
    assert_becomes_in(context, NULL, template, expected);
}

static void case_103_an_object_stays_an_object_or_prints_the_java_way(void **state) {
    (void)state;
    assert_becomes("\"${a.output.m}\"", "{\"x\":1}");
    assert_becomes("\"v=${a.output.m}\"", "\"v={x=1}\"");
    assert_becomes("\"${a.output.deep}!\"", "\"{m={x=[1.0, null, true]}, t=s}!\"");
}

static void case_104_a_list_stays_a_list_or_prints_the_java_way(void **state) {
    (void)state;
    assert_becomes("\"${a.output.l}\"", "[1,\"b\"]");
    assert_becomes("\"${a.output.l}-\"", "\"[1, b]-\"");
    assert_becomes("\"${a.output.none}-\"", "\"[]-\"");
}

static void case_105_what_is_missing_is_null(void **state) {
    (void)state;
    assert_becomes("\"${a.output.zz}\"", "null");
    assert_becomes("\"x${a.output.zz}y\"", "\"xnully\"");
    assert_becomes("\"${future.output.x}\"", "null");
    assert_becomes("\"${a.output.zz.deeper}\"", "null");
    assert_becomes("\"${workflow.input.nil}\"", "null");
}

static void case_106_numbers_keep_their_type_alone_and_their_text_together(void **state) {
    (void)state;
    assert_becomes("\"${workflow.input.n}\"", "5");
    assert_becomes("\"${workflow.input.n}${workflow.input.n}\"", "\"55\"");
    assert_becomes("\"${workflow.input.d}\"", "1.0");
    assert_becomes("\"=${workflow.input.d}\"", "\"=1.0\"");
    assert_becomes("\"${workflow.input.big}\"", "1.5e10");
    assert_becomes("\"=${workflow.input.big}\"", "\"=1.5E10\"");
    assert_becomes("\"=${workflow.input.yes}\"", "\"=true\"");
}

static void case_107_a_blank_makes_it_text(void **state) {
    (void)state;
    assert_becomes("\" ${workflow.input.n}\"", "\" 5\"");
}

static void case_108_a_doubled_dollar_escapes(void **state) {
    (void)state;
    assert_becomes("\"$${workflow.input.n}\"", "\"${workflow.input.n}\"");
    assert_becomes("\"a$${b}c${workflow.input.n}\"", "\"a${b}c5\"");
    assert_becomes("\"${workflow.input.esc}\"", "\"$${x}\"");
    assert_becomes("\"-${workflow.input.esc}\"", "\"-${x}\"");
}

static void case_109_blank_content_is_empty_and_an_open_brace_is_text(void **state) {
    (void)state;
    assert_becomes("\"${}\"", "\"\"");
    assert_becomes("\"${  }\"", "\"\"");
    assert_becomes("\"x${}y\"", "\"xy\"");
    assert_becomes("\"${abc\"", "\"${abc\"");
    assert_becomes("\"${abc ${workflow.input.n}\"", "\"${abc 5\"");
}

static void case_110_an_inner_expression_names_a_part_of_the_path(void **state) {
    (void)state;
    assert_becomes("\"${a.output.map.${workflow.input.key}}\"", "7");
    assert_becomes("\"${a.output.${workflow.input.zz}}\"", "null");
}

static void case_111_nested_structures_are_replaced_in_place(void **state) {
    (void)state;
    assert_becomes(
        "{\"l\":[\"${a.output.m}\",{\"m\":\"${workflow.input.n}\"}],\"n\":3, \"z\" : 1.50}",
        "{\"l\":[{\"x\":1},{\"m\":5}],\"n\":3,\"z\":1.50}"
    );
}

static void case_112_keys_are_left_alone(void **state) {
    (void)state;
    assert_becomes(
        "{\"${workflow.input.n}\":\"${workflow.input.n}\"}", "{\"${workflow.input.n}\":5}"
    );
}

static void case_113_a_value_is_not_evaluated_again(void **state) {
    (void)state;
    assert_becomes("\"${workflow.input.text}\"", "\"${workflow.input.n}\"");
    assert_becomes("\"<${workflow.input.text}>\"", "\"<${workflow.input.n}>\"");
}

static void case_114_indexes_and_bracketed_names(void **state) {
    (void)state;
    assert_becomes("\"${a.output.items[0].id}\"", "\"1\"");
    assert_becomes("\"${a.output.items[-1].id}\"", "\"2\"");
    assert_becomes("\"${a.output['with.dot']}\"", "3");
    assert_becomes("\"${a['output'].l[1]}\"", "\"b\"");
    assert_becomes("\"${a.output.items[7].id}\"", "null");
    assert_becomes("\"${a.output.items[-7]}\"", "null");
}

static void case_115_a_wildcard_gives_a_list(void **state) {
    (void)state;
    assert_becomes("\"${a.output.items[*].id}\"", "[\"1\",\"2\"]");
    assert_becomes("\"${a.output.none[*].id}\"", "[]");
    assert_becomes("\"${a.output.zz[*].id}\"", "[]");
    assert_becomes("\"${zz.output.items[*]}\"", "[]");
    assert_becomes("\"ids ${a.output.items[*].id}\"", "\"ids [\\\"1\\\",\\\"2\\\"]\"");
}

static void case_116_filters_and_functions(void **state) {
    (void)state;
    assert_becomes("\"${a.output.items[?(@.price > 10)].name}\"", "[\"q\"]");
    assert_becomes("\"${a.output.items.length()}\"", "2");
    assert_becomes("\"${a.output.items[?(@.price == $.workflow.input.wanted)].name}\"", "[\"q\"]");
}

static void case_117_deep_scans_and_broken_paths(void **state) {
    (void)state;
    assert_becomes("\"${a.output..id}\"", "[\"1\",\"2\"]");
    assert_becomes("\"${a.output.items.id}\"", "null");
    assert_becomes("\"${a.output.items[}\"", "null");
    assert_becomes("\"${a.output.two words}\"", "null");
    assert_becomes("\"${a.output.}\"", "null");
}

static void case_118_the_workflow_entry(void **state) {
    (void)state;
    assert_becomes("\"${workflow.status}\"", "\"RUNNING\"");
    assert_becomes("\"${workflow.workflowId}\"", "\"w-1\"");
    assert_becomes("\"${workflow.version}\"", "3");
    assert_becomes("\"${workflow.priority}\"", "null");
}

static void case_119_the_fields_of_a_task(void **state) {
    (void)state;
    assert_becomes("\"${a.status}\"", "\"COMPLETED\"");
    assert_becomes("\"${a.retryCount}\"", "2");
    assert_becomes("\"${a.input.x}\"", "9");
    assert_becomes("\"${a.reasonForIncompletion}\"", "null");
}

static void case_120_the_task_id_where_it_is_known(void **state) {
    (void)state;
    assert_becomes_in(context, "id-7", "\"${CPEWF_TASK_ID}\"", "\"id-7\"");
    assert_becomes_in(context, "id-7", "\"t/${CPEWF_TASK_ID}\"", "\"t/id-7\"");
    assert_becomes_in(context, NULL, "\"${CPEWF_TASK_ID}\"", "\"${CPEWF_TASK_ID}\"");
}

static void case_121_an_unset_stack_stays_literal(void **state) {
    (void)state;
    assert_becomes("\"${NETFLIX_STACK}\"", "\"${NETFLIX_STACK}\"");
    assert_becomes("\"-${NETFLIX_STACK}-\"", "\"-${NETFLIX_STACK}-\"");
}

static void case_122_secrets_stay_literal(void **state) {
    (void)state;
    assert_becomes("\"${workflow.secrets.K}\"", "\"${workflow.secrets.K}\"");
    assert_becomes(
        "\"${workflow.input.n}/${workflow.secrets.K.a}\"", "\"5/${workflow.secrets.K.a}\""
    );
}

static void assert_reveals(const char *json, const char *expected) {
    struct fixture fixture = fixture_of("{}");
    fixture.source = (struct expression_source){.argument = &fixture.execution, .variable = secret};
    bytes result = BYTES_EMPTY;
    assert_ok(expression_reveal(bytes_from_text(json), &fixture.source, fixture.arena, &result));
    assert_string_equal(arena_text(fixture.arena, result), expected);
    arena_destroy(&fixture.arena);
}

static void case_122_and_123_secrets_are_revealed_at_hand_out(void **state) {
    (void)state;
    assert_reveals("{\"a\":\"${workflow.secrets.K}\"}", "{\"a\":\"open sesame\"}");
    assert_reveals("[\"Bearer ${workflow.secrets.K}!\"]", "[\"Bearer open sesame!\"]");
    assert_reveals("\"${workflow.secrets.J.user.name}\"", "\"ada\"");
    assert_reveals("\"${workflow.secrets.J.user}\"", "{\"name\": \"ada\"}");
    assert_reveals("\"${workflow.secrets.none}\"", "null");
    assert_reveals("\"<${workflow.secrets.none}${workflow.secrets.J.zz}>\"", "\"<>\"");
    // What else looks like an expression came as a value: it stays, escapes too.
    assert_reveals("\"${workflow.input.n} $${x} ${}\"", "\"${workflow.input.n} $${x} ${}\"");
    assert_reveals("{\"${workflow.secrets.K}\":1.50}", "{\"${workflow.secrets.K}\":1.50}");
}

static void case_124_the_environment_at_scheduling(void **state) {
    (void)state;
    assert_becomes("\"${workflow.env.E}\"", "\"1\"");
    assert_becomes("\"${workflow.env.NONE}\"", "null");
    assert_becomes("\"<${workflow.env.NONE}>\"", "\"<null>\"");
    assert_becomes("\"${workflow.env.J.user.name}\"", "\"ada\"");
    assert_becomes("\"${workflow.env.E.user}\"", "null");
}

static void case_129_a_text_of_many_lines(void **state) {
    (void)state;
    assert_becomes("\"one\\n${workflow.input.n}\\nthree\"", "\"one\\n5\\nthree\"");
    assert_becomes("\"${a.output.items[?(@.price > 10 &&\\n @.id == '2')].name}\"", "[\"q\"]");
}

static void a_path_costs_one_lookup_of_one_field(void **state) {
    (void)state;
    struct fixture fixture = fixture_of(context);
    fixture.source.argument = &fixture.execution;
    bytes result = BYTES_EMPTY;
    assert_ok(expression_evaluate_text(
        BYTES_LITERAL("${a.output.deep.m.x}"), &fixture.source, fixture.arena, &result
    ));
    assert_bytes_text(result, "[1.0,null,true]");
    assert_int_equal(fixture.execution.lookups, 1);
    assert_int_equal(fixture.execution.roots, 0);
    assert_string_equal(fixture.execution.looked, "a.output");
    arena_destroy(&fixture.arena);
}

static void a_task_named_whole_is_its_entry(void **state) {
    (void)state;
    const char *document = "{\"t\":{\"output\":{\"x\":1},\"status\":\"S\"},\"u\":{\"output\":{}}}";
    assert_becomes_in(document, NULL, "\"${t}\"", "{\"output\":{\"x\":1},\"status\":\"S\"}");
    assert_becomes_in(document, NULL, "\"${t.*}\"", "[{\"x\":1},\"S\"]");
    assert_becomes_in(document, NULL, "\"${$..x}\"", "[1]");
    assert_becomes_in(document, NULL, "\"${*.output}\"", "[{\"x\":1},{}]");
    assert_becomes_in(document, NULL, "\"${v}\"", "null");
}

static void a_template_without_expressions_is_returned_as_it_is(void **state) {
    (void)state;
    struct fixture fixture = fixture_of(context);
    fixture.source.argument = &fixture.execution;
    bytes template = BYTES_LITERAL("{\"a\" : [1,  \"$x {}\"]}");
    bytes result = BYTES_EMPTY;
    assert_ok(expression_evaluate(template, &fixture.source, fixture.arena, &result));
    assert_ptr_equal(result.data, template.data);
    assert_int_equal(result.size, template.size);
    arena_destroy(&fixture.arena);
}

static void an_escaped_dollar_sign_in_json_still_begins_an_expression(void **state) {
    (void)state;
    assert_becomes("[\"\\u0024{workflow.input.n}\"]", "[5]");
}

static void braces_are_counted_also_inside_quotes(void **state) {
    (void)state;
    assert_becomes("\"${a.output['{']}x\"", "\"${a.output['{']}x\"");
    assert_becomes("\"${a.output['{}']}\"", "null");
}

static void a_hundred_thousand_open_braces_are_read_in_one_pass(void **state) {
    (void)state;
    struct fixture fixture = fixture_of(context);
    fixture.source.argument = &fixture.execution;
    enum {
        COUNT = 100000
    };
    char *text = arena_alloc(fixture.arena, COUNT * 2 + 1);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(text + i * 2, "${", 2);
    }
    bytes result = BYTES_EMPTY;
    assert_ok(
        expression_evaluate_text(bytes_from_text(text), &fixture.source, fixture.arena, &result)
    );
    assert_int_equal(result.size, COUNT * 2 + 2);
    arena_destroy(&fixture.arena);
}

static void nesting_beyond_the_limit_is_refused(void **state) {
    (void)state;
    struct fixture fixture = fixture_of(context);
    fixture.source.argument = &fixture.execution;
    enum {
        DEPTH = 200
    };
    char *text = arena_alloc(fixture.arena, DEPTH * 3 + 1);
    for (size_t i = 0; i < DEPTH; i++) {
        memcpy(text + i * 2, "${", 2);
        text[DEPTH * 2 + i] = '}';
    }
    bytes result = BYTES_EMPTY;
    assert_err(
        expression_evaluate_text(bytes_from_text(text), &fixture.source, fixture.arena, &result),
        ERR_TOO_LARGE
    );
    arena_destroy(&fixture.arena);
}

static void collect(void *argument, bytes content) {
    char *collected = argument;
    strncat(collected, (const char *)content.data, content.size);
    strcat(collected, "|");
}

static void a_visit_sees_outermost_expressions_as_written(void **state) {
    (void)state;
    char collected[128] = "";
    expression_visit(BYTES_LITERAL("${a.b} $${no.${inner}} ${x.${y}} ${open"), collect, collected);
    assert_string_equal(collected, "a.b|inner|x.${y}|");
    assert_true(expression_is_present(BYTES_LITERAL("$ ${")));
    assert_false(expression_is_present(BYTES_LITERAL("$ {} $")));
}

static void assert_java(const char *json, const char *expected) {
    struct arena *arena = arena_create(1024);
    bytes value = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(json), arena, &value));
    assert_string_equal(arena_text(arena, expression_java_text(value, arena)), expected);
    arena_destroy(&arena);
}

static void decimals_print_as_java_prints_doubles(void **state) {
    (void)state;
    assert_java("1.0", "1.0");
    assert_java("1.50", "1.5");
    assert_java("0.001", "0.001");
    assert_java("0.0001", "1.0E-4");
    assert_java("1.0e-5", "1.0E-5");
    assert_java("9999999.0", "9999999.0");
    assert_java("10000000.0", "1.0E7");
    assert_java("123456789.125", "1.23456789125E8");
    assert_java("1e2", "100.0");
    assert_java("0.1", "0.1");
    assert_java("0.30000000000000004", "0.30000000000000004");
    assert_java("-0.0", "-0.0");
    assert_java("1.7976931348623157e308", "1.7976931348623157E308");
    assert_java("4.9e-324", "4.9E-324");
    assert_java("1e400", "Infinity");
    assert_java("12345678901234567890123", "12345678901234567890123");
    assert_java("{\"a\":{},\"b\":[],\"c\":\"x y\"}", "{a={}, b=[], c=x y}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_103_an_object_stays_an_object_or_prints_the_java_way),
        cmocka_unit_test(case_104_a_list_stays_a_list_or_prints_the_java_way),
        cmocka_unit_test(case_105_what_is_missing_is_null),
        cmocka_unit_test(case_106_numbers_keep_their_type_alone_and_their_text_together),
        cmocka_unit_test(case_107_a_blank_makes_it_text),
        cmocka_unit_test(case_108_a_doubled_dollar_escapes),
        cmocka_unit_test(case_109_blank_content_is_empty_and_an_open_brace_is_text),
        cmocka_unit_test(case_110_an_inner_expression_names_a_part_of_the_path),
        cmocka_unit_test(case_111_nested_structures_are_replaced_in_place),
        cmocka_unit_test(case_112_keys_are_left_alone),
        cmocka_unit_test(case_113_a_value_is_not_evaluated_again),
        cmocka_unit_test(case_114_indexes_and_bracketed_names),
        cmocka_unit_test(case_115_a_wildcard_gives_a_list),
        cmocka_unit_test(case_116_filters_and_functions),
        cmocka_unit_test(case_117_deep_scans_and_broken_paths),
        cmocka_unit_test(case_118_the_workflow_entry),
        cmocka_unit_test(case_119_the_fields_of_a_task),
        cmocka_unit_test(case_120_the_task_id_where_it_is_known),
        cmocka_unit_test(case_121_an_unset_stack_stays_literal),
        cmocka_unit_test(case_122_secrets_stay_literal),
        cmocka_unit_test(case_122_and_123_secrets_are_revealed_at_hand_out),
        cmocka_unit_test(case_124_the_environment_at_scheduling),
        cmocka_unit_test(case_129_a_text_of_many_lines),
        cmocka_unit_test(a_path_costs_one_lookup_of_one_field),
        cmocka_unit_test(a_task_named_whole_is_its_entry),
        cmocka_unit_test(a_template_without_expressions_is_returned_as_it_is),
        cmocka_unit_test(an_escaped_dollar_sign_in_json_still_begins_an_expression),
        cmocka_unit_test(braces_are_counted_also_inside_quotes),
        cmocka_unit_test(a_hundred_thousand_open_braces_are_read_in_one_pass),
        cmocka_unit_test(nesting_beyond_the_limit_is_refused),
        cmocka_unit_test(a_visit_sees_outermost_expressions_as_written),
        cmocka_unit_test(decimals_print_as_java_prints_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
