// Medians, because a machine does other things too; least and most beside them say how much.
#include "tests/bench/driver_report.h"

#include "proto/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void series_add(struct series *series, int64_t sample) {
    if (series->count == series->capacity) {
        series->capacity = series->capacity == 0 ? 1024 : series->capacity * 2;
        series->samples = realloc(series->samples, series->capacity * sizeof(*series->samples));
        check(series->samples != NULL);
    }
    series->samples[series->count++] = sample;
}

void series_clear(struct series *series) {
    series->count = 0;
}

void series_deinit(struct series *series) {
    free(series->samples);
    *series = (struct series){0};
}

static int integer_order(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int64_t series_percentile(struct series *series, double percent) {
    if (series->count == 0) {
        return 0;
    }
    qsort(series->samples, series->count, sizeof(*series->samples), integer_order);
    return series->samples[(size_t)((double)(series->count - 1) * percent / 100.0 + 0.5)];
}

void report_add(
    struct report *report, const char *name, const char *unit, const char *goal, double value
) {
    struct report_row *row = report->rows;
    while (row < report->rows + report->row_count && strcmp(row->name, name) != 0) {
        row++;
    }
    if (row == report->rows + report->row_count) {
        check(report->row_count < ROWS_MAX);
        report->row_count++;
        (void)snprintf(row->name, sizeof(row->name), "%s", name);
        row->unit = unit;
        row->goal = goal;
    }
    check(row->count < RUNS_MAX);
    row->values[row->count++] = value;
}

static int number_order(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

void report_print(struct report *report, const char *title) {
    (void)printf(
        "\n%-46s %10s %10s %10s  %-6s %4s  %s\n",
        title,
        "median",
        "least",
        "most",
        "unit",
        "runs",
        "goal"
    );
    for (size_t i = 0; i < report->row_count; i++) {
        struct report_row *row = &report->rows[i];
        qsort(row->values, row->count, sizeof(row->values[0]), number_order);
        size_t half = row->count / 2;
        double median = row->count % 2 == 1 ? row->values[half]
                                            : (row->values[half - 1] + row->values[half]) / 2.0;
        (void)printf(
            "  %-44s %10.2f %10.2f %10.2f  %-6s %4zu  %s\n",
            row->name,
            median,
            row->values[0],
            row->values[row->count - 1],
            row->unit,
            row->count,
            row->goal == NULL ? "" : row->goal
        );
    }
    (void)fflush(stdout);
}
