// Every setting is applied as text through one function; where the text came from only changes the
// words of an error.
#include "node/config.h"

#include <stdio.h>
#include <string.h>

enum {
    CONFIG_FILE_BYTES_MAX = 1024 * 1024
};

enum config_kind {
    CONFIG_TEXT,
    CONFIG_INT,
    CONFIG_BOOL,
};

struct setting {
    enum config_kind kind;
    const char *name;
    const char *fallback;
    int64_t least;
    int64_t most;
    const char *sentence;
    size_t offset;
};

static const struct setting SETTINGS[] = {
#define CONFIG_ROW(kind, field, name, fallback, least, most, sentence) \
    {CONFIG_##kind, name, fallback, least, most, sentence, offsetof(struct config, field)},
    CONFIG_TABLE(CONFIG_ROW)
#undef CONFIG_ROW
};

enum {
    SETTING_COUNT = sizeof(SETTINGS) / sizeof(SETTINGS[0])
};

static err refuse(
    struct arena *arena,
    const char *origin,
    const char *name,
    const char *value,
    const char *allowed
) {
    return err_make(
        ERR_INVALID, arena_format(arena, "%s: %s '%s' is refused: %s", origin, name, value, allowed)
    );
}

static err setting_apply(
    const struct setting *setting,
    const char *value,
    const char *origin,
    struct arena *arena,
    struct config *config
) {
    uint8_t *at = (uint8_t *)config + setting->offset;
    switch (setting->kind) {
    case CONFIG_TEXT: {
        const char *kept = arena_text(arena, bytes_from_text(value));
        memcpy(at, &kept, sizeof(kept));
        return ERR_NONE;
    }
    case CONFIG_INT: {
        int64_t number = 0;
        if (!bytes_parse_i64(bytes_from_text(value), &number) || number < setting->least ||
            number > setting->most) {
            const char *allowed = arena_format(
                arena,
                "an integer from %lld to %lld",
                (long long)setting->least,
                (long long)setting->most
            );
            return refuse(arena, origin, setting->name, value, allowed);
        }
        memcpy(at, &number, sizeof(number));
        return ERR_NONE;
    }
    case CONFIG_BOOL: {
        bool is_true = strcmp(value, "true") == 0;
        if (!is_true && strcmp(value, "false") != 0) {
            return refuse(arena, origin, setting->name, value, "true or false");
        }
        memcpy(at, &is_true, sizeof(is_true));
        return ERR_NONE;
    }
    }
    return ERR_NONE;
}

static const struct setting *setting_find(bytes name) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (bytes_equal_text(name, SETTINGS[i].name)) {
            return &SETTINGS[i];
        }
    }
    return NULL;
}

// --- file
// ------------------------------------------------------------------------------------------------

static err file_line(bytes line, const char *path, struct arena *arena, struct config *config) {
    line = bytes_trim(line);
    if (line.size == 0 || line.data[0] == '#') {
        return ERR_NONE;
    }
    size_t equals = bytes_find(line, 0, '=');
    const char *text = arena_text(arena, line);
    if (equals == line.size) {
        return refuse(arena, path, "line", text, "lines are 'name = value' or '# comment'");
    }
    const struct setting *setting = setting_find(bytes_trim(bytes_slice(line, 0, equals)));
    if (setting == NULL) {
        return refuse(arena, path, "line", text, "no such setting; 'orpheus help' lists them");
    }
    bytes value = bytes_trim(bytes_slice(line, equals + 1, line.size));
    return setting_apply(setting, arena_text(arena, value), path, arena, config);
}

static err file_read(const char *path, struct arena *arena, struct config *config) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return err_make(
            ERR_IO, arena_format(arena, "configuration file '%s' cannot be opened", path)
        );
    }
    uint8_t *content = arena_alloc(arena, CONFIG_FILE_BYTES_MAX);
    size_t size = fread(content, 1, CONFIG_FILE_BYTES_MAX, file);
    bool whole = feof(file) != 0;
    (void)fclose(file);
    if (!whole) {
        return err_make(
            ERR_INVALID, arena_format(arena, "configuration file '%s' is over 1 MiB", path)
        );
    }
    bytes rest = bytes_of(content, size);
    while (rest.size > 0) {
        size_t end = bytes_find(rest, 0, '\n');
        TRY(file_line(bytes_slice(rest, 0, end), path, arena, config));
        rest = bytes_slice(rest, end < rest.size ? end + 1 : end, rest.size);
    }
    return ERR_NONE;
}

// --- environment and flags
// ---------------------------------------------------------------------------------

static const char *environment_name(const char *name, struct arena *arena) {
    bytes copy = arena_copy(arena, bytes_from_text(arena_format(arena, "ORPHEUS_%s", name)));
    char *upper = arena_alloc(arena, copy.size + 1);
    for (size_t i = 0; i < copy.size; i++) {
        uint8_t letter = copy.data[i];
        if (letter == '-') {
            letter = '_';
        } else if (letter >= 'a' && letter <= 'z') {
            letter = (uint8_t)(letter - 'a' + 'A');
        }
        upper[i] = (char)letter;
    }
    return upper;
}

static const char *environment_get(char *const *environment, const char *name) {
    size_t size = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
            return *environment + size + 1;
        }
    }
    return NULL;
}

static const char *flag_get(int count, char *const *arguments, const char *name) {
    const char *found = NULL;
    for (int i = 0; i + 1 < count; i += 2) {
        if (strncmp(arguments[i], "--", 2) == 0 && strcmp(arguments[i] + 2, name) == 0) {
            found = arguments[i + 1];
        }
    }
    return found;
}

static err flags_check(int count, char *const *arguments, struct arena *arena) {
    for (int i = 0; i < count; i += 2) {
        const char *flag = arguments[i];
        bool known =
            strncmp(flag, "--", 2) == 0 &&
            (strcmp(flag, "--config") == 0 || setting_find(bytes_from_text(flag + 2)) != NULL);
        if (!known) {
            return refuse(arena, "command line", "flag", flag, "'orpheus help' lists them");
        }
        if (i + 1 == count) {
            return refuse(arena, "command line", "flag", flag, "a value must follow it");
        }
    }
    return ERR_NONE;
}

err config_read(
    int argument_count,
    char *const *arguments,
    char *const *environment,
    struct arena *arena,
    struct config *out_config
) {
    struct config config = {0};
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        TRY(setting_apply(&SETTINGS[i], SETTINGS[i].fallback, "default", arena, &config));
    }
    TRY(flags_check(argument_count, arguments, arena));
    const char *file = flag_get(argument_count, arguments, "config");
    if (file == NULL) {
        file = environment_get(environment, "ORPHEUS_CONFIG");
    }
    if (file != NULL) {
        TRY(file_read(file, arena, &config));
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *variable = environment_name(SETTINGS[i].name, arena);
        const char *value = environment_get(environment, variable);
        if (value != NULL) {
            TRY(setting_apply(&SETTINGS[i], value, variable, arena, &config));
        }
        value = flag_get(argument_count, arguments, SETTINGS[i].name);
        if (value != NULL) {
            TRY(setting_apply(&SETTINGS[i], value, "command line", arena, &config));
        }
    }
    *out_config = config;
    return ERR_NONE;
}

void config_describe(struct buffer *out) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &SETTINGS[i];
        buffer_format(
            out, "  --%-24s %s (default %s)\n", setting->name, setting->sentence, setting->fallback
        );
    }
}

err config_address(
    const char *text, struct arena *arena, const char **out_host, uint16_t *out_port
) {
    bytes address = bytes_from_text(text);
    size_t colon = address.size;
    while (colon > 0 && address.data[colon - 1] != ':') {
        colon--;
    }
    int64_t port = 0;
    if (colon < 2 || !bytes_parse_i64(bytes_slice(address, colon, address.size), &port) ||
        port < 0 || port > 65535) {
        return refuse(arena, "configuration", "address", text, "it must be like 127.0.0.1:8080");
    }
    *out_host = arena_text(arena, bytes_slice(address, 0, colon - 1));
    *out_port = (uint16_t)port;
    return ERR_NONE;
}
