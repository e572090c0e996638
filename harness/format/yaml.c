/* SPDX-License-Identifier: GPL-3.0-or-later
 * Builds the tree from libfyaml's events, and refuses what libfyaml would accept or silently cut. */
#include "format/yaml.h"

#include "base/escape.h"
#include "base/regular.h"
#include "base/utf8.h"
#include "format/file.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct cp_arena *arena;
    struct fy_parser *parser;
    struct fy_diag *diag;
    const char *source;
    bool unplaced;     /* text from no file: marks have no line */
    char message[256]; /* what libfyaml reports without a position */
    struct cp_error *err;
};

/* What the reader needs of one event; the event itself is given back at once. */
struct item {
    enum fy_event_type type;
    struct cp_mark mark;
    bool placed; /* libfyaml gave the event a mark */
    bool plain;
    const char *text;
};

static struct cp_mark place(const struct reader *reader, int line, int column) {
    return (struct cp_mark){reader->source, reader->unplaced ? 0 : line, column};
}

/* libfyaml ends a document silently at what is refused here. */
static enum cp_status check_characters(struct reader *reader, const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    int line = 1, column = 1;
    for (size_t i = 0, length; i < size; i += length) {
        length = cp_utf8_length(bytes + i, size - i);
        if (length == 0) {
            const struct cp_mark mark = place(reader, line, column);
            (void)cp_mark_fail(&mark, reader->err, "byte 0x%02x at offset %zu", bytes[i], i);
            return cp_expected(reader->err, "UTF-8 text without control characters");
        }
        column++;
        if (bytes[i] == '\n' || (bytes[i] == '\r' && (i + 1 == size || bytes[i + 1] != '\n'))) {
            line++;
            column = 1;
        }
    }
    return CP_OK;
}

/* ---- libfyaml's events ---- */

static void keep_message(struct fy_diag *diag, void *user, const char *text, size_t length) {
    struct reader *reader = user;
    (void)diag;
    if (!reader->message[0])
        (void)snprintf(reader->message, sizeof reader->message, "%.*s", (int)strcspn(text, "\n"), text);
    (void)length;
}

static enum cp_status open_parser(struct reader *reader, const char *text, size_t size) {
    const struct fy_diag_cfg diag = {
        .output_fn = keep_message, .user = reader, .level = FYET_ERROR, .module_mask = ~0u};
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE};
    CP_TRY(CP_CHECK_ALLOC(reader->diag = config.diag = fy_diag_create(&diag), reader->err, reader->source,
                          "the file"));
    fy_diag_set_collect_errors(reader->diag, true);
    reader->parser = fy_parser_create(&config);
    return CP_CHECK_ALLOC(reader->parser && fy_parser_set_string(reader->parser, text, size) == 0,
                          reader->err, reader->source, "the file");
}

static enum cp_status syntax_error(struct reader *reader) {
    void *iterator = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(reader->diag, &iterator);
    if (first) {
        const struct cp_mark mark = place(reader, first->line, first->column);
        return cp_mark_fail(&mark, reader->err, "%s", first->msg);
    }
    return cp_fail(reader->err, CP_BAD_INPUT, reader->source, "%s",
                   reader->message[0] ? reader->message : "not a YAML document");
}

/* CP_YAML_BYTE + byte, as UTF-8: a byte that is no UTF-8. */
static void restore_bytes(char *text) {
    char *to = text;
    while (*text) {
        unsigned code;
        bool utf8;
        const size_t length = cp_character(text, &code, &utf8);
        if (code >= CP_YAML_BYTE + 0x80 && code <= CP_YAML_BYTE + 0xff)
            *to++ = (char)(code - CP_YAML_BYTE);
        else
            to = (char *)memmove(to, text, length) + length;
        text += length;
    }
    *to = '\0';
}

static enum cp_status copy_scalar(struct reader *reader, struct fy_token *token, struct item *item) {
    size_t length = 0;
    const char *text = token ? fy_token_get_text(token, &length) : "";
    item->plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    if (item->placed && token && !item->plain && item->mark.column > 1 &&
        fy_token_scalar_style(token) <= FYSS_DOUBLE_QUOTED)
        item->mark.column--; /* libfyaml's mark is behind the quote */
    char *copy = text ? cp_arena_alloc(reader->arena, length + 1, 1) : NULL;
    CP_TRY(CP_CHECK_ALLOC(copy, reader->err, reader->source, "the file"));
    memcpy(copy, text, length);
    copy[length] = '\0';
    item->text = copy;
    if (strlen(copy) != length)
        return (void)cp_mark_fail(&item->mark, reader->err, "a NUL character inside a string"),
               cp_expected(reader->err, "text");
    restore_bytes(copy);
    return CP_OK;
}

static enum cp_status read_event(struct reader *reader, struct cp_mark fallback, struct fy_event *event,
                                 struct item *item) {
    const struct fy_mark *mark = fy_event_start_mark(event);
    item->type = event->type;
    item->placed = mark != NULL;
    item->mark = mark ? place(reader, mark->line + 1, mark->column + 1) : fallback;
    struct fy_token *anchor =
        event->type == FYET_ALIAS ? event->alias.anchor : fy_event_get_anchor_token(event);
    struct fy_token *tag = fy_event_get_tag_token(event);
    if (anchor) {
        const struct fy_mark *name = fy_token_start_mark(anchor); /* behind the & or * */
        const struct cp_mark sign = place(reader, name->line + 1, name->column);
        (void)cp_mark_fail(&sign, reader->err, "anchors and aliases are not allowed");
        return cp_expected(reader->err,
                           "the value written out; quotes around a text that begins with * or &");
    }
    if (tag) {
        const struct fy_mark *start = fy_token_start_mark(tag);
        const struct cp_mark sign = place(reader, start->line + 1, start->column + 1);
        return cp_mark_fail(&sign, reader->err, "tags (!...) are not allowed");
    }
    return event->type == FYET_SCALAR ? copy_scalar(reader, event->scalar.value, item) : CP_OK;
}

/* The next event; fallback is where it stands if libfyaml does not say (an empty value). */
static enum cp_status next(struct reader *reader, struct cp_mark fallback, struct item *item) {
    struct fy_event *event = fy_parser_parse(reader->parser);
    if (!event)
        return syntax_error(reader);
    const enum cp_status status = read_event(reader, fallback, event, item);
    fy_parser_event_free(reader->parser, event);
    return status;
}

/* ---- the tree ---- */

static enum cp_status read_node(struct reader *reader, const struct item *start, int depth,
                                struct cp_yaml **node);

/* Room for one more entry; the entries grow by doubling. */
static struct cp_yaml_entry *append(struct cp_arena *arena, struct cp_yaml *node) {
    if ((node->count & (node->count - 1)) == 0) {
        struct cp_yaml_entry *grown = cp_arena_alloc(arena, node->count ? 2 * node->count : 1, sizeof *grown);
        if (!grown)
            return NULL;
        if (node->count)
            memcpy(grown, node->entries, node->count * sizeof *grown);
        node->entries = grown;
    }
    return &node->entries[node->count++];
}

static enum cp_status check_key(struct reader *reader, const struct cp_yaml *mapping,
                                const struct item *key) {
    if (key->type != FYET_SCALAR)
        return cp_mark_fail(&key->mark, reader->err, "a key that is a list or a mapping"),
               cp_expected(reader->err, "a name");
    const struct cp_yaml_entry *first = cp_yaml_entry(mapping, key->text);
    if (first)
        return cp_mark_fail(&key->mark, reader->err, "duplicate key '%.100s', first at line %d", key->text,
                            first->mark.line);
    if (mapping->count == CP_YAML_KEYS)
        return cp_mark_fail(&key->mark, reader->err, "more than %d keys in one mapping", CP_YAML_KEYS);
    return CP_OK;
}

static enum cp_status read_entries(struct reader *reader, int depth, struct cp_yaml *node) {
    const bool mapping = node->kind == CP_YAML_MAPPING;
    struct item item = {0};
    for (;;) {
        struct cp_yaml_entry read = {0};
        CP_TRY(next(reader, node->mark, &item));
        if (item.type == FYET_MAPPING_END || item.type == FYET_SEQUENCE_END)
            return CP_OK;
        read.mark = item.mark;
        if (mapping) {
            CP_TRY(check_key(reader, node, &item));
            read.key = item.text;
            CP_TRY(next(reader, read.mark, &item));
        }
        CP_TRY(read_node(reader, &item, depth + 1, &read.value));
        struct cp_yaml_entry *entry = append(reader->arena, node);
        CP_TRY(CP_CHECK_ALLOC(entry, reader->err, reader->source, "the file"));
        *entry = read;
    }
}

static enum cp_status read_node(struct reader *reader, const struct item *start, int depth,
                                struct cp_yaml **node) {
    if (depth > CP_YAML_DEPTH)
        return cp_mark_fail(&start->mark, reader->err, "more than %d levels of nesting", CP_YAML_DEPTH);
    struct cp_yaml *made = cp_yaml_mapping(reader->arena, start->mark);
    CP_TRY(CP_CHECK_ALLOC(made, reader->err, reader->source, "the file"));
    *node = made;
    if (start->type == FYET_SCALAR) {
        made->kind = CP_YAML_SCALAR;
        made->text = start->text;
        made->plain = start->plain;
        return CP_OK;
    }
    made->kind = start->type == FYET_MAPPING_START ? CP_YAML_MAPPING : CP_YAML_SEQUENCE;
    return read_entries(reader, depth, made);
}

static enum cp_status read_document(struct reader *reader, struct cp_yaml **root) {
    struct item item = {0};
    const struct cp_mark start = place(reader, 1, 1);
    CP_TRY(next(reader, start, &item)); /* the stream's start */
    CP_TRY(next(reader, start, &item));
    if (item.type == FYET_STREAM_END)
        return cp_fail(reader->err, CP_BAD_INPUT, reader->source, "empty"),
               cp_expected(reader->err, "a YAML document");
    CP_TRY(next(reader, start, &item));
    CP_TRY(read_node(reader, &item, 1, root));
    CP_TRY(next(reader, start, &item)); /* the document's end */
    CP_TRY(next(reader, start, &item));
    if (item.type != FYET_STREAM_END)
        return cp_mark_fail(&item.mark, reader->err, "a second document");
    return CP_OK;
}

static enum cp_status parse(struct reader *reader, const char *source, const char *text, size_t size,
                            struct cp_yaml **root) {
    enum cp_status status = CP_OK;
    reader->source = cp_arena_strdup(reader->arena, source);
    if (!reader->source) {
        reader->source = source;
        return cp_no_memory(reader->err, reader->source, "the file");
    }
    CP_TRY(check_characters(reader, text, size));
    CP_TRY_DONE(open_parser(reader, text, size));
    CP_TRY_DONE(read_document(reader, root));
done:
    fy_parser_destroy(reader->parser);
    fy_diag_destroy(reader->diag); /* after the parser, whose tokens the collected errors hold */
    return status;
}

static enum cp_status parse_most(struct cp_arena *arena, const char *source, const char *text, size_t size,
                                 size_t most, struct cp_yaml **root, struct cp_error *err) {
    struct reader reader = {.arena = arena, .err = err};
    if (size > most)
        return cp_fail(err, CP_BAD_INPUT, source, "larger than %zu bytes", most);
    return parse(&reader, source, text, size, root);
}

enum cp_status cp_yaml_parse(struct cp_arena *arena, const char *source, const char *text, size_t size,
                             struct cp_yaml **root, struct cp_error *err) {
    return parse_most(arena, source, text, size, CP_YAML_BYTES, root, err);
}

/* What a name of a file on the command line may hold; NULL without memory. */
static char *replace_bytes(struct cp_arena *arena, const char *text) {
    char *copy = cp_arena_alloc(arena, 4 * strlen(text) + 1, 1), *to = copy;
    while (copy && *text) {
        unsigned code;
        bool utf8;
        const size_t length = cp_character(text, &code, &utf8);
        if (utf8) {
            memcpy(to, text, length);
            to += length;
        } else {
            *to++ = (char)0xf4; /* CP_YAML_BYTE + code */
            *to++ = (char)0x8f;
            *to++ = (char)(0x9c | code >> 6);
            *to++ = (char)(0x80 | (code & 0x3f));
        }
        text += length;
    }
    if (copy)
        *to = '\0';
    return copy;
}

enum cp_status cp_yaml_parse_inline(struct cp_arena *arena, const char *source, const char *text,
                                    struct cp_yaml **root, struct cp_error *err) {
    struct reader reader = {.arena = arena, .err = err, .unplaced = true};
    const char *replaced = replace_bytes(arena, text);
    CP_TRY(CP_CHECK_ALLOC(replaced, err, source, "a value"));
    return parse(&reader, source, replaced, strlen(replaced), root);
}

enum cp_status cp_yaml_load(struct cp_arena *arena, const char *path, struct cp_yaml **root,
                            struct cp_error *err) {
    return cp_yaml_load_most(arena, path, CP_YAML_BYTES, root, err);
}

enum cp_status cp_yaml_load_most(struct cp_arena *arena, const char *path, size_t most, struct cp_yaml **root,
                                 struct cp_error *err) {
    enum cp_status status = CP_OK;
    char *text = malloc(most + 1);
    FILE *file = NULL;
    size_t size = 0;
    CP_TRY_DONE(CP_CHECK_ALLOC(text, err, path, "the file"));
    CP_TRY_DONE(cp_regular_stream(path, &file, err));
    size = fread(text, 1, most + 1, file);
    if (ferror(file))
        status = cp_fail(err, CP_BAD_INPUT, path, "cannot be read: %s", strerror(errno));
    if (status == CP_OK && cp_file_is_hdf5(text, size)) {
        (void)cp_fail(err, CP_BAD_INPUT, path, "is an HDF5 file");
        status = cp_expected(err, "a text in YAML");
    }
    if (status == CP_OK)
        status = parse_most(arena, path, text, size, most, root, err);
done:
    if (file)
        (void)fclose(file);
    free(text);
    return status;
}
